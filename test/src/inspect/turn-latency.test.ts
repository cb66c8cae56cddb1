/** Delays that are made on purpose at each hop are what the turn's account says, and nothing that fills a silence shortens it. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import { PCM16_24K, msToBytes, msToSamples } from '../../../audio/index.js';
import { tool } from '../../../session/index.js';
import { readTimeline } from '../../../src/inspect/index.js';
import { RecordingMemory, parseRecording, recordSessionTo } from '../../../src/recording/index.js';
import { placeCall } from '../../../src/recording/call-placement.js';
import { random } from '../../helpers/random.js';
import { openHarness, replyBegins, replyEnds } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';
import { calls } from '../../helpers/tool-calls.js';

const CHUNK_MS = 20;
const CHUNK = new Uint8Array(msToBytes(PCM16_24K, CHUNK_MS));
/** What a server takes for the end of a turn, where it names nothing else. */
const SILENCE_MS = 500;
const ANSWER_MS = 400;

it('200 turns with random delays: each hop within 5 ms, their sum the whole, one id for each turn in events, timeline and cue marks', async () => {
  const rng = random();
  const memory = new RecordingMemory();
  const recorder = recordSessionTo(memory);
  let endTool = (): void => {};
  const look = tool({ name: 'look', description: 'Looks.', parameters: z.object({}), execute: () => new Promise<string>((resolve) => (endTool = () => resolve('seen'))) });
  const { session, model, clock, of } = await openHarness({ tools: [look], playback: 'reported', recorder });
  const startedMs = clock.now();
  let sentMs = 0;

  /** Time passes while the microphone goes on: a chunk is sent when it has been spoken. */
  const pass = (ms: number): void => {
    const untilMs = clock.now() + ms;
    while (startedMs + sentMs + CHUNK_MS <= untilMs) {
      clock.advance(startedMs + sentMs + CHUNK_MS - clock.now());
      session.sendAudio(CHUNK);
      sentMs += CHUNK_MS;
    }
    clock.advance(untilMs - clock.now());
  };
  /** The listener hears it `afterMs` from now, and says so a little later. */
  const hear = (itemId: string, afterMs: number): number => {
    pass(afterMs);
    const heardAtMs = clock.now();
    const lateMs = rng.int(1, 80);
    pass(lateMs);
    session.reportPlayback({ itemId, contentIndex: 0, samples: msToSamples(PCM16_24K, lateMs) });
    pass(ANSWER_MS);
    session.reportPlayback({ itemId, contentIndex: 0, samples: msToSamples(PCM16_24K, ANSWER_MS) });
    return heardAtMs;
  };
  const asked = (): Record<string, string> => model.commandsOf('create_response').at(-1)?.request.metadata as Record<string, string>;

  const wanted: { parts: Record<string, number>; wholeMs: number; responseId: string }[] = [];
  for (let turn = 0; turn < 200; turn += 1) {
    pass(rng.int(600, 1_500));
    const audioEndMs = Math.floor(clock.now() - startedMs) - rng.int(0, 40);
    const lagMs = rng.int(0, 90);
    pass(lagMs);
    const speechEndMs = startedMs + audioEndMs - SILENCE_MS;
    model.push({ type: 'speech_started', itemId: `u${turn}`, audioStartMs: Math.max(0, audioEndMs - 1_000) }, { type: 'speech_stopped', itemId: `u${turn}`, audioEndMs });
    const decidedMs = clock.now();
    const commitMs = rng.int(0, 40);
    pass(commitMs);
    model.push({ type: 'input_committed', itemId: `u${turn}` });
    const requestMs = rng.int(0, 120);
    pass(requestMs);
    let modelMs = rng.int(1, 900);
    let metadata: Record<string, string> = {};
    const withTool = rng.next() < 0.4;
    const responseId = `r${turn}`;
    if (withTool) {
      model.push(...calls(`t${turn}`, [`c${turn}`, 'look', '{}']));
      await settle();
      const beganMs = clock.now();
      pass(rng.int(50, 500));
      if (rng.next() < 0.5) {
        // A word that fills the silence: made, heard and over before the answer.
        session.respond({ instructions: 'Say that you are looking.' }, { priority: 'filler' });
        model.push(...replyBegins(`f${turn}`, `fi${turn}`, 'One moment.', ANSWER_MS, asked()), ...replyEnds(`f${turn}`, `fi${turn}`, 'One moment.'));
        hear(`fi${turn}`, rng.int(1, 60));
      }
      endTool();
      await settle();
      metadata = asked();
      pass(modelMs);
      modelMs = clock.now() - beganMs;
      model.push(...replyBegins(responseId, `a${turn}`, 'Yes.', ANSWER_MS, metadata));
    } else {
      const [created, ...rest] = replyBegins(responseId, `a${turn}`, 'Yes.', ANSWER_MS);
      model.push(created as NonNullable<typeof created>);
      pass(modelMs);
      model.push(...rest);
    }
    model.push(...replyEnds(responseId, `a${turn}`, 'Yes.'));
    const playoutMs = rng.int(1, 200);
    const heardAtMs = hear(`a${turn}`, playoutMs);
    wanted.push({ responseId, wholeMs: heardAtMs - speechEndMs, parts: { endpoint: decidedMs - speechEndMs, commit: commitMs, request: requestMs, model: modelMs, send: 0, playout: playoutMs } });
  }
  await session.close();
  await recorder.done;

  const recording = parseRecording(memory.lines.map((line) => `${line}\n`).join(''), 'turns.vw.jsonl', (track) => Buffer.concat(memory.tracks.get(track) ?? []));
  const { turns } = readTimeline(recording).timeline;
  const answered = turns.filter(({ latencyMs }) => latencyMs !== undefined);
  expect(answered.map(({ responseId }) => responseId), `TEST_SEED=${rng.seed}`).toEqual(wanted.map(({ responseId }) => responseId));
  answered.forEach(({ parts, latencyMs, responseId }, index) => {
    const where = `TEST_SEED=${rng.seed}, ${responseId}`;
    const { parts: hops, wholeMs } = wanted[index] as (typeof wanted)[number];
    for (const { name, ms } of parts) expect(Math.abs(ms - (hops[name] as number)), `${where}: ${name} is ${ms} and not ${hops[name]}`).toBeLessThanOrEqual(5);
    expect(Object.fromEntries(parts.map(({ name }) => [name, true])), where).toEqual(Object.fromEntries(Object.keys(hops).map((name) => [name, true])));
    expect(parts.reduce((sum, { ms }) => sum + ms, 0), where).toBeCloseTo(latencyMs as number, 6);
    expect(Math.abs((latencyMs as number) - wholeMs), where).toBeLessThanOrEqual(5);
  });

  const ids = of('turn_metrics').map(({ turnId }) => turnId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(turns.map(({ turnId }) => turnId))).toEqual(new Set(ids));
  const cues = placeCall(recording).marks.flatMap(({ text }) => /^turn \d+ \((.+)\)$/.exec(text)?.[1] ?? []);
  expect(cues.toSorted()).toEqual(ids.toSorted());
});
