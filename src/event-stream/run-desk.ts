import { silentLogger } from '../../session/index.js';
import type { Clock, Logger, Timer } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import { systemClock } from '../host/system-clock.js';
import type { SseMessage } from '../protocol/sse/encode.js';
import type { EventLog, RunStore } from './event-log.js';
import { MemoryRunStore } from './memory-run-store.js';
import { orAborted } from './read-until.js';
import { Run } from './run.js';
import type { RunSource, TypedEvent, Translate } from './run.js';
import { RunReader } from './run-reader.js';

export interface RunDeskOptions {
  /** Where runs are kept. Default: the memory of this process. */
  readonly store?: RunStore;
  /** Runs at once; one more is refused with `RUNS_FULL`. Default 100. */
  readonly maxRuns?: number;
  /** Runs of one owner at once; one more is refused with `TOO_MANY_RUNS`. Default 10. */
  readonly maxRunsPerOwner?: number;
  /** Readers of one run at once; one more is refused with `TOO_MANY_READERS`. Default 32. */
  readonly maxReadersPerRun?: number;
  /** How long a run can be read after its end. Default 5 minutes. */
  readonly retentionMs?: number;
  /** Runs that are kept after their end; the oldest is forgotten for one more. Default 200. */
  readonly maxEndedRuns?: number;
  /** What becomes of a run that nobody reads any more. Default `cancel`. */
  readonly onDisconnect?: 'cancel' | 'continue';
  /** How long a reader is waited for who went, or has not come yet: a reload or a change of network must fit. Default 10 s. */
  readonly graceMs?: number;
  /** How long a source may take to say how it ended, when it is stopped. Default 500 ms. */
  readonly stopWithinMs?: number;
  /** The longest run. Default 10 minutes. */
  readonly maxRunMs?: number;
  /** How far a run may be ahead of the one that reads it fastest, in characters of JSON. Default 256 Ki; keep it well below what the store keeps of a run. */
  readonly aheadChars?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Makes ids that cannot be guessed, of letters, digits, `_`, `-` and `.`. Default: `run_` and a random UUID. */
  readonly newRunId?: () => string;
}

/** A run that has begun. */
export interface StartedRun {
  readonly runId: string;
  /** Its events from the first one on, for one reader. */
  readonly events: AsyncIterable<SseMessage>;
}

const DEFAULTS = {
  ...{ maxRuns: 100, maxRunsPerOwner: 10, maxReadersPerRun: 32, retentionMs: 300_000, maxEndedRuns: 200, graceMs: 10_000, stopWithinMs: 500, maxRunMs: 600_000 },
  aheadChars: 256 * 1024,
};

/**
 * Runs by their ids: starts them, lets any number of readers follow one from any place, stops them. Readers and stops of other machines that share the
 * store are served as well; whether anybody is left to read is known of this machine's readers alone.
 */
export class RunDesk implements AsyncDisposable {
  readonly #options: Required<Omit<RunDeskOptions, 'store' | 'newRunId'>>;
  readonly #store: RunStore;
  readonly #newRunId: () => string;
  readonly #runs = new Map<string, Run>();
  /** Owners of runs, also of those that are about to begin. */
  readonly #owners = new Map<string, number>();
  /** By run id, the oldest first: what forgets them. */
  readonly #ended = new Map<string, Timer>();
  #running = 0;
  #closing: Promise<void> | undefined;

