/** Runs at the desk: who may have how many, how long they live, who reads them, and how they end. */
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { MemoryRunStore, RunDesk } from '../../../src/event-stream/index.js';
import type { RunDeskOptions, RunSource, RunStore, TypedEvent, SseMessage } from '../../../src/event-stream/index.js';
import { settle } from '../../helpers/settle.js';
import { faucet, words } from './served-runs.js';

function newDesk(options: RunDeskOptions = {}) {
  const clock = new ManualClock();
  const source = faucet();
  let runs = 0;
  const desk = new RunDesk({ clock, newRunId: () => `r${(runs += 1)}`, ...options });
  return { clock, source, desk, run: ((context) => source.chat({ ...context, input: '', view: 'flat' })) as RunSource };
}

/** Takes so many messages, or all. */
async function take(events: AsyncIterable<SseMessage>, count = Infinity): Promise<SseMessage[]> {
  const iterator = events[Symbol.asyncIterator]();
  const taken: SseMessage[] = [];
  while (taken.length < count) {
    const result = await iterator.next();
    if (result.done === true) break;
    taken.push(result.value);
  }
  return taken;
}

const follow = async (desk: RunDesk, runId: string, after = 0): Promise<AsyncIterable<SseMessage>> => {
  const events = await desk.follow(runId, 'ann', after);
  if (events === 'over') throw new Error('over');
  return events;
};
const reasonIn = (messages: readonly SseMessage[]): unknown => (JSON.parse(messages.at(-1)?.data ?? '{}') as { reason?: string }).reason;

describe('a run without a reader', () => {
  it('lives for the time of grace and is cancelled then, once', async () => {
    const { desk, clock, source, run } = newDesk({ graceMs: 10_000 });
    const { events } = await desk.start('ann', run);
    const iterator = events[Symbol.asyncIterator]();
    const pending = iterator.next();
    await clock.run(60_000);
    expect(source.counts.aborted).toBe(0);
    await iterator.return?.();
    expect(await pending).toEqual({ value: undefined, done: true });
    await clock.run(9_999);
    expect([source.counts.aborted, desk.running]).toEqual([0, 1]);
    await clock.run(1);
    expect([source.counts, desk.running]).toEqual([{ asked: 0, finished: 1, aborted: 1 }, 0]);
    expect(reasonIn(await take(await follow(desk, 'r1')))).toBe('disconnected');
  });

  it('goes on when somebody comes back in time', async () => {
    const { desk, clock, source, run } = newDesk({ graceMs: 10_000 });
    const { events } = await desk.start('ann', run);
    await clock.run(9_999);
    const [first, second] = [events[Symbol.asyncIterator](), (await follow(desk, 'r1'))[Symbol.asyncIterator]()];
    void first.next();
    await clock.run(10_000);
    void second.next();
    await first.return?.();
    await clock.run(20_000);
    expect(source.counts.aborted).toBe(0);
    await second.return?.();
    await clock.run(10_000);
    expect(source.counts.aborted).toBe(1);
  });

  it('that nobody ever read is cancelled too', async () => {
    const { desk, clock, source, run } = newDesk({ graceMs: 10_000 });
    await desk.start('ann', run);
    await clock.run(10_000);
    expect(source.counts).toMatchObject({ aborted: 1, finished: 1 });
  });

  it('waits with what it says until one comes, or the time of grace is over', async () => {
    const { desk, clock } = newDesk({ aheadChars: 1_000, onDisconnect: 'continue', graceMs: 10_000, store: new MemoryRunStore({ maxEvents: 50 }) });
    const { events } = await desk.start('ann', async function* () {
      for (let n = 1; n <= 100; n += 1) yield { type: 'tick', text: 'x'.repeat(200) } as TypedEvent;
    });
    const iterator = events[Symbol.asyncIterator]();
    await settle();
    for (let n = 1; n <= 20; n += 1) expect((await iterator.next()).value?.id).toBe(`r1:${n}`);
    await iterator.return?.();
    await clock.run(9_999);
    expect(desk.running).toBe(1);
    const back = (await follow(desk, 'r1', 20))[Symbol.asyncIterator]();
    expect((await back.next()).value?.id).toBe('r1:21');
    await back.return?.();
    await clock.run(10_000);
    expect(desk.running).toBe(0);
    expect((await take(await follow(desk, 'r1', 21)))[0]).toEqual({ event: 'gap', data: '{"from":22,"to":51}' });
  });

  it('goes on to its end where that is chosen', async () => {
    const { desk, clock, source, run } = newDesk({ onDisconnect: 'continue' });
    await desk.start('ann', run);
    source.push(...words('r1', 'a', 'b'));
    await clock.run(300_000);
    expect(source.counts.asked).toBe(2);
    source.end();
    await settle();
    expect(reasonIn(await take(await follow(desk, 'r1')))).toBe('done');
  });
});

