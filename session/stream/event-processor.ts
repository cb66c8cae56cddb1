import type { Clock } from '../ports/clock.js';
import { endOnAbort } from './abort.js';
import type { Stream } from './channel.js';
import { EventMeter } from './event-metrics.js';
import type { EventMetrics } from './event-metrics.js';
import { typeMatcher } from './event-pattern.js';
import type { Matching, TypePattern } from './event-pattern.js';
import { operator } from './operator.js';
import type { StreamEnd } from './operator.js';
import { Ring } from './ring.js';
import { accumulate } from './transform.js';
import type { Typed } from './transform.js';

/** What a handler is told beside its event. */
export interface EventContext<State> {
  /** With this event in it. */
  readonly state: State;
  /** Aborted when the stream is over: nobody waits for the handler any more. */
  readonly signal: AbortSignal;
}

export type EventHandler<Event, State> = (event: Event, context: EventContext<State>) => unknown;

export interface EventProcessorOptions<Event extends Typed, State> {
  readonly clock: Clock;
  /** Events that {@link EventProcessor.history} keeps. Default 100; 0 keeps none. */
  readonly historySize?: number;
  /** A state beside the events: each event goes into it before the handlers see it. */
  readonly state?: { readonly initial: State; reduce(state: State, event: Event): State };
  /** The first read of a stream. */
  readonly onStart?: () => void;
  /** Each event, before its handlers. */
  readonly onEvent?: (event: Event, context: EventContext<State>) => void;
  /** A handler threw (`event` is what it was given), or the source did (`event` is undefined). */
  readonly onError?: (error: unknown, event: Event | undefined) => void;
  /** The end of a stream, once. */
  readonly onEnd?: (end: StreamEnd, metrics: EventMetrics) => void;
}

/** Looks at the type alone, and its answer is remembered; or at the whole event. */
type Entry<Event, State> = { readonly handler: EventHandler<Event, State> } & ({ readonly ofType: (type: string) => boolean } | { readonly ofEvent: (event: Event) => boolean });

/** Types for which the handlers are remembered. */
const MOST_TYPES = 256;

/**
 * Calls handlers for the events of a stream, counts, and remembers the last ones. The handlers of an event run one after another, in the order in which
 * they were put on; the next event is read when they are done. A handler that throws, or whose promise rejects, is counted and stops nobody else.
 * Counts, history and state are those of all streams that one processor has seen.
 */
export class EventProcessor<Event extends Typed, State = undefined> {
  readonly #options: EventProcessorOptions<Event, State>;
  readonly #clock: Clock;
  readonly #meter = new EventMeter();
  readonly #history: Ring<Event> | undefined;
  /** Replaced and never changed: who is called while a handler is taken off, is called out of the old list. */
  #entries: readonly Entry<Event, State>[] = [];
  readonly #entriesOf = new Map<string, readonly Entry<Event, State>[]>();
  #state: State;

  constructor(options: EventProcessorOptions<Event, State>) {
    this.#options = options;
    this.#clock = options.clock;
    const { historySize = 100 } = options;
    this.#history = historySize === 0 ? undefined : new Ring(historySize);
    this.#state = options.state?.initial as State;
  }

  get metrics(): EventMetrics {
    return this.#meter.read(this.#clock.now());
  }

  /** The last events, oldest first. */
  get history(): readonly Event[] {
    return this.#history?.toArray() ?? [];
  }

  get state(): State {
    return this.#state;
  }

  /**
   * Calls `handler` for events of a type, of types that fit a pattern (`'response.*'`, a regular expression), or for which a predicate holds. Returns a
   * function that takes it off again.
   */
  on<Pattern extends TypePattern<Event>>(pattern: Pattern, handler: EventHandler<Matching<Event, Pattern>, State>): () => void;
  on<Wanted extends Event>(predicate: (event: Event) => event is Wanted, handler: EventHandler<Wanted, State>): () => void;
  on(pattern: RegExp | ((event: Event) => boolean), handler: EventHandler<Event, State>): () => void;
  on(pattern: string | RegExp | ((event: Event) => boolean), handler: EventHandler<never, State>): () => void {
    // Each registration is its own, also of the same function; and nobody is given an event that does not fit.
    const own = { handler: handler as EventHandler<Event, State> };
    const entry: Entry<Event, State> = typeof pattern === 'function' ? { ...own, ofEvent: pattern } : { ...own, ofType: typeMatcher(pattern) };
    this.#setEntries([...this.#entries, entry]);
    return () => this.#setEntries(this.#entries.filter((each) => each !== entry));
  }

