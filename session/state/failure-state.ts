import type { VoicewireError } from '../errors.js';
import type { FailureKind, FailureThen } from '../events/session-event.js';

export interface FailureReaction {
  /** Which of the policy's clips is heard. */
  readonly clip?: number;
  /** For the model to say, where it is not the model that failed. */
  readonly say?: string;
  readonly then: FailureThen;
  /** Where nothing is left to retry. */
  readonly otherwise: Exclude<FailureThen, 'retry'>;
}

export interface FailurePolicy {
  /** In the session's output format; each once, however many kinds of failure it is heard for. */
  readonly clips: readonly Uint8Array[];
  readonly reactions: Readonly<Record<FailureKind, FailureReaction>>;
  /** How often the model is asked again, for one turn of the user. */
  readonly retries: number;
  readonly disconnectedAfterMs: number;
}

/** A failure that is being told, and what follows when that was heard. */
export interface TellingFailure {
  readonly kind: FailureKind;
  readonly error: VoicewireError;
  readonly then: 'hangup' | 'transfer';
  /** When it is waited for no longer. */
  readonly untilMs: number;
  /** The session has no connection any more and ends so. */
  readonly end?: { readonly code: number; readonly reason: string };
}

export interface FailureState {
  readonly policy: FailurePolicy | undefined;
  /** What failed in the step that is being taken; what is done about it is decided at its end. */
  noted?: { readonly kind: FailureKind; readonly error: VoicewireError };
  /** Failures that were told and answers that were asked for again, since the last turn of the user or the last answer. */
  told: number;
  retried: number;
  telling?: TellingFailure;
  /** The last loss of the connection, until it is told: why, and whether the user was waiting for something when it went. */
  loss?: { readonly error: VoicewireError; readonly owed: boolean };
}

export function createFailures(policy?: FailurePolicy): FailureState {
  return { policy, told: 0, retried: 0 };
}
