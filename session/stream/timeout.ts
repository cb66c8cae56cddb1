import { TransportError } from '../errors.js';
import type { Clock, Timer } from '../ports/clock.js';
import { needMs } from './check-options.js';
import type { Stream } from './channel.js';
import { operator } from './operator.js';
import type { StreamEnd } from './operator.js';

export interface TimeoutOptions {
  /** The longest that a reader waits for a value. What the reader does between two reads does not count. */
  readonly betweenMs?: number;
  /** The longest from the first read to the end, the reader's own time included. */
  readonly totalMs?: number;
  readonly clock: Clock;
}

/** The same values; a source that is slower than it may be is let go of, and the reader's loop throws `STREAM_TIMEOUT`. */
export function timeout<T>(source: AsyncIterable<T>, { betweenMs, totalMs, clock }: TimeoutOptions): Stream<T> {
  if (betweenMs !== undefined) needMs('betweenMs', betweenMs);
  if (totalMs !== undefined) needMs('totalMs', totalMs);
  return operator<T, T>(source, (outlet) => {
    let waitingSinceMs: number | undefined;
    let pause: Timer | undefined;
    const whole = totalMs === undefined ? undefined : clock.after(totalMs, () => outlet.end(tooSlow('did not end', totalMs)));
    // One timer serves many values: it looks whether the present wait is the long one, and else waits for the rest of it.
    const look = (limitMs: number): void => {
      pause = undefined;
      if (waitingSinceMs === undefined) return;
      const restMs = waitingSinceMs + limitMs - clock.now();
      if (restMs > 0) pause = clock.after(restMs, () => look(limitMs));
      else outlet.end(tooSlow('gave nothing', limitMs));
    };
    return {
      onWait() {
        if (betweenMs === undefined) return;
        waitingSinceMs ??= clock.now();
        pause ??= clock.after(betweenMs, () => look(betweenMs));
      },
      onValue(value) {
        waitingSinceMs = undefined;
        outlet.push(value);
      },
      onRelease() {
        whole?.cancel();
        pause?.cancel();
      },
    };
  });
}

function tooSlow(what: string, ms: number): StreamEnd {
  return { how: 'failed', error: new TransportError('STREAM_TIMEOUT', `A stream ${what} within ${ms} ms, and was given up.`, { retryable: true }) };
}
