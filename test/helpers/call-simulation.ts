/** A whole call on the manual clock: a caller who talks in sentences, a session with a slow tool, a simulated provider that may be cut. */
import { z } from 'zod';
import { RealtimeAgent, RealtimeSession, tool } from '../../session/index.js';
import type { HistoryItem, RealtimeModel, RealtimeSessionOptions, SessionEvent } from '../../session/index.js';
import { ManualClock } from '../../src/host/manual-clock.js';
import type { Random } from './random.js';
import { CHUNK_MS, microphoneChunk } from './simulated-provider.js';

export interface CallSimulation {
  readonly clock: ManualClock;
  readonly session: RealtimeSession;
  readonly events: SessionEvent[];
  /** How often the tool ran, by call. */
  readonly runs: Map<string, number>;
  /** Chunks in which the caller spoke. */
  readonly spoken: number[];
  /** The caller lives for so long: talks, pauses, listens. */
  live(ms: number): Promise<void>;
  /** The caller is silent. */
  quiet(ms: number): Promise<void>;
  /** Chunk numbers that the session told to be lost. */
  lost(): (chunk: number) => boolean;
}

export async function startCall(rng: Random, makeModel: (clock: ManualClock) => RealtimeModel | readonly RealtimeModel[], options: Partial<RealtimeSessionOptions> = {}): Promise<CallSimulation> {
  const clock = new ManualClock(1_000);
  const runs = new Map<string, number>();
  const work = tool({
    name: 'work',
    description: 'Works for a while.',
    parameters: z.object({}),
    execute: (_args, { callId }) => {
      runs.set(callId, (runs.get(callId) ?? 0) + 1);
      return new Promise((resolve) => clock.after(rng.int(10, 3_000), () => resolve(`done ${callId}`)));
    },
  });
  const session = new RealtimeSession(new RealtimeAgent({ name: 'Ava', tools: [work] }), {
    model: makeModel(clock),
    clock,
    sessionId: `call ${rng.seed}`,
    config: { transcription: {} },
    ...options,
  });
  const events: SessionEvent[] = [];
  const keep = (event: SessionEvent): void => void events.push(event);
  for (const type of ['connection', 'error', 'tool_end', 'agent_start', 'agent_end', 'audio_interrupted', 'history_updated', 'pressure', 'input_speech_started', 'input_committed'] as const) session.on(type, keep);
  const spoken: number[] = [];
  let chunk = 0;
  let talking = false;
  let left = 50;

  const say = async (isSpoken: boolean): Promise<void> => {
    if (session.state !== 'closed') session.sendAudio(microphoneChunk(chunk, isSpoken));
    if (isSpoken) spoken.push(chunk);
    chunk += 1;
    await clock.advanceAsync(CHUNK_MS, CHUNK_MS / 2);
  };
  const opening = session.connect();
  await clock.advanceAsync(2_000);
  await opening;
  return {
    clock,
    session,
    events,
    runs,
    spoken,
    async live(ms) {
      for (let at = 0; at < ms; at += CHUNK_MS) {
        if (left === 0) {
          talking = !talking;
          left = talking ? rng.int(10, 100) : rng.int(35, 250);
        }
        left -= 1;
        await say(talking);
      }
    },
    async quiet(ms) {
      talking = false;
      left = 100;
      for (let at = 0; at < ms; at += CHUNK_MS) await say(false);
    },
    lost() {
      const ranges = events.flatMap((event) => (event.type === 'connection' && event.connection.state === 'resumed' && event.connection.lost !== undefined ? [event.connection.lost] : []));
      return (number) => ranges.some(({ fromMs, toMs }) => (number + 1) * CHUNK_MS > fromMs && number * CHUNK_MS < toMs);
    },
  };
}

/** The chunk numbers in what the user is known to have said, in order. */
export function wordsOf(history: readonly HistoryItem[]): number[] {
  return history.flatMap((item) => (item.type === 'message' && item.role === 'user' ? [...item.text.matchAll(/w(\d+)/g)].map(([, number]) => Number(number)) : []));
}
