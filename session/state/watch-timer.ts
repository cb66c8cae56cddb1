import type { StepContext } from './step-context.js';

/**
 * Asks to be woken at `dueMs` at the latest. All expectations share one timer, and what is expected is looked at when it fires: an event that
 * fulfils an expectation costs nothing, and a quiet session has no timer.
 */
export function expectBy({ state, nowMs, effects }: StepContext, dueMs: number): void {
  const { watch } = state;
  if (watch.dueMs !== undefined && watch.dueMs <= dueMs) return;
  watch.dueMs = dueMs;
  effects.push({ type: 'arm_timer', timer: 'watchdog', delayMs: Math.max(0, dueMs - nowMs) });
}

/** A word about a cut comes within a second; after this long it never will. */
export const OWED_MS = 5_000;

/** The model was told to cut an item; one that confirms cuts owes its word. */
export function expectCut(context: StepContext): void {
  const { watch } = context.state;
  if (!watch.confirmsCuts || watch.cutMs !== undefined) return;
  watch.cutMs = context.nowMs;
  expectBy(context, context.nowMs + OWED_MS);
}
