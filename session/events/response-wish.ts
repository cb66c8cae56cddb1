/**
 * Who goes first when several responses are wanted: a `safety` answer before every other, an `answer` before a `filler` and an `idle` prompt.
 * The last two are spoken into silence alone: when the user speaks, or something more important is wanted, they are dropped.
 */
export type ResponsePriority = 'safety' | 'answer' | 'filler' | 'idle';

/** Why a response that is wanted has not begun. */
export type WaitingReason =
  /** Another one is wanted that goes first. */
  | 'queued'
  /** The model has been asked and has not begun. */
  | 'asked'
  /** Another response is being generated. */
  | 'response_live'
  /** The model says that another response is active, and we have not seen it. */
  | 'collided'
  /** The model is being configured for another agent. */
  | 'handoff'
  | 'user_speaking'
  /** The user's turn has ended, and the model is about to answer it by itself. */
  | 'turn_ending'
  | 'not_connected';
