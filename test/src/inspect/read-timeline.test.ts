import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decodeMulaw } from '../../../audio/index.js';
import type { SessionEvent, TurnMarks } from '../../../session/index.js';
import { readTimeline } from '../../../src/inspect/index.js';
import type { Timeline } from '../../../src/inspect/index.js';
import { depthAt } from '../../../src/inspect/depth-curve.js';
import { readRecording } from '../../../src/recording/index.js';
import type { Recording } from '../../../src/recording/index.js';

const NAMES = ['greeting', 'tool-call', 'barge-in', 'queued-items', 'hand-off', 'reconnect', 'failure', 'push-to-talk'];
const recordings = new Map<string, Recording>(NAMES.map((name) => [name, readRecording(fileURLToPath(new URL(`../../../fixtures/recordings/${name}.vw.jsonl`, import.meta.url)))]));
const recording = (name: string): Recording => recordings.get(name) as Recording;
const timeline = (name: string): Timeline => readTimeline(recording(name)).timeline;
const told = <Type extends SessionEvent['type']>(name: string, type: Type): (Extract<SessionEvent, { type: Type }>)[] =>
  recording(name).lines.flatMap((line) => (line.type === 'event' && line.event.type === type ? [line.event as Extract<SessionEvent, { type: Type }>] : []));
const loudest = (base64: string, from: number, to: number): number => new Int8Array(Buffer.from(base64, 'base64')).subarray(from * 2, to * 2).reduce((most, value) => Math.max(most, Math.abs(value)), 0);

