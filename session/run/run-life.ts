import type { Agent, AnyAgent } from '../agent/agent.js';
import { errorFields } from '../error-text.js';
import { InvalidStateError, RunError } from '../errors.js';
import type { Timer } from '../ports/clock.js';
import { silentLogger } from '../ports/logger.js';
import { Channel } from '../stream/channel.js';
import type { RunEnd, RunEvent } from './run-event.js';
import { RUN_DEFAULTS, checkRunOptions } from './run-options.js';
import type { RunOptions } from './run-options.js';
import type { RunState } from './run-state.js';
import { Runner } from './runner.js';
import type { Outcome } from './runner.js';

/** What the promise of a run's output comes to. */
type Settled<Output> = { readonly value: Output } | { readonly error: unknown };

/** Who wants the run no more. `quiet`: whoever reads the events asked for it, and need not be told. */
interface Stop {
  readonly by: Extract<RunEnd, { status: 'cancelled' }>['by'];
  readonly quiet: boolean;
}

/** A run from its first read to its one end, whatever that comes from: then everything is freed. */
export class RunLife<Context, Output> {
  readonly events: Channel<RunEvent>;
  /** Never rejects. */
  readonly end: Promise<RunEnd>;
  readonly output: Promise<Output>;
  readonly #options: RunOptions<Context>;
  readonly #state: RunState;
  readonly #runner: Runner<Context>;
  readonly #life = new AbortController();
  /** `nobody` drops what it is told: only the end is waited for. */
  #reader: 'none' | 'one' | 'nobody' = 'none';
  #started = false;
  #stop: Stop | undefined;
  #endsAfterTurn = false;
  #ended: RunEnd | undefined;
  #timer: Timer | undefined;
  #settle: (end: RunEnd, output: Settled<Output>) => void = () => {};

