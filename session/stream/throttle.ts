import type { Clock, Timer } from '../ports/clock.js';
import { needMs } from './check-options.js';
import type { Stream } from './channel.js';
import { operator } from './operator.js';

export interface ThrottleOptions {
  /** The least time from one value to the next. */
  readonly everyMs: number;
  readonly clock: Clock;
}

/**
 * At most one value in `everyMs`: the first at once, and the source is asked for each other one when its time has come. So nothing is lost and nothing
 * held, and the source waits. Where newer values make older ones needless, put it behind `coalesce`, which reads on meanwhile: then each value is the
 * newest of its moment.
 */
export function throttle<T>(source: AsyncIterable<T>, { everyMs, clock }: ThrottleOptions): Stream<T> {
  needMs('everyMs', everyMs);
  return operator<T, T>(source, (outlet) => {
    let pause: Timer | undefined;
    return {
      onValue(value) {
        outlet.push(value);
        return new Promise((resolve) => {
          pause = clock.after(everyMs, resolve);
        });
      },
      onRelease: () => pause?.cancel(),
    };
  });
}
