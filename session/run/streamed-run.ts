import type { Agent, AnyAgent } from '../agent/agent.js';
import { InvalidStateError, RunError } from '../errors.js';
import type { CallCost, SessionUsage } from '../events/usage.js';
import { silentLogger } from '../ports/logger.js';
import type { Timer } from '../ports/clock.js';
import { Channel } from '../stream/channel.js';
import { createFlatState, flattenEnd, flattenEvent } from './flat-events.js';
import { readPartial } from './read-partial.js';
import type { PartialOutput } from './read-partial.js';
import { readText } from './read-text.js';
import type { FlatRunEvent, RunEnd, RunEvent, RunItem } from './run-event.js';
import { RUN_DEFAULTS, checkRunOptions } from './run-options.js';
import type { RunOptions } from './run-options.js';
import type { RunState } from './run-state.js';
import { Runner } from './runner.js';
import type { Outcome } from './runner.js';
import { view } from './view.js';

type CancelledBy = Extract<RunEnd, { status: 'cancelled' }>['by'];

/**
 * One run of an agent, made by `runStreamed`. It is read once: as events (also by `for await` over the run itself), as flat events, as text, or as partial
 * values. Nothing is asked of the model before the first read; where nobody reads, awaiting `finalOutput` or `end` sets it going. A reader that leaves
 * its loop ends the run.
 */
export class StreamedRun<Context = unknown, Output = string> implements AsyncIterable<RunEvent> {
  readonly #options: RunOptions<Context>;
  readonly #state: RunState;
  readonly #runner: Runner<Context>;
  readonly #events: Channel<RunEvent>;
  readonly #life = new AbortController();
  readonly #end: Promise<RunEnd>;
  readonly #output: Promise<Output>;
  /** `nobody` drops what it is told: only the end is waited for. */
  #reader: 'none' | 'one' | 'nobody' = 'none';
  #started = false;
  #ended: RunEnd | undefined;
  #stoppedBy: CancelledBy | undefined;
  #endsAfterTurn = false;
  #timer: Timer | undefined;
  #settle: (end: RunEnd, output: { readonly value: Output } | { readonly error: unknown }) => void = () => {};

