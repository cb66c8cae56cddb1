import { describe, expect, test } from 'vitest';
import { FAULT_KINDS, parseFault, readFault } from '../../../src/emulator/index.js';
import type { Fault } from '../../../src/emulator/index.js';
import { matchesEvents } from '../../../src/emulator/fault.js';
import { FaultyLine } from '../../../src/emulator/faulty-line.js';
import type { LineAction } from '../../../src/emulator/faulty-line.js';

let count = 0;
const event = (type: string, more: object = {}): { type: string; event_id: string } => ({ type, event_id: `event_${(count += 1)}`, ...more });
const typesOf = (actions: readonly LineAction[]): string[] => actions.map((action) => (action.type === 'text' ? (JSON.parse(action.text) as { type: string }).type : action.type));

/** Sends events one a millisecond and collects what happens until `untilMs`, with the moment of each. */
function play(faults: readonly Fault[], types: readonly (string | { type: string })[], { seed = 1, untilMs = 10_000 } = {}): { atMs: number; what: string }[] {
  const line = new FaultyLine(seed);
  const seen: { atMs: number; what: string }[] = [];
  const note = (actions: readonly LineAction[], atMs: number): void => void seen.push(...typesOf(actions).map((what) => ({ atMs, what })));
  for (const fault of faults) note(line.add(fault, 0), 0);
  types.forEach((type, index) => {
    const atMs = index + 1;
    for (let nextMs = line.nextWakeMs; nextMs !== undefined && nextMs < atMs; nextMs = line.nextWakeMs) note(line.wake(nextMs), nextMs);
    note(line.send(typeof type === 'string' ? event(type) : { ...event(type.type), ...type }, atMs), atMs);
  });
  for (let nextMs = line.nextWakeMs; nextMs !== undefined && nextMs <= untilMs; nextMs = line.nextWakeMs) note(line.wake(nextMs), nextMs);
  return seen;
}

const what = (seen: readonly { what: string }[]): string[] => seen.map((one) => one.what);

