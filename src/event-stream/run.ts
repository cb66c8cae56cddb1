import { errorFields } from '../../session/index.js';
import type { Clock, Logger, Timer } from '../../session/index.js';
import type { EventLog } from './event-log.js';
import { ReadAhead } from './read-ahead.js';
import { readUntil } from './read-until.js';
import { RunReader } from './run-reader.js';
import { failedEvent, isTerminal } from './terminal-event.js';
import type { TerminalEndEvent, TerminalReason, TerminalErrorEvent } from './terminal-event.js';

/** Anything with a `type` that can be written as JSON. */
export interface TypedEvent {
  readonly type: string;
}

/** What a run's source is given. */
export interface RunSourceContext {
  readonly runId: string;
  readonly owner: string;
  /** Aborts when the run is to stop, whoever wants it. A source that ends by itself after it says how; one that does not is let go. */
  readonly signal: AbortSignal;
}

export type RunSource = (context: RunSourceContext) => AsyncIterable<TypedEvent>;

/** Why a run was stopped: somebody asked, no reader was left, it took longer than allowed, or the desk is closing. */
export type RunStopReason = Exclude<TerminalReason, 'done' | 'failed'>;

/** Puts an event into other words before it is kept: none, one or several. Made anew for each run, it may remember. */
export type Translate = (event: TypedEvent) => readonly TypedEvent[];

export interface RunOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onDisconnect: 'cancel' | 'continue';
  readonly graceMs: number;
  readonly stopWithinMs: number;
  readonly maxRunMs: number;
  readonly aheadChars: number;
}

/**
 * One run: takes the events of its source into the log, and ends with exactly one terminal event whatever the source does.
 *
 *     running ──terminal event, end or error of the source──────────────▶ ended
 *        └──stop──▶ stopping ──terminal event, or stopWithinMs passed────▶ ended
 *
 * After a stop nothing but a terminal event of the source is taken any more.
 */
export class Run {
  readonly log: EventLog;
  /** Settles when the terminal event is in the log; never rejects. */
  readonly done: Promise<void>;
  readonly #options: RunOptions;
  readonly #logger: Logger;
  readonly #translate: Translate;
  readonly #ahead: ReadAhead;
  readonly #stop = new AbortController();
  readonly #giveUp = new AbortController();
  readonly #readers = new Set<RunReader>();
  readonly #waitingForNobody: (() => void)[] = [];
  readonly #longest: Timer;
  #grace: Timer | undefined;
  #lastResort: Timer | undefined;
  #stopReason: RunStopReason | undefined;
  #ended = false;

  /** Starts at once. */
  constructor(log: EventLog, source: RunSource, translate: Translate, options: RunOptions) {
    this.log = log;
    this.#translate = translate;
    this.#options = options;
    this.#logger = options.logger.child({ runId: log.runId });
    this.#ahead = new ReadAhead(options.aheadChars);
    this.#longest = options.clock.after(options.maxRunMs, () => this.stop('timeout'));
    const offStop = log.onStop(() => this.stop('stopped'));
    this.#awaitReaders();
    this.done = this.#perform(source).finally(offStop);
  }

  /** Who reads it now. */
  get readers(): number {
    return this.#readers.size;
  }

  /** Resolves when nobody reads it. */
  async unread(): Promise<void> {
    if (this.#readers.size > 0) await new Promise<void>((resolve) => this.#waitingForNobody.push(resolve));
  }

  /** A reader of what follows event `after`; it counts as one from its first `next()` on. */
  read(after: number): RunReader {
    return new RunReader(this.log, after, {
      onEnter: (reader) => {
        this.#readers.add(reader);
        this.#grace?.cancel();
        this.#ahead.hold();
      },
      onRead: (_reader, n) => this.#ahead.read(n),
      onLeave: (reader) => {
        this.#readers.delete(reader);
        if (this.#readers.size > 0) return;
        for (const resolve of this.#waitingForNobody.splice(0)) resolve();
        this.#awaitReaders();
      },
    });
  }

  /** May be called at any time, and again. */
  stop(reason: RunStopReason): void {
    if (this.#ended || this.#stopReason !== undefined) return;
    this.#stopReason = reason;
    this.#logger.info('A run is stopped.', { reason, events: this.log.last });
    this.#ahead.free();
    this.#lastResort = this.#options.clock.after(this.#options.stopWithinMs, () => this.#giveUp.abort());
    this.#stop.abort(new DOMException(`The run is stopped: ${reason}.`, 'AbortError'));
  }

  /** For `graceMs` it is as if the last reader were still there: one that comes back in time has missed nothing. */
  #awaitReaders(): void {
    if (this.#ended || this.#stopReason !== undefined) return;
    this.#grace = this.#options.clock.after(this.#options.graceMs, () => {
      if (this.#options.onDisconnect === 'cancel') this.stop('disconnected');
      else this.#ahead.free();
    });
  }

  async #perform(source: RunSource): Promise<void> {
    try {
      const failure = await this.#takeAll(source);
      if (failure !== undefined) await this.#write(failure);
      await this.log.end();
    } catch (error) {
      // The store does not take it: nobody can be told but the log of this machine.
      this.#logger.error('The events of a run could not be kept.', errorFields(error));
      this.#stop.abort(error);
      await this.#endAnyway();
    } finally {
      this.#ended = true;
      for (const timer of [this.#longest, this.#grace, this.#lastResort]) timer?.cancel();
    }
  }

  /** Who reads must not wait for ever for what cannot be kept. */
  async #endAnyway(): Promise<void> {
    try {
      await this.log.end();
    } catch (error) {
      this.#logger.error('The end of a run could not be kept.', errorFields(error));
    }
  }

  /** Gives the terminal event that the source did not give itself. */
  async #takeAll(source: RunSource): Promise<TerminalEndEvent | TerminalErrorEvent | undefined> {
    let terminal = false;
    try {
      await readUntil(() => source({ runId: this.log.runId, owner: this.log.owner, signal: this.#stop.signal }), {
        signal: this.#giveUp.signal,
        each: async (event) => {
          const last = isTerminal(event.type);
          if (this.#stopReason !== undefined && !last) return true;
          await this.#write(event);
          terminal = last;
          if (!last) await this.#ahead.room();
          return !last;
        },
        onLetGoError: (error) => this.#logger.warn('A stopped source failed.', errorFields(error)),
      });
    } catch (error) {
      if (this.#stopReason === undefined) return this.#failed(error);
    }
    return terminal ? undefined : { type: 'end', runId: this.log.runId, reason: this.#stopReason ?? 'done' };
  }

  async #write(event: TypedEvent): Promise<void> {
    for (const told of this.#translate(event)) {
      const data = JSON.stringify(told);
      await this.log.append({ type: told.type, data });
      this.#ahead.wrote(this.log.last, data.length);
    }
  }

  #failed(error: unknown): TerminalErrorEvent {
    this.#logger.warn('A run failed.', errorFields(error));
    return failedEvent(error, this.log.runId);
  }
}
