import { VoicewireError } from '../errors.js';
import type { Clock, Timer } from '../ports/clock.js';
import { endOnAbort } from './abort.js';
import { backoffMs } from './backoff.js';
import type { Backoff } from './backoff.js';
import { needMs, needWhole } from './check-options.js';
import type { Stream } from './channel.js';
import { operator } from './operator.js';
import type { Outlet, StreamEnd } from './operator.js';
import { Ring } from './ring.js';
import { accumulate } from './transform.js';

const ATTEMPTS = 3;

/** What becomes of a value whose work fails. */
export type FailureStrategy =
  /** The stream ends with the error. */
  | { readonly onFailure: 'fail_fast' }
  /** The value is left out. */
  | { readonly onFailure: 'skip_error' }
  /** The work is done again, up to `attempts` times in all (default 3); after that the value is a dead letter, and the next one is read. */
  | ({
      readonly onFailure: 'retry_on_error';
      readonly attempts?: number;
      /** Whether the same may succeed when it is tried again. Default: all but errors of voicewire that say of themselves that they may not. */
      readonly isRetryable?: (error: unknown) => boolean;
      /** For the jitter of the waits: gives 0 <= x < 1, like `Math.random`. */
      readonly random: () => number;
    } & Backoff);

export interface WorkContext {
  /** Counts from 1. */
  readonly attempt: number;
  /** Aborted when the stream is over: nobody waits for the work any more. */
  readonly signal: AbortSignal;
}

export type ResilientProcessorOptions<T, Result> = FailureStrategy & {
  readonly work: (value: T, context: WorkContext) => Result | Promise<Result>;
  readonly clock: Clock;
  /** Dead letters that are kept, the newest. Default 100. */
  readonly deadLetterCapacity?: number;
};

/** A value that was given up. */
export interface DeadLetter<T> {
  readonly value: T;
  /** Of the last attempt. */
  readonly error: unknown;
  readonly attempts: number;
  /** When it was given up, in ms of the clock. */
  readonly atMs: number;
}

/** What a processor has done since it was made, in numbers of values. */
export interface ProcessingReport<T> {
  /** Their work succeeded, at the first attempt or a later one. */
  readonly processed: number;
  /** Their work did not succeed: they ended the stream, were skipped, or are dead letters. */
  readonly failed: number;
  readonly skipped: number;
  /** Attempts after a first one. */
  readonly retried: number;
  readonly deadLetters: readonly DeadLetter<T>[];
  /** Dead letters that had to make room for newer ones. */
  readonly deadLettersDropped: number;
  /** From the first read of each stream to its end; up to now for one that goes on. */
  readonly durationMs: number;
  /** How the last stream to end did so; undefined before. */
  readonly end: StreamEnd | undefined;
}

/** One stream on its way through a processor. */
interface Pass<Result> {
  readonly outlet: Outlet<Result>;
  readonly startMs: number;
  readonly over: AbortController;
  timer?: Timer;
}

/**
 * Does some work for each value of a stream, one after another, with one strategy for work that fails. An error of the source itself is no failure of
 * work: it ends the stream. An abort ends it at once, with the signal's reason, also while it waits for a next attempt.
 */
export class ResilientProcessor<T, Result = void> {
  readonly #options: ResilientProcessorOptions<T, Result>;
  readonly #clock: Clock;
  readonly #deadLetters: Ring<DeadLetter<T>>;
  readonly #counts = { processed: 0, failed: 0, skipped: 0, retried: 0 };
  readonly #passes = new Set<Pass<Result>>();
  #elapsedMs = 0;
  #end: StreamEnd | undefined;

  /** Throws `RangeError` for a number that cannot be meant. */
  constructor(options: ResilientProcessorOptions<T, Result>) {
    if (options.onFailure === 'retry_on_error') {
      needWhole('attempts', options.attempts ?? ATTEMPTS);
      needMs('baseDelayMs', options.baseDelayMs ?? 1);
      needMs('maxDelayMs', options.maxDelayMs ?? 1);
    }
    this.#options = options;
    this.#clock = options.clock;
    this.#deadLetters = new Ring(options.deadLetterCapacity ?? 100);
  }

  get report(): ProcessingReport<T> {
    const nowMs = this.#clock.now();
    let durationMs = this.#elapsedMs;
    for (const { startMs } of this.#passes) durationMs += nowMs - startMs;
    return { ...this.#counts, deadLetters: this.#deadLetters.toArray(), deadLettersDropped: this.#deadLetters.dropped, durationMs, end: this.#end };
  }

  /** The results of the work that succeeded, in order. */
  process(source: AsyncIterable<T>, { signal }: { readonly signal?: AbortSignal } = {}): Stream<Result> {
    return operator<T, Result>(source, (outlet) => {
      const pass: Pass<Result> = { outlet, startMs: this.#clock.now(), over: new AbortController() };
      this.#passes.add(pass);
      const takeOff = endOnAbort(outlet, signal);
      return {
        onValue: (value) => this.#attempt(value, 1, pass),
        onRelease: (end) => {
          takeOff();
          this.#onPassEnd(pass, end);
        },
      };
    });
  }

  /** Reads a stream to its end. Rejects with the error that ends it, or with the signal's reason; `report` is there all the same. */
  async run(source: AsyncIterable<T>, options: { readonly signal?: AbortSignal } = {}): Promise<ProcessingReport<T>> {
    await accumulate(this.process(source, options), () => undefined, undefined);
    return this.report;
  }

  #attempt(value: T, attempt: number, pass: Pass<Result>): Promise<void> | void {
    if (pass.over.signal.aborted) return;
    if (attempt > 1) this.#counts.retried += 1;
    try {
      const result = this.#options.work(value, { attempt, signal: pass.over.signal });
      if (!(result instanceof Promise)) return this.#onSuccess(result, pass);
      return result.then(
        (late) => this.#onSuccess(late, pass),
        (error: unknown) => this.#onFailure(value, attempt, error, pass),
      );
    } catch (error) {
      return this.#onFailure(value, attempt, error, pass);
    }
  }

  #onSuccess(result: Result, { outlet, over }: Pass<Result>): void {
    // Work that ends after its stream is nobody's any more.
    if (over.signal.aborted) return;
    this.#counts.processed += 1;
    outlet.push(result);
  }

  #onFailure(value: T, attempts: number, error: unknown, pass: Pass<Result>): Promise<void> | void {
    if (pass.over.signal.aborted) return;
    const options = this.#options;
    if (options.onFailure === 'retry_on_error' && attempts < (options.attempts ?? ATTEMPTS) && (options.isRetryable ?? mayBeRetried)(error)) {
      const delayMs = backoffMs(options, attempts, options.random());
      return new Promise<void>((resolve) => {
        pass.timer = this.#clock.after(delayMs, resolve);
      }).then(() => this.#attempt(value, attempts + 1, pass));
    }
    this.#counts.failed += 1;
    switch (options.onFailure) {
      case 'fail_fast':
        throw error;
      case 'skip_error':
        this.#counts.skipped += 1;
        return;
      case 'retry_on_error':
        this.#deadLetters.add({ value, error, attempts, atMs: this.#clock.now() });
    }
  }

  #onPassEnd(pass: Pass<Result>, end: StreamEnd): void {
    pass.timer?.cancel();
    pass.over.abort();
    this.#passes.delete(pass);
    this.#elapsedMs += this.#clock.now() - pass.startMs;
    this.#end = end;
  }
}

function mayBeRetried(error: unknown): boolean {
  return !(error instanceof VoicewireError) || error.retryable;
}
