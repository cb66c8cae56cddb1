import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RealtimeAgent, TransportError, silentLogger, tool } from '../../../session/index.js';
import type { Logger, ModelInput, RealtimeModel } from '../../../session/index.js';
import { startGateway } from '../../../src/gateway/index.js';
import type { Gateway, GatewayOptions } from '../../../src/gateway/index.js';
import { gatewayLimits } from '../../../src/gateway/limits.js';
import { VoiceConnection } from '../../../src/gateway/voice-connection.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { encodeAudioFrame } from '../../../src/protocol/voicewire/index.js';
import { scriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import type { ScriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import { scriptedTransport } from '../../../src/transport/scripted.js';
import { openVoiceSocket } from './voice-socket.js';
import type { VoiceSocket } from './voice-socket.js';

const SECOND = 24_000;
const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function start(options: Partial<GatewayOptions> = {}): Promise<Gateway> {
  const gateway = await startGateway({ port: 0, model: scriptedModel(), agent: new RealtimeAgent({ name: 'Ava' }), greeting: false, ...options });
  open.push(gateway);
  return gateway;
}

async function call(options: Partial<GatewayOptions> = {}, audio = true): Promise<{ gateway: Gateway; model: ScriptedModel; socket: VoiceSocket }> {
  const model = scriptedModel();
  const gateway = await start({ model, ...options });
  const socket = await openVoiceSocket(gateway);
  socket.send({ type: 'start', client: 'test', audio });
  await socket.next('ready');
  return { gateway, model, socket };
}

/** The model begins to speak: so many samples, all of them the byte `value`. */
function speech(samples: number, id = '1', value = 1): ModelInput[] {
  const item = { type: 'message' as const, id: `item_${id}`, role: 'assistant' as const, status: 'in_progress' as const, content: [] };
  return [
    { type: 'response_created', responseId: `resp_${id}` },
    { type: 'output_item_added', responseId: `resp_${id}`, outputIndex: 0, item },
    { type: 'item_added', item },
    { type: 'output_text_delta', of: 'audio', responseId: `resp_${id}`, itemId: `item_${id}`, contentIndex: 0, delta: 'Some words that are spoken.' },
    { type: 'audio_delta', responseId: `resp_${id}`, itemId: `item_${id}`, contentIndex: 0, bytes: new Uint8Array(samples * 2).fill(value) },
  ];
}

function speechEnd(id = '1'): ModelInput[] {
  const ids = { responseId: `resp_${id}`, itemId: `item_${id}`, contentIndex: 0 };
  const item = { type: 'message' as const, id: `item_${id}`, role: 'assistant' as const, status: 'completed' as const, content: [{ type: 'output_audio' as const, transcript: 'Some words that are spoken.' }] };
  return [
    { type: 'audio_done', ...ids },
    { type: 'output_text_done', of: 'audio', ...ids, text: 'Some words that are spoken.' },
    { type: 'output_item_done', responseId: `resp_${id}`, outputIndex: 0, item },
    { type: 'item_done', item },
    { type: 'response_done', responseId: `resp_${id}`, status: 'completed', output: [item] },
  ];
}

const audioSamples = (socket: VoiceSocket, item?: number): number =>
  socket.received.reduce((sum, message) => (message.type === 'audio' && (item === undefined || message.frame.item === item) ? sum + message.frame.pcm.length / 2 : sum), 0);

describe('a conversation', () => {
  it('is ready when the model is, says who speaks, and asks for the greeting', async () => {
    const model = scriptedModel();
    const gateway = await start({ model, modelNote: 'It follows a script.', greeting: { instructions: 'Greet.' } });
    const socket = await openVoiceSocket(gateway);
    expect(model.connects).toBe(0);
    socket.send({ type: 'start', client: 'test 1.0', audio: true });
    expect(await socket.next('ready')).toEqual({
      ...{ type: 'ready', protocol: 1, sessionId: expect.stringMatching(/^sess_/) as string, agent: 'Ava', sampleRate: 24_000 },
      model: { label: 'scripted model', note: 'It follows a script.' },
    });
    expect((await model.waitForCommand('create_response')).request).toMatchObject({ instructions: 'Greet.' });
    expect(gateway.totals).toEqual({ calls: 1, turns: 0 });
    model.push(...speech(480), ...speechEnd());
    await socket.nextEvent('agent_end');
    expect(gateway.totals).toEqual({ calls: 1, turns: 0 });
    socket.send({ type: 'text', text: 'Hello' });
    await model.waitForCommand('create_item');
    model.push({ type: 'input_committed', itemId: 'u1' });
    expect(gateway.totals).toEqual({ calls: 1, turns: 2 });
  });

  it('begins with a clip, after ready, and lets whoever is first begin', async () => {
    const clip = new Uint8Array(SECOND).fill(3);
    const { model, socket } = await call({ greeting: { who: 'agent', text: 'Good morning.', audio: clip } });
    await socket.next('item_end');
    expect(audioSamples(socket)).toBe(clip.length / 2);
    const types = socket.received.map(({ type }) => type);
    expect(types.indexOf('item')).toBeGreaterThan(types.indexOf('ready'));
    expect((await model.waitForCommand('create_item')).item).toMatchObject({ role: 'assistant', content: [{ text: 'Good morning.' }] });
    expect(model.commandsOf('create_response')).toEqual([]);

    const reading = await call({ greeting: { who: 'whoever-first', text: 'Good morning.', audio: clip, waitForSpeechMs: 0 } }, false);
    expect((await reading.model.waitForCommand('create_response')).request.instructions).toContain('Good morning.');
    await expect(start({ greeting: { who: 'agent', audio: clip } })).rejects.toThrow(TypeError);
  });

  it('carries the microphone to the model, byte by byte in order', async () => {
    const { model, socket } = await call();
    const wanted: number[] = [];
    for (let frame = 0; frame < 10; frame += 1) {
      const pcm = Uint8Array.from({ length: 960 }, (_, index) => (index + frame) % 256);
      wanted.push(...pcm);
      socket.send(encodeAudioFrame({ kind: 'microphone', epoch: 0, item: 0, firstSample: frame * 480, pcm }));
    }
    await expect.poll(() => model.commandsOf('append_audio').reduce((sum, command) => sum + command.bytes.length, 0)).toBe(9600);
    expect(model.commandsOf('append_audio').flatMap((command) => [...command.bytes])).toEqual(wanted);
  });

  it('keeps what comes between start and ready', async () => {
    const model = scriptedModel({ autoConfigure: false });
    const gateway = await start({ model });
    const socket = await openVoiceSocket(gateway);
    socket.send({ type: 'start', client: 'test', audio: true });
    socket.send({ type: 'text', text: 'first' });
    socket.speak(480);
    const configure = await model.waitForCommand('configure');
    const { inputFormat, outputFormat } = configure.config;
    model.push({ type: 'model_session_configured', inputFormat, outputFormat });
    await socket.next('ready');
    expect((await model.waitForCommand('create_item')).item).toMatchObject({ content: [{ type: 'input_text', text: 'first' }] });
    expect((await model.waitForCommand('append_audio')).bytes.length).toBe(960);
  });

  it('carries typed text, and interrupt and commit', async () => {
    const { model, socket } = await call();
    socket.send({ type: 'text', text: 'Hello' });
    expect((await model.waitForCommand('create_item')).item).toMatchObject({ role: 'user', content: [{ type: 'input_text', text: 'Hello' }] });
    await model.waitForCommand('create_response');
    socket.send({ type: 'commit' });
    await model.waitForCommand('commit_audio');
    model.push(...speech(SECOND));
    await socket.next('item');
    socket.send({ type: 'interrupt' });
    expect(await socket.next('clear')).toEqual({ type: 'clear', epoch: 1 });
  });

  it('tells a text-only client everything but sound, and asks the model for none', async () => {
    const { model, socket } = await call({}, false);
    expect(model.commandsOf('configure')[0]?.config.outputModality).toBe('text');
    model.push(...speech(SECOND), ...speechEnd());
    await socket.nextEvent('agent_end');
    expect(socket.received.some((message) => message.type === 'audio' || message.type === 'item')).toBe(false);
  });

  it('ends when the client says so: the model is let go and the socket closes with 1000', async () => {
    const { gateway, socket } = await call();
    socket.send({ type: 'end' });
    expect(await socket.next('ended')).toEqual({ type: 'ended', reason: 'client' });
    expect(await socket.closed).toMatchObject({ code: 1000 });
    await expect.poll(() => gateway.sessions).toBe(0);
  });

  it('runs tools here, answers the model, and aborts them when the client is gone', async () => {
    let aborted = (): void => {};
    const wasAborted = new Promise<void>((resolve) => (aborted = resolve));
    const quick = tool({ name: 'quick', description: 'At once.', parameters: z.object({ n: z.number() }), execute: ({ n }) => ({ twice: n * 2 }) });
    const slow = tool({
      ...{ name: 'slow', description: 'Never.', parameters: z.object({}) },
      execute: (_arguments, { signal }) => new Promise<string>(() => signal.addEventListener('abort', aborted)),
    });
    const { model, socket } = await call({ agent: new RealtimeAgent({ name: 'Ava', tools: [quick, slow] }) });
    const callTool = (name: string, args: string): ModelInput[] => {
      const item = { type: 'function_call' as const, id: `fc_${name}`, callId: `call_${name}`, name, arguments: args, status: 'completed' as const };
      const ids = { responseId: `resp_${name}`, itemId: item.id, callId: item.callId };
      return [
        { type: 'response_created', responseId: ids.responseId },
        { type: 'output_item_added', responseId: ids.responseId, outputIndex: 0, item: { ...item, arguments: '', status: 'in_progress' } },
        { type: 'arguments_done', ...ids, name, arguments: args },
        { type: 'output_item_done', responseId: ids.responseId, outputIndex: 0, item },
        { type: 'response_done', responseId: ids.responseId, status: 'completed', output: [item] },
      ];
    };
    model.push(...callTool('quick', '{"n":21}'));
    expect(await socket.nextEvent('tool_end')).toMatchObject({ toolName: 'quick', output: '{"twice":42}', outcome: 'ok' });
    expect((await model.waitForCommand('create_item')).item).toMatchObject({ type: 'function_call_output', callId: 'call_quick', output: '{"twice":42}' });
    model.push(...callTool('slow', '{}'));
    await socket.nextEvent('tool_start');
    await socket.nextEvent('tool_start');
    socket.destroy();
    await wasAborted;
  });
});

describe('agent audio', () => {
  it('is announced, framed and ended, and nothing is lost or out of order', async () => {
    const { model, socket } = await call();
    model.push(...speech(30_000, '1', 5), ...speechEnd());
    const item = await socket.next('item');
    expect(item).toMatchObject({ item: 1, itemId: 'item_1', responseId: 'resp_1', contentIndex: 0, epoch: 0 });
    expect(await socket.next('item_end')).toEqual({ type: 'item_end', item: 1, epoch: 0, samples: 30_000 });
    let next = 0;
    for (const message of socket.received) {
      if (message.type !== 'audio') continue;
      expect(message.frame).toMatchObject({ item: 1, epoch: 0, firstSample: next });
      expect(message.frame.pcm.every((byte) => byte === 5)).toBe(true);
      next += message.frame.pcm.length / 2;
    }
    expect(next).toBe(30_000);
  });

  it('stays 4 s ahead of what was heard', async () => {
    const { model, socket } = await call();
    model.push(...speech(10 * SECOND), ...speechEnd());
    await expect.poll(() => audioSamples(socket)).toBe(4 * SECOND);
    socket.send({ type: 'playback', epoch: 0, item: 1, samples: SECOND });
    await expect.poll(() => audioSamples(socket)).toBe(5 * SECOND);
    // A client cannot have heard what was not sent: this counts as 5 s.
    socket.send({ type: 'playback', epoch: 0, item: 1, samples: 10 * SECOND });
    await expect.poll(() => audioSamples(socket)).toBe(9 * SECOND);
  });

  it('stops at once when the caller speaks: what waits is dropped, and the model is told what was heard', async () => {
    const { model, socket } = await call();
    model.push(...speech(10 * SECOND));
    await expect.poll(() => audioSamples(socket)).toBe(4 * SECOND);
    socket.send({ type: 'playback', epoch: 0, item: 1, samples: 36_000 });
    await expect.poll(() => audioSamples(socket)).toBe(4 * SECOND + 36_000);
    model.push({ type: 'speech_started', itemId: 'item_user', audioStartMs: 3000 });
    expect(await socket.next('clear')).toEqual({ type: 'clear', epoch: 1 });
    const truncation = await model.waitForCommand('truncate_item');
    expect(truncation).toMatchObject({ itemId: 'item_1', contentIndex: 0 });
    expect(truncation.audioEndMs).toBeGreaterThanOrEqual(1500);
    const before = audioSamples(socket);
    // The last word about the cut item, under its old epoch.
    socket.send({ type: 'playback', epoch: 0, item: 1, samples: 37_000 });
    model.push({ type: 'response_done', responseId: 'resp_1', status: 'cancelled', reason: 'turn_detected', output: [] }, ...speech(4800, '2', 9), ...speechEnd('2'));
    expect(await socket.next('item_end')).toEqual({ type: 'item_end', item: 2, epoch: 1, samples: 4800 });
    expect(audioSamples(socket)).toBe(before + 4800);
    const clearAt = socket.received.findIndex((message) => message.type === 'clear');
    expect(socket.received.slice(clearAt).every((message) => message.type !== 'audio' || message.frame.epoch === 1)).toBe(true);
  });

  it('reports what it has to drop when the client plays nothing for too long', async () => {
    const { model, socket } = await call({ limits: { maxPendingAudioMs: 5000 } });
    model.push(...speech(5 * SECOND));
    await expect.poll(() => audioSamples(socket)).toBe(4 * SECOND);
    const more = (samples: number): ModelInput => ({ type: 'audio_delta', responseId: 'resp_1', itemId: 'item_1', contentIndex: 0, bytes: new Uint8Array(samples * 2) });
    model.push(more(4 * SECOND));
    model.push(more(1));
    expect(await socket.nextEvent('pressure')).toMatchObject({ queue: 'agent_audio', state: 'dropped', dropped: 1 });
  });
});

describe('the model', () => {
  it.each([
    ['cannot be reached', new TransportError('MODEL_UNREACHABLE', 'Nobody answers.', { hint: 'Start it.' }), { code: 'MODEL_UNREACHABLE', message: 'Nobody answers.', hint: 'Start it.' }],
    ['refuses the key', new TransportError('MODEL_UNAUTHORIZED', 'The key is wrong.'), { code: 'MODEL_UNAUTHORIZED', message: 'The key is wrong.', hint: expect.stringContaining('key') as string }],
  ])('%s: error and 4001', async (_name, connect, error) => {
    const gateway = await start({ model: scriptedModel({ connect }) });
    const socket = await openVoiceSocket(gateway);
    socket.send({ type: 'start', client: 'test', audio: true });
    expect(await socket.next('error')).toEqual({ type: 'error', ...error });
    expect(await socket.closed).toMatchObject({ code: 4001, reason: error.code });
    expect(socket.received.filter((message) => message.type === 'ready')).toEqual([]);
  });

  it('is told to the operator too, by its code and without the words', async () => {
    const said: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (message, fields) => said.push(`${message} ${fields?.['code']}`), child: () => logger };
    const gateway = await start({ model: scriptedModel({ connect: new TransportError('MODEL_UNAUTHORIZED', 'The key sk-1 is wrong.') }), logger });
    const socket = await openVoiceSocket(gateway);
    socket.send({ type: 'start', client: 'test', audio: true });
    await socket.closed;
    expect(said).toEqual(['The model cannot be reached or refused us. MODEL_UNAUTHORIZED']);
  });

  it('does not answer in time: error and 4001, and not a moment before', async () => {
    const clock = new ManualClock();
    const model = scriptedModel({ autoConfigure: false });
    const gateway = await start({ clock, model, limits: { modelTimeoutMs: 3000 } });
    const socket = await openVoiceSocket(gateway);
    socket.send({ type: 'start', client: 'test', audio: true });
    await model.waitForCommand('configure');
    clock.advance(2999);
    expect(gateway.sessions).toBe(1);
    expect(socket.received.filter((message) => message.type === 'error')).toEqual([]);
    clock.advance(1);
    expect(await socket.next('error')).toMatchObject({ code: 'CONNECT_TIMEOUT' });
    expect(await socket.closed).toMatchObject({ code: 4001 });
  });

  it('is lost in the middle and comes back: the client is told, and stays', async () => {
    const { gateway, model, socket } = await call();
    model.closeFromPeer(1006);
    const states = async (): Promise<string> => {
      for (;;) {
        const { event } = await socket.next('event');
        if (event.type === 'connection') return event.connection.state;
      }
    };
    expect([await states(), await states(), await states(), await states()]).toEqual(['connecting', 'open', 'reconnecting', 'resumed']);
    socket.send({ type: 'text', text: 'Still there?' });
    await model.waitForCommand('create_item');
    expect([gateway.sessions, model.connects]).toEqual([1, 2]);
  });

  it('is lost in the middle for good: error and 4001', async () => {
    const { model, socket } = await call({ connection: { reconnect: false } });
    model.closeFromPeer(1006);
    const error = await socket.next('error');
    expect(error.code).toMatch(/LOST/);
    expect(error.message).not.toBe('');
    expect(await socket.closed).toMatchObject({ code: 4001 });
  });

  it('is let go at once when the client disappears while it is still being reached', async () => {
    let aborted = (): void => {};
    const wasAborted = new Promise<void>((resolve) => (aborted = resolve));
    let asked = (): void => {};
    const wasAsked = new Promise<void>((resolve) => (asked = resolve));
    const model: RealtimeModel = {
      label: 'silent',
      connect: ({ signal }) => {
        asked();
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => (aborted(), reject(signal.reason as Error))));
      },
    };
    const gateway = await start({ model });
    const socket = await openVoiceSocket(gateway);
    socket.send({ type: 'start', client: 'test', audio: true });
    await wasAsked;
    socket.destroy();
    await wasAborted;
    await expect.poll(() => gateway.sessions).toBe(0);
  });

  it('an agent that cannot be made fails this conversation with 1011, without its words', async () => {
    const gateway = await start({
      agent: () => {
        throw new Error('secret detail');
      },
    });
    const socket = await openVoiceSocket(gateway);
    socket.send({ type: 'start', client: 'test', audio: true });
    expect(JSON.stringify(await socket.next('error'))).not.toContain('secret');
    expect(await socket.closed).toMatchObject({ code: 1011 });
  });
});

