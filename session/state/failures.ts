/**
 * What a caller hears when something fails: a clip that was made before, or words of the model where the model is well; then the model is asked
 * again, the call ends, or somebody takes it over.
 *
 * Failures are noted where they happen. What is done is decided at the end of the step: only where nothing else is on its way to the caller, and
 * never while the user speaks. A failure is told once; one that follows upon it, no more often than the model is asked again, until the user has
 * had a turn or has been answered.
 */
import { isPlaying } from '../../audio/index.js';
import type { VoicewireError } from '../errors.js';
import type { FailureKind, FailureThen } from '../events/session-event.js';
import type { FailurePolicy, FailureReaction } from './failure-state.js';
import { playClip } from './play-clip.js';
import { want } from './responses.js';
import { sayRequest } from './say-request.js';
import type { SessionState } from './session-state.js';
import type { StepContext } from './step-context.js';
import { emit } from './step-context.js';

/** How often it is looked whether a clip has been heard, and whether somebody waits while there is no connection. */
const LOOK_MS = 100;
/** Beyond its own length a clip is waited for no longer: a listener may never report it. */
const PATIENCE_MS = 3_000;
/** So long for the model's own words. */
const WORDS_MS = 10_000;

/** The step is over: what failed in it is told, where the caller would hear silence. */
export function settleFailure(context: StepContext): void {
  const { failures, connection } = context.state;
  const { noted, policy } = failures;
  if (noted === undefined) return;
  delete failures.noted;
  if (policy === undefined || connection.name === 'closed' || failures.telling !== undefined) return;
  if (context.state.userSpeaking || isAnswerComing(context.state)) return;
  react(context, policy, noted.kind, noted.error);
}

/** The connection has just been lost; what ran on it is still known. */
export function watchLoss({ state, effects }: StepContext, error: VoicewireError): void {
  const { failures } = state;
  if (failures.policy === undefined) return;
  failures.loss = { error, owed: isOwed(state) };
  effects.push({ type: 'arm_timer', timer: 'failure', delayMs: failures.policy.disconnectedAfterMs });
}

/** There is no connection, and there will be none. True when the session ends a little later, after the caller has heard why. */
export function tellLast(context: StepContext, error: VoicewireError, end: { readonly code: number; readonly reason: string }): boolean {
  const { policy } = context.state.failures;
  if (policy === undefined) return false;
  const reaction = policy.reactions.gave_up;
  const then = reaction.then === 'transfer' || (reaction.then === 'retry' && reaction.otherwise === 'transfer') ? 'transfer' : 'hangup';
  const clipMs = playReaction(context, reaction);
  tell(context, 'gave_up', error, then, clipMs === undefined ? 'nothing' : 'clip');
  if (clipMs === undefined && then === 'hangup') return false;
  endAfter(context, 'gave_up', error, then, clipMs ?? 0, end);
  return true;
}

/** Gives how the session is to end, when it is time for that. */
export function onFailureTimer(context: StepContext): { readonly code: number; readonly reason: string } | undefined {
  const { state, nowMs, effects } = context;
  const { telling } = state.failures;
  if (telling === undefined) return void watchDisconnected(context);
  const heard = !isPlaying(state.ledger, nowMs) && (telling.end !== undefined || !isAnswerComing(state));
  if (!heard && nowMs < telling.untilMs) return void effects.push({ type: 'arm_timer', timer: 'failure', delayMs: LOOK_MS });
  delete state.failures.telling;
  const { kind, error, then, end } = telling;
  if (then === 'transfer') emit(context, { type: 'transfer_requested', kind, error });
  return end ?? (then === 'hangup' ? { code: 1000, reason: `failure: ${kind}` } : undefined);
}

// ---- deciding ----

