import type { HistoryItem, HistoryStatus } from '../events/history-item.js';
import type { ModelItem } from '../ports/model.js';
import { NO_ENTRIES, NO_VALUES } from './sparse.js';
import type { SparseMap, SparseSet } from './sparse.js';

/** The text of one content part. */
export interface PartText {
  text: string;
  /** `pieces`: more may come. `whole`: the model has given the text in one piece; pieces that still come are late. */
  state: 'pieces' | 'whole';
}

/** One item as it grows. The parts' texts are kept apart, because they may arrive interleaved. */
export interface Draft {
  readonly itemId: string;
  item: ModelItem;
  responseId?: string;
  readonly texts: Map<number, PartText>;
  status: HistoryStatus;
  /** What was written down of the user's speech. */
  transcript: 'pending' | 'partial' | 'final' | 'failed';
  /** Its transcriber has said that it is done: it is billed once. */
  written: boolean;
  /** The item that the model said this one follows; `null` is the head, absent is not known (yet). The first word counts. */
  wish?: string | null;
  /**
   * Whether the model has given the item itself. `speech`: only speech began, of which nothing may come. `no`: it is known by what belongs to it
   * (a commit, a piece of text), so it must be there.
   */
  given: 'yes' | 'no' | 'speech';
  /** Present when the item was cut by an interruption. */
  cut?: { readonly heardMs: number; readonly heardText: string };
  /** The item as `history` shows it; made anew when something changed. */
  view?: HistoryItem;
  /** The item as the last change set told it. */
  told?: HistoryItem;
  /** Its neighbours in the conversation. */
  before: string | null;
  after: string | null;
}

/**
 * The conversation as a linked list of drafts, so that an event costs the same in a long call as in a short one.
 *
 * An item says which one it follows, and may say so before that one is known. It then stands at the end and moves to its place, with all that
 * follows it, when the other arrives. So the order is that of the model's words and not of their arrival.
 */
export interface HistoryState {
  readonly drafts: SparseMap<Draft>;
  first: string | null;
  last: string | null;
  /** Items that wait for the one they follow, by its id, in the order of their arrival. */
  readonly waiting: SparseMap<string[]>;
  /** Items that were deleted and the one that each followed: what follows them follows that one, and what still comes of them is late. */
  readonly deleted: SparseMap<string | null | undefined>;
  /** Items that are not complete. */
  readonly open: SparseSet;
  /** The list as values, until something changes. */
  items?: readonly HistoryItem[];
}

export function createHistory(): HistoryState {
  return { drafts: NO_ENTRIES, first: null, last: null, waiting: NO_ENTRIES, deleted: NO_ENTRIES, open: NO_VALUES };
}
