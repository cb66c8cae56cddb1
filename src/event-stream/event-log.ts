/** The history of one run, and where runs are found: the two ports behind which a database or a stream server may stand. */

/** One event of a run as it is kept: its place, its name, and its JSON on one line. */
export interface LoggedEvent {
  /** Counts from 1 in each run, without holes. */
  readonly n: number;
  readonly type: string;
  readonly data: string;
}

/** Events that are gone from the history, both ends included. */
export interface LostEvents {
  readonly from: number;
  readonly to: number;
}

/** What follows a place in the history. */
export interface LogPage {
  /** These come before `events`, and nobody has them any more. */
  readonly lost?: LostEvents;
  readonly events: readonly LoggedEvent[];
  /** Whether the run is over and nothing follows these events. */
  readonly ended: boolean;
}

/**
 * The events of one run, in order. Bounded: the oldest are dropped when there are too many, and a reader that has not had them is told so. There is
 * one writer; any number of readers hold nothing but the number of the last event that they have had.
 */
export interface EventLog {
  readonly runId: string;
  /** Who may read and stop the run. */
  readonly owner: string;
  /** Number of the last event; 0 when there is none. */
  readonly last: number;
  /** Whether `end` was called. */
  readonly ended: boolean;
  /** Adds an event; resolves when readers can see it. */
  append(event: { readonly type: string; readonly data: string }): void | Promise<void>;
  /** No event follows. */
  end(): void | Promise<void>;
  /**
   * What follows event number `after`: at once when there is something or the run is over, otherwise as soon as there is. A page is short; the rest
   * comes with the next call. Rejects with the signal's reason. Nothing is held for a reader between two calls.
   */
  read(after: number, options: { readonly signal: AbortSignal }): Promise<LogPage>;
  /** Asks whoever runs it, on this machine or another, to stop. Does nothing after the end. */
  requestStop(): void | Promise<void>;
  /** Calls `listener` when somebody has asked for a stop, also if that was before. Gives back what takes it off. */
  onStop(listener: () => void): () => void;
}

/** Where runs are kept. */
export interface RunStore {
  create(run: { readonly runId: string; readonly owner: string }): EventLog | Promise<EventLog>;
  find(runId: string): EventLog | undefined | Promise<EventLog | undefined>;
  /** Forgets a run and its events; readers that wait in it see its end. */
  delete(runId: string): void | Promise<void>;
}
