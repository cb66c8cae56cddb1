/**
 * What a promise gives, or `undefined` as soon as the signal aborts. `Promise.race` with a promise that lives as long as the stream would keep a reaction on
 * it for every event; this leaves nothing behind. What the promise gives later, is dropped.
 */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => resolve(undefined);
    const settle = (act: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      act();
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error as Error)),
    );
  });
}

/** The next result of an iterator, or `undefined` as soon as the signal aborts; when it has aborted already, nothing is asked for. */
export async function nextOrAbort<T>(iterator: AsyncIterator<T>, signal: AbortSignal): Promise<IteratorResult<T> | undefined> {
  return signal.aborted ? undefined : orAborted(iterator.next(), signal);
}

/**
 * Lets go of an iterator, also while a `next()` of it is pending. Not waited for: a generator that hangs in a wait of its own gives no answer. What it
 * throws on its way out is told to `onError`.
 */
export function letGo(iterator: AsyncIterator<unknown>, onError: (error: unknown) => void): void {
  try {
    iterator.return?.().then(undefined, onError);
  } catch (error) {
    onError(error);
  }
}
