/** A call leaves nothing behind, and a long one does not grow. */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { msToSamples, PCM16_24K, samplesToPcm16 } from '../../../audio/index.js';
import { RealtimeAgent, RealtimeSession, tool } from '../../../session/index.js';
import type { RealtimeSessionOptions } from '../../../session/index.js';
import { startEmulator } from '../../../src/emulator/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { systemClock } from '../../../src/host/system-clock.js';
import { openaiRealtime } from '../../../src/provider/openai/openai-realtime.js';
import { freezableModel } from '../../helpers/freezable-model.js';
import type { FreezableModel } from '../../helpers/freezable-model.js';
import { heldBytes } from '../../helpers/heap.js';
import { settle } from '../../helpers/settle.js';
import { random } from '../../helpers/random.js';

const CHUNK_MS = 100;
const rng = random(5);
const sound = (level: number): Uint8Array => samplesToPcm16(Int16Array.from({ length: msToSamples(PCM16_24K, CHUNK_MS) }, () => Math.round((rng.next() - 0.5) * 2 * level * 32_767)));
const VOICE = sound(0.2);
const ROOM = sound(0.003);

/** What all calls of a process share, as in a server. */
const bob = new RealtimeAgent({ name: 'Bob' });
const look = tool({ name: 'look', description: 'Looks.', parameters: z.object({}), execute: (_args, { signal }) => (signal.aborted ? 'no' : 'yes') });
const slow = tool({ name: 'slow', description: 'Never ends.', parameters: z.object({}), execute: () => new Promise<string>(() => {}) });
const ava = new RealtimeAgent({ name: 'Ava', tools: [look, slow] });

interface Line {
  readonly clock: ManualClock;
  readonly model: FreezableModel;
  readonly session: RealtimeSession;
  run(ms: number, bytes: Uint8Array): Promise<void>;
}

function line(options: Partial<RealtimeSessionOptions> = {}): Line {
  const clock = new ManualClock(1_000);
  const model = freezableModel(clock);
  model.keeps = false;
  const session = new RealtimeSession(ava, { model, clock, ...options });
  return {
    ...{ clock, model, session },
    async run(ms, bytes) {
      for (let at = 0; at < ms; at += CHUNK_MS) {
        if (session.state !== 'closed') session.sendAudio(bytes);
        await clock.advanceAsync(CHUNK_MS, CHUNK_MS / 2);
      }
    },
  };
}

/** A call with a turn, a tool, an interruption, a hand-off, a lost connection, and an end in one of the ways in which calls end. */
async function liveThroughACall(index: number, hangup: AbortSignal): Promise<WeakRef<RealtimeSession>> {
  const { model, session, run } = line({ guardrails: { output: [{ name: 'ok', check: () => 'pass' }] }, playback: index % 2 === 0 ? 'reported' : 'clock', greeting: { who: 'agent', text: 'Hello.', audio: ROOM } });
  session.on('audio', ({ itemId }) => session.reportPlayback({ itemId, contentIndex: 0, samples: 100 }));
  const reading = (async () => {
    for await (const event of session) if (event.type === 'connection' && event.connection.state === 'closed') return;
  })();
  await Promise.all([session.connect({ signal: hangup }), run(200, ROOM)]);
  model.tool = index % 3 === 0 ? 'slow' : 'look';
  await run(300, VOICE);
  await run(1_200, ROOM);
  session.sendMessage('Hello?');
  await run(400, ROOM);
  session.interrupt();
  void session.updateAgent(bob);
  if (index % 5 === 0) model.connections.at(-1)?.cut();
  await run(500, ROOM);
  if (index % 4 === 0) model.connections.at(-1)?.cut(1000);
  else void session.respond();
  await session.close();
  await reading;
  return new WeakRef(session);
}

/** The steepness of the line that fits best, in bytes a call. */
function slope(points: readonly { readonly calls: number; readonly bytes: number }[]): number {
  const mean = (of: (point: (typeof points)[number]) => number): number => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [calls, bytes] = [mean((point) => point.calls), mean((point) => point.bytes)];
  return points.reduce((sum, point) => sum + (point.calls - calls) * (point.bytes - bytes), 0) / points.reduce((sum, point) => sum + (point.calls - calls) ** 2, 0);
}

describe('2 000 calls through one process', () => {
  it('leave less than 1 KB each, no session, and no listener on the signal that they share', async () => {
    const hangup = new AbortController();
    const sessions: WeakRef<RealtimeSession>[] = [];
    const points: { calls: number; bytes: number }[] = [];
    for (let calls = 1; calls <= 2_000; calls += 1) {
      sessions.push(await liveThroughACall(calls, hangup.signal));
      if (calls >= 400 && calls % 200 === 0) points.push({ calls, bytes: await heldBytes() });
    }
    expect(getEventListeners(hangup.signal, 'abort').length).toBe(0);
    // The last ones may still stand in a register or on the stack.
    expect(sessions.slice(0, -5).filter((session) => session.deref() !== undefined).length).toBe(0);
    expect(slope(points)).toBeLessThan(1_024);
  }, 60_000);
});

describe('calls on real sockets', () => {
  it('leave no open handle and no listener behind, however they end', async () => {
    const hangup = new AbortController();
    const emulator = await startEmulator();
    const model = openaiRealtime({ url: emulator.url });
    const connectOnce = async (index: number): Promise<void> => {
      const session = new RealtimeSession(ava, { model, clock: systemClock });
      const own = new AbortController();
      await session.connect({ signal: index % 3 === 0 ? own.signal : hangup.signal });
      session.sendAudio(ROOM);
      if (index % 3 === 0) own.abort(new Error('hung up'));
      await session.close();
      expect(getEventListeners(own.signal, 'abort').length).toBe(0);
    };
    await connectOnce(1);
    await settle();
    const before = handles();
    for (let round = 0; round < 10; round += 1) await Promise.all(Array.from({ length: 5 }, (_, index) => connectOnce(index)));
    // The far end's sockets close a moment after ours.
    await expect.poll(handles).toEqual(before);
    expect(getEventListeners(hangup.signal, 'abort').length).toBe(0);
    await emulator.close();
  });
});

/** Sockets, servers and timers by kind; what the test runner itself has open comes and goes. */
function handles(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) if (/TCP|TLS/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

describe('a call of 3 hours', () => {
  it('holds no more than 5 MB more or less at any time, with all that was said', async () => {
    const { model, session, run } = line();
    session.on('audio', () => undefined);
    await Promise.all([session.connect(), run(300, ROOM)]);
    const points: number[] = [];
    for (let minute = 1; minute <= 180; minute += 1) {
      for (let turn = 0; turn < 4; turn += 1) {
        if (turn === 3) model.tool = 'look';
        await run(1_000, VOICE);
        await run(14_000, ROOM);
      }
      if (minute % 20 === 0) points.push(await heldBytes());
    }
    expect(session.state).toBe('open');
    expect(session.history.length).toBeGreaterThan(1);
    expect(Math.max(...points) - Math.min(...points)).toBeLessThan(5 * 1024 * 1024);
    await session.close();
  }, 60_000);
});
