import { describe, expect, it } from 'vitest';
import { MemoryRunStore } from '../../../src/event-stream/index.js';
import type { EventLog, LogPage } from '../../../src/event-stream/index.js';
import { random } from '../../helpers/random.js';
import { settle } from '../../helpers/settle.js';

const signal = new AbortController().signal;
const create = (options?: ConstructorParameters<typeof MemoryRunStore>[0]): EventLog => new MemoryRunStore(options).create({ runId: 'r', owner: 'ann' }) as EventLog;
const fill = (log: EventLog, count: number, data = 'x'): void => {
  for (let n = 0; n < count; n += 1) void log.append({ type: 't', data });
};
const numbers = (page: LogPage): number[] => page.events.map(({ n }) => n);

describe('the log of a run in memory', () => {
  it('counts from 1 and gives what follows a place', async () => {
    const log = create();
    fill(log, 3);
    expect(await log.read(1, { signal })).toEqual({ events: [{ n: 2, type: 't', data: 'x' }, { n: 3, type: 't', data: 'x' }], ended: false });
    void log.end();
    expect((await log.read(0, { signal })).ended).toBe(true);
    expect(await log.read(3, { signal })).toEqual({ events: [], ended: true });
  });

  it('lets a reader wait for the next event, for the end, or until it goes', async () => {
    const log = create();
    const life = new AbortController();
    const [first, gone] = [log.read(0, { signal }), log.read(0, { signal: life.signal })];
    const reason = new Error('gone');
    life.abort(reason);
    await expect(gone).rejects.toBe(reason);
    fill(log, 1);
    expect(numbers(await first)).toEqual([1]);
    const last = log.read(1, { signal });
    void log.end();
    expect(await last).toEqual({ events: [], ended: true });
    await expect(log.read(0, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('keeps so many events, and names those that are gone', async () => {
    const log = create({ maxEvents: 10 });
    fill(log, 25);
    const page = await log.read(3, { signal });
    expect(page.lost).toEqual({ from: 4, to: 15 });
    expect(numbers(page)).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
    expect((await log.read(15, { signal })).lost).toBeUndefined();
  });

  it('keeps so many bytes, and the newest event however long it is', async () => {
    const log = create({ maxBytes: 10_000 });
    fill(log, 100, 'y'.repeat(968));
    // 2 bytes for a character, and what is around it: 2,002 an event.
    expect(numbers(await log.read(90, { signal }))).toEqual([97, 98, 99, 100]);
    fill(log, 1, 'z'.repeat(50_000));
    expect(await log.read(0, { signal })).toMatchObject({ lost: { from: 1, to: 100 }, events: [{ n: 101 }] });
  });

  it('gives a long history in short pages', async () => {
    const log = create();
    fill(log, 1000, 'w'.repeat(200));
    void log.end();
    const pages: LogPage[] = [];
    for (let after = 0; pages.at(-1)?.ended !== true; after = pages.at(-1)?.events.at(-1)?.n ?? 0) pages.push(await log.read(after, { signal }));
    expect(pages.flatMap(numbers)).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
    expect(Math.max(...pages.map(({ events }) => events.length))).toBe(64);
    expect(pages.filter(({ ended }) => ended)).toHaveLength(1);
  });

  it('gives every reader each event or a gap that names it, whatever comes when', async () => {
    const { seed, int } = random();
    const log = create({ maxEvents: 7 });
    const readers = Array.from({ length: 5 }, async () => {
      const got: number[] = [];
      for (let after = 0, ended = false; !ended; ) {
        const page = await log.read(after, { signal });
        for (let n = page.lost?.from ?? 1; n <= (page.lost?.to ?? 0); n += 1) got.push(n);
        got.push(...numbers(page));
        after = got.at(-1) ?? 0;
        ended = page.ended;
        for (let pause = int(0, 4); pause > 0; pause -= 1) await settle();
      }
      return got;
    });
    for (let round = 0; round < 100; round += 1) {
      fill(log, int(0, 6));
      if (int(0, 2) === 0) await settle();
    }
    const { last } = log;
    void log.end();
    for (const got of await Promise.all(readers)) expect(got, `seed ${seed}`).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  });

  it('tells who runs it of a stop, once, also of one that was asked before', () => {
    const log = create();
    let stops = 0;
    const off = log.onStop(() => (stops += 1));
    log.onStop(() => (stops += 10))();
    void log.requestStop();
    void log.requestStop();
    off();
    expect(stops).toBe(1);
    log.onStop(() => (stops += 100));
    expect(stops).toBe(101);
  });

  it('is forgotten by the store, and ends for who waits in it', async () => {
    const store = new MemoryRunStore();
    const log = store.create({ runId: 'r', owner: 'ann' });
    expect(() => store.create({ runId: 'r', owner: 'bob' })).toThrow(TypeError);
    const waiting = (log as EventLog).read(0, { signal });
    store.delete('r');
    expect(await waiting).toEqual({ events: [], ended: true });
    expect([store.size, store.find('r')]).toEqual([0, undefined]);
  });

  it.each([{ maxEvents: 0 }, { maxBytes: 0.5 }, { maxEvents: Number.NaN }])('refuses the limits %j', (options) => {
    expect(() => new MemoryRunStore(options)).toThrow(RangeError);
  });
});
