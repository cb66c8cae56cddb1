import { describe, expect, it } from 'vitest';
import { EventProcessor, ResilientProcessor, batch, coalesce, filter, map, merge, scan, takeUntil, tee, throttle, timeout } from '../../../session/index.js';
import type { Stream } from '../../../session/index.js';
import { ManualClock, mockStream } from '../../../src/testing.js';
import type { MockStream } from '../../../src/testing.js';
import { random } from '../../helpers/random.js';
import type { Random } from '../../helpers/random.js';
import { settle } from '../../helpers/settle.js';

const ROUNDS = 40;
const GONE = new Error('gone');

type Ending = 'end' | 'silence' | 'error';

/** A source of 0, 1, 2, … that takes its time or does not, and ends in one way or another. */
function someSource(rng: Random, clock: ManualClock): { source: MockStream<number>; count: number; ending: Ending } {
  const count = rng.int(0, 25);
  const ending = rng.pick<Ending>(['end', 'end', 'silence', 'error']);
  const pace = rng.pick([{}, { clock, delayMs: rng.int(1, 20) }, { clock, atMs: Array.from({ length: count }, (_, index) => index * rng.int(0, 12)) }]);
  const source = mockStream([...Array(count).keys()], { ...pace, then: ending === 'error' ? { error: GONE } : ending });
  return { source, count, ending };
}

/** Somebody who reads, waits or does not, and may leave at any moment. What was answered stands in `answers`, in the order of the reads. */
class RestlessReader<T> {
  readonly answers: (IteratorResult<T, undefined> | { readonly error: unknown } | undefined)[] = [];
  readonly #stream: Stream<T>;
  left = false;

  constructor(stream: Stream<T>) {
    this.#stream = stream;
  }

  get pending(): number {
    return this.answers.filter((answer) => answer === undefined).length;
  }

  get values(): T[] {
    return this.answers.flatMap((answer) => (answer !== undefined && 'value' in answer && answer.done === false ? [answer.value] : []));
  }

  get over(): boolean {
    return this.answers.some((answer) => answer !== undefined && !('value' in answer && answer.done === false));
  }

  get errors(): unknown[] {
    return this.answers.flatMap((answer) => (answer !== undefined && 'error' in answer ? [answer.error] : []));
  }

  read(): void {
    const index = this.answers.push(undefined) - 1;
    this.#stream.next().then(
      (result) => (this.answers[index] = result),
      (error: unknown) => (this.answers[index] = { error }),
    );
  }

  async act(rng: Random, clock: ManualClock): Promise<void> {
    const dice = rng.next();
    if (dice < 0.5 && this.pending < 4) this.read();
    else if (dice < 0.53) await this.leave();
    else if (dice < 0.7) await settle();
    else await clock.run(rng.int(1, 40));
  }

  async leave(): Promise<void> {
    await this.#stream.return();
    this.left = true;
  }

  async readOn(clock: ManualClock, most: number): Promise<void> {
    for (let count = 0; count < most && !this.over; count += 1) {
      if (this.pending === 0) this.read();
      await clock.run(60);
    }
  }
}

/** How often a source may have been returned: one that has ended, not at all, unless the reader left while word of the end was on its way. */
function returns(source: MockStream<number>, count: number, ending: Ending, whole: boolean): readonly number[] {
  if (source.asked === 0) return [0];
  if (source.asked <= count || ending === 'silence') return [1];
  return whole ? [0] : [0, 1];
}

interface Subject {
  readonly name: string;
  readonly make: (source: AsyncIterable<number>, clock: ManualClock) => Stream<unknown>;
  /** The values of the source that an output stands for. */
  readonly flat?: (output: unknown) => readonly number[];
  /** Which values of the source come out. */
  readonly keeps?: (value: number) => boolean;
}

const subjects: readonly Subject[] = [
  { name: 'map', make: (source) => map(source, (value) => value) },
  { name: 'map with promises', make: (source, clock) => map(source, (value) => (value % 3 === 0 ? new Promise<number>((resolve) => clock.after(7, () => resolve(value))) : value)) },
  { name: 'filter', make: (source) => filter(source, (value) => value % 2 === 1), keeps: (value) => value % 2 === 1 },
  { name: 'scan', make: (source) => scan(source, (_, value) => value, -1) },
  { name: 'takeUntil', make: (source) => takeUntil(source, new AbortController().signal) },
  { name: 'timeout', make: (source, clock) => timeout(source, { betweenMs: 100_000, totalMs: 1_000_000, clock }) },
  { name: 'throttle', make: (source, clock) => throttle(source, { everyMs: 15, clock }) },
  { name: 'batch', make: (source, clock) => batch(source, { count: 4, withinMs: 25, clock }), flat: (output) => output as number[] },
  { name: 'coalesce', make: (source) => coalesce(map(source, (value) => [value]), { key: (values) => ((values[0] as number) % 5 === 0 ? undefined : 'text'), join: (waiting, newer) => [...waiting, ...newer] }), flat: (output) => output as number[] },
  { name: 'a tee of one', make: (source) => tee(source, 1)[0] as Stream<number> },
  { name: 'a merge of one', make: (source) => map(merge({ one: source }), ({ value }) => value) },
  { name: 'EventProcessor', make: (source, clock) => map(processed(source, clock), ({ value }) => value) },
  { name: 'ResilientProcessor', make: (source, clock) => resilient(source, clock) },
];

