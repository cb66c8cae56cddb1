/**
 * What is owed and has not come. Nothing is watched while nothing is owed: a quiet session has no timer. The limits are those at which somebody who
 * waits on the telephone begins to ask whether the other is still there.
 *
 * What trips becomes an `error` that says what was owed, and where the model has been mute all the while, asks for a new connection.
 */
import { isPlaying } from '../../audio/index.js';
import { TransportError } from '../errors.js';
import { emit, hasHostedCall } from './step-context.js';
import type { StepContext } from './step-context.js';
import { tellWaiting } from './response-queue.js';
import { STALLED_MS, STOPPED_MS, WAITING_MS, answersByItself, cancelAtModel, endResponse, requestNext, stopResponse, timeout, want, watchRequest } from './responses.js';
import type { LiveResponse } from './session-state.js';
import { cancelUnfinishedCalls } from './tool-calls.js';
import { checkVoice } from './voice-watch.js';
import { expectBy } from './watch-timer.js';

/** A hosted tool is silent while it works; no longer than this. */
const HOSTED_MS = 60_000;
/** A listener tells of the end of what it plays as it is heard; so long after that nobody is there. */
const MUTE_MS = 4_000;

export function onWatchdogTimer(context: StepContext): void {
  const { state } = context;
  delete state.watch.dueMs;
  if (state.connection.name === 'open') {
    for (const response of state.live.values()) watchResponse(context, response);
    watchRequest(context);
    watchTurn(context);
    checkVoice(context);
    checkListener(context);
    requestNext(context);
  }
  const againMs = tellWaiting(context, WAITING_MS);
  if (againMs !== undefined) expectBy(context, againMs);
}

/** A response that began goes on, and one that was stopped ends. */
function watchResponse(context: StepContext, response: LiveResponse): void {
  const { nowMs } = context;
  const { responseId, stoppedMs } = response;
  if (stoppedMs === undefined) {
    const limitMs = hasHostedCall(context.state, responseId) ? HOSTED_MS : STALLED_MS;
    if (nowMs - response.lastMs < limitMs) return expectBy(context, response.lastMs + limitMs);
    response.gaveUp = timeout(`The model began a response and said nothing of it for ${limitMs / 1000} s.`);
    emit(context, { type: 'error', error: response.gaveUp });
    return stopResponse(context, response, false);
  }
  if (nowMs - stoppedMs < STOPPED_MS) return expectBy(context, stoppedMs + STOPPED_MS);
  const mute = context.state.watch.modelMs <= stoppedMs;
  const { gaveUp } = response;
  cancelUnfinishedCalls(context, responseId);
  if (gaveUp === undefined) {
    emit(context, { type: 'error', error: timeout(`A response was stopped, and the model did not say within ${STOPPED_MS / 1000} s that it ended.`) });
    endResponse(context, response, { outcome: 'interrupted', reason: 'timeout' });
  } else {
    endResponse(context, response, { outcome: 'failed', reason: 'timeout', error: gaveUp });
  }
  // If it is still being generated, the next would be refused.
  cancelAtModel(context, responseId);
  if (mute) context.effects.push({ type: 'recover_connection', reason: 'response_stalled' });
}

/** A turn of the user that the model answers by itself is answered; when it is not, we ask. */
function watchTurn(context: StepContext): void {
  const { state, nowMs } = context;
  const { turnEndedMs } = state;
  if (turnEndedMs === undefined) return;
  if (nowMs - turnEndedMs < STALLED_MS) return expectBy(context, turnEndedMs + STALLED_MS);
  delete state.turnEndedMs;
  // One that was asked for in the meantime is the answer, and is watched for itself.
  if (!answersByItself(state)) return;
  if (state.request.name !== 'free' || state.wanted.length > 0) return;
  emit(context, { type: 'error', error: timeout(`The user's turn ended and the model began no answer within ${STALLED_MS / 1000} s; it is asked for one.`) });
  want(context, { request: {}, origin: 'turn' });
  if (state.watch.modelMs <= turnEndedMs) context.effects.push({ type: 'recover_connection', reason: 'turn_not_answered' });
}

/** Sound was sent to a listener that reports: its reports are owed. */
export function watchListener(context: StepContext): void {
  const { ledger, watch } = context.state;
  if (ledger.source === 'reports' && !watch.listenerMute && watch.dueMs === undefined) expectBy(context, ledger.playedOutAtMs + MUTE_MS);
}

/** The listener has reported: it is there. */
export function listenerHeard({ state }: StepContext): void {
  state.watch.listenerMute = false;
}

/** By the clock everything has been played, and the listener has said so or goes on saying how far it is. */
function checkListener(context: StepContext): void {
  const { state, nowMs } = context;
  const { ledger, watch } = state;
  if (ledger.source !== 'reports' || watch.listenerMute || !isPlaying(ledger, nowMs)) return;
  if (ledger.pausedAtMs !== undefined) return expectBy(context, nowMs + MUTE_MS);
  let lastMs = ledger.playedOutAtMs;
  for (const { reportedAtMs } of ledger.entries) lastMs = Math.max(lastMs, reportedAtMs ?? 0);
  if (nowMs - lastMs < MUTE_MS) return expectBy(context, lastMs + MUTE_MS);
  watch.listenerMute = true;
  emit(context, {
    type: 'error',
    error: new TransportError('PLAYBACK_STALLED', `The listener has not reported for ${MUTE_MS / 1000} s, though there is sound that it has not played.`, {
      stage: 'audio',
      retryable: true,
      hint: 'Its player has stopped or its connection is gone. What it did not report counts as not heard.',
    }),
  });
}
