import type { Clock, Timer } from '../ports/clock.js';
import { needMs, needWhole } from './check-options.js';
import type { Stream } from './channel.js';
import { operator } from './operator.js';

export type BatchOptions =
  /** Values of a full batch, at least 1. */
  | { readonly count: number; readonly withinMs?: never }
  /** `withinMs`: how long the first value of a batch waits for the others. */
  | { readonly count: number; readonly withinMs: number; readonly clock: Clock };

/**
 * Values in lists of `count`, or fewer when time is up or the source ends; never an empty list. A batch that is begun is given before the error of a
 * source. Holds `count` values, of which at most one was pulled without a reader that waits.
 */
export function batch<T>(source: AsyncIterable<T>, options: BatchOptions): Stream<readonly T[]> {
  const { count } = options;
  needWhole('count', count);
  if (options.withinMs !== undefined) needMs('withinMs', options.withinMs);
  return operator<T, readonly T[]>(source, (outlet) => {
    let values: T[] = [];
    let timer: Timer | undefined;
    const flush = (): void => {
      timer?.cancel();
      timer = undefined;
      if (values.length === 0) return;
      outlet.push(values);
      values = [];
    };
    return {
      onValue(value) {
        values.push(value);
        if (values.length >= count) flush();
        else if (options.withinMs !== undefined) timer ??= options.clock.after(options.withinMs, flush);
      },
      onEnd: flush,
      onRelease: () => timer?.cancel(),
    };
  });
}