function processed(source: AsyncIterable<number>, clock: ManualClock): Stream<{ readonly type: 'number'; readonly value: number }> {
  const processor = new EventProcessor<{ readonly type: 'number'; readonly value: number }>({ clock });
  processor.on('number', ({ value }) => (value % 2 === 0 ? undefined : new Promise<void>((resolve) => clock.after(3, resolve))));
  return processor.process(map(source, (value) => ({ type: 'number', value })));
}

function resilient(source: AsyncIterable<number>, clock: ManualClock): Stream<number> {
  const work = (value: number, { attempt }: { readonly attempt: number }): number => {
    if (attempt <= value % 3) throw new Error('not yet');
    return value;
  };
  return new ResilientProcessor<number, number>({ work, onFailure: 'retry_on_error', baseDelayMs: 10, random: () => 0.5, clock }).process(source);
}

describe.each(subjects)('$name', ({ make, flat = (output) => [output as number], keeps = () => true }) => {
  it('gives what it must, in order, for any interleaving of source, reader and time', async () => {
    const rng = random();
    for (let round = 0; round < ROUNDS; round += 1) {
      const where = `seed ${rng.seed}, round ${round}`;
      const clock = new ManualClock();
      const { source, count, ending } = someSource(rng, clock);
      const reader = new RestlessReader(make(source, clock));
      const acts = rng.int(0, 40);
      for (let act = 0; act < acts; act += 1) await reader.act(rng, clock);
      if (rng.next() < 0.5 && !reader.left) await reader.readOn(clock, count + 5);
      const whole = reader.over && !reader.left;
      await reader.leave();
      await clock.run(200);

      const expected = [...Array(count).keys()].filter(keeps);
      const got = reader.values.flatMap(flat);
      expect(got, where).toEqual(whole ? expected : expected.slice(0, got.length));
      expect(reader.errors, where).toEqual(whole && ending === 'error' ? [GONE] : reader.errors.slice(0, 1).filter((error) => error === GONE));
      expect(reader.pending, where).toBe(0);
      expect([clock.pendingTimers, source.pending], where).toEqual([0, 0]);
      expect(source.opened, where).toBe(source.asked === 0 ? 0 : 1);
      expect(returns(source, count, ending, whole), where).toContain(source.returned);
    }
  });
});

describe('merge', () => {
  it('keeps the order of each source and loses nothing, for any interleaving', async () => {
    const rng = random();
    for (let round = 0; round < ROUNDS; round += 1) {
      const where = `seed ${rng.seed}, round ${round}`;
      const clock = new ManualClock();
      const sources = { a: someSource(rng, clock), b: someSource(rng, clock), c: someSource(rng, clock) };
      const reader = new RestlessReader(merge({ a: sources.a.source, b: sources.b.source, c: sources.c.source }));
      for (let act = 0; act < 30; act += 1) await reader.act(rng, clock);
      if (!reader.left) await reader.readOn(clock, 100);
      const whole = reader.over && !reader.left && reader.errors.length === 0;
      await reader.leave();
      await clock.run(200);
      for (const [name, { source, count, ending }] of Object.entries(sources)) {
        const got = reader.values.flatMap(({ source: of, value }) => (of === name ? [value] : []));
        expect(got, where).toEqual([...Array(whole ? count : got.length).keys()]);
        expect(source.given - got.length, where).toBeLessThanOrEqual(1);
        expect(source.pending, where).toBe(0);
        expect(returns(source, count, ending, whole), where).toContain(source.returned);
      }
      expect([reader.pending, reader.errors.length <= 1, clock.pendingTimers], where).toEqual([0, true, 0]);
    }
  });
});

describe('tee', () => {
  it('gives each reader all, and is never further ahead of the slowest than it says, for any interleaving', async () => {
    const rng = random();
    for (let round = 0; round < ROUNDS; round += 1) {
      const where = `seed ${rng.seed}, round ${round}`;
      const clock = new ManualClock();
      const { source, count, ending } = someSource(rng, clock);
      const capacity = rng.int(1, 5);
      const readers = tee(source, 3, { capacity }).map((stream) => new RestlessReader(stream));
      for (let act = 0; act < 60; act += 1) {
        await rng.pick(readers).act(rng, clock);
        for (const reader of readers) if (!reader.left) expect(source.given - reader.values.length - reader.pending, where).toBeLessThanOrEqual(capacity);
      }
      for (let turn = 0; turn < 3; turn += 1) for (const reader of readers) if (!reader.left) await reader.readOn(clock, capacity);
      for (const reader of readers) {
        const whole = reader.over && !reader.left;
        expect(reader.values, where).toEqual([...Array(whole ? count : reader.values.length).keys()]);
        await reader.leave();
        expect(reader.errors, where).toEqual(whole && ending === 'error' ? [GONE] : reader.errors.slice(0, 1));
      }
      await clock.run(200);
      expect([clock.pendingTimers, source.pending], where).toEqual([0, 0]);
      expect(returns(source, count, ending, false), where).toContain(source.returned);
    }
  });
});
