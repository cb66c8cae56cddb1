/**
 * The one path for every connection: the first, the one after a loss, the one before the model's session ends, the one to another model. Each is
 * an {@link Attempt} that is opened and configured beside whatever serves, and then adopted: the conversation is put back, kept audio is sent,
 * what was wanted is asked for. One that is slow is not given up before another is ready that was begun beside it.
 *
 *      idle ──connect──▶ connecting ──adopted──▶ open ──────lost──────▶ reconnecting ──given up──▶ closed
 *                            │                    │ ▲                        │
 *                            ▼                    │ └────────adopted─────────┘
 *                          closed                 └─ a candidate beside it, adopted in the next silence
 */
import { errorText } from '../error-text.js';
import { ProviderError, TransportError, VoicewireError } from '../errors.js';
import type { ModelClose, ModelErrorInfo, ModelInput } from '../ports/model.js';
import { backoffMs } from '../stream/backoff.js';
import { endBeside } from './beside.js';
import { hasAnother, learnHealth, noteFailure, noteSuccess, pickModel, rest } from './breaker.js';
import { restartFormatWatch } from './format-watch-state.js';
import { watchConfirmed } from './format-watch.js';
import { look, onGreetingConnect } from './greeting.js';
import { tellLast, watchLoss } from './failures.js';
import { resumeHandoffs } from './handoff.js';
import { failOpenItems } from './history.js';
import { leaveConnection } from './leave-connection.js';
import type { Attempt, LinkState, Serving } from './link-state.js';
import { nextJitter } from './link-state.js';
import { keepIdle } from './idle-pause.js';
import { keepEarly, replayMicrophone } from './microphone.js';
import { providerError } from './provider-error.js';
import { requestNext, settleAllHandles, want } from './responses.js';
import { restoreConversation } from './restore.js';
import { announceRotation, expiryDueMs, isQuiet, lookAgain, mayTakeOver, scheduleRotation } from './rotation.js';
import type { ConnectionTimer } from './session-input.js';
import type { SessionState } from './session-state.js';
import { startBudgetClock } from './spending.js';
import type { StepContext } from './step-context.js';
import { emit, newId } from './step-context.js';
import { endAllCalls } from './tool-calls.js';
import { armToolTimer } from './tool-timer.js';

/** A connection that served for this long has proven itself: the count of attempts begins anew. */
const LASTING_MS = 10_000;
/** An attempt that is not ready by then may hang: another is begun beside it, since it may as well be slow. */
const SLOW_MS = 4_000;
/** The provider tells its limit in whole seconds. */
const WHOLE_SECOND_MS = 1_000;

// ---- opening ----

export function onConnect(context: StepContext): void {
  const { state } = context;
  if (state.connection.name !== 'idle') return;
  state.connection = { name: 'connecting' };
  keepEarly(state);
  emit(context, { type: 'connection', connection: { state: 'connecting' } });
  openAttempt(context);
  onGreetingConnect(context);
}

export function onOpened(context: StepContext, attemptId: number | undefined, unixMs: number | undefined): void {
  const { state, nowMs } = context;
  if (state.connection.name === 'idle') {
    state.connection = { name: 'connecting' };
    state.link.candidate ??= newAttempt(state.link, 0, nowMs);
  }
  const attempt = candidateOf(state.link, attemptId);
  if (attempt === undefined || attempt.stage !== 'opening') return;
  attempt.stage = 'configuring';
  attempt.openedAtMs = nowMs;
  if (unixMs !== undefined) attempt.openedAtUnixMs = unixMs;
  configure(context, attempt);
}

export function onOpeningFailed(context: StepContext, attemptId: number, error: unknown): void {
  const attempt = candidateOf(context.state.link, attemptId);
  if (attempt !== undefined) attemptFailed(context, attempt, error, { code: 1000, reason: errorText(error) });
}

export function onConnectionClosed(context: StepContext, attemptId: number | undefined, close: ModelClose): void {
  const { link, connection } = context.state;
  const attempt = candidateOf(link, attemptId);
  if (attempt !== undefined) return attemptFailed(context, attempt, attempt.complaint ?? lossError(close), close);
  if (link.serving !== undefined && (attemptId === undefined || attemptId === link.serving.attemptId)) return lose(context, reasonOf(close), lossError(close), close);
  // A state that never was connected: nothing of it is left.
  if (connection.name === 'idle') {
    context.effects.push({ type: 'abort_tools', reason: 'the connection to the model is gone' }, { type: 'connect_failed', error: lossError(close) });
    finish(context, close.code, close.reason);
  }
}

