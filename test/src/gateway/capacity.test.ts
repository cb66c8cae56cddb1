/** More callers than a gateway takes: those who are in go on, the rest are told at once, and a place is free again when its caller is gone, however that came. */
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RealtimeAgent, tool } from '../../../session/index.js';
import type { ModelInput, RealtimeModel } from '../../../session/index.js';
import { startGateway } from '../../../src/gateway/index.js';
import type { Gateway, GatewayOptions } from '../../../src/gateway/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { scriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import type { ScriptedModel, ScriptedModelOptions } from '../../../src/provider/scripted/scripted-model.js';
import { random } from '../../helpers/random.js';
import { knock, openVoiceSocket } from './voice-socket.js';
import type { VoiceSocket } from './voice-socket.js';

const PLACES = 8;
const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** A model of its own for each caller, and how many of them are connected. */
function models(options: () => ScriptedModelOptions = () => ({})): { model: RealtimeModel; made: ScriptedModel[]; connected: () => number } {
  const made: ScriptedModel[] = [];
  let connected = 0;
  const model: RealtimeModel = {
    label: 'scripted',
    async connect(connectOptions) {
      const own = scriptedModel(options());
      made.push(own);
      const connection = await own.connect({ ...connectOptions, onClose: (close) => ((connected -= 1), connectOptions.onClose(close)) });
      connected += 1;
      return connection;
    },
  };
  return { model, made, connected: () => connected };
}

async function start(options: Partial<GatewayOptions> & Pick<GatewayOptions, 'model'>): Promise<{ gateway: Gateway; clock: ManualClock }> {
  const clock = new ManualClock();
  const gateway = await startGateway({ port: 0, agent: new RealtimeAgent({ name: 'Ava' }), greeting: false, clock, limits: { maxSessions: PLACES }, connection: { reconnect: false }, ...options });
  open.push(gateway);
  return { gateway, clock };
}

function answer(id: string): ModelInput[] {
  const item = { type: 'message' as const, id: `item_${id}`, role: 'assistant' as const, status: 'in_progress' as const, content: [] };
  const ids = { responseId: `resp_${id}`, itemId: item.id, contentIndex: 0 };
  return [
    { type: 'response_created', responseId: ids.responseId },
    { type: 'output_item_added', responseId: ids.responseId, outputIndex: 0, item },
    { type: 'output_text_delta', of: 'audio', ...ids, delta: `answer ${id}` },
    { type: 'audio_delta', ...ids, bytes: new Uint8Array(4_800).fill(1) },
    { type: 'audio_done', ...ids },
    { type: 'response_done', responseId: ids.responseId, status: 'completed', output: [] },
  ];
}

async function talking(gateway: Gateway): Promise<VoiceSocket> {
  const socket = await openVoiceSocket(gateway);
  socket.send({ type: 'start', client: 'test', audio: true });
  await socket.next('ready');
  return socket;
}

describe('a gateway with twice as many callers as it takes', () => {
  it('refuses the rest without any of its time passing, and every call that is in goes on', async () => {
    const { model, made } = models();
    const { gateway, clock } = await start({ model });
    const callers: VoiceSocket[] = [];
    for (let caller = 0; caller < PLACES; caller += 1) callers.push(await talking(gateway));
    for (let round = 0; round < 5; round += 1) {
      const knocks = Array.from({ length: PLACES }, () => knock(gateway));
      callers.forEach((caller, index) => {
        caller.speak(480, round * 480);
        made[index]?.push(...answer(`${round}_${index}`));
      });
      for (const { status, headers } of await Promise.all(knocks)) {
        expect(status).toBe(503);
        expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      }
      // Its whole answer, sound and all, for each of them.
      for (const [index, caller] of callers.entries()) {
        expect(await caller.nextEvent('transcript_delta')).toMatchObject({ delta: `answer ${round}_${index}` });
        expect(await caller.next('item_end')).toMatchObject({ samples: 2_400 });
      }
    }
    await Promise.all(made.map((own) => own.waitForCommand('append_audio', 5)));
    expect(made.length).toBe(PLACES);
    expect(gateway.sessions).toBe(PLACES);
    // A limit of 200 ms cannot be missed by a clock that has not moved.
    expect(clock.now()).toBe(0);
  });

  it('lets in as many as it has places for when all come at the same moment', async () => {
    const { model } = models();
    const { gateway, clock } = await start({ model });
    const outcomes = await Promise.all(
      Array.from({ length: 2 * PLACES }, async () => {
        try {
          return await talking(gateway);
        } catch (error) {
          return error as Error;
        }
      }),
    );
    const refused = outcomes.filter((outcome) => outcome instanceof Error);
    expect(outcomes.length - refused.length).toBe(PLACES);
    for (const { message } of refused) expect(message).toMatch(/HTTP 503|1013 GATEWAY_FULL/);
    expect(gateway.sessions).toBe(PLACES);
    expect(clock.now()).toBe(0);
  });
});

