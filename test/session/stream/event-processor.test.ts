import { describe, expect, it } from 'vitest';
import { EventProcessor } from '../../../session/index.js';
import type { FlatRunEvent } from '../../../session/index.js';
import { ManualClock, mockStream } from '../../../src/testing.js';
import { gather, watch } from '../../helpers/gather.js';
import { settle } from '../../helpers/settle.js';

const text = (delta: string): FlatRunEvent => ({ type: 'response.text.delta', runId: 'r', itemId: 'i', delta });
const start: FlatRunEvent = { type: 'run.start', runId: 'r', agentName: 'Ava' };
const done: FlatRunEvent = { type: 'run.done', runId: 'r', text: 'ab', end: 'completed' };
const called: FlatRunEvent = { type: 'response.function_call.done', runId: 'r', callId: 'c', name: 'weather', arguments: '{}' };
const run: readonly FlatRunEvent[] = [start, text('a'), called, text('b'), done];

describe('the handlers of an EventProcessor', () => {
  it('are called by type, pattern, expression, predicate and for all, and the events go on', async () => {
    const processor = new EventProcessor<FlatRunEvent>({ clock: new ManualClock() });
    const seen: Record<string, string[]> = {};
    const note = (name: string) => (event: FlatRunEvent) => void (seen[name] ??= []).push(event.type);
    processor.on('run.start', note('start'));
    processor.on('response.*', note('response'));
    processor.on('*.d*e', note('middle'));
    processor.on('*', note('all'));
    processor.on(/^run\./g, note('expression'));
    processor.on((event) => event.type === 'response.text.delta' && event.delta === 'b', note('predicate'));
    expect(await gather(processor.process(mockStream(run)))).toEqual(run);
    expect(seen).toEqual({
      start: ['run.start'],
      response: ['response.text.delta', 'response.function_call.done', 'response.text.delta'],
      middle: ['response.function_call.done', 'run.done'],
      all: run.map(({ type }) => type),
      expression: ['run.start', 'run.done'],
      predicate: ['response.text.delta'],
    });
  });

  it('take the characters of a pattern as they are, but for the star', async () => {
    const processor = new EventProcessor<{ readonly type: string }>({ clock: new ManualClock() });
    const seen: string[] = [];
    processor.on('a.(b)*', ({ type }) => seen.push(type));
    await processor.run(mockStream(['a.(b)', 'a.(b).c', 'ax(b)', 'a.b', ' a.(b)'].map((type) => ({ type }))));
    expect(seen).toEqual(['a.(b)', 'a.(b).c']);
  });

  it('of one event run one after another, and the next event waits for them', async () => {
    const clock = new ManualClock();
    const processor = new EventProcessor<FlatRunEvent>({ clock });
    const order: string[] = [];
    const slow = (name: string, ms: number) => async (): Promise<void> => {
      order.push(`${name} begins ${clock.now()}`);
      await new Promise<void>((resolve) => clock.after(ms, resolve));
      order.push(`${name} ends ${clock.now()}`);
    };
    processor.on('run.start', slow('first', 10));
    processor.on('run.start', slow('second', 5));
    processor.on('run.done', slow('third', 1));
    const source = mockStream([start, done]);
    const ended = processor.run(source);
    await clock.run(12);
    expect(source.asked).toBe(1);
    await clock.run(100);
    await ended;
    expect(order).toEqual(['first begins 0', 'first ends 10', 'second begins 10', 'second ends 15', 'third begins 15', 'third ends 16']);
  });

  it('stop nobody when they throw, and are counted', async () => {
    const errors: unknown[] = [];
    const processor = new EventProcessor<FlatRunEvent>({ clock: new ManualClock(), onError: (error, event) => errors.push([(error as Error).message, event?.type]) });
    const seen: string[] = [];
    processor.on('run.start', () => {
      throw new Error('at once');
    });
    processor.on('run.start', () => Promise.reject(new Error('later')));
    processor.on(
      (): boolean => {
        throw new Error('in the predicate');
      },
      () => seen.push('never'),
    );
    processor.on('*', ({ type }) => seen.push(type));
    const metrics = await processor.run(mockStream([start, done]));
    expect(seen).toEqual(['run.start', 'run.done']);
    expect(errors).toEqual([['at once', 'run.start'], ['later', 'run.start'], ['in the predicate', 'run.start'], ['in the predicate', 'run.done']]);
    expect(metrics.errors).toBe(4);
  });

  it('can be taken off, also by themselves, and put on while events pass', async () => {
    const processor = new EventProcessor<FlatRunEvent>({ clock: new ManualClock() });
    const seen: string[] = [];
    const off = processor.on('response.text.delta', ({ delta }) => {
      seen.push(delta);
      off();
      processor.on('response.text.delta', (event) => seen.push(`late ${event.delta}`));
    });
    await processor.run(mockStream([text('a'), text('b')]));
    expect(seen).toEqual(['a', 'late b']);
  });

  it('are told that nobody waits for them any more', async () => {
    const processor = new EventProcessor<FlatRunEvent>({ clock: new ManualClock() });
    const hangUp = new AbortController();
    let told = false;
    processor.on('run.start', (_event, { signal }) => new Promise(() => signal.addEventListener('abort', () => (told = true))));
    const source = mockStream(run);
    const ended = processor.run(source, { signal: hangUp.signal });
    await settle();
    hangUp.abort(new Error('hung up'));
    await expect(ended).rejects.toThrow('hung up');
    expect([told, source.returned]).toEqual([true, 1]);
  });
});