describe('what the protocol does not allow closes this socket and no other', () => {
  const begin = JSON.stringify({ type: 'start', client: 'test', audio: true });
  const header = (change: (bytes: Uint8Array) => void): Uint8Array => {
    const frame = encodeAudioFrame({ kind: 'microphone', epoch: 0, item: 0, firstSample: 0, pcm: new Uint8Array(20) });
    change(frame);
    return frame;
  };
  const cases: [string, (string | Uint8Array)[], number][] = [
    ['no JSON', ['{'], 1007],
    ['JSON that is no object', ['[]'], 1008],
    ['an unknown type', [begin, '{"type":"shout"}'], 1008],
    ['a hostile type', ['{"type":"__proto__"}'], 1008],
    ['start without its members', ['{"type":"start"}'], 1008],
    ['text before start', ['{"type":"text","text":"a"}'], 1008],
    ['end before start', ['{"type":"end"}'], 1008],
    ['a second start', [begin, begin], 1008],
    ['audio before start', [header(() => {})], 1008],
    ['audio of a text-only client', [JSON.stringify({ type: 'start', client: 'test', audio: false }), header(() => {})], 1008],
    ['an empty text', [begin, '{"type":"text","text":""}'], 1008],
    ['a text of 8001 characters', [begin, JSON.stringify({ type: 'text', text: 'a'.repeat(8001) })], 1008],
    ['playback of an item that was never announced', [begin, '{"type":"playback","epoch":0,"item":1,"samples":10}'], 1008],
    ['a short header', [begin, new Uint8Array(15)], 1007],
    ['an empty frame', [begin, new Uint8Array(16)], 1007],
    ['half a sample', [begin, header(() => {}).subarray(0, 35)], 1007],
    ['agent audio from a client', [begin, header((bytes) => (bytes[0] = 1))], 1007],
    ['flags', [begin, header((bytes) => (bytes[1] = 1))], 1007],
    ['one byte over 64 KiB', [begin, ' '.repeat(65_537)], 1009],
  ];
  it.each(cases)('%s', async (_name, messages, code) => {
    const gateway = await start({ model: { label: 'many', connect: (options) => scriptedModel().connect(options) } });
    const other = await openVoiceSocket(gateway);
    other.send(begin);
    await other.next('ready');
    const socket = await openVoiceSocket(gateway);
    for (const message of messages) socket.send(message);
    expect(await socket.closed).toMatchObject({ code });
    other.send({ type: 'end' });
    expect(await other.next('ended')).toEqual({ type: 'ended', reason: 'client' });
  });

  it('but the largest legal messages pass', async () => {
    const { model, socket } = await call();
    socket.send({ type: 'text', text: 'a'.repeat(8000) });
    socket.speak(24_000);
    socket.send(`${JSON.stringify({ type: 'interrupt' })}${' '.repeat(65_536 - 20)}`);
    await model.waitForCommand('append_audio');
    await model.waitForCommand('create_item');
    socket.send({ type: 'end' });
    await socket.next('ended');
  });
});