describe('a place', () => {
  it('is free again after each of 300 callers that are killed at any stage of a call, and so is the model', async () => {
    const rng = random();
    const where = `TEST_SEED=${rng.seed}`;
    const { model, made, connected } = models(() => rng.pick<ScriptedModelOptions>([{}, {}, {}, { connect: 'hang' }, { connect: new Error('no') }, { autoConfigure: false }]));
    const never = tool({ name: 'never', description: 'Never ends.', parameters: z.object({}), execute: () => new Promise<string>(() => {}) });
    const { gateway, clock } = await start({ model, agent: new RealtimeAgent({ name: 'Ava', tools: [never] }) });

    const caller = async (): Promise<void> => {
      if (rng.next() < 0.15) return killedInTheHandshake(gateway, rng.int(1, 200));
      const socket = await openVoiceSocket(gateway).catch(() => undefined);
      // Turned away, since all places were taken at that moment.
      if (socket === undefined) return;
      const stage = rng.int(0, 5);
      if (stage > 0) socket.send({ type: 'start', client: 'chaos', audio: true });
      if (stage > 1) {
        // Not every model lets a call begin.
        const ready = await Promise.race([socket.next('ready').then(() => true, () => false), new Promise<false>((resolve) => setImmediate(resolve, false))]);
        if (ready) socket.speak(480);
      }
      if (stage > 2) for (const own of made) if (own.connects > 0) tryPush(own, answer(`${made.length}`));
      if (stage > 3) for (const own of made) tryPush(own, neverEndingCall(`${made.length}`));
      rng.pick([
        () => socket.destroy(),
        () => socket.destroy(),
        () => void socket.close(),
        () => socket.send({ type: 'end' }),
        () => socket.send('no json'),
        () => made.at(-1)?.closeFromPeer(1006),
      ])();
      socket.destroy();
    };

    for (let round = 0; round < 30; round += 1) await Promise.all(Array.from({ length: 10 }, caller));
    // A peer that answers no close is cut after 2 s.
    await expect.poll(() => (clock.advance(2_000), gateway.sessions), { message: where }).toBe(0);
    expect(connected(), where).toBe(0);
    expect(made.length, where).toBeGreaterThan(50);
    expect(clock.pendingTimers, where).toBe(0);
    // All places are there, and not one more.
    for (let place = 0; place < PLACES; place += 1) await openVoiceSocket(gateway);
    expect((await knock(gateway)).status, where).toBe(503);
  }, 30_000);
});

function tryPush(model: ScriptedModel, inputs: readonly ModelInput[]): void {
  try {
    model.push(...inputs);
  } catch {
    // Its caller is gone already.
  }
}

function neverEndingCall(id: string): ModelInput[] {
  const item = { type: 'function_call' as const, id: `fc_${id}`, callId: `call_${id}`, name: 'never', arguments: '{}', status: 'completed' as const };
  return [
    { type: 'response_created', responseId: `resp_t${id}` },
    { type: 'output_item_done', responseId: `resp_t${id}`, outputIndex: 0, item },
    { type: 'response_done', responseId: `resp_t${id}`, status: 'completed', output: [item] },
  ];
}

/** A connection that is reset after so many bytes of its request. */
function killedInTheHandshake(gateway: Gateway, bytes: number): Promise<void> {
  const request = 'GET /v1/voice HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: voicewire.v1\r\n\r\n';
  return new Promise((resolve) => {
    const socket = connect(gateway.address.port, '127.0.0.1', () => socket.write(request.slice(0, bytes), () => socket.resetAndDestroy()));
    socket.on('error', () => {});
    socket.on('close', () => resolve());
  });
}
