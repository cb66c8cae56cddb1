import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { RealtimeSession } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { RecordingMemory, readRecording, recordSessionTo, replayCaller, replayModel } from '../../../src/recording/index.js';
import type { Recording } from '../../../src/recording/index.js';
import { random } from '../../helpers/random.js';
import { SCENARIOS, listen, scenarioSession } from '../../helpers/recorded-scenarios.js';
import type { Scenario } from '../../helpers/recorded-scenarios.js';

function pathOf(name: string): string {
  return fileURLToPath(new URL(`../../../fixtures/recordings/${name}.vw.jsonl`, import.meta.url));
}

function fixture(name: string): Recording {
  return readRecording(pathOf(name));
}

function scenario(name: string): Scenario {
  return SCENARIOS.find((each) => each.name === name) as Scenario;
}

/** A new session of a scenario, with the recorded model and the recorded caller, on virtual time; `pause` is what real time passes between its moments. */
async function liveAgain(played: Scenario, pause?: () => Promise<void>): Promise<{ lines: readonly string[]; assertComplete: () => void }> {
  const recording = fixture(played.name);
  const clock = new ManualClock(recording.header.clockMs);
  const memory = new RecordingMemory();
  const recorder = recordSessionTo(memory);
  const model = replayModel(recording, { clock });
  const session = scenarioSession(played, clock, model, recorder);
  let over = false;
  const call = session
    .connect()
    .then(() => replayCaller(recording, session, { clock }))
    .then(() => session.close())
    .then(() => (over = true));
  while (!over) await clock.run(100, pause);
  await call;
  return { lines: memory.lines, assertComplete: () => model.assertComplete() };
}

/** A session with a recorded model, connected. */
async function connected(name: string, options: { mode?: 'strict' | 'lenient'; plays?: number } = {}) {
  const recording = fixture(name);
  const clock = new ManualClock(recording.header.clockMs);
  const model = replayModel(recording, { clock, mode: options.mode ?? 'strict' });
  const sessions = Array.from({ length: options.plays ?? 1 }, () => scenarioSession(scenario(name), clock, model));
  const opening = Promise.all(sessions.map((session) => session.connect()));
  await clock.run(500);
  await opening;
  return { clock, model, session: sessions[0] as RealtimeSession, sessions };
}

describe('a recorded model and a recorded caller', () => {
  it.each(SCENARIOS.map(({ name }) => name))('give a new session of %s the same call, to the byte of its recording', async (name) => {
    const { lines, assertComplete } = await liveAgain(scenario(name));
    expect(lines).toEqual(readFileSync(pathOf(name), 'utf8').trimEnd().split('\n'));
    assertComplete();
  });

  it('do so at any speed of the machine: whatever real time passes between two moments, the trace is the same', async () => {
    const rng = random();
    const once = (await liveAgain(scenario('tool-call'))).lines;
    for (const slowness of [0, 1, 4]) {
      const pause = (): Promise<void> => new Promise((resolve) => (rng.next() < 0.1 ? setTimeout(resolve, rng.next() * slowness) : setImmediate(resolve)));
      expect((await liveAgain(scenario('tool-call'), pause)).lines, `seed ${rng.seed}`).toEqual(once);
    }
  });
});

describe('a recorded model', () => {
  it('ends the session in strict mode when it goes another way, and names the first difference', async () => {
    const { clock, model, session } = await connected('barge-in');
    session.sendMessage('Where can I eat?');
    await clock.run(5_000);
    expect(model.problems).toHaveLength(1);
    expect(model.problems[0]).toMatchObject({ path: 'item.content.0.text', recorded: 'Where can I park?', replayed: 'Where can I eat?' });
    expect(() => model.assertComplete()).toThrow(expect.objectContaining({ code: 'RECORDING_MISMATCH', message: expect.stringContaining('Where can I park?') as string }) as Error);
    await session.close();
  });

  it('is not complete when less was said than in the recording', async () => {
    const { model, session } = await connected('barge-in');
    expect(model.problems).toEqual([]);
    expect(() => model.assertComplete()).toThrow(/recorded {2}"create_item"[\s\S]*replayed {2}\(nothing\)/);
    await session.close();
  });

  it('does not wait for ever in strict mode for what was said in the recording', async () => {
    const { clock, model, session } = await connected('barge-in');
    await clock.run(20_000);
    expect(model.problems).toEqual([]);
    await clock.run(15_000);
    expect(model.problems).toEqual([expect.objectContaining({ message: 'create_item', recorded: 'create_item', replayed: undefined })]);
    expect(session.state).not.toBe('open');
  });

  it('refuses a connection more than was recorded in strict mode', async () => {
    const { clock, model } = await connected('greeting');
    const next = scenarioSession(scenario('greeting'), clock, model);
    await expect(next.connect()).rejects.toMatchObject({ code: 'RECORDING_MISMATCH' });
  });

  it('goes on in lenient mode, tells what differs, and has no answer to what was never asked', async () => {
    const { clock, model, session } = await connected('barge-in', { mode: 'lenient' });
    listen(session, clock);
    const errors: string[] = [];
    session.on('error', ({ error }) => errors.push((error as { providerCode?: string }).providerCode ?? error.code));
    const answer = session.sendMessage('Where can I eat?');
    await clock.run(3_000);
    expect(model.problems.map(({ path }) => path)).toEqual(['item.content.0.text']);
    expect(session.history.some((item) => item.type === 'message' && item.role === 'assistant' && item.text.includes('market garage'))).toBe(true);
    await clock.run(20_000);
    await answer.done;
    const second = session.respond({ instructions: 'Once more.' });
    await clock.run(3_000);
    expect(await second.done).toMatchObject({ outcome: 'failed' });
    await session.close();
  });

  it('gives each further play ids of its own in lenient mode', async () => {
    const { clock, sessions } = await connected('barge-in', { mode: 'lenient', plays: 2 });
    for (const session of sessions) session.sendMessage('Where can I park?');
    await clock.run(3_000);
    const [first = [], second = []] = sessions.map(({ history }) => history.flatMap((item) => (item.type === 'message' && item.role === 'assistant' ? [item.itemId] : [])));
    expect(first.length).toBeGreaterThan(0);
    expect(second).toEqual(first.map((id) => `${id}_2`));
    await Promise.all(sessions.map((session) => session.close()));
  });

  it('plays faster or slower on a real clock\'s kind of time', async () => {
    const recording = fixture('greeting');
    const clock = new ManualClock(0);
    const session = scenarioSession(scenario('greeting'), clock, replayModel(recording, { clock, mode: 'lenient', speed: 10 }));
    const opening = session.connect();
    await clock.run(50);
    await opening;
    const answer = session.respond();
    let doneMs = 0;
    void answer.done.then(() => (doneMs = clock.now()));
    await clock.run(1_000);
    const ended = recording.lines.find((line) => line.type === 'event' && line.event.type === 'agent_end')?.at ?? 0;
    const asked = recording.lines.find((line) => line.type === 'input' && line.input.type === 'respond')?.at ?? 0;
    expect(doneMs - 50).toBeCloseTo((ended - asked) / 10, 0);
    await session.close();
  });

  it('refuses a speed that cannot be meant', () => {
    expect(() => replayModel(fixture('greeting'), { speed: 0 })).toThrow(RangeError);
    expect(() => replayModel(fixture('greeting'), { speed: Number.NaN })).toThrow(RangeError);
  });
});
