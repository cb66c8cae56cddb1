import type { Draft, HistoryState } from './history-state.js';
import { put } from './sparse.js';

const MAX_WAITING = 256;
const MAX_DELETED = 1024;

/** Puts a draft that is new behind the last one. */
export function append(history: HistoryState, draft: Draft): void {
  put(history, 'drafts', draft.itemId, draft);
  link(history, draft, history.last);
}

/** Drafts that moved together, in their order, each with the one that it stands behind now. */
export type Move = readonly { readonly draft: Draft; readonly afterItemId: string | null }[];

/** Takes note of which item a draft follows and moves it there, with all that follows it; nothing moves that stands right already. */
export function wishPlace(history: HistoryState, draft: Draft, previousItemId: string | null | undefined): Move {
  if (previousItemId === undefined || draft.wish !== undefined || previousItemId === draft.itemId) return [];
  draft.wish = previousItemId;
  return settle(history, draft);
}

/** Places those that waited for a draft which has just arrived. */
export function placeWaiting(history: HistoryState, itemId: string): readonly Move[] {
  const waiting = history.waiting.get(itemId);
  if (waiting === undefined) return [];
  history.waiting.delete(itemId);
  return waiting.map((id) => {
    const draft = history.drafts.get(id);
    return draft === undefined ? [] : settle(history, draft);
  });
}

/** Takes a draft out. What follows it follows from now on the one before. */
export function remove(history: HistoryState, draft: Draft): void {
  const previous = resolve(history, draft.wish);
  const waits = previous !== null && previous !== undefined && !history.drafts.has(previous);
  unlink(history, draft);
  history.drafts.delete(draft.itemId);
  history.open.delete(draft.itemId);
  forget(history, draft.itemId, waits ? previous : draft.before);
}

/** Remembers that an item is gone, also one that was never there: its `added` may come late. */
export function forget(history: HistoryState, itemId: string, before: string | null | undefined): void {
  put(history, 'deleted', itemId, before, MAX_DELETED);
}

/** The drafts in order. */
export function* inOrder(history: HistoryState): Generator<Draft, void, undefined> {
  for (let id = history.first; id !== null; ) {
    const draft = history.drafts.get(id) as Draft;
    yield draft;
    id = draft.after;
  }
}

// ---- helpers, in the order of their use ----

function settle(history: HistoryState, draft: Draft): Move {
  const previous = resolve(history, draft.wish);
  if (previous === undefined) return [];
  if (previous !== null && !history.drafts.has(previous)) {
    const waiting = history.waiting.get(previous);
    if (waiting === undefined) put(history, 'waiting', previous, [draft.itemId], MAX_WAITING);
    else if (!waiting.includes(draft.itemId)) waiting.push(draft.itemId);
    if (waiting !== undefined && waiting.length > MAX_WAITING) waiting.shift();
    return [];
  }
  if (draft.before === previous) return [];
  const block = blockOf(history, draft);
  // Two items that say they follow each other: the first word stands.
  if (block.some(({ itemId }) => itemId === previous)) return [];
  for (const each of block) unlink(history, each);
  let behind = previous;
  return block.map((each) => {
    const afterItemId = behind;
    link(history, each, afterItemId);
    behind = each.itemId;
    return { draft: each, afterItemId };
  });
}

/** The item that stands for one that may have been deleted. */
function resolve(history: HistoryState, itemId: string | null | undefined): string | null | undefined {
  let id = itemId;
  for (let hops = 0; id !== null && id !== undefined && history.deleted.has(id) && hops < MAX_DELETED; hops += 1) id = history.deleted.get(id);
  return id;
}

/** A draft and those that follow it by their own word; they stand in a row behind it. */
function blockOf(history: HistoryState, draft: Draft): readonly Draft[] {
  const block = [draft];
  const ids = new Set([draft.itemId]);
  for (let next = draft.after; next !== null; ) {
    const follower = history.drafts.get(next) as Draft;
    const wish = resolve(history, follower.wish);
    if (wish === null || wish === undefined || !ids.has(wish)) break;
    block.push(follower);
    ids.add(follower.itemId);
    next = follower.after;
  }
  return block;
}

function link(history: HistoryState, draft: Draft, before: string | null): void {
  const after = before === null ? history.first : (history.drafts.get(before) as Draft).after;
  draft.before = before;
  draft.after = after;
  if (before === null) history.first = draft.itemId;
  else (history.drafts.get(before) as Draft).after = draft.itemId;
  if (after === null) history.last = draft.itemId;
  else (history.drafts.get(after) as Draft).before = draft.itemId;
}

function unlink(history: HistoryState, draft: Draft): void {
  const { before, after } = draft;
  if (before === null) history.first = after;
  else (history.drafts.get(before) as Draft).after = after;
  if (after === null) history.last = before;
  else (history.drafts.get(after) as Draft).before = before;
}
