import { afterEach, describe, expect, it } from 'vitest';
import { RealtimeAgent } from '../../../session/index.js';
import type { FallbackClip } from '../../../session/index.js';
import { startGateway } from '../../../src/gateway/index.js';
import type { Gateway, GatewayOptions } from '../../../src/gateway/index.js';
import { scriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import type { ScriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import { openVoiceSocket } from './voice-socket.js';
import type { VoiceSocket } from './voice-socket.js';

const CLIP: FallbackClip = { samples: new Int16Array(4_800).fill(1_234), sampleRate: 24_000 };
const open: Gateway[] = [];
afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
});

async function call(options: Partial<GatewayOptions>): Promise<{ model: ScriptedModel; socket: VoiceSocket }> {
  const model = scriptedModel();
  const gateway = await startGateway({ port: 0, model, agent: new RealtimeAgent({ name: 'Ava' }), greeting: false, onFailure: { play: CLIP }, ...options });
  open.push(gateway);
  const socket = await openVoiceSocket(gateway);
  socket.send({ type: 'start', client: 'test', audio: true });
  await socket.next('ready');
  return { model, socket };
}

/** All sound that the client got, as samples. */
function heard(socket: VoiceSocket): number {
  return socket.received.reduce((sum, message) => sum + (message.type === 'audio' ? message.frame.pcm.length / 2 : 0), 0);
}

/** Acknowledges the item that comes next as heard to its end. */
async function hear(socket: VoiceSocket): Promise<void> {
  const { item, epoch } = await socket.next('item');
  const { samples } = await socket.next('item_end');
  socket.send({ type: 'playback', item, epoch, samples });
}

const FAILED = [{ type: 'response_created', responseId: 'r1' }, { type: 'response_done', responseId: 'r1', status: 'failed', error: { kind: 'server_error', message: 'Down.' }, output: [] }] as const;

describe('a caller of a gateway', () => {
  it('hears the clip when the model is lost for good, before the error and the end, and each of them once', async () => {
    const { model, socket } = await call({ connection: { reconnect: false } });
    model.closeFromPeer(1011, 'internal');
    await hear(socket);
    expect(heard(socket)).toBe(4_800);
    expect(await socket.next('error')).toMatchObject({ code: 'MODEL_CONNECTION_LOST', hint: expect.stringMatching(/\w/) as string });
    expect(await socket.closed).toMatchObject({ code: 4001 });
    expect(socket.received.filter(({ type }) => type === 'error').length).toBe(1);
    const closed = socket.received.filter((message) => message.type === 'event' && message.event.type === 'connection' && message.event.connection.state === 'closed');
    expect(closed.length).toBe(1);
  });

  it('is told what failed, without causes or stacks, and goes on', async () => {
    const { model, socket } = await call({});
    model.push(...FAILED);
    await hear(socket);
    const failure = await socket.nextEvent('failure');
    expect(failure).toEqual({
      ...{ type: 'failure', kind: 'response', then: 'retry', heard: 'clip', info: expect.anything() as unknown },
      error: { code: 'RESPONSE_FAILED', message: 'The model could not answer: Down.', stage: 'model', retryable: true, hint: expect.stringMatching(/\w/) as string },
    });
    await model.waitForCommand('create_response');
    socket.send({ type: 'text', text: 'Hello?' });
    await model.waitForCommand('create_item');
  });

  it('is hung up on with the reason, or handed to whoever listens for a transfer', async () => {
    const first = await call({ onFailure: { play: CLIP, then: 'hangup' } });
    first.model.push(...FAILED);
    await hear(first.socket);
    expect(await first.socket.next('error')).toMatchObject({ code: 'RESPONSE_FAILED' });
    expect(await first.socket.closed).toMatchObject({ code: 4001, reason: 'RESPONSE_FAILED' });
    const second = await call({ onFailure: { play: CLIP, then: 'transfer' } });
    second.model.push(...FAILED);
    await hear(second.socket);
    expect(await second.socket.nextEvent('transfer_requested')).toMatchObject({ kind: 'response', error: { code: 'RESPONSE_FAILED' } });
  });

  it('hears nothing of it in a written conversation, and nothing where nobody asked for it', async () => {
    const model = scriptedModel();
    const gateway = await startGateway({ port: 0, model, agent: new RealtimeAgent({ name: 'Ava' }), greeting: false });
    open.push(gateway);
    const socket = await openVoiceSocket(gateway);
    socket.send({ type: 'start', client: 'test', audio: true });
    await socket.next('ready');
    model.push(...FAILED);
    await socket.nextEvent('error');
    model.push({ type: 'input_committed', itemId: 'u1' });
    await socket.nextEvent('input_committed');
    expect(heard(socket)).toBe(0);
    expect(socket.received.some((message) => message.type === 'event' && message.event.type === 'failure')).toBe(false);
  });
});
