import { Channel } from './channel.js';
import type { ChannelOptions, Stream } from './channel.js';
import { Inlet } from './inlet.js';
import type { InletOwner } from './inlet.js';

/** How a stream ended: its source did, something failed (the source, or the operator's own work), a signal was aborted, or the reader left. */
export type StreamEnd =
  | { readonly how: 'completed' }
  | { readonly how: 'failed'; readonly error: unknown }
  | { readonly how: 'aborted'; readonly reason: unknown }
  | { readonly how: 'left' };

/** What an operator does with the values of its source. */
export interface Work<S> {
  /** Pushes what becomes of the value. While a promise that it returns is pending, nothing more is pulled. What it throws ends the stream. */
  onValue(value: S): Promise<void> | void;
  /** The reader waits and nothing is there for it: the source is asked, if it is not at it already. */
  onWait?(): void;
  /** The source has ended or failed: what is held back is pushed now. */
  onEnd?(): void;
  /** The stream is over, whoever ended it: timers and listeners go. Called once. What it throws is an error of the stream, unless there is one already. */
  onRelease?(end: StreamEnd): void;
}

/** Where an operator's values go. */
export interface Outlet<T> {
  push(value: T): void;
  /** Ends the stream after what was pushed, and lets go of the source. The reader's loop throws the error or the reason, where there is one. */
  end(end?: StreamEnd): void;
}

export interface OperatorOptions<T> {
  /** Values kept for a reader that is behind. Default: one, which only an operator with a timer needs. */
  readonly channel?: ChannelOptions<T>;
  /** Pulls as long as the channel has room. Default: only while the reader waits. */
  readonly readAhead?: boolean;
}

const ON_DEMAND = { capacity: 1, whenFull: 'wait' } as const;
const COMPLETED: StreamEnd = { how: 'completed' };
const LEFT: StreamEnd = { how: 'left' };

/**
 * The one way in which a stream is made of another: an {@link Inlet} at its source, a {@link Channel} at its reader, and some work between them. `begin`
 * is called at the first `next()`: before it nothing has happened, and a stream that is left before it lets go of nothing.
 */
export function operator<S, T>(source: AsyncIterable<S>, begin: (outlet: Outlet<T>) => Work<S>, options: OperatorOptions<T> = {}): Stream<T> {
  return new Operator(source, begin, options).channel;
}

class Operator<S, T> implements InletOwner<S>, Outlet<T> {
  readonly channel: Channel<T>;
  readonly #begin: (outlet: Outlet<T>) => Work<S>;
  readonly #inlet: Inlet<S>;
  readonly #readAhead: boolean;
  #work: Work<S> | undefined;
  #end: StreamEnd | undefined;

  constructor(source: AsyncIterable<S>, begin: (outlet: Outlet<T>) => Work<S>, options: OperatorOptions<T>) {
    this.channel = new Channel<T>(
      options.channel ?? ON_DEMAND,
      () => this.#release(LEFT),
      () => this.#onNext(),
    );
    this.#begin = begin;
    this.#inlet = new Inlet(source, this);
    this.#readAhead = options.readAhead ?? false;
  }

  push(value: T): void {
    this.channel.push(value);
  }

  end(end: StreamEnd = COMPLETED): void {
    this.#release(end)?.catch(() => {});
  }

  onValue(value: S): Promise<void> | void {
    return (this.#work as Work<S>).onValue(value);
  }

  onReady(): void {
    this.#pull();
  }

  onEnd(): void {
    this.#finish(COMPLETED);
  }

  onError(error: unknown): void {
    this.#finish({ how: 'failed', error });
  }

  #onNext(): void {
    if (this.#end !== undefined) return;
    this.#work ??= this.#open();
    this.#pull();
  }

  #open(): Work<S> | undefined {
    try {
      const work = this.#begin(this);
      // It may have ended the stream in its first moment, before anybody could have told it of that.
      if (this.#end !== undefined) work.onRelease?.(this.#end);
      return work;
    } catch (error) {
      this.end({ how: 'failed', error });
      return undefined;
    }
  }

  #pull(): void {
    if (this.channel.waiting > 0) this.#work?.onWait?.();
    else if (!this.#readAhead || this.channel.room === 0) return;
    this.#inlet.pull();
  }

  #finish(end: StreamEnd): void {
    if (this.#end !== undefined) return;
    try {
      this.#work?.onEnd?.();
    } catch (error) {
      end = { how: 'failed', error };
    }
    this.end(end);
  }

  /** Every end comes by here, and only the first one counts. */
  #release(end: StreamEnd): Promise<void> | undefined {
    if (this.#end !== undefined) return undefined;
    this.#end = end;
    const left = this.#inlet.release();
    try {
      this.#work?.onRelease?.(end);
    } catch (error) {
      if (end.how === 'completed') end = { how: 'failed', error };
    }
    if (end.how === 'failed') this.channel.fail(end.error);
    else if (end.how === 'aborted') this.channel.fail(end.reason);
    else this.channel.close();
    return left;
  }
}
