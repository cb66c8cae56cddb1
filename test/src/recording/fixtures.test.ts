import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { wavHeader } from '../../../audio/index.js';
import { RecordingMemory, differenceText, readRecording, recordAgain, recordSessionTo, replaySession } from '../../../src/recording/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { random } from '../../helpers/random.js';
import type { Random } from '../../helpers/random.js';
import { SCENARIOS, playScenario } from '../../helpers/recorded-scenarios.js';
import type { Scenario } from '../../helpers/recorded-scenarios.js';

const FOLDER = fileURLToPath(new URL('../../../fixtures/recordings/', import.meta.url));
/** Set by fixtures/make-recordings.sh: the files are written, not compared. */
const MAKE = process.env['MAKE_RECORDINGS'] === '1';

/** Between two moments of this clock an unforeseeable number of turns of the event loop pass, and now and then real time. */
class ShakyClock extends ManualClock {
  readonly #rng: Random;

  constructor(rng: Random) {
    super(1_000);
    this.#rng = rng;
  }

  override run(ms: number): Promise<void> {
    return super.run(ms, async () => {
      if (this.#rng.next() < 0.005) await new Promise((resolve) => setTimeout(resolve, this.#rng.int(1, 4)));
      const turns = Math.floor(10 ** (this.#rng.next() ** 4 * 3));
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    });
  }
}

/** What the scenario is when it is played now: the bytes of each of its files. */
async function made(scenario: Scenario): Promise<Map<string, Uint8Array>> {
  const memory = new RecordingMemory();
  const recorder = recordSessionTo(memory);
  await playScenario(scenario, recorder);
  await recorder.done;
  const text = (lines: readonly string[]): Uint8Array => Buffer.from(lines.map((line) => `${line}\n`).join(''));
  const files = new Map([[`${scenario.name}.vw.jsonl`, text(memory.lines)]]);
  for (const [track, pieces] of memory.tracks) {
    const data = Buffer.concat(pieces);
    const format = { encoding: 'mulaw', sampleRate: 8000, channels: 1 } as const;
    files.set(`${scenario.name}.${track}.wav`, Buffer.concat([wavHeader({ ...format, dataBytes: data.length }), data, Buffer.alloc(data.length % 2)]));
  }
  const events = memory.lines.flatMap((line) => {
    const { type, event } = JSON.parse(line) as { type?: string; event?: unknown };
    return type === 'event' ? [JSON.stringify(event)] : [];
  });
  files.set(`${scenario.name}.expected.jsonl`, text(events));
  return files;
}

describe('the recordings in fixtures/', () => {
  it.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))('%s is what the emulator and the session make of it today', async (_name, scenario) => {
    mkdirSync(FOLDER, { recursive: true });
    for (const [file, bytes] of await made(scenario)) {
      if (MAKE) writeFileSync(`${FOLDER}${file}`, bytes);
      expect(Buffer.compare(readFileSync(`${FOLDER}${file}`), bytes), `${file} differs; fixtures/make-recordings.sh makes them anew`).toBe(0);
    }
  });

  it.each(SCENARIOS.map(({ name }) => name))('%s, played again, tells the expected events', (name) => {
    const recording = readRecording(`${FOLDER}${name}.vw.jsonl`);
    const { difference, events } = replaySession(recording);
    expect(difference === undefined ? '' : differenceText(difference)).toBe('');
    const expected = readFileSync(`${FOLDER}${name}.expected.jsonl`, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { type: string; info: unknown });
    expect(events.map(({ type, info }) => ({ type, info }))).toEqual(expected.map(({ type, info }) => ({ type, info })));
  });

  it.each(SCENARIOS.map(({ name }) => name))('%s, played and recorded again, is the same files', async (name) => {
    const memory = new RecordingMemory();
    const recording = readRecording(`${FOLDER}${name}.vw.jsonl`);
    await recordAgain(recording, memory);
    expect(memory.lines.map((line) => `${line}\n`).join('')).toBe(readFileSync(`${FOLDER}${name}.vw.jsonl`, 'utf8'));
    for (const [track, pieces] of memory.tracks) expect(Buffer.compare(Buffer.concat(pieces), recording.trackBytes(track)), track).toBe(0);
  });

  it.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))('%s is the same on a machine whose speed changes at every moment, by a factor of up to a thousand', async (name, scenario) => {
    const rng = random();
    const memory = new RecordingMemory();
    const recorder = recordSessionTo(memory);
    await playScenario(scenario, recorder, {}, new ShakyClock(rng));
    await recorder.done;
    expect(memory.lines.map((line) => `${line}\n`).join('') === readFileSync(`${FOLDER}${name}.vw.jsonl`, 'utf8'), `TEST_SEED=${rng.seed}`).toBe(true);
  });

  it('are at least eight, and small', () => {
    const files = readdirSync(FOLDER);
    expect(files.filter((file) => file.endsWith('.vw.jsonl')).length).toBeGreaterThanOrEqual(8);
    expect(files.reduce((sum, file) => sum + statSync(`${FOLDER}${file}`).size, 0)).toBeLessThan(3 * 1024 * 1024);
  });
});