/** Whether an input of the model belongs to the conversation: what an attempt says before it serves is about itself, what comes later is late. */
export function belongsToConversation(context: StepContext, attemptId: number | undefined, input: ModelInput): boolean {
  const { link, connection } = context.state;
  if (attemptId === undefined ? link.serving !== undefined || (link.candidate === undefined && connection.name === 'idle') : attemptId === link.serving?.attemptId) return true;
  const attempt = candidateOf(link, attemptId);
  if (attempt !== undefined) onCandidateInput(context, attempt, input);
  return false;
}

export function onConnectionTimer(context: StepContext, timer: ConnectionTimer): void {
  const { link } = context.state;
  switch (timer) {
    case 'connect_attempt':
      return onAttemptOverdue(context);
    case 'reconnect':
      if (context.state.connection.name === 'reconnecting' && link.candidate === undefined) openAttempt(context);
      return;
    case 'rotation':
      return onRotationTimer(context);
  }
}

/** The serving connection is of no use any more, though its socket may be open: a new one takes its place. */
export function recover(context: StepContext, reason: string): void {
  const { serving, policy } = context.state.link;
  // What is wrong has been told; without leave to reconnect there is no cure.
  if (serving === undefined || !policy.reconnect) return;
  const error = new TransportError('MODEL_CONNECTION_LOST', `The connection to the model was given up (${reason}).`, { retryable: true });
  context.effects.push({ type: 'close_connection', reason, attemptId: serving.attemptId });
  noteFailure(context, serving.modelIndex);
  lose(context, reason, error, { code: 1000, reason, byUs: true });
}

/** The account at the serving model is used up or limited: another model goes on, where there is one. */
export function onModelExhausted(context: StepContext, error: ModelErrorInfo | undefined): void {
  const { link } = context.state;
  if (link.serving === undefined || !link.policy.reconnect) return;
  const exhausted = error?.code === 'insufficient_quota' || error?.code === 'rate_limit_exceeded' || error?.code === 'account_deactivated';
  if (!exhausted || !hasAnother(link, link.serving.modelIndex, context.nowMs)) return;
  link.askAgain = true;
  // One answer is enough: the model rests, whatever its count.
  rest(context, link.serving.modelIndex, context.nowMs + link.policy.cooldownMs);
  recover(context, error?.code ?? 'exhausted');
}

/** Another session has found out how a model is: whether and when this one goes back to it is looked at again. */
export function onModelHealth(context: StepContext, modelIndex: number, restsUntilMs: number): void {
  learnHealth(context, modelIndex, restsUntilMs);
  const { connection, link } = context.state;
  if (connection.name === 'open' && link.candidate === undefined && !link.rotating) scheduleRotation(context);
}

export function finish(context: StepContext, code: number, reason: string): void {
  const { state } = context;
  state.connection = { name: 'closed' };
  state.link.candidate = undefined;
  dropSlow(context, reason);
  state.link.serving = undefined;
  endBeside(context, 'session_closed');
  settleAllHandles(context);
  failOpenItems(context);
  endAllCalls(context);
  for (const timer of ['response_retry', 'barge_in', 'watchdog', 'greeting', 'connect_attempt', 'reconnect', 'rotation', 'failure'] as const) context.effects.push({ type: 'cancel_timer', timer });
  emit(context, { type: 'connection', connection: { state: 'closed', code, reason } });
  context.effects.push({ type: 'finished' });
}

function onRotationTimer(context: StepContext): void {
  const { connection, link } = context.state;
  const { serving, candidate } = link;
  if (serving === undefined || connection.name !== 'open') return;
  if (candidate === undefined) {
    announceRotation(context);
    openAttempt(context);
  } else if (mayTakeOver(context, serving, candidate)) {
    return adopt(context, candidate);
  }
  lookAgain(context);
}

// ---- an attempt ----

function newAttempt(link: LinkState, modelIndex: number, nowMs: number): Attempt {
  link.attemptCount += 1;
  return { attemptId: link.attemptCount, modelIndex, sinceMs: nowMs, stage: 'opening' };
}

function openAttempt(context: StepContext): void {
  const { state, nowMs } = context;
  const { link } = state;
  const modelIndex = pickModel(link, nowMs);
  link.tried.push(modelIndex);
  const attempt = newAttempt(link, modelIndex, nowMs);
  link.candidate = attempt;
  context.effects.push({ type: 'open_connection', attemptId: attempt.attemptId, modelIndex });
  armAttempt(context, attempt);
}

