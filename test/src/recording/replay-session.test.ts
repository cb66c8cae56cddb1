import { describe, expect, it } from 'vitest';
import { SESSION_EVENT_TYPES } from '../../../session/index.js';
import type { RealtimeSessionOptions, SessionEvent } from '../../../session/index.js';
import { RecordingMemory, differenceText, parseRecording, recordSessionTo, replaySession } from '../../../src/recording/index.js';
import type { Recording, RecordingOptions } from '../../../src/recording/index.js';
import { startCall } from '../../helpers/call-simulation.js';
import { makeHarness } from '../../helpers/session-harness.js';
import { random } from '../../helpers/random.js';
import type { Random } from '../../helpers/random.js';
import { simulatedProvider } from '../../helpers/simulated-provider.js';

function recordingOf(memory: RecordingMemory): Recording {
  return parseRecording(memory.lines.map((line) => `${line}\n`).join(''), 'memory', (track) => Buffer.concat(memory.tracks.get(track) ?? []));
}

/** No decision of the session rests on how loud the caller is. */
const JUDGED_BY_MODEL: Partial<RealtimeSessionOptions> = { config: { transcription: {}, turnDetection: null } };

/** A random call of `busyMs` with a tool, barge-ins and, at times, a lost connection. */
async function recordedCall(rng: Random, busyMs: number, options: RecordingOptions = {}): Promise<{ memory: RecordingMemory; told: SessionEvent[] }> {
  const memory = new RecordingMemory();
  const recorder = recordSessionTo(memory, options);
  const told: SessionEvent[] = [];
  const providers: ReturnType<typeof simulatedProvider>[] = [];
  const call = await startCall(rng, (clock) => {
    const provider = simulatedProvider(clock, rng, { toolShare: 0.3, transcribes: true });
    providers.push(provider);
    return provider;
  }, { recorder, playback: rng.pick(['clock', 'reported']), ...(options.audio === 'hash' ? JUDGED_BY_MODEL : { bargeIn: { mode: rng.pick(['immediate', 'two-stage']) } }) });
  for (const type of SESSION_EVENT_TYPES) call.session.on(type, (event) => told.push(event));
  await call.live(busyMs / 2);
  if (rng.next() < 0.7) providers[0]?.current?.cut();
  await call.live(busyMs / 2);
  await call.session.close();
  await recorder.done;
  return { memory, told };
}

describe('a recorded session', () => {
  it.each(['files', 'hash'] as const)('does the same again, to the byte, when audio is kept as %s', async (audio) => {
    const rng = random();
    for (let round = 0; round < 6; round += 1) {
      const { memory, told } = await recordedCall(rng, 8_000, { audio });
      const recording = recordingOf(memory);
      const replay = replaySession(recording);
      const where = `seed ${rng.seed}, round ${round}`;
      expect(replay.difference === undefined ? '' : differenceText(replay.difference), where).toBe('');
      expect(recording.complete, where).toBe(true);
      // What the application was told is what the recording gives back.
      const names = replay.events.map(({ type, info }) => `${type} ${info.timestamp}`);
      expect(names.slice(-told.length), where).toEqual(told.map(({ type, info }) => `${type} ${info.timestamp}`));
      expect(told.length, where).toBeGreaterThan(10);
    }
  });

  it('goes on without its recorder when something of it cannot be written, and says so once', async () => {
    const failures: string[] = [];
    const memory = new RecordingMemory();
    const recorder = recordSessionTo(memory, { onFailure: ({ message }) => failures.push(message) });
    const circle: { self?: object } = {};
    circle.self = circle;
    const { session, model } = makeHarness({ recorder });
    await session.connect();
    model.push({ type: 'raw_message', name: 'x', raw: circle });
    session.sendMessage('Hello.');
    expect(session.state).toBe('open');
    await session.close();
    expect(failures).toEqual([expect.stringContaining('cannot be recorded (input)')]);
    await expect(recorder.done).rejects.toMatchObject({ code: 'RECORDING_INVALID' });
    expect(replaySession(recordingOf(memory)).difference).toBeUndefined();
  });
});
