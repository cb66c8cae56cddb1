import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Channel, accumulate, batch, coalesce, filter, gate, map, merge, ofType, scan, takeUntil, tee, throttle, timeout, withState } from '../../../session/index.js';
import { ManualClock, mockStream } from '../../../src/testing.js';
import { gather, watch } from '../../helpers/gather.js';
import { settle } from '../../helpers/settle.js';

const numbers = (count: number): number[] => [...Array(count).keys()];
const letters = (text: string): string[] => [...text];

describe('operators on one value at a time', () => {
  it('keep, change, add up', async () => {
    expect(await gather(filter(mockStream(numbers(6)), (value) => value % 2 === 0))).toEqual([0, 2, 4]);
    expect(await gather(map(mockStream(numbers(3)), (value) => value * 10))).toEqual([0, 10, 20]);
    expect(await gather(scan(mockStream(letters('abc')), (text, letter) => text + letter, ''))).toEqual(['a', 'ab', 'abc']);
    expect(await gather(withState(mockStream(letters('ab')), (count) => count + 1, 0))).toEqual([
      { value: 'a', state: 1 },
      { value: 'b', state: 2 },
    ]);
    expect(await accumulate(mockStream(letters('abc')), (text, letter) => text + letter, '')).toBe('abc');
    await expect(accumulate(mockStream([1], { then: { error: new Error('gone') } }), (sum, value) => sum + value, 0)).rejects.toThrow('gone');
  });

  it('pick events by type', async () => {
    const source = mockStream([{ type: 'text', text: 'a' } as const, { type: 'done' } as const, { type: 'text', text: 'b' } as const]);
    expect((await gather(ofType(source, 'text'))).map(({ text }) => text)).toEqual(['a', 'b']);
  });

  it('change one value after another where that takes time', async () => {
    const clock = new ManualClock();
    let busy = 0;
    const slow = async (value: number): Promise<number> => {
      busy += 1;
      expect(busy).toBe(1);
      await new Promise<void>((resolve) => clock.after(10, resolve));
      busy -= 1;
      return value;
    };
    const watched = watch(map(mockStream(numbers(3)), slow));
    await clock.run(25);
    expect(watched.values).toEqual([0, 1]);
    await clock.run(10);
    expect(watched).toEqual({ values: [0, 1, 2], end: {} });
  });

  it('pass what stands between two markers, as often as it comes', async () => {
    const between = gate(mockStream(letters('ab[cd]e[f][]g[h')), { from: (value) => value === '[', to: (value) => value === ']' });
    expect((await gather(between)).join('')).toBe('[cd][f][][h');
    expect((await gather(gate(mockStream(letters('a|b|c')), { from: (value) => value === '|' }))).join('')).toBe('|b|c');
    expect((await gather(gate(mockStream(letters('a.b')), { from: (value) => value === '.', to: (value) => value === '.' }))).join('')).toBe('.');
  });
});

describe('batch', () => {
  it('gives full batches, and what is left at the end', async () => {
    expect(await gather(batch(mockStream(numbers(5)), { count: 2 }))).toEqual([[0, 1], [2, 3], [4]]);
    expect(await gather(batch(mockStream([]), { count: 2 }))).toEqual([]);
  });

  it('gives what it has when the first value of it has waited long enough', async () => {
    const clock = new ManualClock();
    const watched = watch(batch(mockStream(letters('abcde'), { clock, atMs: [10, 20, 100, 101, 102] }), { count: 3, withinMs: 30, clock }));
    await clock.run(39);
    expect(watched.values).toEqual([]);
    await clock.run(1);
    expect(watched.values).toEqual([['a', 'b']]);
    await clock.run(62);
    expect(watched.values).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ]);
    expect([watched.end, clock.pendingTimers]).toEqual([{}, 0]);
  });

  it('gives a batch that is begun before the error of its source', async () => {
    const watched = watch(batch(mockStream(numbers(3), { then: { error: new Error('gone') } }), { count: 2 }));
    await settle();
    expect(watched).toEqual({ values: [[0, 1], [2]], end: { error: new Error('gone') } });
  });

  it('has one value in hand at most for a reader that stays away', async () => {
    const clock = new ManualClock();
    const source = mockStream(numbers(100), { clock, delayMs: 10 });
    const stream = batch(source, { count: 10, withinMs: 25, clock });
    const first = stream.next();
    await clock.run(10_000);
    expect([(await first).value, source.asked]).toEqual([[0, 1, 2], 4]);
    expect((await stream.next()).value).toEqual([3]);
    await stream.return();
    expect([source.returned, clock.pendingTimers]).toEqual([1, 0]);
  });
});

