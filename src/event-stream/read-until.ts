/** A stream, or what makes one that can be told to stop: its signal aborts when nobody wants it any more. Nothing is asked of it before the first read. */
export type EventStream<T> = AsyncIterable<T> | ((signal: AbortSignal) => AsyncIterable<T>);

export interface ReadUntilOptions<T> {
  /** Ends the reading at once, also while a value is waited for. */
  readonly signal: AbortSignal;
  /** The next value is asked for when this has settled; `false` ends the reading. */
  readonly each: (value: T) => boolean | void | Promise<boolean | void>;
  /** What the stream throws when it is let go of before its end. */
  readonly onLetGoError: (error: unknown) => void;
}

/**
 * Reads a stream to its end (`ended`), or until somebody has had enough (`left`), and lets go of it exactly once then. What the stream or `each` throws comes out.
 *
 * A stream that is left in the middle of a wait is told, and not waited for: `return()` of a plain generator waits behind its pending `next()`, perhaps for ever.
 */
export async function readUntil<T>(stream: EventStream<T>, { signal, each, onLetGoError }: ReadUntilOptions<T>): Promise<'ended' | 'left'> {
  const iterator = (typeof stream === 'function' ? stream(signal) : stream)[Symbol.asyncIterator]();
  let finished = false;
  try {
    for (let count = 1; !signal.aborted; count += 1) {
      // A stream that never waits would leave nobody else a turn, not even the timer that is to stop it.
      if (count % VALUES_A_TURN === 0) await new Promise((resolve) => setTimeout(resolve, 0));
      const result = await orAborted(iterator.next(), signal).catch((error: unknown) => {
        // What throws has let go by itself.
        finished = true;
        throw error;
      });
      if (result === undefined) break;
      finished = result.done === true;
      if (result.done === true) return 'ended';
      if ((await each(result.value)) === false) break;
    }
    return 'left';
  } finally {
    if (!finished) letGo(iterator, onLetGoError);
  }
}

const VALUES_A_TURN = 256;

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

function letGo(iterator: AsyncIterator<unknown>, onError: (error: unknown) => void): void {
  try {
    iterator.return?.().then(undefined, onError);
  } catch (error) {
    onError(error);
  }
}
