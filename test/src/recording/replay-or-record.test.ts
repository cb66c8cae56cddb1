import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { demoScript } from '../../../src/emulator/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { replayOrRecord } from '../../../src/recording/index.js';
import type { ReplayOrRecordOptions, ReplayedOrRecorded } from '../../../src/recording/index.js';
import { EmulatedModel } from '../../helpers/emulated-model.js';
import { SCENARIOS, scenarioSession } from '../../helpers/recorded-scenarios.js';
import type { Scenario } from '../../helpers/recorded-scenarios.js';

const DAY_MS = 86_400_000;
let folder = '';
let path = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'voicewire-refresh-'));
  path = join(folder, 'parking.vw.jsonl');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** One call about parking; the live model says `reply`. */
async function call(startMs: number, options: Partial<ReplayOrRecordOptions> = {}, reply?: string): Promise<{ how: ReplayedOrRecorded['how']; changes: readonly string[]; text: string }> {
  const clock = new ManualClock(startMs);
  const script = reply === undefined ? demoScript : { ...demoScript, turns: [{ when: ['park'], reply }] };
  const live = new EmulatedModel(clock, { script });
  const scenario = SCENARIOS.find(({ name }) => name === 'tool-call') as Scenario;
  const made = replayOrRecord(path, { live, clock, ...options });
  const session = scenarioSession(scenario, clock, made.options.model, made.options.recorder);
  const opening = session.connect();
  await live.advance(500);
  await opening;
  const answer = session.sendMessage('Where can I park?');
  let text = '';
  void answer.done.then((result) => (text = result.text));
  await live.advance(4_000);
  await session.close();
  return { how: made.how, changes: await made.finish(), text };
}

describe('a test that replays, and records where it must', () => {
  it('records once, replays from then on, and refreshes what is too old, with the difference for people', async () => {
    expect((await call(0)).how).toBe('recorded');
    const first = readFileSync(path, 'utf8');
    expect(await call(DAY_MS, { maxAgeDays: 7 }, 'Nobody asks this model.')).toMatchObject({ how: 'replayed', changes: [], text: expect.stringMatching(/^There are a few good places/) as string });
    expect(readFileSync(path, 'utf8')).toBe(first);
    const refreshed = await call(8 * DAY_MS, { maxAgeDays: 7 }, 'On the roof.');
    expect(refreshed.how).toBe('refreshed');
    expect(refreshed.changes).toHaveLength(1);
    expect(refreshed.changes[0]).toMatch(/^event 1: .*There are a few good places.* is now .*On the roof\./);
    expect(await call(9 * DAY_MS, { maxAgeDays: 7 })).toMatchObject({ how: 'replayed', text: 'On the roof.' });
    expect(readdirSync(folder).sort()).toEqual(['parking.agent.wav', 'parking.vw.jsonl']);
  });

  it('makes no live call where none is allowed', async () => {
    const live = new EmulatedModel(new ManualClock());
    expect(() => replayOrRecord(path, { live, allowLive: false })).toThrow(expect.objectContaining({ code: 'RECORDING_MISMATCH', message: expect.stringMatching(/no recording/) as string }) as Error);
    await call(0);
    const clock = new ManualClock(30 * DAY_MS);
    expect(() => replayOrRecord(path, { live, clock, maxAgeDays: 7, allowLive: false })).toThrow(/older than 7 days/);
    expect(existsSync(path)).toBe(true);
  });

  it('fails at the end of a replay that said less than the recording', async () => {
    await call(0);
    const made = replayOrRecord(path, { live: new EmulatedModel(new ManualClock()) });
    await expect((async () => made.finish())()).rejects.toMatchObject({ code: 'RECORDING_MISMATCH' });
  });
});