describe('throttle', () => {
  it('gives one value in its time, the first at once, and loses none', async () => {
    const clock = new ManualClock();
    const at: number[] = [];
    const watched = watch(map(throttle(mockStream(numbers(4)), { everyMs: 50, clock }), (value) => at.push(clock.now()) && value));
    await clock.run(1_000);
    expect([watched.values, at, watched.end]).toEqual([[0, 1, 2, 3], [0, 50, 100, 150], {}]);
  });

  it('does not slow down what is slow', async () => {
    const clock = new ManualClock();
    const at: number[] = [];
    watch(map(throttle(mockStream(numbers(3), { clock, atMs: [5, 65, 130] }), { everyMs: 50, clock }), () => at.push(clock.now())));
    await clock.run(1_000);
    expect(at).toEqual([5, 65, 130]);
  });

  it('leaves no timer when its reader leaves in the pause', async () => {
    const clock = new ManualClock();
    const stream = throttle(mockStream(numbers(4)), { everyMs: 50, clock });
    await stream.next();
    await settle();
    expect(clock.pendingTimers).toBe(1);
    await stream.return();
    expect(clock.pendingTimers).toBe(0);
  });

  it('behind coalesce gives the newest, or all of a text, at the pace of a screen', async () => {
    const clock = new ManualClock();
    const source = mockStream(letters('streaming'), { clock, delayMs: 10 });
    const watched = watch(throttle(coalesce(source, { key: () => 'text', join: (waiting, newer) => waiting + newer }), { everyMs: 34, clock }));
    await clock.run(1_000);
    expect(watched.values.join('')).toBe('streaming');
    expect(watched.values).toEqual(['s', 'tre', 'ami', 'ng']);
  });
});

describe('coalesce', () => {
  interface Delta {
    readonly item?: string;
    readonly text: string;
  }
  const delta = (spelled: string): Delta => (spelled.length === 1 ? { text: spelled } : { item: spelled[0] as string, text: spelled.slice(1) });
  const join = (waiting: Delta, newer: Delta): Delta => ({ ...newer, text: waiting.text + newer.text });
  const key = ({ item }: Delta): string | undefined => item;
  const spell = ({ item = '', text }: Delta): string => item + text;

  /** What a reader gets that has read one value and then stayed away. */
  async function afterAWhile(spelled: string, options: { readonly join?: typeof join; readonly capacity?: number } = {}): Promise<{ read: string; asked: number }> {
    const source = mockStream(spelled.split(' ').map(delta));
    const stream = coalesce(source, { key, ...options });
    const read = [spell((await stream.next()).value as Delta)];
    await settle();
    const { asked } = source;
    for await (const value of stream) read.push(spell(value));
    return { read: read.join(' '), asked };
  }

  it('makes one of the values of a key that wait: the newest, or what join makes of them', async () => {
    expect((await afterAWhile('a1 a2 b1 a3 b2')).read).toBe('a1 a3 b2');
    expect((await afterAWhile('a1 a2 b1 a3 b2', { join })).read).toBe('a1 a23 b12');
  });

  it('lets nothing pass a value without a key', async () => {
    expect((await afterAWhile('a1 a2 a3 ! a4 a5 b1 ? ! b2 b3', { join })).read).toBe('a1 a23 ! a45 b1 ? ! b23');
  });

  it('reads no further than it may keep, and loses nothing by that', async () => {
    expect(await afterAWhile('a1 ! ? ! ? ! ?', { capacity: 2 })).toEqual({ read: 'a1 ! ? ! ? ! ?', asked: 3 });
  });

  it('tells of a key that cannot be found by an error after what waited, and lets go', async () => {
    const source = mockStream(numbers(9));
    const stream = coalesce(source, {
      key: (value) => {
        if (value === 3) throw new Error('no key');
        return undefined;
      },
    });
    const watched = watch(stream);
    await settle();
    // Nothing ever waits for a reader that is always there, and nobody is asked for a key.
    expect(watched).toEqual({ values: numbers(9), end: {} });
    const slow = coalesce(mockStream(numbers(9)), {
      key: () => {
        throw new Error('no key');
      },
    });
    expect((await slow.next()).value).toBe(0);
    await settle();
    await expect(slow.next()).rejects.toThrow('no key');
  });
});

