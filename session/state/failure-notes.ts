import type { VoicewireError } from '../errors.js';
import type { FailureKind } from '../events/session-event.js';
import type { SessionState } from './session-state.js';
import type { StepContext } from './step-context.js';

/** Something failed; whether the caller would hear silence is decided when the step is over, since it may be made good within it. */
export function noteFailure({ state }: StepContext, kind: FailureKind, error: VoicewireError): void {
  if (state.failures.policy !== undefined) state.failures.noted ??= { kind, error };
}

/** An answer failed. */
export function noteFailedAnswer(context: StepContext, error: VoicewireError): void {
  noteFailure(context, error.code === 'PROVIDER_RATE_LIMITED' ? 'quota' : 'response', error);
}

/** The user has had a turn, or has been answered: what fails from here on is another failure. */
export function forgetFailures({ failures }: SessionState): void {
  failures.told = 0;
  failures.retried = 0;
}