  /** Throws `RangeError` for a number that cannot be. */
  constructor(agent: AnyAgent<Context>, state: RunState, options: RunOptions<Context>) {
    checkRunOptions(options);
    const { queueSize = RUN_DEFAULTS.queueSize, whenFull = 'wait', clock, model, session, sessionLimit, maxTurns = RUN_DEFAULTS.maxTurns, idleTimeoutMs = RUN_DEFAULTS.idleTimeoutMs, logger = silentLogger } = options;
    this.#options = options;
    this.#state = state;
    this.events = new Channel({ capacity: queueSize, whenFull }, () => this.stop({ by: 'reader', quiet: true }, new RunError('RUN_CANCELLED', 'The reader of the run has left.')));
    let settle = { resolve: (_output: Output): void => {}, reject: (_error: unknown): void => {} };
    this.output = new Promise((resolve, reject) => (settle = { resolve, reject }));
    // Whoever reads the events learns of it there.
    this.output.catch(() => {});
    this.end = new Promise((resolve) => {
      this.#settle = (end, output) => {
        if ('value' in output) settle.resolve(output.value);
        else settle.reject(output.error);
        resolve(end);
      };
    });
    this.#runner = new Runner<Context>({
      ...{ agent, state, model, session, sessionLimit, maxTurns, idleTimeoutMs, clock },
      // Where it is not given, the agent does not ask for it.
      context: options.context as Context,
      logger: logger.child({ runId: state.runId }),
      life: this.#life.signal,
      endsAfterTurn: () => this.#endsAfterTurn,
      tell: (event) => this.#tell(event),
    });
  }

  /** Who has the conversation. */
  get agent(): AnyAgent<Context> {
    return this.#runner.agent;
  }

  /** How it ended; the events may still be read then, and the session still be written. */
  get ended(): RunEnd | undefined {
    return this.#ended;
  }

  /** The events, for the one who reads them; the first `next()` sets the run going. Throws `RUN_ALREADY_READ`. */
  read(): AsyncIterableIterator<RunEvent, undefined> {
    if (this.#reader !== 'none') throw new InvalidStateError('RUN_ALREADY_READ', this.#reader === 'one' ? 'The run has a reader already.' : 'The run was set going by somebody who awaits its end: its events are gone.');
    this.#reader = 'one';
    return {
      next: () => {
        this.#start();
        return this.events.next();
      },
      return: () => this.events.return(),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Somebody awaits the end. Whoever does that and reads in the same breath is a reader. */
  drainUnlessRead(): void {
    queueMicrotask(() => {
      if (this.#reader !== 'none' || this.#ended !== undefined) return;
      this.#reader = 'nobody';
      this.#start();
    });
  }

  /** Ends it now. Nothing is told any more; what was told before is still read. */
  stop(stop: Stop, reason: unknown): void {
    if (this.#stop !== undefined || this.#ended !== undefined) return;
    this.#stop = stop;
    this.#life.abort(reason);
    // A run that has been set going learns of it by the signal.
    if (!this.#started) this.#finish({ status: 'cancelled', by: stop.by }, { error: reason });
  }

  /** Ends it when the calls of its newest answer have; before there is one, now. */
  stopAfterTurn(): void {
    if (this.#started) this.#endsAfterTurn = true;
    else this.stop({ by: 'caller', quiet: true }, new RunError('RUN_CANCELLED', 'The run was cancelled before it began.'));
  }

  #start(): void {
    if (this.#started || this.#ended !== undefined) return;
    this.#started = true;
    const { signal, timeoutMs, clock } = this.#options;
    if (timeoutMs !== undefined) this.#timer = clock.after(timeoutMs, () => this.stop({ by: 'timeout', quiet: false }, new RunError('RUN_TIMEOUT', `The run took longer than ${timeoutMs / 1000} s.`)));
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (signal?.aborted === true) this.#onAbort();
    void this.#perform();
  }

  readonly #onAbort = (): void => this.stop({ by: 'caller', quiet: false }, this.#options.signal?.reason);

  /** Gives a promise where the reader is behind. */
  #tell(event: RunEvent): Promise<unknown> | undefined {
    const { queueSize = RUN_DEFAULTS.queueSize, whenFull = 'wait' } = this.#options;
    if (this.#reader === 'nobody') return undefined;
    if (whenFull === 'wait' && this.events.size >= queueSize) return this.events.send(event);
    if (!this.events.push(event) && whenFull === 'fail') throw new InvalidStateError('CHANNEL_FULL', 'The reader of the run does not keep up.');
    return undefined;
  }

  async #perform(): Promise<void> {
    try {
      this.#life.signal.throwIfAborted();
      this.#conclude(await this.#runner.perform());
    } catch (error) {
      const stop = this.#stop;
      const end: RunEnd = stop === undefined ? { status: 'failed', error } : { status: 'cancelled', by: stop.by };
      if (stop === undefined) this.#options.logger?.warn('A run failed.', { runId: this.#state.runId, ...errorFields(error) });
      this.#over(end, { error });
      // The reader need not wait for this; whoever awaits the end does.
      await this.#runner.close().catch(() => this.#options.logger?.warn('What was said in a run that did not come to its end could not be kept.', { runId: this.#state.runId }));
      this.#settle(end, { error });
    }
  }

  #conclude(outcome: Outcome): void {
    if (outcome.end === 'after_turn') {
      this.#stop ??= { by: 'caller', quiet: true };
      return this.#finish({ status: 'cancelled', by: 'caller' }, { error: new RunError('RUN_CANCELLED', 'The run was cancelled after a turn.') });
    }
    if (outcome.end.status === 'interrupted') return this.#finish(outcome.end, { error: new RunError('RUN_WAITS', `${outcome.end.pending.length} calls wait for a person.`) });
    // Which agent answers is not known before; each says by its own schema what its answer is, and all of a run have the same.
    const output = (this.agent as Agent<Context, Output>).readOutput(outcome.text);
    if (!output.ok) throw new RunError('OUTPUT_INVALID', `The answer does not fit the schema of ${this.agent.name}. ${output.problems.join('; ')}.`);
    this.#finish(outcome.end, { value: output.value });
  }

  #finish(end: RunEnd, output: Settled<Output>): void {
    this.#over(end, output);
    this.#settle(end, output);
  }

  /** From here on the run has ended, and stays as it did. What is left of requests and tools ends with it. */
  #over(end: RunEnd, output: Settled<Output>): void {
    this.#ended = end;
    this.#state.status = end.status;
    this.#timer?.cancel();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#life.abort(new RunError('RUN_CANCELLED', 'The run is over.'));
    const quiet = 'value' in output || end.status === 'interrupted' || this.#stop?.quiet === true;
    if (quiet) this.events.close();
    else this.events.fail(output.error);
  }
}
