/** A change of the conversation that the model has been asked for. */
export interface Edit {
  readonly op: 'create' | 'delete';
  readonly itemId: string;
  readonly sinceMs: number;
}

export interface EditState {
  /** By the id of the command, oldest first. */
  readonly pending: Map<string, Edit>;
  /** The command's id, by what is done to which item. */
  readonly byItem: Map<string, string>;
  /** What stands under a key now. */
  readonly keyed: Map<string, { readonly itemId: string; readonly text: string }>;
  /** Items that the model would not delete. */
  readonly refused: Set<string>;
}

export function createEdits(): EditState {
  return { pending: new Map(), byItem: new Map(), keyed: new Map(), refused: new Set() };
}
