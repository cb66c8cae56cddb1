import type { FlatRunEvent, RunEvent, RunOptions } from '../../session/index.js';
import { ManualClock } from '../../src/host/manual-clock.js';

/** What every run in a test needs beside its agent; `clock` stands still. */
export function runOptions<Extra extends Partial<RunOptions<unknown>>>(extra: Extra): Extra & { clock: ManualClock; runId: string } {
  return { clock: new ManualClock(), runId: 'run_1', ...extra };
}

export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of stream) all.push(value);
  return all;
}

/** The events of a run in short: their types, with the names of items. */
export function inShort(events: readonly (RunEvent | FlatRunEvent)[]): string[] {
  return events.map((event) => {
    if (event.type === 'raw_response_event') return `raw:${event.data.type}`;
    return event.type === 'run_item_stream_event' ? event.name : event.type;
  });
}
