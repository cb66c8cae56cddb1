/** How a stream is written to one reader: pull, signs of life, and the guards. The reader here is the test. */
import { describe, expect, it } from 'vitest';
import { HostError } from '../../../src/host/errors.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { pumpEvents } from '../../../src/event-stream/pump-events.js';
import type { EventStreamOptions } from '../../../src/event-stream/pump-events.js';
import type { EventSink } from '../../../src/event-stream/event-sink.js';
import { settle } from '../../helpers/settle.js';
import { readSse } from '../../helpers/sse-client.js';

/** A reader that takes everything, or nothing until it is told to. */
class HandSink implements EventSink {
  readonly #gone = new AbortController();
  readonly gone = this.#gone.signal;
  text = '';
  writes = 0;
  full = false;
  ended = false;
  destroyed = false;
  #wake = (): void => {};

  write(text: string): boolean {
    this.text += text;
    this.writes += 1;
    return !this.full;
  }
  room(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.gone.addEventListener('abort', () => resolve());
    });
  }
  async end(): Promise<void> {
    this.ended = true;
    if (this.full) await this.room();
  }
  destroy(): void {
    this.destroyed = true;
    this.#gone.abort();
  }
  /** The test: the reader takes all, and again. */
  takes(): void {
    this.full = false;
    this.#wake();
  }
  goes(): void {
    this.#gone.abort();
  }
  get events() {
    return readSse(this.text).events.map(({ event, data }) => [event, JSON.parse(data) as unknown]);
  }
}

function counted(count: number, end?: unknown) {
  const counts = { asked: 0, finished: 0 };
  async function* stream(): AsyncGenerator<{ type: string; n: number }> {
    try {
      for (let n = 1; n <= count; n += 1) {
        counts.asked += 1;
        yield { type: 'tick', n };
      }
      if (end !== undefined) throw end as Error;
    } finally {
      counts.finished += 1;
    }
  }
  return { counts, stream: stream() };
}

/** A source that never gives anything, and counts what is done to it. */
function silent() {
  const calls = { next: 0, return: 0 };
  const iterator: AsyncIterator<{ type: string }> = {
    next: () => ((calls.next += 1), new Promise(() => {})),
    return: () => ((calls.return += 1), Promise.resolve({ value: undefined, done: true })),
  };
  return { calls, stream: { [Symbol.asyncIterator]: () => iterator } };
}

function pump<T>(stream: Parameters<typeof pumpEvents<T>>[0], options: EventStreamOptions<T> = {}) {
  const sink = new HandSink();
  const clock = new ManualClock();
  return { sink, clock, start: () => pumpEvents<T>(stream, sink, { clock, random: () => 0, ...options }) };
}

