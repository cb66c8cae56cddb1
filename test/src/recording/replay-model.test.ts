import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { RecordingMemory, differenceText, firstDifference, parseRecording, readRecording, recordSessionTo, replayCaller, replayModel } from '../../../src/recording/index.js';
import type { Recording, RecordingLine } from '../../../src/recording/index.js';
import { random } from '../../helpers/random.js';
import { SCENARIOS, scenarioSession } from '../../helpers/recorded-scenarios.js';
import type { Scenario } from '../../helpers/recorded-scenarios.js';

function fixture(name: string): Recording {
  return readRecording(fileURLToPath(new URL(`../../../fixtures/recordings/${name}.vw.jsonl`, import.meta.url)));
}

/** A new session of a scenario, with the recorded model and the recorded caller, on virtual time; `pause` is what real time passes between its moments. */
async function liveAgain(scenario: Scenario, pause?: () => Promise<void>): Promise<{ lines: readonly RecordingLine[]; text: string; assertComplete: () => void }> {
  const recording = fixture(scenario.name);
  const clock = new ManualClock(recording.header.clockMs);
  const memory = new RecordingMemory();
  const recorder = recordSessionTo(memory);
  const model = replayModel(recording, { clock });
  const session = scenarioSession(scenario, clock, model, recorder);
  const opening = session.connect();
  let over = false;
  const call = opening.then(() => replayCaller(recording, session, { clock })).then(() => session.close()).then(() => (over = true));
  while (!over) await clock.run(100, pause);
  await call;
  const text = memory.lines.map((line) => `${line}\n`).join('');
  return { lines: parseRecording(text, 'live').lines, text, assertComplete: () => model.assertComplete() };
}

describe('a recorded model and a recorded caller', () => {
  it.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))('give a new session of %s the same call', async (_name, scenario) => {
    const { lines, assertComplete } = await liveAgain(scenario);
    const recorded = fixture(scenario.name).lines;
    const difference = firstDifference(recorded, lines, true);
    expect(difference === undefined ? '' : differenceText(difference)).toBe('');
    assertComplete();
  });
});
void random;
