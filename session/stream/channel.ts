import { InvalidStateError } from '../errors.js';

/** What happens to a value that is pushed into a full channel. */
export type WhenFull = 'wait' | 'drop-oldest' | 'drop-newest' | 'fail' | 'coalesce';

/** How values that wait become fewer without a loss that matters. */
export interface Coalescing<T> {
  /**
   * Values of one key become one while they wait. A value without a key stays as it is, and nothing is joined across it: what was said before it is
   * read before it.
   */
  readonly key: (value: T) => string | undefined;
  /** The value, of the same key, that stands for both. Default: the newer one. */
  readonly join?: (waiting: T, newer: T) => T;
}

/** `capacity`: values kept for a consumer that is behind, at least 1. */
export type ChannelOptions<T = unknown> =
  | { readonly capacity: number; readonly whenFull: Exclude<WhenFull, 'coalesce'> }
  /** A value joins the one of its key that waits, whether the channel is full or not; a full one without such a value fails. */
  | ({ readonly capacity: number; readonly whenFull: 'coalesce' } & Coalescing<T>);

/** A stream as a reader sees it: one reader, who leaves by `return()`. */
export interface Stream<T> extends AsyncIterable<T>, AsyncIterator<T, undefined> {
  next(): Promise<IteratorResult<T, undefined>>;
  /** Ends the stream and lets go of its source, also while a `next()` is pending: that one is then `done`. */
  return(): Promise<IteratorResult<T, undefined>>;
  [Symbol.asyncIterator](): Stream<T>;
  /** Values that wait for the reader. */
  readonly size: number;
  /** Values lost so far, because the reader was behind. */
  readonly dropped: number;
}

interface Waiter<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const DONE: IteratorResult<never, undefined> = { value: undefined, done: true };

/**
 * A bounded queue between one producer and one consumer. The producer pushes; the consumer iterates. Leaving the loop (`return()`, also while a
 * `next()` is pending) closes the channel and lets go of its source through `onReturn`, whose promise `return()` waits for. A producer that works on
 * demand is told of each read by `onNext`, after it: `waiting` and `room` then say what is wanted.
 */
export class Channel<T> implements Stream<T> {
  readonly #capacity: number;
  readonly #whenFull: WhenFull;
  readonly #coalescing: Coalescing<T> | undefined;
  readonly #onReturn: (() => void) | (() => Promise<void> | undefined) | undefined;
  readonly #onNext: (() => void) | undefined;
  readonly #queue: T[] = [];
  #head = 0;
  #dropped = 0;
  #joined = 0;
  #waiting: Waiter<T>[] = [];
  #room: (() => void)[] = [];
  #end: { readonly error?: unknown } | undefined;

  constructor(options: ChannelOptions<T>, onReturn?: (() => void) | (() => Promise<void> | undefined), onNext?: () => void) {
    if (!Number.isInteger(options.capacity) || options.capacity < 1) throw new RangeError(`A channel's capacity must be a whole number from 1, not ${options.capacity}.`);
    this.#capacity = options.capacity;
    this.#whenFull = options.whenFull;
    this.#coalescing = options.whenFull === 'coalesce' ? options : undefined;
    this.#onReturn = onReturn;
    this.#onNext = onNext;
  }

  /** Values that wait for the consumer. */
  get size(): number {
    return this.#queue.length - this.#head;
  }

  /** Values that can be pushed before the channel is full. */
  get room(): number {
    return this.#capacity - this.size;
  }

  /** Reads that are pending: values that would be taken at once. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Values lost to a full queue so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Values that have become one with a value that waited. */
  get joined(): number {
    return this.#joined;
  }

  get closed(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Puts a value in. True when it was taken; false when the channel is closed, or when a value (this or the oldest) was dropped. With `wait` a
   * full channel throws `CHANNEL_FULL`: use {@link send}. With `fail`, and with `coalesce` for a value that has nothing to join, it ends the channel
   * with that error, after what is queued.
   */
  push(value: T): boolean {
    if (this.#end !== undefined) return false;
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) {
      waiter.resolve({ value, done: false });
      return true;
    }
    if (this.#coalescing !== undefined && this.#joins(value, this.#coalescing)) return true;
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
      case 'coalesce':
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
      this.#onNext?.();
      return Promise.resolve({ value, done: false });
    }
    if (this.#end !== undefined) {
      const end = this.#end;
      // An error is thrown once; after it the iteration is over like any other.
      this.#end = {};
      return 'error' in end ? Promise.reject(end.error as Error) : Promise.resolve(DONE);
    }
    const result = new Promise<IteratorResult<T, undefined>>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#onNext?.();
    return result;
  }

  return(): Promise<IteratorResult<T, undefined>> {
    const first = this.#end === undefined;
    this.#queue.length = 0;
    this.#head = 0;
    this.#finish({});
    const left = first ? this.#onReturn?.() : undefined;
    return left instanceof Promise ? left.then(() => DONE) : Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Only values without a key, and one of each key, stand behind the last value without one: so this is a short way. */
  #joins(value: T, { key, join }: Coalescing<T>): boolean {
    const own = key(value);
    if (own === undefined) return false;
    for (let index = this.#queue.length - 1; index >= this.#head; index -= 1) {
      const waiting = this.#queue[index] as T;
      const other = key(waiting);
      if (other === undefined) return false;
      if (other !== own) continue;
      this.#queue[index] = join === undefined ? value : join(waiting, value);
      this.#joined += 1;
      return true;
    }
    return false;
  }

  #take(): T {
    const value = this.#queue[this.#head] as T;
    // What was read is not held on to; and moving the rest only now and then keeps taking from a long queue cheap.
    this.#queue[this.#head] = undefined as T;
    this.#head += 1;
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
      else waiter.resolve(DONE);
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
