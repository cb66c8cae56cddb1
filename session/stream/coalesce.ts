import { needWhole } from './check-options.js';
import type { Coalescing, Stream } from './channel.js';
import { operator } from './operator.js';

export interface CoalesceOptions<T> extends Coalescing<T> {
  /** Values that may wait: of different keys, or of none. A full one pulls no more. Default 64. */
  readonly capacity?: number;
}

/**
 * Reads on while its reader is busy, and makes one of the values of a key that wait: the newest, or what `join` makes of them. Nothing else is lost, and
 * nothing passes a value without a key. For sources that come in their own time: one that always has a next value is read without end.
 */
export function coalesce<T>(source: AsyncIterable<T>, { capacity = 64, key, join }: CoalesceOptions<T>): Stream<T> {
  needWhole('capacity', capacity);
  return operator<T, T>(source, (outlet) => ({ onValue: (value) => outlet.push(value) }), {
    channel: { capacity, whenFull: 'coalesce', key, ...(join === undefined ? {} : { join }) },
    readAhead: true,
  });
}
