/** What a caller says before the model is ready, and around a loss, reaches the provider: each sample once, in order. */
import { describe, expect, it } from 'vitest';
import { PCM16_24K, msToBytes } from '../../../audio/index.js';
import { RealtimeAgent, RealtimeSession } from '../../../session/index.js';
import type { ConnectionState } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { freezableModel } from '../../helpers/freezable-model.js';
import { random } from '../../helpers/random.js';

const BYTES_PER_MS = 48;

interface Captured {
  readonly captured: Uint8Array;
  /** What each connection was sent. */
  readonly sent: readonly Uint8Array[];
  readonly states: readonly ConnectionState[];
}

/** A caller who speaks from the first moment on, in chunks of random lengths, while opening a socket takes `openMs`. */
async function call(seed: number, openMs: number, ms: number, cutAtMs?: number, reopenMs = 500): Promise<Captured> {
  const rng = random(seed);
  const clock = new ManualClock(1_000);
  const model = freezableModel(clock);
  model.openMs = openMs;
  const session = new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model, clock, sessionId: String(seed) });
  const states: ConnectionState[] = [];
  session.on('connection', ({ connection }) => void states.push(connection));
  const connecting = session.connect({ timeoutMs: 30_000 });
  const chunks: Uint8Array[] = [];
  let sample = 0;
  for (let at = 0; at < ms; ) {
    if (cutAtMs !== undefined && at >= cutAtMs && model.connections.length === 1) {
      model.openMs = reopenMs;
      model.connections[0]?.cut();
    }
    const chunkMs = rng.int(5, 120);
    // Every sample is another than its neighbours, and quiet, so that nobody takes it for speech.
    const chunk = new Uint8Array(chunkMs * BYTES_PER_MS);
    for (let index = 0; index < chunk.length; index += 2) chunk[index] = (sample += 1) % 251;
    session.sendAudio(chunk);
    chunks.push(chunk);
    await clock.advanceAsync(chunkMs, 5);
    at += chunkMs;
  }
  await connecting;
  return { captured: joined(chunks), sent: model.connections.map(({ heard }) => joined(heard)), states };
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

describe('what a caller says while the first connection is made', () => {
  it('is at the provider as it was captured, for openings of 0 to 5 s', async () => {
    const first = random().seed;
    for (let openMs = 0; openMs <= 5_000; openMs += 250) {
      const { captured, sent, states } = await call(first + openMs, openMs, 7_000);
      const where = `seed ${first + openMs}, ${openMs} ms`;
      const serving = sent.find(({ length }) => length > 0) as Uint8Array;
      expect(same(serving, captured), where).toBe(true);
      expect(states.at(-1), where).toEqual({ state: 'open' });
    }
  });

  it('is lost beyond 6 s, and the loss is told to the sample', async () => {
    const { captured, sent, states } = await call(random().seed, 8_000, 10_000);
    const open = states.at(-1) as Extract<ConnectionState, { state: 'open' }>;
    expect(open.lost?.fromMs).toBe(0);
    const lostBytes = Math.round((open.lost?.toMs ?? 0) * BYTES_PER_MS);
    expect(lostBytes).toBeGreaterThan(msToBytes(PCM16_24K, 1_900));
    expect(same(sent.find(({ length }) => length > 0) as Uint8Array, captured.subarray(lostBytes))).toBe(true);
  });

  it('and around a loss of the connection is at the one that follows, with nothing missing and nothing in another order', async () => {
    const first = random().seed;
    for (let openMs = 0; openMs <= 3_000; openMs += 250) {
      const where = `seed ${first + openMs}, ${openMs} ms`;
      const { captured, sent, states } = await call(first + openMs, openMs, openMs + 6_000, openMs + 1_000);
      const [before, after] = sent as [Uint8Array, Uint8Array];
      expect(states.at(-1), where).toMatchObject({ state: 'resumed' });
      expect((states.at(-1) as { lost?: object }).lost, where).toBeUndefined();
      // The old connection got a beginning, the new one an end, and they overlap: nobody knows what the old one had heard.
      expect(same(before, captured.subarray(0, before.length)), where).toBe(true);
      expect(same(after, captured.subarray(captured.length - after.length)), where).toBe(true);
      expect(before.length + after.length, where).toBeGreaterThanOrEqual(captured.length);
    }
  });

  it('and around a second loss, before the new connection has said anything of what it was given', async () => {
    const clock = new ManualClock(1_000);
    const model = freezableModel(clock);
    const session = new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model, clock, sessionId: 'twice' });
    const states: ConnectionState[] = [];
    session.on('connection', ({ connection }) => void states.push(connection));
    const connecting = session.connect();
    const chunks: Uint8Array[] = [];
    const run = async (ms: number): Promise<void> => {
      for (let at = 0; at < ms; at += 20) {
        const chunk = new Uint8Array(20 * BYTES_PER_MS).fill((chunks.length % 125) * 2 + 1);
        for (let index = 1; index < chunk.length; index += 2) chunk[index] = 0;
        session.sendAudio(chunk);
        chunks.push(chunk);
        await clock.advanceAsync(20);
      }
    };
    await run(6_000);
    await connecting;
    model.openMs = 4_000;
    model.connections[0]?.cut();
    await run(5_000);
    model.openMs = 500;
    model.connections[1]?.cut();
    await run(2_000);
    const captured = joined(chunks);
    const given = joined(model.connections[2]?.heard ?? []);
    expect(given.length).toBeGreaterThan(msToBytes(PCM16_24K, 12_500));
    expect(same(given, captured.subarray(captured.length - given.length))).toBe(true);
    expect(states.at(-1)).toEqual({ state: 'resumed', gapMs: expect.any(Number) as number });
  });

  it('and is lost around a loss that lasts too long: told to the sample as well', async () => {
    const { captured, sent, states } = await call(random().seed, 100, 16_000, 2_000, 9_000);
    const { lost } = states.at(-1) as Extract<ConnectionState, { state: 'resumed' }>;
    const after = sent.at(-1) as Uint8Array;
    expect(same(after, captured.subarray(captured.length - after.length))).toBe(true);
    expect(Math.round((lost?.toMs ?? 0) * BYTES_PER_MS)).toBe(captured.length - after.length);
  });
});
