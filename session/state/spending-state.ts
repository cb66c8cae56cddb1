import { createTally } from '../cost/cost-meter.js';
import type { Tally } from '../cost/cost-meter.js';
import { PRICES } from '../cost/price-table.js';
import type { PriceTable } from '../cost/price-table.js';

/** What a call may use. Each limit counts by itself; the one that is reached first ends the call. */
export interface BudgetOptions {
  /**
   * US dollars. Answers are bound (`max_output_tokens`) by what is left of it, and of `tokensPerCall`; what the user says in the meantime can pass it.
   * Needs prices: of a model without one only `tokensPerCall` and `msPerCall` can hold the call (a `budget` event says so). */
  readonly usdPerCall?: number;
  /** Tokens of the speech model, in and out. */
  readonly tokensPerCall?: number;
  /** Time since the model was ready, in ms, whether anybody speaks or not. */
  readonly msPerCall?: number;
  /** The part of a limit at which a `budget` event warns; 0..1, default 0.8. */
  readonly warnAt?: number;
  /**
   * How the call is brought to its end when a limit is reached: the agent is told to say goodbye, and `graceMs` later (default 15 000) the
   * session closes, or sooner, when the goodbye has been heard; whatever the model does by then. `null` closes at once.
   */
  readonly wrapUp?: { readonly instructions?: string; readonly graceMs?: number } | null;
}

/**
 *      within ──a part of a limit──▶ warned ──a limit──▶ wrapping ──goodbye heard, or graceMs──▶ stopped
 */
export interface Spending {
  readonly tally: Tally;
  readonly prices: PriceTable;
  readonly budget: BudgetOptions;
  /** As the model gave it, or as the application did. */
  model: string | undefined;
  phase: 'within' | 'warned' | 'wrapping' | 'stopped';
  clockRuns: boolean;
  /** What the last response read and said: the next one reads it again. */
  lastTokens: number;
  /** That dollars can't be counted has been told. */
  blind: boolean;
}

export function createSpending(options: { prices?: PriceTable; budget?: BudgetOptions; modelName?: string } = {}): Spending {
  const { prices, budget = {}, modelName } = options;
  for (const [name, value] of Object.entries({ usdPerCall: budget.usdPerCall, tokensPerCall: budget.tokensPerCall, msPerCall: budget.msPerCall, graceMs: budget.wrapUp?.graceMs })) {
    if (value !== undefined && !(value >= 0)) throw new RangeError(`${name} of a budget must be 0 or more, not ${value}.`);
  }
  if (budget.warnAt !== undefined && !(budget.warnAt > 0 && budget.warnAt <= 1)) throw new RangeError(`warnAt of a budget is above 0 and at most 1, not ${budget.warnAt}.`);
  return { tally: createTally(), prices: prices === undefined ? PRICES : { ...PRICES, ...prices }, budget, model: modelName, phase: 'within', clockRuns: false, lastTokens: 0, blind: false };
}