function armAttempt(context: StepContext, attempt: Attempt): void {
  const { state, nowMs } = context;
  const { link } = state;
  const { attemptTimeoutMs, fallbackTimeoutMs } = link.policy;
  const limitMs = hasAnother(link, attempt.modelIndex, nowMs) ? Math.min(fallbackTimeoutMs, attemptTimeoutMs) : timeOf(state);
  const delayMs = Math.min(limitMs, link.slow === undefined ? SLOW_MS : Infinity) - (nowMs - attempt.sinceMs);
  if (delayMs < Infinity) context.effects.push({ type: 'arm_timer', timer: 'connect_attempt', delayMs: Math.max(0, delayMs) });
}

/** The last hope of the first opening has all the time that `connect` was given. */
function timeOf({ connection, link }: SessionState): number {
  return connection.name === 'connecting' ? Infinity : link.policy.attemptTimeoutMs;
}

/** It has had its time; or it may only be slow, and is not given up before something better is there. */
function onAttemptOverdue(context: StepContext): void {
  const { state, nowMs } = context;
  const { link, connection } = state;
  const { candidate, slow } = link;
  if (candidate === undefined || candidate.stage === 'standby') return;
  const another = hasAnother(link, candidate.modelIndex, nowMs);
  if (!another && slow === undefined && nowMs - candidate.sinceMs < timeOf(state)) {
    link.slow = candidate;
    if (connection.name === 'connecting') emit(context, { type: 'connection', connection: { state: 'connecting', attempt: link.attemptCount + 1 } });
    if (connection.name === 'reconnecting') emitReconnecting(context, (link.failedAttempts += 1), 0, 'the connection is not ready in time');
    return openAttempt(context);
  }
  dropSlow(context, 'timed out');
  attemptFailed(context, candidate, attemptTimedOut(), { code: 1000, reason: 'timed out' });
}

function dropSlow(context: StepContext, reason: string): void {
  const { link } = context.state;
  if (link.slow === undefined) return;
  context.effects.push({ type: 'close_connection', reason, attemptId: link.slow.attemptId });
  link.slow = undefined;
}

function configure(context: StepContext, attempt: Attempt): void {
  const { state } = context;
  const eventId = newId(state, 'evt');
  attempt.eventId = eventId;
  attempt.config = state.config;
  context.effects.push({ type: 'send', command: { type: 'configure', eventId, config: state.config }, attemptId: attempt.attemptId });
}

function candidateOf({ candidate, slow }: LinkState, attemptId: number | undefined): Attempt | undefined {
  if (attemptId === undefined || candidate?.attemptId === attemptId) return candidate;
  return slow?.attemptId === attemptId ? slow : undefined;
}

function onCandidateInput(context: StepContext, attempt: Attempt, input: ModelInput): void {
  switch (input.type) {
    case 'model_session_created':
      attempt.modelSessionId = input.modelSessionId;
      context.state.spending.model = input.model ?? context.state.spending.model;
      if (input.expiresAt !== undefined) attempt.expiresAt = input.expiresAt;
      return;
    case 'model_session_configured':
      if (attempt.stage !== 'configuring') return;
      context.state.spending.model = input.model ?? context.state.spending.model;
      if (input.expiresAt !== undefined) attempt.expiresAt = input.expiresAt;
      if (input.silenceMs !== undefined) context.state.silenceMs = input.silenceMs;
      context.effects.push({ type: 'cancel_timer', timer: 'connect_attempt' });
      watchConfirmed(context, input);
      attempt.stage = 'standby';
      if (attempt === context.state.link.slow) {
        context.state.link.slow = context.state.link.candidate;
        context.state.link.candidate = attempt;
      }
      dropSlow(context, 'another was faster');
      if (context.state.link.serving === undefined || isQuiet(context)) adopt(context, attempt);
      return;
    case 'model_error': {
      const { error, eventId } = input;
      attempt.complaint = providerError('PROVIDER_ERROR', `The model reported an error: ${error.message}`, error, eventId);
      if (eventId === undefined || eventId !== attempt.eventId) return;
      const refusal = new ProviderError('PROVIDER_ERROR', `The model refused the configuration: ${error.message}`, {
        providerCode: error.code,
        eventId,
        hint: error.param === undefined ? 'Compare the configuration with what this model accepts.' : `Look at ${error.param} in the configuration.`,
      });
      return attemptFailed(context, attempt, refusal, { code: 1000, reason: 'configuration refused' });
    }
    default:
      return;
  }
}

