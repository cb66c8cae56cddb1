/** Waits for work, at most until the signal aborts: then it rejects with the signal's reason, and the work is left to itself. */
export function unlessAborted<T>(signal: AbortSignal, work: T | PromiseLike<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) {
      // What the work comes to is of no interest any more, not even that it fails.
      Promise.resolve(work).catch(() => {});
      return onAbort();
    }
    signal.addEventListener('abort', onAbort, { once: true });
    Promise.resolve(work).then(
      (value) => {
        signal.removeEventListener('abort', onAbort);
        resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener('abort', onAbort);
        reject(error as Error);
      },
    );
  });
}