  /** Use `runStreamed`. Throws `RangeError` for a number that cannot be. */
  constructor(agent: AnyAgent<Context>, state: RunState, options: RunOptions<Context>) {
    checkRunOptions(options);
    const { queueSize = RUN_DEFAULTS.queueSize, whenFull = 'wait' } = options;
    this.#options = options;
    this.#state = state;
    this.#events = new Channel({ capacity: queueSize, whenFull }, () => this.#stop('reader', new RunError('RUN_CANCELLED', 'The reader of the run has left.')));
    let settleOutput = { resolve: (_output: Output): void => {}, reject: (_error: unknown): void => {} };
    this.#output = new Promise((resolve, reject) => (settleOutput = { resolve, reject }));
    // Whoever reads the events learns of it there.
    this.#output.catch(() => {});
    this.#end = new Promise((resolve) => {
      this.#settle = (end, output) => {
        if ('value' in output) settleOutput.resolve(output.value);
        else settleOutput.reject(output.error);
        resolve(end);
      };
    });
    this.#runner = new Runner<Context>({
      agent,
      state,
      // Where it is not given, the agent does not ask for it.
      context: options.context as Context,
      model: options.model,
      session: options.session,
      sessionLimit: options.sessionLimit,
      maxTurns: options.maxTurns ?? RUN_DEFAULTS.maxTurns,
      idleTimeoutMs: options.idleTimeoutMs ?? RUN_DEFAULTS.idleTimeoutMs,
      clock: options.clock,
      logger: (options.logger ?? silentLogger).child({ runId: state.runId }),
      life: this.#life.signal,
      endsAfterTurn: () => this.#endsAfterTurn,
      tell: (event) => this.#tell(event),
    });
  }

  get runId(): string {
    return this.#state.runId;
  }

  /** Where the run stands: plain data, which changes while it goes on. */
  get state(): Readonly<RunState> {
    return this.#state;
  }

  /** Who has the conversation: the last one that it was handed to. */
  get agent(): AnyAgent<Context> {
    return this.#runner.agent;
  }

  /** What the run has produced so far. */
  get history(): readonly RunItem[] {
    return this.#state.items;
  }

  get usage(): SessionUsage {
    return structuredClone(this.#state.tally.usage);
  }

  /** By the price table, where the model's label is in it. */
  get cost(): CallCost {
    return structuredClone(this.#state.tally.cost);
  }

  /** Events that were lost to a full queue, where `whenFull` lets them be. */
  get dropped(): number {
    return this.#events.dropped;
  }

  /**
   * The final answer: text, or what the agent's schema makes of it. Rejects with what ended the run instead: its error, the signal's reason, `RUN_CANCELLED`,
   * `RUN_TIMEOUT`, or `RUN_WAITS` for a run that was interrupted.
   */
  get finalOutput(): Promise<Output> {
    this.#drainUnlessRead();
    return this.#output;
  }

  /** How the run ended; never rejects. By then everything is freed, and the session has been given what was said. */
  get end(): Promise<RunEnd> {
    this.#drainUnlessRead();
    return this.#end;
  }

  // ---- reading ----

  /** Throws `RUN_ALREADY_READ` for a second reader. The stream rejects with what went wrong; a run that was cancelled by `cancel` just ends. */
  events(): AsyncIterableIterator<RunEvent, undefined> {
    return this.#read();
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<RunEvent, undefined> {
    return this.events();
  }

  /** The same in one flat line; it never rejects: how the run ended is its last event. */
  flatEvents(): AsyncIterableIterator<FlatRunEvent, undefined> {
    const flat = createFlatState(this.runId);
    const start: FlatRunEvent = { type: 'run.start', runId: this.runId, agentName: this.#state.agentName };
    let first = true;
    const withStart = (events: readonly FlatRunEvent[]): readonly FlatRunEvent[] => {
      const all = first ? [start, ...events] : events;
      first = false;
      return all;
    };
    return view(
      this.#read(),
      (event) => withStart(flattenEvent(flat, event)),
      // By now it has ended: the events end after that.
      () => withStart(this.#ended === undefined ? [] : [flattenEnd(flat, this.#ended)]),
    );
  }

  /** The words, in pieces as they come; messages stand on lines of their own. */
  toTextStream(): AsyncIterableIterator<string, undefined> {
    return view(this.#read(), readText());
  }

  /**
   * The answer while it grows: of an agent with a schema the value as far as it is sure, always the same one, which grows in place; else the text so far.
   * What the schema checks or changes is in `finalOutput` alone.
   */
  partialOutput(): AsyncIterableIterator<PartialOutput<Output>, undefined> {
    const read = readPartial(this.agent.outputFormat !== undefined);
    return view(this.#read(), (event) => read(event) as readonly PartialOutput<Output>[]);
  }

  // ---- ending ----

  /** Ends the run: at once, or when the calls of its newest answer have ended. A run that is over stays as it ended. */
  cancel(when: 'now' | 'after_turn' = 'now'): void {
    if (when === 'now' || !this.#started) this.#stop('caller', new RunError('RUN_CANCELLED', 'The run was cancelled.'));
    else this.#endsAfterTurn = true;
  }

  /** Agrees to a call that waits; false when there is none of that id. The run goes on when it is run again with its state. */
  approve(callId: string): boolean {
    return this.#decide(callId, { approve: true });
  }

  /** Refuses a call that waits; the model is told why. */
  reject(callId: string, why = ''): boolean {
    return this.#decide(callId, { approve: false, reason: why });
  }

  #decide(callId: string, decision: { readonly approve: true } | { readonly approve: false; readonly reason: string }): boolean {
    const call = this.#state.waiting?.calls.find((each) => each.callId === callId);
    if (call === undefined) return false;
    call.decision = decision;
    return true;
  }

  // ---- the life of the run ----

  /** The events, for the one who reads them; the first `next()` sets the run going. */
  #read(): AsyncIterableIterator<RunEvent, undefined> {
    if (this.#reader !== 'none') throw new InvalidStateError('RUN_ALREADY_READ', this.#reader === 'one' ? 'The run has a reader already.' : 'The run was set going by somebody who awaits its end: its events are gone.');
    this.#reader = 'one';
    return {
      next: () => {
        this.#start();
        return this.#events.next();
      },
      return: () => this.#events.return(),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Whoever awaits the end and reads in the same breath is a reader. */
  #drainUnlessRead(): void {
    queueMicrotask(() => {
      if (this.#reader !== 'none' || this.#ended !== undefined) return;
      this.#reader = 'nobody';
      this.#start();
    });
  }

  #start(): void {
    if (this.#started || this.#ended !== undefined) return;
    this.#started = true;
    const { signal, timeoutMs, clock } = this.#options;
    if (timeoutMs !== undefined) this.#timer = clock.after(timeoutMs, () => this.#stop('timeout', new RunError('RUN_TIMEOUT', `The run took longer than ${timeoutMs / 1000} s.`)));
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (signal?.aborted === true) this.#onAbort();
    void this.#perform();
  }

  readonly #onAbort = (): void => this.#stop('caller', this.#options.signal?.reason);

  /** Nothing is told any more; what was told before is still read. */
  #stop(by: CancelledBy, reason: unknown): void {
    if (this.#life.signal.aborted || this.#ended !== undefined) return;
    this.#stoppedBy = by;
    this.#life.abort(reason);
    // A run that has been set going learns of it by the signal.
    if (!this.#started) this.#finish({ status: 'cancelled', by }, { error: reason });
  }

  /** Gives a promise where the reader is behind. */
  #tell(event: RunEvent): Promise<unknown> | undefined {
    const { queueSize = RUN_DEFAULTS.queueSize, whenFull = 'wait' } = this.#options;
    if (this.#reader === 'nobody') return undefined;
    if (whenFull === 'wait' && this.#events.size >= queueSize) return this.#events.send(event);
    if (!this.#events.push(event) && whenFull === 'fail') throw new InvalidStateError('CHANNEL_FULL', 'The reader of the run does not keep up.');
    return undefined;
  }

  async #perform(): Promise<void> {
    try {
      this.#life.signal.throwIfAborted();
      this.#conclude(await this.#runner.perform());
    } catch (error) {
      const by = this.#stoppedBy;
      this.#endEvents(by === undefined ? { status: 'failed', error } : { status: 'cancelled', by }, { error });
      // The reader need not wait for this; whoever awaits the end does.
      await this.#runner.close().catch(() => this.#options.logger?.warn('What was said in a run that did not come to its end could not be kept.'));
      this.#free({ error });
    }
  }

  #conclude(outcome: Outcome): void {
    if (outcome.end === 'after_turn') return this.#finish({ status: 'cancelled', by: 'caller' }, { error: new RunError('RUN_CANCELLED', 'The run was cancelled after a turn.') });
    if (outcome.end.status === 'interrupted') return this.#finish(outcome.end, { error: new RunError('RUN_WAITS', `${outcome.end.pending.length} calls wait for a person.`) });
    // Which agent answers is not known before; each says by its own schema what its answer is.
    const output = (this.agent as Agent<Context, Output>).readOutput(outcome.text);
    if (!output.ok) throw new RunError('OUTPUT_INVALID', `The answer does not fit the schema of ${this.agent.name}. ${output.problems.join('; ')}.`);
    this.#finish(outcome.end, { value: output.value });
  }

  #finish(end: RunEnd, output: { readonly value: Output } | { readonly error: unknown }): void {
    this.#endEvents(end, output);
    this.#free(output);
  }

  /** From here on the run has ended, and stays as it did. */
  #endEvents(end: RunEnd, output: { readonly value: Output } | { readonly error: unknown }): void {
    this.#ended = end;
    this.#state.status = end.status;
    const asked = end.status === 'interrupted' || ('error' in output && output.error instanceof RunError && output.error.code === 'RUN_CANCELLED');
    if ('value' in output || asked) this.#events.close();
    else this.#events.fail(output.error);
  }

  #free(output: { readonly value: Output } | { readonly error: unknown }): void {
    this.#timer?.cancel();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    // Whatever is left of tools and requests ends with it.
    this.#life.abort(new RunError('RUN_CANCELLED', 'The run is over.'));
    if (this.#ended !== undefined) this.#settle(this.#ended, output);
  }
}
