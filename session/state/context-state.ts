import type { HistoryItem } from '../events/history-item.js';
import { NO_VALUES } from './sparse.js';
import type { SparseSet } from './sparse.js';

/** How much of the conversation the model keeps. */
export interface ContextOptions {
  /** Tokens that the conversation may take, instructions and tools included; when there are more, the oldest items are deleted. */
  readonly budgetTokens: number;
  /** The part of the budget that is left after that, so that it does not happen at each turn; above 0 and at most 1, default 0.7. */
  readonly retain?: number;
}

export interface ContextState {
  readonly options: ContextOptions | undefined;
  /** Whether the application writes summaries of what is deleted. */
  readonly summarises: boolean;
  /** What the model counted last beyond our own estimate of the items: instructions, tools, and the error of the estimate. */
  beyond: number;
  /** Items that stay. */
  readonly pinned: SparseSet;
  /** That the budget can't be kept has been told. */
  over: boolean;
  /** Deleted and not yet in a summary, oldest first. */
  readonly unsummed: HistoryItem[];
  /** The summary that is being written. */
  writing: number | undefined;
  summary: string | undefined;
}

/** Throws `RangeError` for a budget that cannot be. */
export function createContext(options?: ContextOptions, summarises = false, instructionsLength = 0): ContextState {
  if (options !== undefined && !(options.budgetTokens > 0)) throw new RangeError(`budgetTokens must be above 0, not ${options.budgetTokens}.`);
  if (options?.retain !== undefined && !(options.retain > 0 && options.retain <= 1)) throw new RangeError(`retain is above 0 and at most 1, not ${options.retain}.`);
  return { options, summarises, beyond: Math.ceil(instructionsLength / 4), pinned: NO_VALUES, over: false, unsummed: [], writing: undefined, summary: undefined };
}
