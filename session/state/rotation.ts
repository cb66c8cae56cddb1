/**
 * Another connection takes over before the model ends this one, or goes back to a model that is preferred: when it is time to begin, and when the
 * change is not noticed.
 */
import { isPlaying } from '../../audio/index.js';
import { preferredAgainAtMs } from './breaker.js';
import type { Attempt, LinkState, Serving } from './link-state.js';
import { answersByItself } from './responses.js';
import type { StepContext } from './step-context.js';
import { emit } from './step-context.js';

/** How often a rotation that is due looks for silence. */
const LOOK_FOR_SILENCE_MS = 200;
/** The warning time before the model's limit is never more than this part of the limit, so that short limits rotate too. */
const MAX_BEFORE_SHARE = 0.25;
const MAX_HARD_SHARE = 0.05;

/** Arms the timer for the moment at which another connection is to be opened; for none where the model tells no limit. */
export function scheduleRotation(context: StepContext): void {
  const { link } = context.state;
  const { serving, policy } = link;
  if (serving === undefined || !policy.rotate) return;
  const atMs = Math.min(expiryDueMs(link), preferredAgainAtMs(link, serving.modelIndex) ?? Infinity);
  if (atMs < Infinity) armRotation(context, atMs - context.nowMs);
}

/** A rotation is told of once, however many attempts it takes. */
export function announceRotation(context: StepContext): void {
  const { link } = context.state;
  if (link.rotating) return;
  link.rotating = true;
  link.tried.length = 0;
  emit(context, { type: 'connection', connection: { state: 'rotating' } });
}

/** Looks again after so long, and no sooner than silence is looked for. */
export function lookAgain(context: StepContext, delayMs = 0): void {
  armRotation(context, Math.max(delayMs, LOOK_FOR_SILENCE_MS));
}

/** Whether the connection that is ready may take over now: in silence, or at the last moment. */
export function mayTakeOver(context: StepContext, serving: Serving, candidate: Attempt): boolean {
  return candidate.stage === 'standby' && (isQuiet(context) || context.nowMs >= hardDeadlineMs(context.state.link, serving));
}

/** When a new connection is to be made because the model will end this one. */
export function expiryDueMs({ serving, policy }: LinkState): number {
  if (serving?.expiresAtMs === undefined) return Infinity;
  return serving.expiresAtMs - Math.min(policy.beforeMs, (serving.expiresAtMs - serving.openedAtMs) * MAX_BEFORE_SHARE);
}

/** Nobody speaks, nothing plays, nothing is on its way: the moment at which a change of connection is not noticed. */
export function isQuiet({ state, nowMs }: StepContext): boolean {
  const { microphone } = state;
  return (
    !state.userSpeaking &&
    !(state.turnEndedMs !== undefined && answersByItself(state)) &&
    state.handoff.current === undefined &&
    state.live.size === 0 &&
    state.request.name === 'free' &&
    state.wanted.length === 0 &&
    microphone.turns.length === 0 &&
    microphone.commits.length === 0 &&
    !isPlaying(state.ledger, nowMs)
  );
}

function armRotation(context: StepContext, delayMs: number): void {
  context.effects.push({ type: 'arm_timer', timer: 'rotation', delayMs: Math.max(1, delayMs) });
}

function hardDeadlineMs({ policy }: LinkState, { openedAtMs, expiresAtMs }: Serving): number {
  if (expiresAtMs === undefined) return Infinity;
  return expiresAtMs - Math.min(policy.hardBeforeMs, (expiresAtMs - openedAtMs) * MAX_HARD_SHARE);
}