describe('a stream to one reader', () => {
  it('begins with a line at once, gives each value as an event, and ends with a terminal one', async () => {
    const { stream, counts } = counted(2);
    const { sink, clock, start } = pump(stream, { retryMs: 700 });
    const ending = start();
    expect(sink.text).toBe(': events follow\nretry: 700\n\n');
    expect(await ending).toEqual({ reason: 'done', events: 2 });
    expect(sink.events).toEqual([['tick', { type: 'tick', n: 1 }], ['tick', { type: 'tick', n: 2 }], ['end', { type: 'end', reason: 'done' }]]);
    expect([sink.ended, counts.finished, clock.pendingTimers]).toEqual([true, 1, 0]);
  });

  it('asks for the next value only when the last one was taken', async () => {
    const { stream, counts } = counted(100);
    const { sink, start } = pump(stream);
    sink.full = true;
    const ending = start();
    await settle();
    expect(counts.asked).toBe(1);
    for (let taken = 2; taken < 10; taken += 1) {
      sink.takes();
      sink.full = true;
      await settle();
      expect(counts.asked).toBe(taken);
    }
    sink.goes();
    expect(await ending).toMatchObject({ reason: 'gone' });
    expect(counts.finished).toBe(1);
  });

  it('asks nothing of a stream whose reader has gone before it began', async () => {
    const { stream, calls } = silent();
    const { sink, clock, start } = pump(stream);
    sink.goes();
    expect(await start()).toEqual({ reason: 'gone', events: 0 });
    expect([calls, sink.writes, clock.pendingTimers]).toEqual([{ next: 0, return: 1 }, 0, 0]);
  });

  it('lets go of a stream while a value is waited for, once, and tells it by its signal too', async () => {
    const { stream, calls } = silent();
    let aborted = 0;
    const { sink, clock, start } = pump((signal: AbortSignal) => (signal.addEventListener('abort', () => (aborted += 1)), stream));
    const ending = start();
    await settle();
    expect(calls).toEqual({ next: 1, return: 0 });
    sink.goes();
    expect(await ending).toEqual({ reason: 'gone', events: 0 });
    expect([calls, aborted, clock.pendingTimers]).toEqual([{ next: 1, return: 1 }, 1, 0]);
  });

  it('ends at its terminal event, whatever the stream would say after it', async () => {
    const counts = { asked: 0, finished: 0 };
    const { sink, start } = pump(
      (async function* () {
        try {
          for (;;) {
            counts.asked += 1;
            yield { type: counts.asked === 2 ? 'run.done' : 'tick' };
          }
        } finally {
          counts.finished += 1;
        }
      })(),
    );
    expect(await start()).toEqual({ reason: 'done', events: 2 });
    expect(sink.events.map(([event]) => event)).toEqual(['tick', 'run.done']);
    expect(counts).toEqual({ asked: 2, finished: 1 });
  });

  it('tells the reader of an error in words that are ours to give', async () => {
    const ours = pump(counted(1, new HostError('RUNS_FULL', 'Too many.', { hint: 'Wait.' })).stream);
    expect(await ours.start()).toEqual({ reason: 'failed', events: 1 });
    expect(ours.sink.events[1]).toEqual(['run.error', { type: 'run.error', error: { code: 'RUNS_FULL', message: 'Too many.', hint: 'Wait.' } }]);
    const others = pump(counted(1, new Error('password swordfish')).stream);
    await others.start();
    expect(others.sink.events[1]).toMatchObject(['run.error', { error: { code: 'RUN_FAILED' } }]);
    expect(others.sink.text).not.toContain('swordfish');
  });

  it('lets go of a stream whose value cannot be written', async () => {
    const { stream, counts } = counted(3);
    const { sink, start } = pump(stream, { encode: () => ({ id: 'two\nlines', event: 'run.done', data: '' }) });
    expect(await start()).toEqual({ reason: 'failed', events: 0 });
    expect(sink.events.map(([event]) => event)).toEqual(['run.error']);
    expect(counts.finished).toBe(1);
  });

  it('is ended by its signal, also while the reader takes nothing, and is then no longer than that', async () => {
    const { stream, counts } = counted(100);
    const life = new AbortController();
    const { sink, clock, start } = pump(stream, { signal: life.signal });
    sink.full = true;
    const ending = start();
    await settle();
    life.abort();
    await settle();
    expect([counts.finished, sink.ended]).toEqual([1, true]);
    sink.takes();
    expect(await ending).toEqual({ reason: 'aborted', events: 1 });
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('signs of life', () => {
  it('come each 15 s, up to a fifth sooner, as a comment and a ping without an id', async () => {
    const pauses = [0, 0.5, 0.999];
    const { sink, clock, start } = pump(silent().stream, { random: () => pauses.shift() ?? 0 });
    const ending = start();
    const atMs: number[] = [];
    let seen = sink.writes;
    for (let ms = 0; ms < 45_000; ms += 100) {
      clock.advance(100);
      if (sink.writes > seen) atMs.push(clock.now());
      seen = sink.writes;
    }
    expect(atMs).toEqual([15_000, 28_500, 40_600]);
    const { events, comments } = readSse(sink.text);
    expect(events).toEqual(Array.from({ length: 3 }, () => ({ event: 'ping', data: '{}', id: '' })));
    expect(comments.slice(1)).toEqual(['still here', 'still here', 'still here']);
    sink.goes();
    await ending;
    expect(clock.pendingTimers).toBe(0);
  });

  it('are not piled up for a reader that takes nothing, which is cut off after a while', async () => {
    const { stream, counts } = counted(100);
    const { sink, clock, start } = pump(stream, { heartbeatMs: 1_000, stuckMs: 30_000 });
    sink.full = true;
    const ending = start();
    await settle();
    const written = sink.writes;
    await clock.run(29_999);
    expect([sink.writes, sink.destroyed]).toEqual([written, false]);
    await clock.run(1);
    expect(sink.destroyed).toBe(true);
    expect(await ending).toEqual({ reason: 'stuck', events: 1 });
    expect([counts.finished, clock.pendingTimers]).toEqual([1, 0]);
  });

  it('find a reader that stopped reading while there was nothing to say', async () => {
    const { sink, clock, start } = pump(silent().stream, { heartbeatMs: 1_000, stuckMs: 5_000 });
    const ending = start();
    sink.full = true;
    await clock.run(6_000);
    expect(await ending).toEqual({ reason: 'stuck', events: 0 });
  });

  it('a reader that takes the end too slowly is cut off as well', async () => {
    const { sink, clock, start } = pump(counted(0).stream, { stuckMs: 5_000 });
    sink.full = true;
    const ending = start();
    await clock.run(5_000);
    expect([(await ending).reason, sink.destroyed, sink.ended]).toEqual(['stuck', true, true]);
  });
});

describe('the longest response', () => {
  it('ends without a terminal event, so that the reader comes back', async () => {
    const { stream, calls } = silent();
    const { sink, clock, start } = pump(stream, { maxStreamMs: 10_000, heartbeatMs: 60_000 });
    const ending = start();
    await clock.run(10_000);
    expect(await ending).toEqual({ reason: 'rotated', events: 0 });
    expect([sink.events, sink.ended, calls.return, clock.pendingTimers]).toEqual([[], true, 1, 0]);
  });
});

describe('padding', () => {
  it('makes each piece as long as is asked, and says nothing', async () => {
    const { stream } = counted(2);
    const { sink, start } = pump(stream, { paddingBytes: 4_096 });
    await start();
    expect(sink.text.length).toBe(4 * 4_096);
    expect(sink.events.map(([event]) => event)).toEqual(['tick', 'tick', 'end']);
  });
});