describe('a line with', () => {
  test('no fault is a line', () => {
    expect(play([], ['a', 'b'])).toEqual([{ atMs: 1, what: 'a' }, { atMs: 2, what: 'b' }]);
  });

  test('latency of one class delays that class and what comes behind it, and nothing overtakes', () => {
    const seen = play([{ kind: 'latency', events: 'audio', ms: 100 }], ['first', 'response.output_audio.delta', 'last']);
    expect(seen).toEqual([{ atMs: 1, what: 'first' }, { atMs: 102, what: 'response.output_audio.delta' }, { atMs: 102, what: 'last' }]);
  });

  test('jitter delays differently, within its bounds, and the same for the same seed', () => {
    const types = Array.from({ length: 200 }, (_, index) => `e${index}`);
    const delays = (seed: number): number[] => play([{ kind: 'latency', ms: 50, jitterMs: 30 }], types, { seed }).map(({ atMs }, index) => atMs - (index + 1));
    const first = delays(7);
    expect(what(play([{ kind: 'latency', ms: 50, jitterMs: 30 }], types))).toEqual(types);
    expect(Math.min(...first)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...first)).toBeLessThanOrEqual(80);
    expect(new Set(first).size).toBeGreaterThan(10);
    expect(delays(7)).toEqual(first);
    expect(delays(8)).not.toEqual(first);
  });

  test('a drop at the third event loses that one and all after it', () => {
    expect(what(play([{ kind: 'drop', onEvent: 'a', nth: 3 }], ['a', 'b', 'a', 'a', 'b']))).toEqual(['a', 'b', 'a', 'cut']);
  });

  test('a drop at a time, at a byte, or with a close code', () => {
    expect(play([{ kind: 'drop', afterMs: 5 }], ['a'])).toEqual([{ atMs: 1, what: 'a' }, { atMs: 5, what: 'cut' }]);
    expect(new FaultyLine(1).add({ kind: 'drop', afterBytes: 700 }, 0)).toEqual([{ type: 'cut-at-byte', bytes: 700 }]);
    expect(new FaultyLine(1).add({ kind: 'drop', code: 1011, reason: 'oops' }, 0)).toEqual([{ type: 'close', code: 1011, reason: 'oops' }]);
  });

  test('half of it gone says nothing more', () => {
    expect(what(play([{ kind: 'half-open', onEvent: 'b' }], ['a', 'b', 'c']))).toEqual(['a', 'half-open']);
  });

  test('a mute loses what is said for so long', () => {
    expect(what(play([{ kind: 'mute', onEvent: 'b', forMs: 2 }], ['a', 'b', 'c', 'd', 'e']))).toEqual(['a', 'd', 'e']);
    expect(what(play([{ kind: 'mute' }], ['a', 'b']))).toEqual([]);
  });

  test('duplicates sends the same event twice, or some of them by chance', () => {
    expect(what(play([{ kind: 'duplicate', events: 'b' }], ['a', 'b', 'c']))).toEqual(['a', 'b', 'b', 'c']);
    const many = Array.from({ length: 400 }, () => 'a');
    const twice = play([{ kind: 'duplicate', chance: 0.25 }], many).length - 400;
    expect(twice).toBeGreaterThan(60);
    expect(twice).toBeLessThan(140);
  });

  test('reorders moves what floats behind other events, in its own order, and loses nothing', () => {
    const floating = (id: string, kind: string): object => ({ type: `conversation.item.input_audio_transcription.${kind}`, item_id: id });
    const types = [floating('u1', 'delta'), 'a', floating('u1', 'completed'), 'b', 'rate_limits.updated', 'c', 'd', 'e', 'f', 'g', 'h'] as { type: string }[];
    const seen = what(play([{ kind: 'reorder' }], types));
    expect(seen.filter((type) => type.length === 1)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
    expect(seen.filter((type) => type.length > 1)).toEqual(['conversation.item.input_audio_transcription.delta', 'conversation.item.input_audio_transcription.completed', 'rate_limits.updated']);
    expect(seen[0]).toBe('a');
  });

  test('reorders lets a transcript delta of the same item pass the audio before it, and nothing else', () => {
    const audio = { type: 'response.output_audio.delta', item_id: 'i' };
    const transcript = { type: 'response.output_audio_transcript.delta', item_id: 'i' };
    expect(what(play([{ kind: 'reorder' }], [audio, transcript]))).toEqual([transcript.type, audio.type]);
    expect(what(play([{ kind: 'reorder' }], [audio, { ...transcript, item_id: 'other' }]))).toEqual([audio.type, transcript.type]);
    expect(what(play([{ kind: 'reorder' }], [audio, 'response.output_audio.done']))).toEqual([audio.type, 'response.output_audio.done']);
    // What waits for somebody who never comes goes by itself.
    expect(play([{ kind: 'reorder' }], [audio])).toEqual([{ atMs: 251, what: audio.type }]);
  });

  test.each<[Extract<Fault, { kind: 'malformed' }>['form'] & string, (text: string) => void]>([
    ['not-json', (text) => expect(() => JSON.parse(text) as unknown).toThrow()],
    ['not-an-object', (text) => expect(Array.isArray(JSON.parse(text))).toBe(true)],
    ['cut', (text) => expect(text).toBe('{"type":"response.done","')],
  ])('a message that is malformed: %s', (form, check) => {
    const line = new FaultyLine(1);
    const [before, own] = [line.add({ kind: 'malformed', form, onEvent: 'response.done' }, 0), line.send({ type: 'response.done', event_id: 'event_123456' }, 1)];
    expect([before.length, own.length]).toEqual([0, 2]);
    check((own[0] as { text: string }).text);
  });

  test('a message in bytes, and an event that nobody knows', () => {
    expect(new FaultyLine(1).add({ kind: 'malformed', form: 'binary' }, 0)[0]?.type).toBe('binary');
    const [first, second] = [0, 1].map(() => new FaultyLine(1)).map((line) => line.add({ kind: 'unknown-event' }, 0)[0] as { text: string });
    expect(JSON.parse(first?.text ?? '')).toMatchObject({ type: 'emulator.surprise', event_id: expect.stringMatching(/^event_/) });
    expect(second).toEqual(first);
  });

  test('a close behind what is still on its way', () => {
    const line = new FaultyLine(1);
    line.add({ kind: 'latency', ms: 50 }, 0);
    expect(line.send(event('a'), 0)).toEqual([]);
    expect(line.close(1001, 'over', 10)).toEqual([]);
    expect(typesOf(line.wake(50))).toEqual(['a', 'close']);
  });

  test('more than it can hold is cut, and holds nothing any more', () => {
    const line = new FaultyLine(1);
    line.add({ kind: 'latency', ms: 60_000 }, 0);
    const big = { ...event('conversation.item.retrieved'), item: 'x'.repeat(1024 * 1024) };
    const actions = Array.from({ length: 40 }, () => line.send(big, 0)).flat();
    expect(actions).toEqual([{ type: 'cut' }]);
    expect(line.wake(60_000)).toEqual([]);
  });

  test('room again takes more', () => {
    const line = new FaultyLine(1);
    line.add({ kind: 'latency', ms: 10 }, 0);
    const big = { ...event('conversation.item.retrieved'), item: 'x'.repeat(1024 * 1024) };
    for (let round = 0; round < 60; round += 1) {
      expect(line.send(big, round * 10)).toHaveLength(round === 0 ? 0 : 1);
    }
  });

  test('all faults taken back lets go of what it held', () => {
    const line = new FaultyLine(1);
    line.add({ kind: 'reorder' }, 0);
    line.add({ kind: 'mute', afterMs: 100 }, 0);
    line.send({ ...event('response.output_audio.delta'), item_id: 'i' }, 0);
    expect(typesOf(line.clear(1))).toEqual(['response.output_audio.delta']);
    expect(line.nextWakeMs).toBeUndefined();
  });
});