function attemptFailed(context: StepContext, attempt: Attempt, error: unknown, end: { readonly code: number; readonly reason: string }): void {
  const { state, nowMs } = context;
  const { link } = state;
  const close = { type: 'close_connection', reason: end.reason, attemptId: attempt.attemptId } as const;
  if (link.slow !== undefined) {
    // One of the two is left.
    if (attempt === link.candidate) link.candidate = link.slow;
    link.slow = undefined;
    context.effects.push(close);
    return armAttempt(context, link.candidate as Attempt);
  }
  link.candidate = undefined;
  noteFailure(context, attempt.modelIndex);
  context.effects.push({ type: 'cancel_timer', timer: 'connect_attempt' });
  switch (state.connection.name) {
    case 'connecting':
      if (hasAnother(link, attempt.modelIndex, nowMs)) {
        context.effects.push(close);
        return openAttempt(context);
      }
      context.effects.push({ type: 'connect_failed', error }, close);
      return finish(context, end.code, end.reason);
    case 'reconnecting':
      context.effects.push(close);
      return tryAgain(context, error, end);
    default:
      // A rotation: the old connection still serves. At its end it is lost like any other.
      context.effects.push(close);
      link.failedAttempts += 1;
      link.tried.length = 0;
      if (nowMs >= expiryDueMs(link)) return lookAgain(context, pauseMs(link));
      // It was only to go back to a model that is preferred: that rests again.
      link.rotating = false;
      return scheduleRotation(context);
  }
}

// ---- adoption ----

function adopt(context: StepContext, attempt: Attempt): void {
  const { state, nowMs } = context;
  const { link } = state;
  if (attempt.config !== state.config) {
    // The agent has changed since the candidate was configured.
    attempt.stage = 'configuring';
    configure(context, attempt);
    context.effects.push({ type: 'arm_timer', timer: 'connect_attempt', delayMs: link.policy.attemptTimeoutMs });
    return;
  }
  const first = state.connection.name === 'connecting';
  const old = link.serving;
  // Only a deadline takes a connection away from a conversation that goes on: then this is a loss like any other.
  if (old !== undefined) leaveConnection(context, 'rotated');
  const gapMs = state.connection.name === 'reconnecting' ? nowMs - state.connection.sinceMs : 0;
  link.candidate = undefined;
  link.rotating = false;
  link.tried.length = 0;
  link.serving = servingFrom(link, attempt, nowMs);
  noteSuccess(context, attempt.modelIndex);
  context.effects.push({ type: 'use_connection', attemptId: attempt.attemptId });
  state.connection = { name: 'open' };
  if (first) {
    const { modelSessionId } = attempt;
    // What was said without the model (a clip that greets) it is told like what another connection has heard.
    restoreConversation(context);
    const lost = replayMicrophone(context);
    emit(context, { type: 'connection', connection: { state: 'open', ...(modelSessionId === undefined ? {} : { modelSessionId }), ...(lost === undefined ? {} : { lost }) } });
    context.effects.push({ type: 'ready' });
    startBudgetClock(context);
    resumeHandoffs(context);
    look(context);
  } else {
    restartFormatWatch(state.formatWatch, state.config);
    restoreConversation(context);
    resumeHandoffs(context);
    const lost = replayMicrophone(context);
    emit(context, { type: 'connection', connection: { state: 'resumed', gapMs, ...(lost === undefined ? {} : { lost }) } });
    if (link.askAgain) {
      link.askAgain = false;
      want(context, { request: {}, origin: 'turn' });
    }
  }
  if (old !== undefined) context.effects.push({ type: 'close_connection', reason: 'rotated', attemptId: old.attemptId });
  scheduleRotation(context);
  keepIdle(context);
  armToolTimer(context);
  requestNext(context);
}

function servingFrom(link: LinkState, attempt: Attempt, nowMs: number): Serving {
  const openedAtMs = attempt.openedAtMs ?? nowMs;
  const limitMs =
    attempt.expiresAt !== undefined && attempt.openedAtUnixMs !== undefined && !link.policy.overrideLimit
      ? Math.max(WHOLE_SECOND_MS, attempt.expiresAt * 1000 - attempt.openedAtUnixMs)
      : link.policy.sessionLimitsMs[attempt.modelIndex];
  return {
    attemptId: attempt.attemptId,
    modelIndex: attempt.modelIndex,
    sinceMs: nowMs,
    openedAtMs,
    ...(limitMs === undefined ? {} : { expiresAtMs: openedAtMs + limitMs }),
  };
}