describe('timeout', () => {
  it('throws STREAM_TIMEOUT when a value does not come in time, and lets go', async () => {
    const clock = new ManualClock();
    const source = mockStream(numbers(3), { clock, atMs: [90, 180, 400] });
    const watched = watch(timeout(source, { betweenMs: 100, clock }));
    await clock.run(279);
    expect(watched).toEqual({ values: [0, 1] });
    await clock.run(1);
    expect(watched.end).toMatchObject({ error: { code: 'STREAM_TIMEOUT', retryable: true } });
    expect([source.returned, clock.pendingTimers]).toEqual([1, 0]);
  });

  it('does not count the time of the reader between two reads', async () => {
    const clock = new ManualClock();
    const stream = timeout(mockStream(numbers(9)), { betweenMs: 100, clock });
    for (let index = 0; index < 4; index += 1) {
      expect((await stream.next()).value).toBe(index);
      await clock.run(1_000);
    }
    await stream.return();
    expect(clock.pendingTimers).toBe(0);
  });

  it('throws STREAM_TIMEOUT when the whole takes too long, also while nobody waits', async () => {
    const clock = new ManualClock();
    const source = mockStream(numbers(9));
    const stream = timeout(source, { totalMs: 100, clock });
    await clock.run(500);
    expect((await stream.next()).value).toBe(0);
    await clock.run(100);
    expect([source.returned, clock.pendingTimers]).toEqual([1, 0]);
    await expect(stream.next()).rejects.toMatchObject({ code: 'STREAM_TIMEOUT' });
  });

  it('counts for each of several reads that wait together', async () => {
    const clock = new ManualClock();
    const stream = timeout(mockStream(numbers(1), { clock, atMs: [90], then: 'silence' }), { betweenMs: 100, clock });
    const [first, second] = [stream.next(), stream.next()];
    const failure = second.catch((error: unknown) => `${(error as { code: string }).code} at ${clock.now()}`);
    await clock.run(500);
    expect(await first).toEqual({ value: 0, done: false });
    expect(await failure).toBe('STREAM_TIMEOUT at 190');
  });
});

describe('takeUntil', () => {
  it('ends like any other stream when the signal is aborted while it waits', async () => {
    const stop = new AbortController();
    const source = mockStream(numbers(2), { then: 'silence' });
    const watched = watch(takeUntil(source, stop.signal));
    await settle();
    expect(watched).toEqual({ values: [0, 1] });
    stop.abort();
    await settle();
    expect([watched.end, source.returned]).toEqual([{}, 1]);
  });

  it('opens nothing when the signal is aborted already', async () => {
    const source = mockStream(numbers(2));
    expect(await gather(takeUntil(source, AbortSignal.abort()))).toEqual([]);
    expect(source.opened).toBe(0);
  });

  it('takes its listener off when it is over', async () => {
    const stop = new AbortController();
    const listeners = (): number => getEventListeners(stop.signal, 'abort').length;
    const [whole, left] = [takeUntil(mockStream(numbers(2)), stop.signal), takeUntil(mockStream(numbers(2)), stop.signal)];
    expect(listeners()).toBe(0);
    await left.next();
    expect(listeners()).toBe(1);
    await left.return();
    await gather(whole);
    expect(listeners()).toBe(0);
  });
});

describe('merge', () => {
  it('gives values as they come, with the name of their source', async () => {
    const clock = new ManualClock();
    const watched = watch(merge({ words: mockStream(letters('ab'), { clock, atMs: [10, 30] }), counts: mockStream(numbers(2), { clock, atMs: [20, 40] }) }));
    await clock.run(100);
    expect(watched.values).toEqual([
      { source: 'words', value: 'a' },
      { source: 'counts', value: 0 },
      { source: 'words', value: 'b' },
      { source: 'counts', value: 1 },
    ]);
    expect(watched.end).toEqual({});
    expect(await gather(merge({}))).toEqual([]);
  });

  it('gives each source its turn, however fast another is, and is one value ahead of none', async () => {
    const [fast, faster, slow] = [mockStream(numbers(1_000)), mockStream(numbers(1_000)), mockStream(numbers(3))];
    const stream = merge({ fast, faster, slow });
    const turns: string[] = [];
    for (let count = 0; count < 9; count += 1) turns.push((await stream.next()).value?.source ?? '');
    for (let turn = 0; turn < 3; turn += 1) expect(new Set(turns.slice(turn * 3, turn * 3 + 3)).size).toBe(3);
    await settle();
    for (const source of [fast, faster, slow]) expect(source.asked).toBeLessThanOrEqual(4);
    await stream.return();
    expect([fast.returned, faster.returned, slow.returned]).toEqual([1, 1, 1]);
  });

  it('ends all when one of them fails, after what had come', async () => {
    const [broken, silent] = [mockStream(numbers(1), { then: { error: new Error('gone') } }), mockStream([], { then: 'silence' })];
    const watched = watch(merge({ broken, silent }));
    await settle();
    expect(watched).toEqual({ values: [{ source: 'broken', value: 0 }], end: { error: new Error('gone') } });
    expect([broken.returned, silent.returned]).toEqual([0, 1]);
  });
});

