/**
 * What is owed and has not come. Nothing is watched while nothing is owed: a quiet session has no timer. The limits are those at which somebody who
 * waits on the telephone begins to ask whether the other is still there.
 *
 * What trips becomes an `error` that says what was owed, and where the model has been mute all the while, asks for a new connection.
 */
import { ProviderError } from '../errors.js';
import { watchBeside } from './beside.js';
import { checkListener } from './listener-watch.js';
import { checkSpeech } from './speech-watch.js';
import { emit, hasHostedCall } from './step-context.js';
import type { StepContext } from './step-context.js';
import { noteFailedAnswer } from './failure-notes.js';
import { tellWaiting } from './response-queue.js';
import { timeout } from './provider-error.js';
import { STALLED_MS, STOPPED_MS, WAITING_MS, answersByItself, cancelAtModel, endResponse, isMissed, requestNext, stopResponse, want, watchRequest } from './responses.js';
import type { LiveResponse } from './session-state.js';
import { cancelUnfinishedCalls } from './tool-calls.js';
import { checkVoice } from './voice-watch.js';
import { OWED_MS, expectBy } from './watch-timer.js';

/** A hosted tool is silent while it works; no longer than this. */
const HOSTED_MS = 60_000;

export function onWatchdogTimer(context: StepContext): void {
  const { state } = context;
  delete state.watch.dueMs;
  if (state.connection.name === 'open') {
    for (const response of state.live.values()) watchResponse(context, response);
    watchRequest(context);
    watchBeside(context);
    watchTurn(context);
    checkVoice(context);
    checkSpeech(context);
    checkCut(context);
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
    if (isMissed(response)) noteFailedAnswer(context, gaveUp);
  }
  // If it is still being generated, the next would be refused.
  cancelAtModel(context, responseId);
  if (!mute) return;
  if (response.handles.length === 0) context.state.link.askAgain = true;
  context.effects.push({ type: 'recover_connection', reason: 'response_stalled' });
}

/** A turn of the user that the model answers by itself is answered; when it is not, we ask. Where we ask anyway, the end of the turn is owed. */
function watchTurn(context: StepContext): void {
  const { state, nowMs } = context;
  const { turnEndedMs } = state;
  if (turnEndedMs === undefined) return;
  if (nowMs - turnEndedMs < STALLED_MS) return expectBy(context, turnEndedMs + STALLED_MS);
  delete state.turnEndedMs;
  const answers = answersByItself(state);
  // One that was asked for in the meantime is the answer, and is watched for itself.
  if (answers && (state.request.name !== 'free' || state.wanted.length > 0)) return;
  const mute = state.watch.modelMs <= turnEndedMs;
  // A model that does not answer by itself may have told less of the turn than others do.
  if (!answers && !mute) return;
  emit(context, { type: 'error', error: timeout(`The user's turn ended and the model ${answers ? 'began no answer' : 'did not close it'} within ${STALLED_MS / 1000} s; it is asked for one.`) });
  if (!mute || !state.link.policy.reconnect) return want(context, { request: {}, origin: 'turn' });
  // Where the next connection hears the turn again, it answers by itself.
  state.link.askAgain = true;
  context.effects.push({ type: 'recover_connection', reason: 'turn_not_answered' });
}

/** A cut that the model was told of is confirmed, by one that confirms any. */
function checkCut(context: StepContext): void {
  const { watch } = context.state;
  const { cutMs } = watch;
  if (cutMs === undefined) return;
  if (context.nowMs - cutMs < OWED_MS) return expectBy(context, cutMs + OWED_MS);
  delete watch.cutMs;
  // What it says instead shows that it is there.
  if (watch.modelMs > cutMs) return;
  const message = `The model was told how much of its speech was heard and did not answer within ${OWED_MS / 1000} s.`;
  emit(context, { type: 'error', error: new ProviderError('HISTORY_EDIT_FAILED', message, { retryable: true, hint: 'A new connection is told what was heard.' }) });
  context.effects.push({ type: 'recover_connection', reason: 'cut_not_confirmed' });
}

export function cutConfirmed({ state: { watch } }: StepContext): void {
  watch.confirmsCuts = true;
  delete watch.cutMs;
}