describe('the turns of a recording', () => {
  it.each(NAMES)('%s: marks are those that the session told', (name) => {
    const marks = new Map<string, TurnMarks>(told(name, 'turn_metrics').map((event) => [event.turnId, event.marks]));
    expect(new Map(timeline(name).turns.map((turn) => [turn.turnId, turn.marks]))).toEqual(marks);
    expect(marks.size).toBeGreaterThan(0);
  });

  it.each(NAMES)('%s: the parts of a turn are the whole of it', (name) => {
    for (const { parts, fromMs, toMs } of timeline(name).turns) expect(parts.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(toMs - fromMs, 9);
  });

  it('greeting: the agent speaks first, then a turn with a tool in it', () => {
    const [first, second] = timeline('greeting').turns;
    expect(first?.latencyMs).toBeUndefined();
    expect(second?.latencyMs).toBe(8605 - 7280);
    expect(second?.parts.filter(({ ms }) => ms > 0)).toEqual([{ name: 'endpoint', ms: 530.5 }, { name: 'model', ms: 794.5 }]);
    expect(second?.toolMs).toBe(8414.5 - 7930.5);
    expect(second?.saidByAgent).toBe('With pleasure. You have table 12, and your reference is V-4711.');
    expect([first?.saidByCaller, second?.saidByCaller]).toEqual(['', 'Hello. I would like to book a table for two, tomorrow at seven, please.']);
    // Both responses of the turn: the one that called the tool and the one that spoke.
    expect([second?.inputTokens, second?.outputTokens]).toEqual([68 + 91, 11 + 135]);
    expect(first?.interrupted).toBe(true);
    expect(second?.interrupted).toBe(false);
  });

  it('tool-call: the span ends with the tool, and the tool took what tool_end says', () => {
    const [tool, ...more] = timeline('tool-call').tools;
    const [end] = told('tool-call', 'tool_end');
    expect(more).toEqual([]);
    expect(tool).toMatchObject({ toolName: 'book_table', outcome: 'ok', durationMs: end?.durationMs, fromMs: 1650.5, toMs: 2134.5 });
    expect(end?.durationMs).toBe(400);
    expect(timeline('tool-call').turns[0]?.saidByCaller).toBe('A table for two tomorrow at seven, please.');
  });

  it('failure: an open end is an error, and the connection is gone for good', () => {
    const { tools, connection } = timeline('failure');
    expect(tools.map(({ outcome }) => outcome)).toEqual(['error']);
    expect(connection.at(-1)?.state).toBe('closed');
  });

  it('reconnect: the states of the connection follow each other without a hole', () => {
    const { connection, endMs } = timeline('reconnect');
    expect(connection.map(({ state }) => state)).toEqual(['connecting', 'open', 'reconnecting', 'resumed', 'closed']);
    expect(connection.slice(1).every(({ fromMs }, index) => fromMs === connection[index]?.toMs)).toBe(true);
    expect(connection[2]).toMatchObject({ fromMs: 1915.25, toMs: 2087 });
    expect(connection.at(-1)?.toMs).toBe(endMs);
  });
});

describe('what was heard', () => {
  it.each(NAMES)('%s: the ledger, led through the recording, cuts where the session did', (name) => {
    const { interruptions } = timeline(name);
    const events = told(name, 'audio_interrupted');
    expect(interruptions.map(({ heardMs }) => heardMs)).toEqual(events.map(({ heardMs }) => heardMs));
  });

  it.each([
    ['barge-in', 'reports', 3570],
    ['queued-items', 'reports', 3620],
    ['greeting', 'clock', 3880],
    ['reconnect', 'clock', 1709],
  ] as const)('%s: the item that was cut sounds for as long as %s say', (name, heardFrom, heardMs) => {
    const { heard, interruptions, heardFrom: source } = timeline(name);
    expect(source).toBe(heardFrom);
    const item = heard.find(({ itemId }) => itemId === interruptions[0]?.itemId);
    expect(Math.floor((item?.heardMs ?? NaN) + 1e-6)).toBe(heardMs);
    expect(item?.text).toBe(interruptions[0]?.heardText);
  });

  it('queued-items: what nobody heard is the rest of both answers', () => {
    expect(timeline('queued-items').interruptions[0]?.unheardMs).toBeCloseTo(12_190 + 5_845 - 3_620, -2);
  });

  it('an answer that is heard to its end is as long as its sound', () => {
    const { heard } = timeline('push-to-talk');
    expect(heard[0]?.heardMs).toBeCloseTo(5955, 3);
    expect(heard[0]?.fromMs).toBe(6445);
  });
});

describe('the buffer', () => {
  it('barge-in: is what was sent less what was heard, and empty after the cut', () => {
    const { depth } = timeline('barge-in');
    const chunks = told('barge-in', 'audio').filter(({ info }) => info.timestamp <= 3190.5);
    const sentMs = chunks.reduce((sum, { chunk }) => sum + (chunk.bytes as unknown as { bytes: number }).bytes / 8, 0);
    const reports = recording('barge-in').lines.flatMap((line) => (line.type === 'input' && line.input.type === 'playback' && line.at <= 3200 ? [(line.input as unknown as { report: { samples: number } }).report.samples / 8] : []));
    expect(depthAt(depth, 3200)).toBeCloseTo(sentMs - (reports.at(-1) ?? 0), -1);
    expect(depthAt(depth, 5250.5)).toBe(0);
    expect(depthAt(depth, 5250)).toBeGreaterThan(8_000);
  });

  it('push-to-talk: is what waits of the second answer when the first has been heard', () => {
    const heardAtMs = 6445 + 5955;
    expect(depthAt(timeline('push-to-talk').depth, heardAtMs)).toBeCloseTo(sentOfSecond('push-to-talk', heardAtMs), 6);
  });
});

/** Sound of the second answer that was sent until then. */
function sentOfSecond(name: string, atMs: number): number {
  const [, second] = [...new Set(told(name, 'audio').map(({ itemId }) => itemId))];
  return told(name, 'audio').filter(({ itemId, info }) => itemId === second && info.timestamp <= atMs).reduce((sum, { chunk }) => sum + (chunk.bytes as unknown as { bytes: number }).bytes / 8, 0);
}

describe('the sound', () => {
  it('the caller\'s is loud where the caller speaks, by the session\'s own mark, and silent after it', () => {
    const { peaks, turns, startMs } = timeline('barge-in');
    const bucket = (ms: number): number => Math.round((ms - startMs) / peaks.bucketMs);
    const endMs = turns[1]?.marks.speechEndMs ?? NaN;
    expect(loudest(peaks.caller, bucket(endMs - 300), bucket(endMs))).toBeGreaterThan(8);
    expect(loudest(peaks.caller, bucket(endMs + 60), bucket(endMs + 900))).toBeLessThan(3);
  });

  it('the agent\'s is received sooner than it is heard, and is not heard after the cut', () => {
    const { peaks, startMs } = timeline('barge-in');
    const bucket = (ms: number): number => Math.round((ms - startMs) / peaks.bucketMs);
    expect(loudest(peaks.received, bucket(1_690), bucket(3_190))).toBeGreaterThan(20);
    expect(loudest(peaks.received, bucket(3_400), bucket(5_200))).toBe(0);
    expect(loudest(peaks.heard, bucket(3_400), bucket(5_200))).toBeGreaterThan(20);
    expect(loudest(peaks.heard, bucket(5_260), bucket(7_600))).toBe(0);
  });

  it('peaks are those of the samples themselves', () => {
    const { peaks } = timeline('greeting');
    const samples = decodeMulaw(recording('greeting').trackBytes('caller'));
    const most = samples.reduce((max, sample) => Math.max(max, Math.abs(sample >> 8)), 0);
    expect(loudest(peaks.caller, 0, Infinity)).toBe(most);
  });
});

describe('the list of events', () => {
  it('has each event, and runs of sound, words and reports as one row', () => {
    const { rows } = timeline('barge-in');
    const all = recording('barge-in').lines.filter(({ type }) => type === 'event').length;
    expect(rows.filter(({ kind }) => kind === 'event').reduce((sum, { count }) => sum + count, 0)).toBe(all);
    expect(rows.filter(({ type }) => type === 'audio').length).toBe(2);
    expect(rows.filter(({ type }) => type === 'turn_metrics').length).toBe(2);
    expect(rows.find(({ type }) => type === 'transcript_delta')?.text).toMatch(/^There are a few good places/);
    expect(rows.length).toBeLessThan(120);
  });

  it('names the line of the file', () => {
    const { rows } = timeline('tool-call');
    const row = rows.find(({ type }) => type === 'tool_end');
    expect(recording('tool-call').lines[(row?.line ?? 0) - 2]).toMatchObject({ type: 'event', event: { type: 'tool_end' } });
  });
});