describe('tee', () => {
  it('gives all readers the same, and waits for the slowest', async () => {
    const source = mockStream(numbers(10));
    const [fast, slow] = tee(source, 2, { capacity: 3 });
    if (fast === undefined || slow === undefined) throw new Error('Two readers were asked for.');
    const watched = watch(fast);
    await settle();
    expect([watched.values, slow.size, source.asked]).toEqual([[0, 1, 2], 3, 3]);
    expect(await gather(slow)).toEqual(numbers(10));
    expect([watched.values, watched.end]).toEqual([numbers(10), {}]);
  });

  it('waits for nobody who has left, and lets go of the source with the last', async () => {
    const source = mockStream(numbers(10), { then: 'silence' });
    const [fast, slow] = tee(source, 2, { capacity: 3 });
    const watched = watch(fast as AsyncIterable<number>);
    await settle();
    await slow?.return();
    await settle();
    expect([watched.values, source.returned]).toEqual([numbers(10), 0]);
    await fast?.return();
    expect(source.returned).toBe(1);
  });

  it('takes values away from a reader that is behind, and counts them, where it is told to', async () => {
    const [fast, slow] = tee(mockStream(numbers(10)), 2, { capacity: 3, whenFull: 'drop-oldest' });
    const watched = watch(fast as AsyncIterable<number>);
    await settle();
    expect(watched.values).toEqual(numbers(10));
    expect(slow?.dropped).toBe(7);
    expect(await gather(slow as AsyncIterable<number>)).toEqual([7, 8, 9]);
  });

  it('fails a reader that is behind and no other, where it is told to', async () => {
    const source = mockStream(numbers(10), { then: 'silence' });
    const [fast, slow] = tee(source, 2, { capacity: 3, whenFull: 'fail' });
    const watched = watch(fast as AsyncIterable<number>);
    await settle();
    expect(watched.values).toEqual(numbers(10));
    const behind = watch(slow as AsyncIterable<number>);
    await settle();
    expect(behind).toMatchObject({ values: [0, 1, 2], end: { error: { code: 'CHANNEL_FULL' } } });
    await fast?.return();
    expect(source.returned).toBe(1);
  });

  it('lets go when the one that asked has left, and all others fail with the value that comes', async () => {
    const clock = new ManualClock();
    const source = mockStream(numbers(10), { clock, delayMs: 10 });
    const [asks, behind] = tee(source, 2, { capacity: 1, whenFull: 'fail' });
    const first = asks?.next();
    await clock.run(10);
    expect(await first).toEqual({ value: 0, done: false });
    const second = asks?.next();
    await asks?.return();
    expect([await second, source.returned]).toEqual([{ value: undefined, done: true }, 0]);
    await clock.run(10);
    expect([source.given, source.returned]).toEqual([2, 1]);
    expect((await behind?.next())?.value).toBe(0);
    await expect(behind?.next()).rejects.toMatchObject({ code: 'CHANNEL_FULL' });
  });

  it('gives an error of the source to each reader', async () => {
    const streams = tee(mockStream(numbers(1), { then: { error: new Error('gone') } }), 3).map(watch);
    await settle();
    for (const watched of streams) expect(watched).toEqual({ values: [0], end: { error: new Error('gone') } });
  });
});

describe('numbers that cannot be meant', () => {
  it('are refused at once', () => {
    const clock = new ManualClock();
    const source = mockStream([1]);
    expect(() => batch(source, { count: 0 })).toThrow(RangeError);
    expect(() => batch(source, { count: 1, withinMs: 0, clock })).toThrow(RangeError);
    expect(() => throttle(source, { everyMs: -1, clock })).toThrow(RangeError);
    expect(() => coalesce(source, { capacity: 1.5, key: String })).toThrow(RangeError);
    expect(() => timeout(source, { betweenMs: Number.NaN, clock })).toThrow(RangeError);
    expect(() => timeout(source, { totalMs: 0, clock })).toThrow(RangeError);
    expect(() => tee(source, 0)).toThrow(RangeError);
    expect(() => tee(source, 2, { capacity: 0 })).toThrow(RangeError);
    expect(() => new Channel({ capacity: 0, whenFull: 'coalesce', key: String })).toThrow(RangeError);
  });
});
