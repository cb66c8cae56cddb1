import type { Clock, Timer } from '../../session/index.js';

export interface MockStreamOptions {
  /** Needed for `delayMs` and `atMs`; with a `ManualClock` the values come when it is moved. */
  readonly clock?: Clock;
  /** From the moment in which a value is asked for to the moment in which it comes. Default: at once. */
  readonly delayMs?: number;
  /** When each value comes, in ms after the stream was opened, instead of `delayMs`. A value that is asked for later comes at once. */
  readonly atMs?: readonly number[];
  /** What follows the last value: its end (the default), an error, or nothing ever. */
  readonly then?: 'end' | 'silence' | { readonly error: unknown };
}

interface Pending<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly timer: Timer | undefined;
}

/** A source for tests of whatever reads streams: it gives what it is told to, and tells how it was treated. It has one reader. */
export class MockStream<T> implements AsyncIterableIterator<T, undefined> {
  readonly #values: readonly T[];
  readonly #options: MockStreamOptions;
  readonly #pending = new Set<Pending<T>>();
  #openedAtMs = 0;
  #opened = 0;
  #asked = 0;
  #given = 0;
  #returned = 0;
  #over = false;

  constructor(values: readonly T[], options: MockStreamOptions = {}) {
    if (options.clock === undefined && (options.delayMs !== undefined || options.atMs !== undefined)) throw new TypeError('A stream whose values take time needs a clock.');
    this.#values = values;
    this.#options = options;
  }

  /** How many times somebody has begun to iterate. */
  get opened(): number {
    return this.#opened;
  }

  /** Calls of `next()`. */
  get asked(): number {
    return this.#asked;
  }

  /** Values that have come. */
  get given(): number {
    return this.#given;
  }

  /** Calls of `return()`. */
  get returned(): number {
    return this.#returned;
  }

  /** Calls of `next()` that nobody has answered. */
  get pending(): number {
    return this.#pending.size;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const index = this.#asked;
    this.#asked += 1;
    if (this.#over) return Promise.resolve({ value: undefined, done: true });
    if (index >= this.#values.length) return this.#afterLast();
    const { clock, delayMs = 0, atMs } = this.#options;
    const waitMs = clock === undefined ? 0 : atMs === undefined ? delayMs : this.#openedAtMs + (atMs[index] ?? 0) - clock.now();
    const result: IteratorResult<T, undefined> = { value: this.#values[index] as T, done: false };
    if (clock === undefined || waitMs <= 0) {
      this.#given += 1;
      return Promise.resolve(result);
    }
    return new Promise((resolve) => {
      const timer = clock.after(waitMs, () => {
        this.#pending.delete(pending);
        this.#given += 1;
        resolve(result);
      });
      const pending: Pending<T> = { resolve, timer };
      this.#pending.add(pending);
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#returned += 1;
    this.#over = true;
    for (const { resolve, timer } of this.#pending) {
      timer?.cancel();
      resolve({ value: undefined, done: true });
    }
    this.#pending.clear();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    this.#opened += 1;
    if (this.#opened === 1) this.#openedAtMs = this.#options.clock?.now() ?? 0;
    return this;
  }

  #afterLast(): Promise<IteratorResult<T, undefined>> {
    const { then = 'end' } = this.#options;
    if (then === 'silence') return new Promise((resolve) => this.#pending.add({ resolve, timer: undefined }));
    this.#over = true;
    return then === 'end' ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(then.error as Error);
  }
}

/** A {@link MockStream} of these values. */
export function mockStream<T>(values: readonly T[], options?: MockStreamOptions): MockStream<T> {
  return new MockStream(values, options);
}
