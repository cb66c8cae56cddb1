import type { Clock, Timer } from '../ports/clock.js';

export interface StageReaderOptions {
  readonly clock: Clock;
  /** The life of what is read: an abort ends a pending `next()` with the signal's reason. */
  readonly signal: AbortSignal;
  /** The error of a `next()` that took longer than the limit. */
  readonly late?: (limitMs: number) => Error;
}

interface Pending<T> {
  readonly resolve: (result: IteratorResult<T>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Reads the stream of a stage that may do what it likes: stand still, throw, or not care for its signal. Each `next()` ends, with what the stage gave or
 * threw, with the error of the limit, or with the signal's reason; from the last three on the stage's iterator is let go of, and nothing waits for it.
 */
export class StageReader<T> {
  readonly #source: AsyncIterable<T>;
  readonly #options: StageReaderOptions;
  readonly #onAbort = (): void => this.#fail(this.#options.signal.reason);
  #iterator: AsyncIterator<T> | undefined;
  #limitMs: number | undefined;
  #timer: Timer | undefined;
  #pending: Pending<T> | undefined;
  #closed = false;

  constructor(source: AsyncIterable<T>, options: StageReaderOptions) {
    this.#source = source;
    this.#options = options;
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** From now on a `next()` may take so long, also the one that is pending. Only the time in which somebody waits counts. */
  limit(limitMs: number | undefined): void {
    this.#limitMs = limitMs;
    if (this.#pending !== undefined) this.#arm();
  }

  /** One reader at a time. */
  async next(): Promise<IteratorResult<T>> {
    this.#options.signal.throwIfAborted();
    if (this.#closed) return { value: undefined, done: true };
    const iterator = (this.#iterator ??= this.#source[Symbol.asyncIterator]());
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      this.#arm();
      pull(iterator).then(
        (result) => this.#settle(result),
        (error: unknown) => this.#fail(error),
      );
    });
  }

  /** Lets go of the stage; a pending `next()` ends like an iteration that is over. May be called twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#settle({ value: undefined, done: true });
    // A generator that stands at an await settles this when it likes: nobody waits for it, and what it throws then concerns nobody.
    if (this.#iterator !== undefined) leave(this.#iterator).catch(() => {});
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const { clock, late } = this.#options;
    const limitMs = this.#limitMs;
    if (limitMs !== undefined && late !== undefined) this.#timer = clock.after(limitMs, () => this.#fail(late(limitMs)));
  }

  #settle(result: IteratorResult<T>): void {
    this.#take()?.resolve(result);
  }

  #fail(error: unknown): void {
    this.#take()?.reject(error);
    this.close();
  }

  #take(): Pending<T> | undefined {
    this.#timer?.cancel();
    this.#timer = undefined;
    const pending = this.#pending;
    this.#pending = undefined;
    return pending;
  }
}

/** A stage that throws at once is one that rejects. */
async function pull<T>(iterator: AsyncIterator<T>): Promise<IteratorResult<T>> {
  return iterator.next();
}

async function leave(iterator: AsyncIterator<unknown>): Promise<void> {
  await iterator.return?.();
}
