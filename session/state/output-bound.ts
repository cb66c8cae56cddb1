import { priceOf } from '../cost/price.js';
import type { TokenPrices } from '../cost/price-table.js';
import type { SessionState } from './session-state.js';

/** The greatest bound that models take; above it there is only `inf`. */
const MAX_BOUND = 4_096;
/** About 3 s of speech. An answer is not bound more tightly: it would not be one. */
const MIN_BOUND = 64;
/** A goodbye of one sentence, with room: about 20 s of speech. */
export const GOODBYE_TOKENS = 512;
/** Sums of fractions of a cent fall a hair short. */
const ROUNDING = 1e-6;
const MILLION = 1_000_000;

/**
 * How many tokens the next answer may have so that it does not pass the budget; `undefined` where there is room for any. What the model has read
 * and said last it reads again: that much is set aside, at the price of what is not cached. The user's next words are not known.
 */
export function outputBound({ spending }: SessionState): number | undefined {
  const { budget, tally, lastTokens, phase } = spending;
  if (budget.tokensPerCall === undefined && budget.usdPerCall === undefined) return undefined;
  if (phase === 'wrapping') return GOODBYE_TOKENS;
  let left = budget.tokensPerCall === undefined ? Infinity : budget.tokensPerCall - tally.usage.totalTokens - lastTokens;
  const price = priceOf(spending.prices, spending.model);
  const [input, output] = [dearest(price?.input), dearest(price?.output)];
  if (budget.usdPerCall !== undefined && output > 0) left = Math.min(left, (budget.usdPerCall - tally.cost.usd - (lastTokens * input) / MILLION) / (output / MILLION));
  return left >= MAX_BOUND ? undefined : Math.max(MIN_BOUND, Math.floor(left + ROUNDING));
}

/** The tighter of two bounds. */
export function tighter(asked: number | 'inf' | undefined, bound: number | undefined): number | 'inf' | undefined {
  return bound === undefined || (typeof asked === 'number' && asked <= bound) ? asked : bound;
}

function dearest(prices: TokenPrices | undefined): number {
  return Math.max(0, prices?.text ?? 0, prices?.audio ?? 0, prices?.image ?? 0);
}
