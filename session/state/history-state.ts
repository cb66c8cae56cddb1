import type { HistoryItem, HistoryStatus } from '../events/history-item.js';
import type { ModelItem } from '../ports/model.js';

/** One item as it grows. The parts' texts are kept apart, because they may arrive interleaved. */
export interface Draft {
  readonly itemId: string;
  item: ModelItem;
  responseId?: string;
  readonly texts: Map<number, string>;
  status: HistoryStatus;
  /** Present when the item was cut by an interruption. */
  cut?: { readonly heardMs: number; readonly heardText: string };
  /** The item as `history` shows it; made anew when something changed. */
  view?: HistoryItem;
  /** The item as the last change set told it. */
  told?: HistoryItem;
}

export interface HistoryState {
  /** Item ids in the order of the conversation. */
  readonly order: string[];
  readonly drafts: Map<string, Draft>;
  /** Transcript pieces of items that have not been added yet (a transcriber may be faster than the conversation). */
  readonly early: Map<string, { text: string; readonly contentIndex: number }>;
}

export function createHistory(): HistoryState {
  return { order: [], drafts: new Map(), early: new Map() };
}
