import { InvalidStateError } from '../errors.js';

/** What happens to a value that is pushed into a full channel. */
export type WhenFull = 'wait' | 'drop-oldest' | 'drop-newest' | 'fail';

export interface ChannelOptions {
  /** Values kept for a consumer that is behind, at least 1. */
  readonly capacity: number;
  readonly whenFull: WhenFull;
}

interface Waiter<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A bounded queue between one producer and one consumer. The producer pushes; the consumer iterates. Leaving the loop (`return()`, also while a
 * `next()` is pending) closes the channel and lets go of its source through `onReturn`.
 */
export class Channel<T> implements AsyncIterable<T>, AsyncIterator<T, undefined> {
  readonly #capacity: number;
  readonly #whenFull: WhenFull;
  readonly #onReturn: (() => void) | undefined;
  readonly #queue: T[] = [];
  #head = 0;
  #dropped = 0;
  #waiting: Waiter<T>[] = [];
  #room: (() => void)[] = [];
  #end: { readonly error?: unknown } | undefined;

  constructor(options: ChannelOptions, onReturn?: () => void) {
    if (!Number.isInteger(options.capacity) || options.capacity < 1) throw new RangeError(`A channel's capacity must be a whole number from 1, not ${options.capacity}.`);
    this.#capacity = options.capacity;
    this.#whenFull = options.whenFull;
    this.#onReturn = onReturn;
  }

  /** Values that wait for the consumer. */
  get size(): number {
    return this.#queue.length - this.#head;
  }

  /** Values lost to a full queue so far. */
  get dropped(): number {
    return this.#dropped;
  }

  get closed(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Puts a value in. True when it was taken; false when the channel is closed, or when a value (this or the oldest) was dropped. With `wait` a
   * full channel throws `CHANNEL_FULL`: use {@link send}. With `fail` it ends the channel with that error, after what is queued.
   */
  push(value: T): boolean {
    if (this.#end !== undefined) return false;
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) {
      waiter.resolve({ value, done: false });
      return true;
    }
    if (this.size < this.#capacity) {
      this.#queue.push(value);
      return true;
    }
    switch (this.#whenFull) {
      case 'drop-newest':
        this.#dropped += 1;
        return false;
      case 'drop-oldest':
        this.#take();
        this.#queue.push(value);
        this.#dropped += 1;
        return false;
      case 'fail':
        this.#dropped += 1;
        this.fail(fullError(this.#capacity));
        return false;
      case 'wait':
        throw fullError(this.#capacity);
    }
  }

  /** Puts a value in once there is room. False when the channel is closed by then. */
  async send(value: T): Promise<boolean> {
    while (this.#end === undefined && this.size >= this.#capacity) {
      await new Promise<void>((resolve) => this.#room.push(resolve));
    }
    return this.#end === undefined && this.push(value);
  }

  /** No more values; what is queued is still delivered. */
  close(): void {
    this.#finish({});
  }

  /** Like {@link close}, and then the consumer's loop throws `error`. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.size > 0) {
      const value = this.#take();
      this.#room.shift()?.();
      return Promise.resolve({ value, done: false });
    }
    if (this.#end !== undefined) {
      const end = this.#end;
      // An error is thrown once; after it the iteration is over like any other.
      this.#end = {};
      return 'error' in end ? Promise.reject(end.error as Error) : Promise.resolve({ value: undefined, done: true });
    }
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<T, undefined>> {
    const first = this.#end === undefined;
    this.#queue.length = 0;
    this.#head = 0;
    this.#finish({});
    if (first) this.#onReturn?.();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): T {
    const value = this.#queue[this.#head] as T;
    this.#head += 1;
    // Moving the rest only now and then keeps taking from a long queue cheap.
    if (this.#head > 64 && this.#head * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    return value;
  }

  #finish(end: { readonly error?: unknown }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length > 0 && 'error' in end) this.#end = {};
    waiting.forEach((waiter, index) => {
      if (index === 0 && 'error' in end) waiter.reject(end.error);
      else waiter.resolve({ value: undefined, done: true });
    });
    const room = this.#room;
    this.#room = [];
    for (const resolve of room) resolve();
  }
}

function fullError(capacity: number): InvalidStateError {
  return new InvalidStateError(
    'CHANNEL_FULL',
    `A channel of ${capacity} values is full: its consumer does not keep up.`,
    'Do the slow work outside the loop that reads the events, or ask for a larger capacity.',
  );
}