// ---- loss ----

/** The serving connection is gone. */
function lose(context: StepContext, reason: string, error: VoicewireError, close: ModelClose): void {
  const { state, nowMs } = context;
  const { link } = state;
  const { serving } = link;
  if (serving === undefined) return;
  if (!link.policy.reconnect) {
    context.effects.push({ type: 'abort_tools', reason: 'the connection to the model is gone' });
    emit(context, { type: 'error', error });
    if (!tellLast(context, error, close)) return finish(context, close.code, close.reason);
    link.serving = undefined;
    return leaveConnection(context, reason);
  }
  if (nowMs - serving.sinceMs >= LASTING_MS) link.failedAttempts = 0;
  else noteFailure(context, serving.modelIndex);
  link.tried.length = 0;
  link.serving = undefined;
  watchLoss(context, error);
  leaveConnection(context, reason);
  context.effects.push({ type: 'cancel_timer', timer: 'rotation' });
  // A candidate that is under way takes over; one that is ready does so now.
  if (link.candidate?.stage === 'standby') {
    emitReconnecting(context, Math.max(1, link.failedAttempts), 0, reason);
    return adopt(context, link.candidate);
  }
  if (link.candidate !== undefined) return emitReconnecting(context, Math.max(1, link.failedAttempts), 0, reason);
  tryAgain(context, error, close);
}

function tryAgain(context: StepContext, error: unknown, close: { readonly code: number; readonly reason: string }): void {
  const { state, nowMs } = context;
  const { link } = state;
  if (state.connection.name !== 'reconnecting') return;
  const hopeless = link.breakers.length === 1 && link.failedAttempts > 0 && error instanceof VoicewireError && !error.retryable;
  if (hopeless || link.failedAttempts >= link.policy.maxAttempts || nowMs - state.connection.sinceMs >= link.policy.giveUpAfterMs) return giveUp(context, error, close);
  const fresh = link.tried.length > 0 && hasAnother(link, link.tried.at(-1) ?? -1, nowMs);
  const delayMs = fresh ? 0 : Math.round(pauseMs(link));
  link.failedAttempts += 1;
  emitReconnecting(context, link.failedAttempts, delayMs, state.connection.reason);
  if (delayMs === 0) return openAttempt(context);
  context.effects.push({ type: 'arm_timer', timer: 'reconnect', delayMs });
}

function emitReconnecting(context: StepContext, attempt: number, delayMs: number, reason: string): void {
  emit(context, { type: 'connection', connection: { state: 'reconnecting', attempt, delayMs, reason } });
}

function giveUp(context: StepContext, error: unknown, close: { readonly code: number; readonly reason: string }): void {
  context.effects.push({ type: 'abort_tools', reason: 'the connection to the model is gone' });
  const told =
    error instanceof VoicewireError
      ? error
      : new TransportError('MODEL_CONNECTION_LOST', `The connection to the model could not be made again: ${errorText(error)}`, { retryable: true, cause: error });
  emit(context, { type: 'error', error: told });
  if (!tellLast(context, told, close)) finish(context, close.code, close.reason);
}

/** The calls of a server that restarts do not all come back in the same moment: the state draws for itself. */
function pauseMs(link: LinkState): number {
  return backoffMs(link.policy, link.failedAttempts + 1, nextJitter(link));
}

// ---- words ----

function lossError(close: ModelClose): TransportError {
  return new TransportError('MODEL_CONNECTION_LOST', `The model closed the connection (${close.code}${close.reason === '' ? '' : `: ${close.reason}`}).`, {
    retryable: true,
    closeCode: close.code,
    hint: 'Connect again; if it happens at once each time, check the address, the key and the model name.',
    ...(close.error === undefined ? {} : { cause: close.error }),
  });
}

function attemptTimedOut(): TransportError {
  return new TransportError('CONNECT_TIMEOUT', 'The model was not ready in time.', { stage: 'connect', retryable: true, hint: 'The network or the provider is slow; another attempt follows.' });
}

function reasonOf(close: ModelClose): string {
  return close.reason === '' ? `close code ${close.code}` : close.reason;
}
