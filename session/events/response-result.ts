import type { VoicewireError } from '../errors.js';
import type { ResponseOutcome } from './session-event.js';
import type { Usage } from './usage.js';

/** What became of a response that was asked for. */
export interface ResponseResult {
  /**
   * As in `agent_end`; `cancelled` when it never began: withdrawn by `cancel()`, dropped for something more important, or the session ended.
   * `reason` says which.
   */
  readonly outcome: ResponseOutcome | 'cancelled';
  /** Absent when it never began. */
  readonly responseId?: string;
  /** Everything that was generated, heard or not. */
  readonly text: string;
  /** The model's word for it, or ours: `withdrawn`, `superseded`, `queue_full`, `not_asked_for`, `not_connected`, `connection_lost`, `stopped`, `session_closed`. */
  readonly reason?: string;
  readonly usage?: Usage;
  /**
   * Set where it is not known that this response is the one that was asked for: the model does not say whose a response is, and could have begun
   * this one by itself. It is the likeliest.
   */
  readonly guessed?: true;
  /** Present with `failed`. */
  readonly error?: VoicewireError;
}
