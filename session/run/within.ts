import type { Clock } from '../ports/clock.js';

/** Waits for work of the application, but not longer than `limitMs`: then it rejects with a `TimeoutError`. */
export async function within<T>(clock: Clock, limitMs: number, work: T | PromiseLike<T>): Promise<T> {
  let onTime = (_error: DOMException): void => {};
  const overdue = new Promise<never>((_resolve, reject) => (onTime = reject));
  const timer = clock.after(limitMs, () => onTime(new DOMException(`It took longer than ${limitMs / 1000} s.`, 'TimeoutError')));
  try {
    return await Promise.race([work, overdue]);
  } finally {
    timer.cancel();
  }
}