  /** Throws `RangeError` for a limit that is not a number above 0: a typing error must not switch a limit off. */
  constructor(options: RunDeskOptions = {}) {
    const { store, newRunId, ...rest } = options;
    this.#options = { onDisconnect: 'cancel', clock: systemClock, logger: silentLogger, ...DEFAULTS, ...rest };
    this.#store = store ?? new MemoryRunStore();
    this.#newRunId = newRunId ?? ((): string => `run_${crypto.randomUUID()}`);
    for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
      if (!(this.#options[name] > 0)) throw new RangeError(`The limit ${name} must be a number above 0, not ${this.#options[name]}.`);
    }
  }

  /** Runs that have not ended. */
  get running(): number {
    return this.#running;
  }

  /** Starts a run, told in the words of `translate`. Rejects with `HostError` `RUNS_FULL`, `TOO_MANY_RUNS` or `GATEWAY_CLOSING`; the source is not called then. */
  async start(owner: string, source: RunSource, translate: Translate = asItIs): Promise<StartedRun> {
    this.#admit(owner);
    this.#count(owner, 1);
    let run: Run;
    try {
      const log = await this.#store.create({ runId: this.#newRunId(), owner });
      if (this.#closing !== undefined) {
        await this.#store.delete(log.runId);
        throw closing();
      }
      run = new Run(log, source, translate, this.#options);
    } catch (error) {
      this.#count(owner, -1);
      throw error;
    }
    const { runId } = run.log;
    this.#runs.set(runId, run);
    void run.done.then(() => this.#onEnd(run));
    return { runId, events: run.read(0) };
  }

  /**
   * What follows event `after` of a run, or `over` when it has ended and nothing does. Rejects with `HostError`: `RUN_NOT_FOUND` also for somebody else's run,
   * `REQUEST_INVALID` for an event that has not been yet, `TOO_MANY_READERS`.
   */
  async follow(runId: string, owner: string, after = 0): Promise<AsyncIterable<SseMessage> | 'over'> {
    const log = await this.#logOf(runId, owner);
    if (after > log.last) {
      throw new HostError('REQUEST_INVALID', `Event ${after} of this run has not been yet: the last one is ${log.last}.`, { hint: 'Send the id of an event that you had, as it came.' });
    }
    if (log.ended && after === log.last) return 'over';
    const run = this.#runs.get(runId);
    if (run === undefined) return new RunReader(log, after, NOBODY);
    if (run.readers >= this.#options.maxReadersPerRun) {
      throw new HostError('TOO_MANY_READERS', `This run has ${run.readers} readers already.`, { hint: 'Close another page that follows it.', retryable: true });
    }
    return run.read(after);
  }

  /** Stops a run; one that has ended already is as it should be. Rejects with `HostError` `RUN_NOT_FOUND`, also for somebody else's run. */
  async stop(runId: string, owner: string): Promise<void> {
    const log = await this.#logOf(runId, owner);
    await log.requestStop();
  }

  /** Stops every run and takes no more; resolves when those who read them have had the end, or after a second. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #admit(owner: string): void {
    const { maxRuns, maxRunsPerOwner, logger } = this.#options;
    if (this.#closing !== undefined) throw closing();
    if (this.#running >= maxRuns) {
      logger.warn('A run was refused: there are as many as may be.', { runs: this.#running });
      throw new HostError('RUNS_FULL', 'The server has as many runs as it takes.', { hint: 'Try again in a moment.', retryable: true });
    }
    if ((this.#owners.get(owner) ?? 0) >= maxRunsPerOwner) {
      throw new HostError('TOO_MANY_RUNS', `You have ${maxRunsPerOwner} runs already.`, { hint: 'Stop one of them, or wait for its end.', retryable: true });
    }
  }

  #count(owner: string, by: 1 | -1): void {
    this.#running += by;
    const left = (this.#owners.get(owner) ?? 0) + by;
    if (left > 0) this.#owners.set(owner, left);
    else this.#owners.delete(owner);
  }

  async #logOf(runId: string, owner: string): Promise<EventLog> {
    const log = await this.#store.find(runId);
    // Whether somebody else has such a run is not told.
    if (log === undefined || log.owner !== owner) throw new HostError('RUN_NOT_FOUND', 'There is no such run.', { hint: 'It may be too long ago; start a new one.' });
    return log;
  }

  #onEnd(run: Run): void {
    const { runId, owner } = run.log;
    this.#count(owner, -1);
    const timer = this.#options.clock.after(this.#options.retentionMs, () => this.#forget(runId));
    this.#ended.set(runId, timer);
    if (this.#ended.size > this.#options.maxEndedRuns) this.#forget(this.#ended.keys().next().value as string);
  }

  #forget(runId: string): void {
    this.#ended.get(runId)?.cancel();
    this.#ended.delete(runId);
    this.#runs.delete(runId);
    Promise.resolve(this.#store.delete(runId)).catch(() => this.#options.logger.warn('The store did not forget a run.', { runId }));
  }

  async #closeAll(): Promise<void> {
    const runs = [...this.#runs.values()];
    for (const run of runs) run.stop('closing');
    await Promise.all(runs.map((run) => run.done));
    await this.#readersToLeave(runs);
    for (const timer of this.#ended.values()) timer.cancel();
    this.#ended.clear();
  }

  async #readersToLeave(runs: readonly Run[]): Promise<void> {
    const patience = new AbortController();
    const timer = this.#options.clock.after(READERS_LEAVE_MS, () => patience.abort());
    await orAborted(Promise.all(runs.map((run) => run.unread())), patience.signal);
    timer.cancel();
  }
}

function closing(): HostError {
  return new HostError('GATEWAY_CLOSING', 'The server is shutting down.', { hint: 'Try again in a moment.', retryable: true });
}

/** A reader that takes nothing must not hold up the end. */
const READERS_LEAVE_MS = 1_000;

/** Readers of a run that another machine has. */
const NOBODY = { onEnter: () => {}, onRead: () => {}, onLeave: () => {} };

function asItIs(event: TypedEvent): readonly TypedEvent[] {
  return [event];
}
