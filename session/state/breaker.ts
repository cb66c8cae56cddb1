import type { LinkState } from './link-state.js';

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

export function noteFailure(link: LinkState, modelIndex: number, nowMs: number): void {
  const breaker = link.breakers[modelIndex];
  if (breaker === undefined) return;
  breaker.failures += 1;
  if (breaker.failures >= link.policy.failures) breaker.openUntilMs = nowMs + link.policy.cooldownMs;
}

export function noteSuccess(link: LinkState, modelIndex: number): void {
  link.breakers[modelIndex] = { failures: 0, openUntilMs: 0 };
}

/** When a model that is preferred to this one may be tried again; none for the first in the list. */
export function preferredAgainAtMs(link: LinkState, modelIndex: number): number | undefined {
  if (modelIndex <= 0) return undefined;
  return Math.min(...link.breakers.slice(0, modelIndex).map((breaker) => breaker.openUntilMs));
}

function restsUntil(link: LinkState, index: number): number {
  return link.breakers[index]?.openUntilMs ?? Infinity;
}
