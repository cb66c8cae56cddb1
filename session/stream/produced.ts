import { Channel } from './channel.js';

/** Hands a value to the reader and waits until there is room for the next. False when nobody reads any more: then stop. */
export type Send<T> = (value: T) => Promise<boolean>;

/**
 * A stream that `produce` fills, at the reader's pace: one value waits, no more. `produce` begins with the first `next()`. Its `signal` aborts when the
 * reader leaves (`return()`, also while a `next()` is pending) or when `signal` does; after the latter the iteration rejects with `signal.reason`. What
 * `produce` throws, the reader gets, after the values before it. One reader.
 */
export function produced<T>(produce: (send: Send<T>, signal: AbortSignal) => Promise<void>, signal: AbortSignal): AsyncIterableIterator<T, undefined> {
  return new Produced(produce, signal);
}

class Produced<T> implements AsyncIterableIterator<T, undefined> {
  readonly #produce: (send: Send<T>, signal: AbortSignal) => Promise<void>;
  readonly #signal: AbortSignal;
  readonly #life = new AbortController();
  readonly #channel: Channel<T>;
  #state: 'new' | 'running' | 'ended' = 'new';

  constructor(produce: (send: Send<T>, signal: AbortSignal) => Promise<void>, signal: AbortSignal) {
    this.#produce = produce;
    this.#signal = signal;
    this.#channel = new Channel<T>({ capacity: 1, whenFull: 'wait' });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#state === 'new') {
      if (this.#signal.aborted) {
        this.#state = 'ended';
        this.#channel.fail(this.#signal.reason);
      } else {
        this.#state = 'running';
        void this.#run();
      }
    }
    return this.#channel.next();
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#state = 'ended';
    const left = this.#channel.return();
    this.#life.abort(new DOMException('The reader has left.', 'AbortError'));
    return left;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #run(): Promise<void> {
    const settled = new AbortController();
    // The reader is told first: what `produce` says of its end is not the reason any more.
    const onAbort = (): void => {
      this.#channel.fail(this.#signal.reason);
      this.#life.abort(this.#signal.reason);
    };
    this.#signal.addEventListener('abort', onAbort, { once: true, signal: settled.signal });
    // Nobody needs the listener once the reader has left, though `produce` may take its time.
    this.#life.signal.addEventListener('abort', () => settled.abort(), { once: true, signal: settled.signal });
    try {
      await this.#produce((value) => this.#channel.send(value), this.#life.signal);
      this.#channel.close();
    } catch (error) {
      this.#channel.fail(error);
    } finally {
      settled.abort();
    }
  }
}
