import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import {
  EventProcessor,
  ResilientProcessor,
  batch,
  coalesce,
  filter,
  gate,
  map,
  merge,
  ofType,
  operator,
  scan,
  takeUntil,
  tee,
  throttle,
  timeout,
  withState,
} from '../../../session/index.js';
import type { Stream } from '../../../session/index.js';
import { ManualClock, mockStream } from '../../../src/testing.js';
import { settle } from '../../helpers/settle.js';

interface Event {
  readonly type: 'event';
  readonly value: number;
}

interface Subject {
  readonly name: string;
  /** Passes every event on, one for one, in some form. */
  readonly make: (source: AsyncIterable<Event>, clock: ManualClock) => Stream<unknown>;
  /** Values that may have been asked for beyond those that were read. */
  readonly ahead: number;
}

const only = <T>(streams: readonly Stream<T>[]): Stream<T> => streams[0] as Stream<T>;

const subjects: readonly Subject[] = [
  { name: 'filter', ahead: 0, make: (source) => filter(source, () => true) },
  { name: 'ofType', ahead: 0, make: (source) => ofType(source, 'event') },
  { name: 'map', ahead: 0, make: (source) => map(source, ({ value }) => -value) },
  { name: 'map with promises', ahead: 0, make: (source) => map(source, ({ value }) => Promise.resolve(-value)) },
  { name: 'scan', ahead: 0, make: (source) => scan(source, (sum, { value }) => sum + value, 0) },
  { name: 'withState', ahead: 0, make: (source) => withState(source, (sum, { value }) => sum + value, 0) },
  { name: 'gate', ahead: 0, make: (source) => gate(source, { from: () => true }) },
  { name: 'batch', ahead: 0, make: (source, clock) => batch(source, { count: 1, withinMs: 5, clock }) },
  { name: 'throttle', ahead: 0, make: (source, clock) => throttle(source, { everyMs: 5, clock }) },
  { name: 'coalesce', ahead: 3, make: (source) => coalesce(source, { capacity: 3, key: () => undefined }) },
  { name: 'timeout', ahead: 0, make: (source, clock) => timeout(source, { betweenMs: 1e6, totalMs: 1e7, clock }) },
  { name: 'takeUntil', ahead: 0, make: (source) => takeUntil(source, new AbortController().signal) },
  { name: 'merge', ahead: 1, make: (source) => merge({ one: source }) },
  { name: 'tee', ahead: 0, make: (source) => only(tee(source, 1)) },
  { name: 'operator', ahead: 0, make: (source) => operator<Event, Event>(source, (outlet) => ({ onValue: (value) => outlet.push(value) })) },
  { name: 'EventProcessor', ahead: 0, make: (source, clock) => processor(clock).process(source) },
  { name: 'ResilientProcessor', ahead: 0, make: (source, clock) => new ResilientProcessor<Event, Event>({ work: (event) => event, onFailure: 'fail_fast', clock }).process(source) },
  { name: 'several in a row', ahead: 0, make: (source, clock) => map(filter(timeout(source, { betweenMs: 1e6, clock }), () => true), ({ value }) => value) },
];

function processor(clock: ManualClock): EventProcessor<Event> {
  const made = new EventProcessor<Event>({ clock });
  made.on('event', () => Promise.resolve());
  return made;
}

const events = (count: number): readonly Event[] => Array.from({ length: count }, (_, value) => ({ type: 'event', value }));

/** The next result, with time for those that take some. */
async function read<T>(stream: Stream<T>, clock: ManualClock): Promise<IteratorResult<T, undefined>> {
  const result = stream.next();
  result.catch(() => {});
  await clock.run(10);
  return result;
}

const DONE = { value: undefined, done: true };

