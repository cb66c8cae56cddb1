/** A listener that was said to report owes its reports while there is sound: of how far it is, or at least of the end. */
import { isPlaying } from '../../audio/index.js';
import { TransportError } from '../errors.js';
import { stopSound } from './barge-in.js';
import type { SessionState } from './session-state.js';
import { emit } from './step-context.js';
import type { StepContext } from './step-context.js';
import { expectBy } from './watch-timer.js';

/** A listener tells of the end of what it plays as it is heard, and one that tells how far it is does so several times a second; so long after that nobody is there. */
const MUTE_MS = 4_000;
/** Reports that follow each other so soon are those of a listener that tells how far it is. */
const OFTEN_MS = 1_000;

/** A new item sounds: where nothing else did, a listener's reports are owed from here on. */
export function soundBegins({ state, nowMs }: StepContext): void {
  if (state.ledger.source === 'reports' && !isPlaying(state.ledger, nowMs)) state.watch.soundMs = nowMs;
}

/** Sound was sent to a listener that reports: its reports are owed. */
export function watchListener(context: StepContext): void {
  const { ledger, watch } = context.state;
  if (ledger.source === 'reports' && watch.dueMs === undefined) expectBy(context, owedByMs(context.state));
}

/** The listener has reported: it is there. */
export function listenerHeard({ state: { watch }, nowMs }: StepContext): void {
  watch.listenerMute = false;
  watch.reportsOften = nowMs - watch.reportedMs <= OFTEN_MS;
  watch.reportedMs = nowMs;
}

/**
 * By the clock everything has been played, and the listener has said so or goes on saying how far it is. One that does not is given up: its player
 * is told to clear, as by an interruption, so that the model knows what nobody vouches for, and nothing waits for its word any more. What comes
 * after that is counted by the clock until it reports again.
 */
export function checkListener(context: StepContext): void {
  const { state, nowMs } = context;
  const { ledger, watch } = state;
  if (ledger.source !== 'reports' || !isPlaying(ledger, nowMs)) return;
  if (ledger.pausedAtMs !== undefined) return expectBy(context, nowMs + MUTE_MS);
  const dueMs = owedByMs(state);
  if (nowMs < dueMs) return expectBy(context, dueMs);
  if (!watch.listenerMute) {
    emit(context, {
      type: 'error',
      error: new TransportError('PLAYBACK_STALLED', `The listener has not reported for ${MUTE_MS / 1000} s, though there is sound that it has not played.`, {
        stage: 'audio',
        leg: 'client',
        retryable: true,
        hint: 'Its player has stopped or its connection is gone. What it did not report counts as not heard; from here on the clock counts, until it reports again.',
      }),
    });
  }
  watch.listenerMute = true;
  stopSound(context, false, false);
  ledger.source = 'clock';
}

/** By when a listener must have said something. One that tells how far it is must not fall silent in the middle; one that tells only the ends may. */
function owedByMs({ ledger, watch }: SessionState): number {
  const sinceMs = watch.reportsOften ? Math.max(watch.soundMs, watch.reportedMs) : Math.max(ledger.playedOutAtMs, watch.reportedMs);
  return sinceMs + MUTE_MS;
}