  /** The same events, each after its handlers are done. An abort ends it at once, with the signal's reason. */
  process(source: AsyncIterable<Event>, { signal }: { readonly signal?: AbortSignal } = {}): Stream<Event> {
    return operator<Event, Event>(source, (outlet) => {
      const over = new AbortController();
      this.#options.onStart?.();
      const takeOff = endOnAbort(outlet, signal);
      return {
        onValue: (event) => {
          const handled = this.#handle(event, over.signal);
          if (handled !== undefined) return handled.then(() => outlet.push(event));
          outlet.push(event);
        },
        onRelease: (end) => {
          takeOff();
          over.abort();
          if (end.how === 'failed') this.#tell(end.error, undefined);
          this.#guarded(undefined, () => this.#options.onEnd?.(end, this.metrics));
        },
      };
    });
  }

  /** Reads a stream to its end. Rejects with the error of the source, or with the signal's reason. */
  async run(source: AsyncIterable<Event>, options: { readonly signal?: AbortSignal } = {}): Promise<EventMetrics> {
    await accumulate(this.process(source, options), () => undefined, undefined);
    return this.metrics;
  }

  #handle(event: Event, signal: AbortSignal): Promise<void> | undefined {
    const startMs = this.#clock.now();
    this.#meter.onEvent(event.type, startMs);
    this.#history?.add(event);
    if (this.#options.state !== undefined) this.#state = this.#options.state.reduce(this.#state, event);
    const context: EventContext<State> = { state: this.#state, signal };
    this.#guarded(event, () => this.#options.onEvent?.(event, context));
    const entries = this.#entriesFor(event.type);
    if (entries.length === 0) return undefined;
    const waiting = this.#call(entries, 0, event, context);
    const onHandled = (): void => this.#meter.onHandled(this.#clock.now() - startMs);
    if (waiting === undefined) onHandled();
    return waiting?.then(onHandled);
  }

  /** Calls the handlers from the one at `index`; gives a promise only where one of them does. */
  #call(entries: readonly Entry<Event, State>[], index: number, event: Event, context: EventContext<State>): Promise<void> | undefined {
    for (let at = index; at < entries.length; at += 1) {
      const entry = entries[at] as Entry<Event, State>;
      const result = this.#guarded(event, () => ('ofEvent' in entry && !entry.ofEvent(event) ? undefined : entry.handler(event, context)));
      if (result instanceof Promise) return result.catch((error: unknown) => this.#onError(error, event)).then(() => this.#call(entries, at + 1, event, context));
    }
    return undefined;
  }

  #guarded(event: Event | undefined, call: () => unknown): unknown {
    try {
      return call();
    } catch (error) {
      this.#onError(error, event);
      return undefined;
    }
  }

  #onError(error: unknown, event: Event | undefined): void {
    this.#meter.onError();
    this.#tell(error, event);
  }

  /** Whoever is told of errors is not told of their own. */
  #tell(error: unknown, event: Event | undefined): void {
    try {
      this.#options.onError?.(error, event);
    } catch {
      // The first error was told, as far as that was possible.
    }
  }

  #entriesFor(type: string): readonly Entry<Event, State>[] {
    const known = this.#entriesOf.get(type);
    if (known !== undefined) return known;
    const entries = this.#entries.filter((entry) => 'ofEvent' in entry || entry.ofType(type));
    if (this.#entriesOf.size < MOST_TYPES) this.#entriesOf.set(type, entries);
    return entries;
  }

  #setEntries(entries: readonly Entry<Event, State>[]): void {
    this.#entries = entries;
    this.#entriesOf.clear();
  }
}
