import type { Stream } from './channel.js';
import { operator } from './operator.js';

/**
 * The same values until the signal is aborted: then the loop ends like any other, also while it waits, and the source is let go of. It does not throw,
 * since to take until then is what was asked; `signal.aborted` tells the two ends apart.
 */
export function takeUntil<T>(source: AsyncIterable<T>, signal: AbortSignal): Stream<T> {
  return operator<T, T>(source, (outlet) => {
    const stop = (): void => outlet.end();
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    return {
      onValue: (value) => outlet.push(value),
      onRelease: () => signal.removeEventListener('abort', stop),
    };
  });
}