describe('the end of a run', () => {
  it('is waited for so long after a stop, and made here then', async () => {
    const { desk, clock } = newDesk({ stopWithinMs: 500 });
    const calls = { next: 0, return: 0 };
    // It gives nothing, and hears no signal.
    const deaf: AsyncIterator<TypedEvent> = { next: () => ((calls.next += 1), new Promise(() => {})), return: () => ((calls.return += 1), new Promise(() => {})) };
    const { events } = await desk.start('ann', () => ({ [Symbol.asyncIterator]: () => deaf }));
    const all = take(events);
    await desk.stop('r1', 'ann');
    await clock.run(499);
    expect(calls).toEqual({ next: 1, return: 0 });
    await clock.run(1);
    expect(calls).toEqual({ next: 1, return: 1 });
    expect(reasonIn(await all)).toBe('stopped');
    expect(desk.running).toBe(0);
  });

  it('is the one that a stopped source tells, and nothing else that it says after the stop is passed on', async () => {
    const { desk } = newDesk();
    const { events } = await desk.start('ann', async function* ({ signal }) {
      yield { type: 'before' };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      yield { type: 'after' };
      yield { type: 'run.done', end: 'cancelled' } as TypedEvent;
    });
    const all = take(events);
    await settle();
    await desk.stop('r1', 'ann');
    expect((await all).map(({ event }) => event)).toEqual(['before', 'run.done']);
  });

  it('comes after the longest time', async () => {
    const { desk, clock, run } = newDesk({ maxRunMs: 5_000 });
    const all = take((await desk.start('ann', run)).events);
    await clock.run(5_000);
    expect(reasonIn(await all)).toBe('timeout');
  });

  it('comes when a source cannot even begin, or gives what is not plain data', async () => {
    const { desk } = newDesk();
    const broken: RunSource[] = [
      () => {
        throw new Error('no');
      },
      async function* () {
        yield { type: 'x', big: 1n } as TypedEvent;
      },
    ];
    for (const source of broken) expect((await take((await desk.start('ann', source)).events)).map(({ event }) => event)).toEqual(['run.error']);
    expect(desk.running).toBe(0);
  });

  it('reaches a reader that is in the middle of the history when the run is stopped', async () => {
    const { desk, source, run } = newDesk();
    const { events } = await desk.start('ann', run);
    source.push(...words('r1', ...Array.from({ length: 200 }, (_, index) => `${index} `)));
    const ahead = take(events, 200);
    await ahead;
    const replay = (await follow(desk, 'r1'))[Symbol.asyncIterator]();
    const got: string[] = [];
    for (let n = 0; n < 70; n += 1) got.push(String((await replay.next()).value?.id));
    await desk.stop('r1', 'ann');
    for (let result = await replay.next(); result.done !== true; result = await replay.next()) got.push(String(result.value.id));
    expect(got).toEqual(Array.from({ length: 201 }, (_, index) => `r1:${index + 1}`));
  });

  it('of every run comes when the desk closes, and then no run begins', async () => {
    const { desk, source, run, clock } = newDesk();
    const all = [take((await desk.start('ann', run)).events), take((await desk.start('bob', run)).events)];
    await Promise.all([desk.close(), desk.close()]);
    for (const messages of all) expect(reasonIn(await messages)).toBe('closing');
    expect(source.counts.finished).toBe(2);
    await expect(desk.start('ann', run)).rejects.toMatchObject({ code: 'GATEWAY_CLOSING' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('begins no run for which the store was still making room, and leaves nothing of it', async () => {
    const store = new MemoryRunStore();
    const made: (() => void)[] = [];
    const slow: RunStore = { create: async (run) => (await new Promise<void>((resolve) => made.push(resolve)), store.create(run)), find: (id) => store.find(id), delete: (id) => store.delete(id) };
    const { desk, clock, source, run } = newDesk({ store: slow });
    const starting = desk.start('ann', run);
    await desk.close();
    made[0]?.();
    await expect(starting).rejects.toMatchObject({ code: 'GATEWAY_CLOSING' });
    await settle();
    expect([desk.running, store.size, source.counts.asked, clock.pendingTimers]).toEqual([0, 0, 0, 0]);
  });

  it('a reader that takes nothing does not hold the close up', async () => {
    const { desk, source, run, clock } = newDesk();
    const iterator = (await desk.start('ann', run)).events[Symbol.asyncIterator]();
    source.push(...words('r1', 'a'));
    await iterator.next();
    let closed = false;
    const closing = desk.close().then(() => (closed = true));
    await clock.run(999);
    expect(closed).toBe(false);
    await clock.run(1);
    await closing;
  });
});

describe('after its end a run', () => {
  it('is kept for the time of retention', async () => {
    const store = new MemoryRunStore();
    const { desk, clock, source, run } = newDesk({ store, retentionMs: 60_000 });
    const { events } = await desk.start('ann', run);
    source.end();
    await take(events);
    await clock.run(59_999);
    expect(await desk.follow('r1', 'ann', 1)).toBe('over');
    await clock.run(1);
    await expect(desk.follow('r1', 'ann', 1)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    expect([store.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('makes room for newer ones', async () => {
    const store = new MemoryRunStore();
    const { desk } = newDesk({ store, maxEndedRuns: 3 });
    for (let count = 0; count < 5; count += 1) await take((await desk.start('ann', async function* () {})).events);
    expect(store.size).toBe(3);
    await expect(desk.follow('r2', 'ann')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    expect(await desk.follow('r3', 'ann', 1)).toBe('over');
  });
});

describe('the readers of a run', () => {
  it('are so many and no more', async () => {
    const { desk, run } = newDesk({ maxReadersPerRun: 2 });
    const first = (await desk.start('ann', run)).events[Symbol.asyncIterator]();
    void first.next();
    void (await follow(desk, 'r1'))[Symbol.asyncIterator]().next();
    await expect(desk.follow('r1', 'ann')).rejects.toMatchObject({ code: 'TOO_MANY_READERS' });
    await first.return?.();
    expect(await desk.follow('r1', 'ann')).not.toBe('over');
  });

  it('that are behind are told what they have missed, and the others miss nothing', async () => {
    const { desk, source, run } = newDesk({ store: new MemoryRunStore({ maxEvents: 10 }) });
    const quick = take((await desk.start('ann', run)).events, 100);
    const slow = (await follow(desk, 'r1'))[Symbol.asyncIterator]();
    source.push(...words('r1', 'first'));
    expect((await slow.next()).value?.id).toBe('r1:1');
    source.push(...words('r1', ...Array.from({ length: 99 }, (_, index) => `${index} `)));
    expect((await quick).map(({ id }) => id)).toEqual(Array.from({ length: 100 }, (_, index) => `r1:${index + 1}`));
    const next = [(await slow.next()).value, (await slow.next()).value];
    expect(next).toEqual([{ event: 'gap', data: '{"from":2,"to":90}' }, expect.objectContaining({ id: 'r1:91' })]);
  });

  it('hold a run back when all of them are behind, and not when one is not', async () => {
    const { desk, clock } = newDesk({ aheadChars: 1_000, store: new MemoryRunStore({ maxBytes: 100_000 }) });
    let made = 0;
    const slow = (await desk.start('ann', async function* () {
      for (;;) yield { type: 'tick', text: 'x'.repeat(100), n: (made += 1) } as TypedEvent;
    })).events[Symbol.asyncIterator]();
    await slow.next();
    await settle();
    const madeFor = made;
    expect(madeFor).toBeLessThan(15);
    for (let count = 0; count < 100; count += 1) await slow.next();
    await settle();
    expect(made - madeFor).toBe(100);
    const quick = await take(await follow(desk, 'r1', 101), 500);
    expect(quick.map(({ id }) => id)).toEqual(Array.from({ length: 500 }, (_, index) => `r1:${index + 102}`));
    // It hears no signal, and never waits.
    await desk.stop('r1', 'ann');
    await clock.run(500, () => new Promise((resolve) => setTimeout(resolve, 5)));
    expect(desk.running).toBe(0);
  });
});

describe('two machines with one store', () => {
  it('serve the readers of each other, and their stops', async () => {
    const store = new MemoryRunStore();
    const [here, there] = [newDesk({ store }), newDesk({ store })];
    const { events } = await here.desk.start('ann', here.run);
    const own = take(events);
    const other = take(await follow(there.desk, 'r1'));
    here.source.push(...words('r1', 'a', 'b'));
    await settle();
    await expect(there.desk.follow('r1', 'eve')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    await expect(there.desk.stop('r1', 'eve')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    expect(here.source.counts.aborted).toBe(0);
    await there.desk.stop('r1', 'ann');
    expect(await other).toEqual(await own);
    expect((await own).map(({ event }) => event)).toEqual(['response.text.delta', 'response.text.delta', 'end']);
  });
});

describe('a store that fails', () => {
  it('stops the run whose events it does not take, and leaves no run behind that it could not make', async () => {
    const store = new MemoryRunStore();
    let failing = false;
    const { desk, source, run } = newDesk({
      store: {
        create(options) {
          if (failing) throw new Error('the store is gone');
          const log = store.create(options);
          return new Proxy(log, {
            get(target, name) {
              if (name === 'append' && failing) return () => Promise.reject(new Error('the store is gone'));
              const value = Reflect.get(target, name, target) as unknown;
              return typeof value === 'function' ? (value.bind(target) as unknown) : value;
            },
          });
        },
        find: (runId) => store.find(runId),
        delete: () => Promise.reject(new Error('the store is gone')),
      },
    });
    const all = take((await desk.start('ann', run)).events);
    await settle();
    failing = true;
    source.push(...words('r1', 'a'));
    expect(await all).toEqual([]);
    await settle();
    expect([source.counts.aborted, desk.running]).toEqual([1, 0]);
    await expect(desk.start('ann', run)).rejects.toThrow('the store is gone');
    expect(desk.running).toBe(0);
  });
});

it.each(['maxRuns', 'graceMs', 'retentionMs', 'aheadChars'] as const)('a limit that is no number switches nothing off: %s', (name) => {
  expect(() => new RunDesk({ [name]: 0 })).toThrow(RangeError);
  expect(() => new RunDesk({ [name]: Number.NaN })).toThrow(RangeError);
});
