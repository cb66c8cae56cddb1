import type { AnyAgent } from '../agent/agent.js';
import { RunError } from '../errors.js';
import type { CallCost, SessionUsage } from '../events/usage.js';
import { createFlatState, flattenEnd, flattenEvent } from './flat-events.js';
import { readPartial } from './read-partial.js';
import type { PartialOutput } from './read-partial.js';
import { readText } from './read-text.js';
import type { FlatRunEvent, RunEnd, RunEvent, RunItem } from './run-event.js';
import { RunLife } from './run-life.js';
import type { RunOptions } from './run-options.js';
import type { RunState } from './run-state.js';
import { view } from './view.js';

/**
 * One run of an agent, made by `runStreamed`. It is read once: as events (also by `for await` over the run itself), as flat events, as text, or as partial
 * values. Nothing is asked of the model before the first read; where nobody reads, awaiting `finalOutput` or `end` sets it going. A reader that leaves
 * its loop ends the run.
 */
export class StreamedRun<Context = unknown, Output = string> implements AsyncIterable<RunEvent> {
  readonly #state: RunState;
  readonly #life: RunLife<Context, Output>;

  /** Use `runStreamed`. Throws `RangeError` for a number that cannot be. */
  constructor(agent: AnyAgent<Context>, state: RunState, options: RunOptions<Context>) {
    this.#state = state;
    this.#life = new RunLife(agent, state, options);
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
    return this.#life.agent;
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
    return this.#life.events.dropped;
  }

  /**
   * The final answer: text, or what the agent's schema makes of it. Rejects with what ended the run instead: its error, the signal's reason, `RUN_CANCELLED`,
   * `RUN_TIMEOUT`, or `RUN_WAITS` for a run that was interrupted.
   */
  get finalOutput(): Promise<Output> {
    this.#life.drainUnlessRead();
    return this.#life.output;
  }

  /** How the run ended; never rejects. By then everything is freed, and the session has been given what was said. */
  get end(): Promise<RunEnd> {
    this.#life.drainUnlessRead();
    return this.#life.end;
  }

  // ---- reading ----

  /** Throws `RUN_ALREADY_READ` for a second reader. The stream rejects with what went wrong; a run that was cancelled by `cancel` just ends. */
  events(): AsyncIterableIterator<RunEvent, undefined> {
    return this.#life.read();
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
      this.#life.read(),
      (event) => withStart(flattenEvent(flat, event)),
      // By now it has ended: the events end after that.
      () => withStart(this.#life.ended === undefined ? [] : [flattenEnd(flat, this.#life.ended)]),
    );
  }

  /** The words, in pieces as they come; messages stand on lines of their own. */
  toTextStream(): AsyncIterableIterator<string, undefined> {
    return view(this.#life.read(), readText());
  }

  /**
   * The answer while it grows: of an agent with a schema the value as far as it is sure, always the same one, which grows in place; else the text so far.
   * What the schema checks or changes is in `finalOutput` alone.
   */
  partialOutput(): AsyncIterableIterator<PartialOutput<Output>, undefined> {
    const read = readPartial(this.agent.outputFormat !== undefined);
    return view(this.#life.read(), (event) => read(event) as readonly PartialOutput<Output>[]);
  }

  // ---- ending ----

  /** Ends the run: at once, or when the calls of its newest answer have ended. A run that is over stays as it ended. */
  cancel(when: 'now' | 'after_turn' = 'now'): void {
    if (when === 'after_turn') this.#life.stopAfterTurn();
    else this.#life.stop({ by: 'caller', quiet: true }, new RunError('RUN_CANCELLED', 'The run was cancelled.'));
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
}
