import { NO_ENTRIES, NO_VALUES } from './sparse.js';
import type { SparseMap, SparseSet } from './sparse.js';

/** A change of the conversation that the model has been asked for. */
export interface Edit {
  readonly op: 'create' | 'delete';
  readonly itemId: string;
  readonly sinceMs: number;
}

export interface EditState {
  /** By the id of the command, oldest first. */
  readonly pending: SparseMap<Edit>;
  /** The command's id, by what is done to which item. */
  readonly byItem: SparseMap<string>;
  /** What stands under a key now. */
  readonly keyed: SparseMap<{ readonly itemId: string; readonly text: string }>;
  /** Items that the model would not delete. */
  readonly refused: SparseSet;
}

export function createEdits(): EditState {
  return { pending: NO_ENTRIES, byItem: NO_ENTRIES, keyed: NO_ENTRIES, refused: NO_VALUES };
}