describe('a fault in words', () => {
  test.each<[string, Fault]>([
    ['mute', { kind: 'mute' }],
    ['drop:onEvent=response.output_audio.delta,nth=3', { kind: 'drop', onEvent: 'response.output_audio.delta', nth: 3 }],
    ['latency:events=audio,ms=200,jitterMs=50', { kind: 'latency', events: 'audio', ms: 200, jitterMs: 50 }],
    ['clock-skew:ms=-3600000', { kind: 'clock-skew', ms: -3_600_000 }],
    ['drop:code=1011,reason=a=b', { kind: 'drop', code: 1011, reason: 'a=b' }],
    ['refuse:status=429,times=2,retryAfterSeconds=1', { kind: 'refuse', status: 429, times: 2, retryAfterSeconds: 1 }],
  ])('%s', (text, fault) => {
    expect(parseFault(text)).toEqual(fault);
  });

  test.each<[string, string]>([
    ['earthquake', 'the kinds are latency, drop'],
    ['', 'the kinds are latency, drop'],
    ['latency', '"ms"'],
    ['latency:ms=abc', '"ms"'],
    ['latency:ms', '"ms" has no value'],
    ['mute:loud=1', 'loud'],
    ['duplicate:chance=2', '"chance"'],
  ])('"%s" is none, and says why', (text, why) => {
    expect(parseFault(text)).toContain(why);
  });

  test('has every kind, and no other', () => {
    expect(FAULT_KINDS).toHaveLength(12);
    expect(readFault(undefined)).toEqual(expect.any(String));
  });

  test.each<[string | undefined, string, boolean]>([
    [undefined, 'anything', true],
    ['*', 'anything', true],
    ['response.*', 'response.done', true],
    ['response.*', 'session.created', false],
    ['response.done', 'response.done', true],
    ['response.done', 'response.done.too', false],
    ['audio', 'response.output_audio.delta', true],
    ['audio', 'response.output_audio.done', false],
    ['floating', 'rate_limits.updated', true],
    ['input', 'input_audio_buffer.speech_started', true],
  ])('the pattern %s and the event %s: %s', (pattern, type, matches) => {
    expect(matchesEvents(pattern, type)).toBe(matches);
  });
});