describe.each(subjects)('$name', ({ make, ahead }) => {
  it('opens nothing before the first next(), and nothing at all when it is left before', async () => {
    const clock = new ManualClock();
    const source = mockStream(events(3));
    const stream = make(source, clock);
    stream[Symbol.asyncIterator]();
    await settle();
    expect(await stream.return()).toEqual(DONE);
    expect(await stream.next()).toEqual(DONE);
    expect([source.opened, source.asked, source.returned, clock.pendingTimers]).toEqual([0, 0, 0, 0]);
  });

  it('gives a value for each one and ends with its source, of which it lets go by no return()', async () => {
    const clock = new ManualClock();
    const source = mockStream(events(5));
    const stream = make(source, clock);
    for (let index = 0; index < 5; index += 1) expect((await read(stream, clock)).done).toBe(false);
    expect(await read(stream, clock)).toEqual(DONE);
    expect(await read(stream, clock)).toEqual(DONE);
    await stream.return();
    expect([source.opened, source.given, source.returned, clock.pendingTimers]).toEqual([1, 5, 0, 0]);
  });

  it('asks for no more than was read, and what it says that it reads ahead', async () => {
    const clock = new ManualClock();
    const source = mockStream(events(50));
    const stream = make(source, clock);
    for (let count = 1; count <= 10; count += 1) {
      await read(stream, clock);
      await clock.run(100);
      expect(source.asked).toBeGreaterThanOrEqual(count);
      expect(source.asked).toBeLessThanOrEqual(count + ahead);
    }
    await stream.return();
  });

  it('lets go of its source exactly once when the reader leaves between two reads', async () => {
    const clock = new ManualClock();
    const source = mockStream(events(50));
    const stream = make(source, clock);
    await read(stream, clock);
    await read(stream, clock);
    await stream.return();
    await stream.return();
    expect(await stream.next()).toEqual(DONE);
    expect([source.returned, clock.pendingTimers]).toEqual([1, 0]);
  });

  it('lets go of its source exactly once while a next() is pending, which is then done', async () => {
    const clock = new ManualClock();
    const source = mockStream(events(1), { then: 'silence' });
    const stream = make(source, clock);
    await read(stream, clock);
    const pending = stream.next();
    await settle();
    expect(source.pending).toBe(1);
    await stream.return();
    expect(await pending).toEqual(DONE);
    await stream.return();
    expect([source.returned, source.pending, clock.pendingTimers]).toEqual([1, 0, 0]);
  });

  it('does not hang with a generator that waits for ever', async () => {
    const clock = new ManualClock();
    const stream = make(
      (async function* () {
        yield await new Promise<Event>(() => {});
      })(),
      clock,
    );
    const pending = stream.next();
    await settle();
    expect(await stream.return()).toEqual(DONE);
    expect(await pending).toEqual(DONE);
    expect(clock.pendingTimers).toBe(0);
  });

  it('waits for the finally of a source that is left between two reads, and hands on what it throws', async () => {
    const clock = new ManualClock();
    let left = 'no';
    const source = async function* (): AsyncGenerator<Event> {
      try {
        for (;;) yield { type: 'event', value: 1 };
      } finally {
        await settle();
        left = 'yes';
        throw new Error('could not close');
      }
    };
    const stream = make(source(), clock);
    await read(stream, clock);
    const returned = stream.return().catch((error: unknown) => (error as Error).message);
    expect([await returned, left]).toEqual(['could not close', 'yes']);
  });

  it('gives an error of its source once, after the values before it, and lets go by no return()', async () => {
    const clock = new ManualClock();
    const source = mockStream(events(2), { then: { error: new Error('gone') } });
    const stream = make(source, clock);
    expect((await read(stream, clock)).done).toBe(false);
    expect((await read(stream, clock)).done).toBe(false);
    await expect(read(stream, clock)).rejects.toThrow('gone');
    expect(await read(stream, clock)).toEqual(DONE);
    await stream.return();
    expect([source.returned, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('gives an error of a source that cannot be opened, throws instead of rejecting, or answers nonsense', async () => {
    const clock = new ManualClock();
    const broken: AsyncIterable<Event> = {
      [Symbol.asyncIterator]() {
        throw new Error('not today');
      },
    };
    const rude: AsyncIterable<Event> = { [Symbol.asyncIterator]: () => ({ next: () => throwing('no promise') }) };
    const mad = { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve(undefined as unknown as IteratorResult<Event>) }) };
    for (const [source, message] of [
      [broken, 'not today'],
      [rude, 'no promise'],
      [mad, 'undefined'],
    ] as const) {
      const stream = make(source, clock);
      await expect(read(stream, clock)).rejects.toThrow(message);
      expect(await stream.next()).toEqual(DONE);
    }
    expect(clock.pendingTimers).toBe(0);
  });

  it('answers reads that do not wait for each other, in order', async () => {
    const clock = new ManualClock();
    const stream = make(mockStream(events(4)), clock);
    const order: number[] = [];
    const reads = Array.from({ length: 6 }, (_, index) => stream.next().then(({ done }) => (order.push(index), done)));
    await clock.run(100);
    expect(await Promise.all(reads)).toEqual([false, false, false, false, true, true]);
    expect(order).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('ends all reads that are pending when the reader leaves', async () => {
    const clock = new ManualClock();
    const source = mockStream(events(0), { then: 'silence' });
    const stream = make(source, clock);
    const reads = [stream.next(), stream.next(), stream.next()];
    await stream.return();
    expect(await Promise.all(reads)).toEqual([DONE, DONE, DONE]);
    expect([source.returned, clock.pendingTimers]).toEqual([1, 0]);
  });

  it('is nothing but the loop that reads it: a break lets go', async () => {
    const source = mockStream(events(9));
    for await (const value of make(source, new ManualClock())) {
      expect(value).toBeDefined();
      break;
    }
    expect(source.returned).toBe(1);
  });
});

function throwing(message: string): never {
  throw new Error(message);
}

const fail = (): never => throwing('own work');

describe.each<{ name: string; make: (source: AsyncIterable<Event>, clock: ManualClock) => Stream<unknown> }>([
  { name: 'filter', make: (source) => filter(source, fail) },
  { name: 'map', make: (source) => map(source, fail) },
  { name: 'map with promises', make: (source) => map(source, () => Promise.reject(new Error('own work'))) },
  { name: 'scan', make: (source) => scan(source, fail, 0) },
  { name: 'withState', make: (source) => withState(source, fail, 0) },
  { name: 'gate', make: (source) => gate(source, { from: fail }) },
  { name: 'a reducer of an EventProcessor', make: (source, clock) => new EventProcessor<Event, number>({ clock, state: { initial: 0, reduce: fail } }).process(source) },
  { name: 'ResilientProcessor', make: (source, clock) => new ResilientProcessor<Event, Event>({ work: fail, onFailure: 'fail_fast', clock }).process(source) },
])('a function that throws in $name', ({ make }) => {
  it('ends the stream with its error, once, and lets go of the source', async () => {
    const clock = new ManualClock();
    const source = mockStream(events(5), { then: 'silence' });
    const stream = make(source, clock);
    await expect(read(stream, clock)).rejects.toThrow('own work');
    expect(await read(stream, clock)).toEqual(DONE);
    expect([source.returned, clock.pendingTimers]).toEqual([1, 0]);
  });
});

describe.each<{ name: string; make: (source: AsyncIterable<Event>, clock: ManualClock, signal: AbortSignal) => Stream<unknown> }>([
  { name: 'EventProcessor', make: (source, clock, signal) => processor(clock).process(source, { signal }) },
  { name: 'ResilientProcessor', make: (source, clock, signal) => new ResilientProcessor<Event, Event>({ work: (event) => event, onFailure: 'fail_fast', clock }).process(source, { signal }) },
])('an abort of $name', ({ make }) => {
  it('before the first read opens no source, and gives the reason', async () => {
    const [clock, source, reason] = [new ManualClock(), mockStream(events(3)), new Error('hung up')];
    const stream = make(source, clock, AbortSignal.abort(reason));
    await expect(stream.next()).rejects.toBe(reason);
    expect(await stream.next()).toEqual(DONE);
    expect([source.opened, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('while a next() is pending lets go of the source once, and gives the reason', async () => {
    const [clock, source, reason, hangUp] = [new ManualClock(), mockStream(events(1), { then: 'silence' }), new Error('hung up'), new AbortController()];
    const stream = make(source, clock, hangUp.signal);
    await read(stream, clock);
    const pending = stream.next();
    hangUp.abort(reason);
    await expect(pending).rejects.toBe(reason);
    expect(await stream.next()).toEqual(DONE);
    await stream.return();
    expect(source.returned).toBe(1);
  });

  it('is listened for only while the stream goes on', async () => {
    const [clock, hangUp] = [new ManualClock(), new AbortController()];
    const listeners = (): number => getEventListeners(hangUp.signal, 'abort').length;
    const [whole, left] = [make(mockStream(events(1)), clock, hangUp.signal), make(mockStream(events(2)), clock, hangUp.signal)];
    expect(listeners()).toBe(0);
    await read(left, clock);
    await read(whole, clock);
    expect(listeners()).toBe(2);
    await left.return();
    expect(await read(whole, clock)).toEqual(DONE);
    expect(listeners()).toBe(0);
  });
});

describe('an operator of somebody else', () => {
  it('fails its stream when it cannot begin, or cannot clean up, and the source is let go of', async () => {
    const source = mockStream(events(2));
    const cannotBegin = operator<Event, Event>(source, fail);
    await expect(cannotBegin.next()).rejects.toThrow('own work');
    expect([await cannotBegin.next(), source.opened]).toEqual([DONE, 0]);
    const cannotEnd = operator<Event, Event>(source, (outlet) => ({ onValue: (event) => outlet.push(event), onRelease: fail }));
    expect([(await cannotEnd.next()).done, (await cannotEnd.next()).done]).toEqual([false, false]);
    await expect(cannotEnd.next()).rejects.toThrow('own work');
    expect(await cannotEnd.next()).toEqual(DONE);
  });

  it('is told once how the stream ended', async () => {
    const told: unknown[] = [];
    const made = (source: AsyncIterable<Event>): Stream<Event> =>
      operator<Event, Event>(source, (outlet) => ({
        onValue: (event) => (event.value === 7 ? [outlet.end(), outlet.end({ how: 'failed', error: 'too late' })].pop() : outlet.push(event)),
        onRelease: (end) => told.push(end),
      }));
    const [gone, left] = [new Error('gone'), mockStream(events(2))];
    for (const stream of [made(mockStream(events(2))), made(mockStream(events(9)))]) {
      for await (const event of stream) expect(event.value).toBeLessThan(7);
      await stream.return();
    }
    await expect(made(mockStream<Event>([], { then: { error: gone } })).next()).rejects.toBe(gone);
    for await (const event of made(left)) if (event.value === 1) break;
    expect(told).toEqual([{ how: 'completed' }, { how: 'completed' }, { how: 'failed', error: gone }, { how: 'left' }]);
  });
});
