import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { samplesToPcm16 } from '../../../audio/index.js';
import { ClockSpeaker, PacedMicrophone, VoiceClient } from '../../../src/client/index.js';
import type { VoiceClientEvent } from '../../../src/client/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { decodeAudioFrame, encodeAudioFrame, serializeMessage } from '../../../src/protocol/voicewire/index.js';
import type { GatewayMessage } from '../../../src/protocol/voicewire/index.js';
import { scriptedTransport } from '../../../src/transport/scripted.js';

const READY: GatewayMessage = { type: 'ready', protocol: 1, sessionId: 's1', agent: 'Ava', model: { label: 'emulator' }, sampleRate: 24000 };
const MS = 24;

let clock: ManualClock;
beforeEach(() => {
  clock = new ManualClock(1000);
});

function setUp(options: { recording?: Int16Array; signal?: AbortSignal } = {}) {
  const { transport, far } = scriptedTransport({ protocol: 'voicewire.v1', clock });
  const speaker = new ClockSpeaker({ clock });
  const microphone = options.recording === undefined ? undefined : new PacedMicrophone(options.recording, { clock });
  const client = new VoiceClient({
    url: 'http://127.0.0.1:3000/',
    client: 'test',
    clock,
    speaker,
    openSocket: () => Promise.resolve(transport),
    ...(microphone === undefined ? {} : { microphone }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const events: VoiceClientEvent[] = [];
  for (const type of ['event', 'audio_start', 'audio_received', 'played', 'cleared', 'paused', 'resumed', 'pressure', 'error', 'closed'] as const) client.on(type, (event) => events.push(event));
  speakers.push(speaker);
  return { client, far, speaker, events, say: (message: GatewayMessage) => far.deliver(serializeMessage(message)), sent: () => far.sent.map((data) => (typeof data === 'string' ? (JSON.parse(data) as Record<string, unknown>) : data)) };
}

const speakers: ClockSpeaker[] = [];
afterEach(() => speakers.splice(0).forEach((speaker) => speaker.close()));

async function connected(options: Parameters<typeof setUp>[0] = {}) {
  const parts = setUp(options);
  const connecting = parts.client.connect();
  await Promise.resolve();
  await Promise.resolve();
  parts.say(READY);
  await connecting;
  return parts;
}

function audio(item: number, epoch: number, firstSample: number, samples: Int16Array): Uint8Array {
  return encodeAudioFrame({ kind: 'agent', item, epoch, firstSample, pcm: samplesToPcm16(samples) });
}

const item = (number: number, epoch = 0): GatewayMessage => ({ type: 'item', item: number, itemId: `item_${number}`, responseId: 'r', contentIndex: 0, epoch });
const playbacks = (sent: readonly unknown[]) => sent.filter((message) => (message as { type?: string }).type === 'playback') as { epoch: number; item: number; samples: number }[];

describe('connecting', () => {
  test('begins with start and resolves with ready', async () => {
    const { client, sent } = await connected();
    expect(sent()[0]).toEqual({ type: 'start', client: 'test', audio: true });
    expect(client.ready.model.label).toBe('emulator');
    expect(client.state).toBe('open');
  });

  test('rejects with the code that the gateway gives, not with the close that follows', async () => {
    const { client, far, say } = setUp();
    const connecting = client.connect();
    await Promise.resolve();
    await Promise.resolve();
    say({ type: 'error', code: 'MODEL_UNAUTHORIZED', message: 'The model refused the key.', hint: 'Check OPENAI_API_KEY.' });
    far.close(4001, 'model');
    await expect(connecting).rejects.toMatchObject({ code: 'MODEL_UNAUTHORIZED', hint: 'Check OPENAI_API_KEY.' });
    expect(client.state).toBe('closed');
  });

  test('gives up when no ready comes in time', async () => {
    const { client, far } = setUp();
    const connecting = client.connect();
    const failed = expect(connecting).rejects.toMatchObject({ code: 'GATEWAY_UNREACHABLE', retryable: true });
    await clock.advanceAsync(14_990);
    expect(client.state).toBe('connecting');
    await clock.advanceAsync(10);
    await failed;
    expect(far.nearClosed).toBeDefined();
  });

  test('an abort before ready rejects with its reason', async () => {
    const hangup = new AbortController();
    const { client } = setUp({ signal: hangup.signal });
    const connecting = client.connect();
    const reason = new Error('changed my mind');
    hangup.abort(reason);
    await expect(connecting).rejects.toBe(reason);
  });

  test('close() before ready rejects connect() and leaves nothing behind', async () => {
    const { client } = setUp();
    const connecting = client.connect();
    const failed = expect(connecting).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
    await client.close();
    await failed;
  });

  test.each([['ftp://host/'], ['nonsense']])('an address like %s is refused', async (url) => {
    const client = new VoiceClient({ url, client: 'test', clock, openSocket: () => Promise.reject(new Error('not reached')) });
    await expect(client.connect()).rejects.toMatchObject({ code: 'USAGE' });
  });

  test('a gateway of another version is refused', async () => {
    const { client, say } = setUp();
    const connecting = client.connect();
    await Promise.resolve();
    await Promise.resolve();
    say({ ...READY, protocol: 2 } as GatewayMessage);
    await expect(connecting).rejects.toMatchObject({ code: 'GATEWAY_REFUSED' });
  });
});

describe('playback', () => {
  test('what has been played is reported at most each 40 ms, and at once when an item ends', async () => {
    const { far, say, sent, events } = await connected();
    say(item(1));
    far.deliver(audio(1, 0, 0, new Int16Array(100 * MS)));
    far.deliver(audio(1, 0, 100 * MS, new Int16Array(90 * MS)));
    say({ type: 'item_end', item: 1, epoch: 0, samples: 190 * MS });
    clock.advance(1000);
    expect(playbacks(sent()).map((report) => report.samples / MS)).toEqual([20, 60, 100, 140, 180, 190]);
    expect(playbacks(sent()).at(-1)).toEqual({ type: 'playback', epoch: 0, item: 1, samples: 190 * MS });
    expect(events.filter((event) => event.type === 'played').at(-1)).toEqual({ type: 'played', itemId: 'item_1', contentIndex: 0, samples: 190 * MS, final: true });
  });

  test('a clear cuts the item, reports it once more, and drops what arrives late', async () => {
    const { far, say, sent, speaker } = await connected();
    say(item(1));
    far.deliver(audio(1, 0, 0, new Int16Array(1000 * MS)));
    clock.advance(110);
    say({ type: 'clear', epoch: 1 });
    expect(playbacks(sent()).at(-1)).toEqual({ type: 'playback', epoch: 0, item: 1, samples: 100 * MS });
    expect(speaker.bufferedSamples).toBe(0);
    const before = playbacks(sent()).length;
    far.deliver(audio(1, 0, 1000 * MS, new Int16Array(480)));
    say({ type: 'item_end', item: 1, epoch: 0, samples: 3000 * MS });
    clock.advance(500);
    expect(playbacks(sent())).toHaveLength(before);
    say(item(2, 1));
    far.deliver(audio(2, 1, 0, new Int16Array(480)));
    say({ type: 'item_end', item: 2, epoch: 1, samples: 480 });
    clock.advance(20);
    expect(playbacks(sent()).at(-1)).toEqual({ type: 'playback', epoch: 1, item: 2, samples: 480 });
  });

  test('an end that arrives after everything was played still gives the final report', async () => {
    const { far, say, events } = await connected();
    say(item(1));
    far.deliver(audio(1, 0, 0, new Int16Array(480)));
    clock.advance(200);
    expect(events.filter((event) => event.type === 'played' && event.final)).toEqual([]);
    say({ type: 'item_end', item: 1, epoch: 0, samples: 480 });
    expect(events.filter((event) => event.type === 'played' && event.final)).toHaveLength(1);
  });

  test('a pause holds the sound and tells where, a resume plays on, and both are told', async () => {
    const { far, say, sent, events } = await connected();
    say(item(1));
    far.deliver(audio(1, 0, 0, new Int16Array(1000 * MS)));
    clock.advance(115);
    say({ type: 'pause', epoch: 0, how: 'pause' });
    clock.advance(500);
    expect(playbacks(sent()).at(-1)?.samples).toBe(100 * MS);
    say({ type: 'resume', epoch: 0 });
    clock.advance(200);
    expect(playbacks(sent()).at(-1)?.samples).toBeGreaterThan(200 * MS);
    expect(events.filter((event) => event.type === 'paused' || event.type === 'resumed')).toEqual([{ type: 'paused', how: 'pause' }, { type: 'resumed' }]);
  });

  test('a pause of another epoch is late, and a clear ends one', async () => {
    const { far, say, sent, events } = await connected();
    say({ type: 'pause', epoch: 0, how: 'pause' });
    say({ type: 'clear', epoch: 1 });
    say({ type: 'pause', epoch: 0, how: 'pause' });
    say(item(1, 1));
    far.deliver(audio(1, 1, 0, new Int16Array(1000 * MS)));
    clock.advance(200);
    expect(playbacks(sent()).at(-1)?.samples).toBeGreaterThan(100 * MS);
    expect(events.filter((event) => event.type === 'paused')).toHaveLength(1);
  });

  test('audio of no announced item is not played', async () => {
    const { far, speaker } = await connected();
    far.deliver(audio(9, 0, 0, new Int16Array(480)));
    expect(speaker.bufferedSamples).toBe(0);
  });
});

describe('the microphone', () => {
  test('frames of 20 ms carry the running index of their first sample', async () => {
    const recording = Int16Array.from({ length: 1200 }, (_, index) => index);
    const { sent } = await connected({ recording });
    clock.advance(100);
    const frames = sent().filter((data) => data instanceof Uint8Array).map((data) => decodeAudioFrame(data, 'microphone'));
    expect(frames.map((frame) => frame.firstSample)).toEqual([0, 480, 960, 1440, 1920]);
    const all = new Int16Array(frames.flatMap((frame) => [...new Int16Array(frame.pcm.slice().buffer)]));
    expect(all.subarray(0, 1200)).toEqual(recording);
    expect(all.subarray(1200).every((sample) => sample === 0)).toBe(true);
  });

  test('a network that does not take them loses the oldest, and says so', async () => {
    const { far, sent, events } = await connected({ recording: new Int16Array(0) });
    far.bufferedBytes = 24_000;
    clock.advance(1000);
    expect(sent().filter((data) => data instanceof Uint8Array)).toHaveLength(0);
    expect(events.filter((event) => event.type === 'pressure')).toEqual([]);
    clock.advance(60);
    expect(events.filter((event) => event.type === 'pressure').at(-1)).toMatchObject({ queue: 'microphone', droppedFrames: 3 });
    far.bufferedBytes = 0;
    clock.advance(20);
    const first = sent().find((data) => data instanceof Uint8Array);
    expect(decodeAudioFrame(first as Uint8Array, 'microphone').firstSample).toBe(3 * 480);
  });
});

describe('the end', () => {
  test('end() says goodbye and waits for the gateway', async () => {
    const { client, far, sent, events, say } = await connected({ recording: new Int16Array(0) });
    const ending = client.end();
    expect(sent().at(-1)).toEqual({ type: 'end' });
    say({ type: 'ended', reason: 'client' });
    far.close(1000, 'ended');
    await ending;
    expect(events.at(-1)).toEqual({ type: 'closed', code: 1000, reason: 'ended' });
    expect(clock.pendingTimers).toBe(1);
  });

  test('a gateway that does not answer end() is left after 3 s', async () => {
    const { client } = await connected();
    let ended = false;
    const ending = client.end().then(() => (ended = true));
    await clock.advanceAsync(2990);
    expect(ended).toBe(false);
    await clock.advanceAsync(20);
    await ending;
  });

  test.each([
    [1006, 'CONNECTION_LOST'],
    [1001, 'GATEWAY_CLOSING'],
    [1008, 'CLIENT_BAD_MESSAGE'],
    [1013, 'GATEWAY_FULL'],
  ])('close code %i is %s', async (code, expected) => {
    const { client, far, events } = await connected();
    const iterator = client[Symbol.asyncIterator]();
    if (code === 1006) far.lose();
    else far.close(code, 'why');
    expect(events.at(-1)).toMatchObject({ type: 'closed', code, error: { code: expected, hint: expect.any(String) as string } });
    expect(() => client.sendText('hello')).toThrow(expect.objectContaining({ code: 'SESSION_CLOSED' }));
    const seen: string[] = [];
    for await (const event of iterator) seen.push(event.type);
    expect(seen).toEqual(['closed']);
  });

  test.each<[string, string | Uint8Array]>([
    ['no JSON', 'hello'],
    ['a half-made message', '{"type":"clear"}'],
    ['a broken frame', new Uint8Array(3)],
  ])('a gateway that sends %s is reported and left', async (_name, data) => {
    const { far, events } = await connected();
    far.deliver(data);
    await clock.advanceAsync(10);
    expect(far.nearClosed?.code).toBe(4002);
    expect(events.map((event) => event.type)).toEqual(['error', 'closed']);
  });

  test('an abort closes the open conversation', async () => {
    const hangup = new AbortController();
    const { far, events } = await connected({ signal: hangup.signal });
    hangup.abort();
    await clock.advanceAsync(10);
    expect(far.nearClosed?.code).toBe(1000);
    expect(events.at(-1)).toMatchObject({ type: 'closed', code: 1000 });
  });

  test('a handler that throws is an error event, and stops nobody else', async () => {
    const { client, say, events } = await connected();
    client.on('cleared', () => {
      throw new Error('mine');
    });
    say({ type: 'clear', epoch: 1 });
    expect(events.map((event) => event.type)).toEqual(['cleared', 'error']);
    expect(client.state).toBe('open');
  });
});
