/** What becomes of what a source gives. Nothing is called any more once the inlet is over. */
export interface InletOwner<S> {
  /** While a promise that it returns is pending, nothing more is pulled. What it throws is `onError`'s, and the source is let go of. */
  onValue(value: S, inlet: Inlet<S>): Promise<void> | void;
  /** The value has been dealt with: the next one may be pulled. */
  onReady(inlet: Inlet<S>): void;
  /** The source has ended by itself. */
  onEnd(inlet: Inlet<S>): void;
  onError(error: unknown, inlet: Inlet<S>): void;
}

/**
 * The end of a source that an operator holds: opened by the first {@link pull}, read one value at a time, let go of exactly once. Beside the `Channel`
 * at the reader's side, it is all that an operator is made of.
 */
export class Inlet<S> {
  readonly #source: AsyncIterable<S>;
  readonly #owner: InletOwner<S>;
  #iterator: AsyncIterator<S> | undefined;
  /** `reading`: a `next()` of the source is pending. `working`: the owner is at work on its value. */
  #state: 'idle' | 'reading' | 'working' | 'over' = 'idle';

  constructor(source: AsyncIterable<S>, owner: InletOwner<S>) {
    this.#source = source;
    this.#owner = owner;
  }

  get over(): boolean {
    return this.#state === 'over';
  }

  /** Asks the source for one value, unless one is on its way or at work, or the source is over. */
  pull(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'reading';
    try {
      this.#iterator ??= this.#source[Symbol.asyncIterator]();
      this.#iterator.next().then(this.#onResult, this.#onRejection);
    } catch (error) {
      this.#onRejection(error);
    }
  }

  /**
   * Calls `return()` of a source that was opened and is not over. The promise is that of the source, for whoever wants to wait for its `finally`. There
   * is none while a `next()` is pending: a generator that waits hears of the return only when it goes on, which may be never.
   */
  release(): Promise<void> | undefined {
    const before = this.#state;
    if (before === 'over') return undefined;
    this.#state = 'over';
    if (this.#iterator?.return === undefined) return undefined;
    const left = leave(this.#iterator);
    if (before !== 'reading') return left;
    left.catch(() => {});
    return undefined;
  }

  readonly #onResult = (result: IteratorResult<S, unknown>): void => {
    if (this.#state === 'over') return;
    try {
      if (result.done === true) {
        this.#state = 'over';
        this.#owner.onEnd(this);
        return;
      }
      this.#state = 'working';
      const work = this.#owner.onValue(result.value, this);
      if (work === undefined) this.#onWorkDone();
      else work.then(this.#onWorkDone, this.#onWorkFailure);
    } catch (error) {
      this.#onWorkFailure(error);
    }
  };

  readonly #onRejection = (error: unknown): void => {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#owner.onError(error, this);
  };

  readonly #onWorkDone = (): void => {
    // The work may have ended the stream.
    if (this.#state !== 'working') return;
    this.#state = 'idle';
    this.#owner.onReady(this);
  };

  /** The owner has failed, and the source has not: it is let go of, and what it says to that is of no interest beside the failure. */
  readonly #onWorkFailure = (error: unknown): void => {
    if (this.#state === 'over') return;
    this.release()?.catch(() => {});
    this.#owner.onError(error, this);
  };
}

async function leave(iterator: AsyncIterator<unknown>): Promise<void> {
  await iterator.return?.();
}
