/** One turn of a conversation in text, as a pipeline hears and speaks it. */
export interface WorkflowTurn {
  /** What the user said. */
  readonly text: string;
  /** Aborted when the turn is interrupted or given up. */
  readonly signal: AbortSignal;
}

/** What thinks in a voice pipeline: text of the user in, text to be spoken out, in pieces of any size. */
export interface Workflow {
  /** Nothing runs before the first `next()`; `return()` ends the work, also while a `next()` is pending. */
  answer(turn: WorkflowTurn): AsyncIterable<string>;
  /**
   * Told once after each answer that was cut short: what the user heard of it, so that the conversation goes on from there. `unheardText` is the rest
   * of what was to be spoken.
   */
  heard?(heardText: string, unheardText: string): void | Promise<void>;
  /** Words to be spoken before the user has said anything. */
  greeting?(): AsyncIterable<string>;
}
