import type { LinkState } from './link-state.js';
import type { StepContext } from './step-context.js';

/**
 * Which model the next attempt goes to: the first in the list that is not resting and was not tried in this round. A model that failed rests for
 * the cooldown, and until then the session stays with the next one. When all are resting, the one that may soonest be tried: a caller is
 * waiting, and a long shot is better than none.
 */
export function pickModel(link: LinkState, nowMs: number): number {
  const usable = link.breakers.findIndex((breaker, index) => breaker.openUntilMs <= nowMs && !link.tried.includes(index));
  if (usable !== -1) return usable;
  const untried = link.breakers.map((_, index) => index).filter((index) => !link.tried.includes(index));
  if (untried.length === 0) link.tried.length = 0;
  const among = untried.length > 0 ? untried : link.breakers.map((_, index) => index);
  return among.reduce((best, index) => (restsUntil(link, index) < restsUntil(link, best) ? index : best));
}

/** Whether a model is left that rests not and was not tried in this round, beside the one that is being tried. */
export function hasAnother(link: LinkState, modelIndex: number, nowMs: number): boolean {
  return link.breakers.some((breaker, index) => index !== modelIndex && breaker.openUntilMs <= nowMs && !link.tried.includes(index));
}

export function noteFailure(context: StepContext, modelIndex: number): void {
  const { link } = context.state;
  const breaker = link.breakers[modelIndex];
  if (breaker === undefined) return;
  breaker.failures += 1;
  if (breaker.failures >= link.policy.failures) rest(context, modelIndex, context.nowMs + link.policy.cooldownMs);
}

export function noteSuccess(context: StepContext, modelIndex: number): void {
  const breaker = context.state.link.breakers[modelIndex];
  if (breaker === undefined) return;
  breaker.failures = 0;
  if (breaker.openUntilMs !== 0) rest(context, modelIndex, 0);
}

/** A model is not tried until then; 0: it is well. Other sessions may want to know. */
export function rest({ state, effects }: StepContext, modelIndex: number, restsUntilMs: number): void {
  const breaker = state.link.breakers[modelIndex];
  if (breaker === undefined) return;
  breaker.openUntilMs = restsUntilMs;
  effects.push({ type: 'model_health', modelIndex, restsUntilMs });
}

/** Another session has found out how a model is. */
export function learnHealth({ state: { link } }: StepContext, modelIndex: number, restsUntilMs: number): void {
  link.breakers[modelIndex] = { failures: restsUntilMs === 0 ? 0 : link.policy.failures, openUntilMs: restsUntilMs };
}

/** When a model that is preferred to this one may be tried again; none for the first in the list. */
export function preferredAgainAtMs(link: LinkState, modelIndex: number): number | undefined {
  if (modelIndex <= 0) return undefined;
  return Math.min(...link.breakers.slice(0, modelIndex).map((breaker) => breaker.openUntilMs));
}

function restsUntil(link: LinkState, index: number): number {
  return link.breakers[index]?.openUntilMs ?? Infinity;
}