describe('limits', () => {
  it('start within 5 s', async () => {
    const clock = new ManualClock();
    const gateway = await start({ clock });
    const socket = await openVoiceSocket(gateway);
    clock.advance(4999);
    expect(gateway.sessions).toBe(1);
    clock.advance(1);
    expect(await socket.next('error')).toMatchObject({ code: 'START_TIMEOUT' });
    expect(await socket.closed).toMatchObject({ code: 1008, reason: 'START_TIMEOUT' });
  });

  it('a client that has started is not closed by that', async () => {
    const clock = new ManualClock();
    const { gateway, socket } = await call({ clock });
    clock.advance(6000);
    socket.send({ type: 'end' });
    await socket.next('ended');
    expect(await socket.closed).toMatchObject({ code: 1000 });
    expect(gateway.sessions).toBeLessThanOrEqual(1);
  });

  it('twice the message rate at once, and not one more', async () => {
    const clock = new ManualClock();
    for (const [extra, code] of [[0, 1000], [1, 1008]] as const) {
      // `start` and `end` count too.
      const { socket } = await call({ clock, limits: { maxMessagesPerSecond: 10 } });
      for (let count = 0; count < 18 + extra; count += 1) socket.send({ type: 'interrupt' });
      socket.send({ type: 'end' });
      expect(await socket.closed).toMatchObject({ code });
      if (code === 1008) expect(await socket.next('error')).toMatchObject({ code: 'CLIENT_TOO_FAST' });
    }
  });

  it('2 s of audio at once and then real time, and not one sample more', async () => {
    const clock = new ManualClock();
    const { model, socket } = await call({ clock });
    const heard = (): number => model.commandsOf('append_audio').reduce((sum, command) => sum + command.bytes.length / 2, 0);
    socket.speak(SECOND);
    socket.speak(SECOND);
    await expect.poll(heard).toBe(2 * SECOND);
    clock.advance(1000);
    socket.speak(SECOND);
    await expect.poll(heard).toBe(3 * SECOND);
    // The tolerance for the device's own clock is a hundredth of the second that has passed.
    socket.speak(240);
    await expect.poll(heard).toBe(3 * SECOND + 240);
    socket.speak(1);
    expect(await socket.next('error')).toMatchObject({ code: 'CLIENT_TOO_FAST' });
    expect(await socket.closed).toMatchObject({ code: 1008 });
    expect(heard()).toBe(3 * SECOND + 240);
  });

  it('32 messages before the model is there, and not one more', async () => {
    for (const [count, closes] of [[32, false], [33, true]] as const) {
      const model = scriptedModel({ autoConfigure: false });
      const gateway = await start({ model });
      const socket = await openVoiceSocket(gateway);
      socket.send({ type: 'start', client: 'test', audio: true });
      for (let message = 0; message < count; message += 1) socket.send({ type: 'text', text: `${message}` });
      const configure = await model.waitForCommand('configure');
      if (closes) {
        expect(await socket.closed).toMatchObject({ code: 1008, reason: 'CLIENT_TOO_FAST' });
      } else {
        // All of them have arrived when the ping behind them is answered.
        socket.speak(480);
        const { inputFormat, outputFormat } = configure.config;
        model.push({ type: 'model_session_configured', inputFormat, outputFormat });
        await socket.next('ready');
        await model.waitForCommand('create_item', 32);
      }
    }
  });

  it('the longest call', async () => {
    const clock = new ManualClock();
    const { gateway, socket } = await call({ clock, limits: { maxCallMs: 15_000 } });
    clock.advance(14_999);
    expect(gateway.sessions).toBe(1);
    clock.advance(1);
    expect(await socket.next('ended')).toEqual({ type: 'ended', reason: 'max_call_length' });
    expect(await socket.closed).toMatchObject({ code: 1000 });
  });

  it('a client that reads too slowly for 10 s, but not one that recovers', async () => {
    const clock = new ManualClock();
    const { transport, far } = scriptedTransport({ clock });
    const connection = new VoiceConnection(transport, {
      ...{ model: scriptedModel(), agent: () => new RealtimeAgent({ name: 'Ava' }), describeModel: { label: 'm' } },
      ...{ greeting: false, limits: gatewayLimits({ maxBufferedBytes: 1000 }), clock, logger: silentLogger, totals: { calls: 0, turns: 0 } },
    });
    far.deliver(JSON.stringify({ type: 'start', client: 'test', audio: true }));
    await clock.advanceAsync(1000, 500);
    far.bufferedBytes = 1000;
    await clock.advanceAsync(30_000, 500);
    expect(far.nearClosed).toBeUndefined();
    far.bufferedBytes = 1001;
    await clock.advanceAsync(9_500, 500);
    far.bufferedBytes = 0;
    await clock.advanceAsync(500, 500);
    far.bufferedBytes = 1001;
    await clock.advanceAsync(10_000, 500);
    expect(far.nearClosed).toBeUndefined();
    await clock.advanceAsync(500, 500);
    expect(far.nearClosed).toEqual({ code: 1013, reason: 'CLIENT_TOO_SLOW' });
    await connection.done;
    expect(clock.pendingTimers).toBe(0);
  });
});

it('leaves no timer behind when a conversation ends', async () => {
  const clock = new ManualClock();
  const { gateway, model, socket } = await call({ clock });
  model.push(...speech(SECOND));
  await socket.next('item');
  socket.send({ type: 'end' });
  await socket.closed;
  await expect.poll(() => gateway.sessions).toBe(0);
  await gateway.close();
  expect(clock.pendingTimers).toBe(0);
});