describe('what an EventProcessor counts and keeps', () => {
  it('is how many, of which type, how fast, and how long the handlers took', async () => {
    const clock = new ManualClock();
    const processor = new EventProcessor<FlatRunEvent>({ clock });
    let tookMs = 0;
    processor.on('response.text.delta', () => new Promise<void>((resolve) => clock.after((tookMs += 10), resolve)));
    const ended = processor.run(mockStream(run, { clock, delayMs: 500 }));
    await clock.run(10_000);
    expect(processor.metrics).toMatchObject({ total: 0 + 5, byType: { 'run.start': 1, 'response.text.delta': 2, 'response.function_call.done': 1, 'run.done': 1 }, otherTypes: 0, errors: 0 });
    expect((await ended).handlingMs).toEqual({ count: 2, min: 10, mean: 15, max: 20 });
  });

  it('has a rate of the last ten seconds', async () => {
    const clock = new ManualClock();
    const processor = new EventProcessor<FlatRunEvent>({ clock });
    void processor.run(mockStream(Array.from({ length: 400 }, () => start), { clock, delayMs: 50 }));
    expect(processor.metrics.perSecond).toBe(0);
    await clock.run(500);
    expect(processor.metrics.perSecond).toBe(10);
    await clock.run(19_490);
    expect(processor.metrics.perSecond).toBeCloseTo(20, 0);
    await clock.run(5_000);
    expect(processor.metrics.perSecond).toBeGreaterThan(9);
    expect(processor.metrics.perSecond).toBeLessThan(11);
    await clock.run(10_000);
    expect(processor.metrics).toMatchObject({ total: 400, perSecond: 0 });
  });

  it('is bounded: 256 types, and as much of the past as it is told to keep', async () => {
    const events = Array.from({ length: 300 }, (_, index) => ({ type: `t${index}` }));
    const processor = new EventProcessor({ clock: new ManualClock(), historySize: 3 });
    const metrics = await processor.run(mockStream([...events, { type: 't0' }]));
    expect([metrics.total, metrics.byType['t0'], metrics.byType['t255'], metrics.byType['t256'], metrics.otherTypes]).toEqual([301, 2, 1, undefined, 44]);
    expect(processor.history).toEqual([{ type: 't298' }, { type: 't299' }, { type: 't0' }]);
    const forgetful = new EventProcessor({ clock: new ManualClock(), historySize: 0 });
    await forgetful.run(mockStream(events));
    expect(forgetful.history).toEqual([]);
  });

  it('has handlers for each of any number of types', async () => {
    const processor = new EventProcessor<{ readonly type: string }>({ clock: new ManualClock() });
    let count = 0;
    processor.on('t*', () => (count += 1));
    await processor.run(mockStream(Array.from({ length: 600 }, (_, index) => ({ type: `t${index % 300}` }))));
    expect(count).toBe(600);
  });

  it('can be a state beside the events, which handlers see with their event in it', async () => {
    const processor = new EventProcessor({
      clock: new ManualClock(),
      state: { initial: '', reduce: (state: string, event: FlatRunEvent) => (event.type === 'response.text.delta' ? state + event.delta : state) },
    });
    const seen: string[] = [];
    processor.on('response.*', (event, { state }) => seen.push(`${event.type} ${state}`));
    await processor.run(mockStream(run));
    expect(seen).toEqual(['response.text.delta a', 'response.function_call.done a', 'response.text.delta ab']);
    expect(processor.state).toBe('ab');
  });
});

describe('the callbacks of an EventProcessor', () => {
  const listening = (): { processor: EventProcessor<FlatRunEvent>; told: unknown[] } => {
    const told: unknown[] = [];
    const processor = new EventProcessor<FlatRunEvent>({
      clock: new ManualClock(),
      onStart: () => told.push('start'),
      onEvent: ({ type }) => told.push(type),
      onError: (error, event) => told.push([(error as Error).message, event]),
      onEnd: (end, { total }) => told.push([end, total]),
    });
    return { processor, told };
  };

  it('are told of the start, of each event before its handlers, and of the end, once', async () => {
    const { processor, told } = listening();
    processor.on('*', () => told.push('handled'));
    const stream = processor.process(mockStream([start, done]));
    expect(told).toEqual([]);
    await gather(stream);
    await stream.return();
    expect(told).toEqual(['start', 'run.start', 'handled', 'run.done', 'handled', [{ how: 'completed' }, 2]]);
  });

  it('are told how it ended, whichever way', async () => {
    const { processor, told } = listening();
    const gone = new Error('gone');
    await expect(processor.run(mockStream([], { then: { error: gone } }))).rejects.toBe(gone);
    expect(told.splice(0)).toEqual(['start', ['gone', undefined], [{ how: 'failed', error: gone }, 0]]);
    for await (const event of processor.process(mockStream(run))) if (event === start) break;
    expect(told.splice(0)).toEqual(['start', 'run.start', [{ how: 'left' }, 1]]);
    const reason = new Error('hung up');
    await expect(processor.run(mockStream(run), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(told.splice(0)).toEqual(['start', [{ how: 'aborted', reason }, 1]]);
  });

  it('harm nobody when they throw', async () => {
    const nothing = (): never => {
      throw new Error('in a callback');
    };
    const processor = new EventProcessor<FlatRunEvent>({ clock: new ManualClock(), onEvent: nothing, onError: nothing, onEnd: nothing });
    const source = mockStream(run);
    const watched = watch(processor.process(source));
    await settle();
    expect([watched.values, watched.end, processor.metrics.errors]).toEqual([run, {}, 6]);
  });

  it('end the stream when the first of them throws', async () => {
    const processor = new EventProcessor<FlatRunEvent>({
      clock: new ManualClock(),
      onStart: () => {
        throw new Error('not ready');
      },
    });
    const source = mockStream(run);
    await expect(processor.run(source)).rejects.toThrow('not ready');
    expect(source.opened).toBe(0);
  });
});
