/**
 * A provider may ask "are you still there?" when the user has said nothing for a while after an answer. It knows nothing of a tool that works or of a clip that
 * is heard meanwhile: the user is waiting for us. So its timer is turned off while tools take long, and on again when their results are with the model.
 */
import { reconfigure } from './reconfigure.js';
import type { SessionState } from './session-state.js';
import type { StepContext } from './step-context.js';

/** Most tools have ended by then; the shortest idle time that a provider knows is 5 s. */
const LONG_MS = 1_500;
/** While somebody speaks or a hand-off is under way nothing is changed; it is looked again so soon. */
const LOOK_AGAIN_MS = 250;

/** Turns the timer off or on, as tools are at work or not. Costs nothing where none is configured. */
export function keepIdle(context: StepContext): void {
  const { state, nowMs } = context;
  const { idle } = state.tools;
  delete idle.checkAtMs;
  if (state.config.turnDetection?.type !== 'server_vad' || typeof state.config.turnDetection.idleTimeoutMs !== 'number' || idle.refused) return;
  if (!atWork(state)) delete idle.sinceMs;
  else idle.sinceMs ??= nowMs;
  const pauseAtMs = idle.sinceMs === undefined ? Infinity : idle.sinceMs + LONG_MS;
  if (nowMs < pauseAtMs && !idle.paused) {
    if (pauseAtMs < Infinity) idle.checkAtMs = pauseAtMs;
    return;
  }
  const paused = idle.sinceMs !== undefined;
  if (paused === idle.paused) return;
  if (state.connection.name !== 'open') return;
  if (state.userSpeaking || state.handoff.current !== undefined) {
    idle.checkAtMs = nowMs + LOOK_AGAIN_MS;
    return;
  }
  idle.paused = paused;
  idle.eventId = reconfigure(context, state.config);
}

/** A new connection begins with the timer as it is configured. */
export function onIdleConnection({ state: { tools } }: StepContext): void {
  tools.idle.paused = false;
  delete tools.idle.eventId;
}

/** The model refused something. Where it was this, it is not tried again. */
export function onIdleRefused({ state: { tools } }: StepContext, eventId: string | undefined): void {
  if (eventId === undefined || tools.idle.eventId !== eventId) return;
  tools.idle.paused = false;
  tools.idle.refused = true;
}

function atWork({ calls, tools }: SessionState): boolean {
  if (tools.results.length > 0) return true;
  for (const { phase } of calls.values()) if (phase.name === 'running' || phase.name === 'background') return true;
  return false;
}
