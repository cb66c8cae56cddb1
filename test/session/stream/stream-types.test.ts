import { describe, expect, expectTypeOf, it } from 'vitest';
import { Channel, EventProcessor, ResilientProcessor, accumulate, batch, filter, map, merge, ofType, scan, tee, withState } from '../../../session/index.js';
import type { FlatRunEvent, Matching, Merged, ProcessingReport, RunEvent, Stream } from '../../../session/index.js';
import { ManualClock, mockStream } from '../../../src/testing.js';

declare const flat: AsyncIterable<FlatRunEvent>;
declare const rich: AsyncIterable<RunEvent>;
type TextDelta = Extract<FlatRunEvent, { type: 'response.text.delta' }>;
type Done = Extract<FlatRunEvent, { type: 'run.done' }>;

/** Never called: what is looked at is what the compiler makes of it. */
function looks(): void {
  expectTypeOf(ofType(flat, 'response.text.delta')).toEqualTypeOf<Stream<TextDelta>>();
  expectTypeOf(ofType(flat, 'response.text.delta', 'run.done')).toEqualTypeOf<Stream<TextDelta | Done>>();
  // @ts-expect-error no event has this type
  ofType(flat, 'response.text.detla');

  expectTypeOf(filter(flat, (event) => event.type === 'run.done')).toExtend<Stream<FlatRunEvent>>();
  expectTypeOf(filter(flat, (event): event is Done => event.type === 'run.done')).toEqualTypeOf<Stream<Done>>();
  expectTypeOf(map(flat, (event) => event.type.length)).toEqualTypeOf<Stream<number>>();
  expectTypeOf(map(flat, async (event) => event.runId)).toEqualTypeOf<Stream<string>>();
  expectTypeOf(scan(flat, (count) => count + 1, 0)).toEqualTypeOf<Stream<number>>();
  expectTypeOf(accumulate(flat, (text, event) => text + event.type, '')).toEqualTypeOf<Promise<string>>();
  expectTypeOf(withState(flat, (count) => count + 1, 0)).toEqualTypeOf<Stream<{ readonly value: FlatRunEvent; readonly state: number }>>();
  expectTypeOf(batch(flat, { count: 3 })).toEqualTypeOf<Stream<readonly FlatRunEvent[]>>();
  // @ts-expect-error time needs a clock
  batch(flat, { count: 3, withinMs: 10 });
  expectTypeOf(tee(flat, 2)).toEqualTypeOf<readonly Stream<FlatRunEvent>[]>();

  const merged = merge({ flat, rich });
  expectTypeOf(merged).toEqualTypeOf<Stream<{ readonly source: 'flat'; readonly value: FlatRunEvent } | { readonly source: 'rich'; readonly value: RunEvent }>>();
  expectTypeOf<Merged<Record<string, AsyncIterable<number>>>>().toEqualTypeOf<{ readonly source: string; readonly value: number }>();

  // @ts-expect-error what is joined needs a key
  new Channel<number>({ capacity: 1, whenFull: 'coalesce' });
  // @ts-expect-error a reader of a stream cannot push into it
  map(flat, String).push('x');
}

function handlers(processor: EventProcessor<FlatRunEvent, number>): void {
  processor.on('run.done', (event, { state }) => {
    expectTypeOf(event).toEqualTypeOf<Done>();
    expectTypeOf(state).toEqualTypeOf<number>();
  });
  processor.on('response.*.delta', (event) => expectTypeOf(event.delta).toEqualTypeOf<string>());
  processor.on('*', (event) => expectTypeOf(event).toEqualTypeOf<FlatRunEvent>());
  processor.on(/^run/, (event) => expectTypeOf(event).toEqualTypeOf<FlatRunEvent>());
  processor.on(
    (event): event is Done => event.type === 'run.done',
    (event) => expectTypeOf(event).toEqualTypeOf<Done>(),
  );
  // @ts-expect-error no event has this type
  processor.on('run.dnoe', () => {});
}

describe('types of streams', () => {
  it('follow the union of events', () => {
    expectTypeOf<Matching<FlatRunEvent, 'run.*'>['type']>().toEqualTypeOf<'run.start' | 'run.agent' | 'run.step.done' | 'run.done' | 'run.error'>();
    expectTypeOf<Matching<FlatRunEvent, '*.delta'>['type']>().toEqualTypeOf<'response.text.delta' | 'response.reasoning.delta' | 'response.function_call_arguments.delta'>();
    expectTypeOf<Matching<FlatRunEvent, 'nothing*'>>().toEqualTypeOf<never>();
    expect([looks, handlers].map((each) => typeof each)).toEqual(['function', 'function']);
  });

  it('follow the work of a processor', async () => {
    const processor = new ResilientProcessor({ work: (value: string) => value.length, onFailure: 'fail_fast', clock: new ManualClock() });
    const lengths = processor.process(mockStream(['abc']));
    expectTypeOf(lengths).toEqualTypeOf<Stream<number>>();
    expectTypeOf(processor.report).toEqualTypeOf<ProcessingReport<string>>();
    expect(await lengths.next()).toEqual({ value: 3, done: false });
  });
});