function react(context: StepContext, policy: FailurePolicy, kind: FailureKind, error: VoicewireError): void {
  const { state } = context;
  const { failures } = state;
  const reaction = policy.reactions[kind];
  const says = reaction.say !== undefined && error.leg !== 'model' && state.connection.name === 'open' ? reaction.say : undefined;
  const again = reaction.then === 'retry' && says === undefined && (kind === 'disconnected' || (failures.retried < policy.retries && mayHelp(kind, error)));
  const then: FailureThen = again ? 'retry' : reaction.then === 'retry' ? (says === undefined ? reaction.otherwise : 'continue') : reaction.then;
  const spoken = failures.told <= policy.retries;
  failures.told += 1;
  const clipMs = spoken && says === undefined ? playReaction(context, reaction) : undefined;
  tell(context, kind, error, then, !spoken ? 'nothing' : says !== undefined ? 'words' : clipMs === undefined ? 'nothing' : 'clip');
  if (spoken && says !== undefined) want(context, { request: sayRequest(says), origin: 'application', priority: 'safety' });
  if (then === 'hangup' || then === 'transfer') return endAfter(context, kind, error, then, clipMs ?? (says === undefined ? 0 : WORDS_MS));
  if (then !== 'retry' || kind === 'disconnected') return;
  failures.retried += 1;
  want(context, { request: {}, origin: kind === 'tool' ? 'tools' : 'turn' });
}

/** Whether to ask again is more than to hope: an empty account and a guardrail do not change their mind. */
function mayHelp(kind: FailureKind, error: VoicewireError): boolean {
  return kind !== 'guardrail' && (kind === 'tool' || error.retryable);
}

/** Something else is on its way to the caller. */
function isAnswerComing(state: SessionState): boolean {
  return state.link.askAgain || state.connection.name === 'reconnecting' || isAnswerMade(state);
}

function isAnswerMade({ request, wanted, live, calls, tools }: SessionState): boolean {
  if (request.name !== 'free' || wanted.length > 0 || tools.wishes.size > 0 || tools.results.length > 0) return true;
  for (const response of live.values()) if (!response.interrupted) return true;
  for (const { phase } of calls.values()) if (phase.name !== 'background') return true;
  return false;
}

/** While there is no connection, somebody may begin to wait at any time. */
function watchDisconnected(context: StepContext): void {
  const { state, effects } = context;
  const { failures, connection } = state;
  const { policy, loss } = failures;
  if (policy === undefined || loss === undefined || connection.name !== 'reconnecting') return;
  if (!loss.owed && !isOwed(state)) return void effects.push({ type: 'arm_timer', timer: 'failure', delayMs: LOOK_MS });
  // Once for each loss.
  delete failures.loss;
  react(context, policy, 'disconnected', loss.error);
}

/** Whether the user waits: for an answer that is being made, or to what is being or was said or asked. */
function isOwed(state: SessionState): boolean {
  const { microphone, userSpeaking, turnEndedMs } = state;
  return userSpeaking || turnEndedMs !== undefined || microphone.turns.length > 0 || microphone.commits.length > 0 || isAnswerMade(state);
}

// ---- telling ----

function playReaction(context: StepContext, { clip }: FailureReaction): number | undefined {
  const { failures, config } = context.state;
  const bytes = clip === undefined || config.outputModality !== 'audio' ? undefined : failures.policy?.clips[clip];
  return bytes === undefined ? undefined : playClip(context, { bytes, source: 'fallback' });
}

function tell(context: StepContext, kind: FailureKind, error: VoicewireError, then: FailureThen, heard: 'clip' | 'words' | 'nothing'): void {
  emit(context, { type: 'failure', kind, error, then, heard });
}

function endAfter(context: StepContext, kind: FailureKind, error: VoicewireError, then: 'hangup' | 'transfer', lengthMs: number, end?: { readonly code: number; readonly reason: string }): void {
  const { state, nowMs, effects } = context;
  const aheadMs = Math.max(0, state.ledger.playedOutAtMs - nowMs);
  state.failures.telling = { kind, error, then, untilMs: nowMs + Math.max(aheadMs, lengthMs) + (lengthMs === 0 ? 0 : PATIENCE_MS), ...(end === undefined ? {} : { end }) };
  effects.push({ type: 'arm_timer', timer: 'failure', delayMs: lengthMs === 0 ? 0 : LOOK_MS });
}
