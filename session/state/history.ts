import type { HistoryChange, HistoryItem, HistoryStatus } from '../events/history-item.js';
import type { ModelContentPart, ModelItem } from '../ports/model.js';
import { append, forget, inOrder, placeWaiting, remove, wishPlace } from './history-order.js';
import type { Move } from './history-order.js';
import type { Draft, HistoryState } from './history-state.js';
import { add } from './sparse.js';
import { emit } from './step-context.js';
import type { StepContext } from './step-context.js';

/** Whose item a piece belongs to that may come before its item. */
export type Owner = { readonly role: 'user' } | { readonly role: 'assistant'; readonly responseId: string };

/** The conversation as values, in order. Values of items that did not change are the same objects as before. */
export function historyItems(history: HistoryState): readonly HistoryItem[] {
  history.items ??= Array.from(inOrder(history), view);
  return history.items;
}

/** An item, and which one it follows. One that is known already is brought up to date, and moved if its place was not known. */
export function addItem(context: StepContext, item: ModelItem, previousItemId: string | null | undefined, responseId?: string): void {
  const { history } = context.state;
  const known = history.drafts.get(item.id);
  if (known === undefined) {
    if (!history.deleted.has(item.id)) insert(context, draftOf(item), previousItemId, responseId);
    return;
  }
  if (responseId !== undefined) known.responseId ??= responseId;
  tellMove(context, wishPlace(history, known, previousItemId));
  refresh(context, known, item);
}

/** The model has finished an item. */
export function finishItem(context: StepContext, item: ModelItem, responseId?: string): void {
  addItem(context, item, undefined, responseId);
}

/** The user has begun to speak: what they say will be this item, or nothing. */
export function expectSpeech(context: StepContext, itemId: string): void {
  draftFor(context, itemId, { role: 'user' }, 'speech');
}

/** What the user said has become a turn, after this item. */
export function commitSpeech(context: StepContext, itemId: string, previousItemId: string | null | undefined): void {
  const draft = draftFor(context, itemId, { role: 'user' }, 'no', previousItemId);
  if (draft === undefined) return;
  if (draft.given === 'speech') draft.given = 'no';
  tellMove(context, wishPlace(context.state.history, draft, previousItemId));
}

/** The microphone's buffer was emptied: speech that was not committed never becomes an item. */
export function dropSpeech(context: StepContext): void {
  const { drafts, open } = context.state.history;
  for (const itemId of open) if (drafts.get(itemId)?.given === 'speech') removeItem(context, itemId);
}

/** The agent has begun to say something in this item. */
export function expectAnswer(context: StepContext, itemId: string, responseId: string): void {
  draftFor(context, itemId, { role: 'assistant', responseId });
}

export function removeItem(context: StepContext, itemId: string): void {
  const { history } = context.state;
  const draft = history.drafts.get(itemId);
  if (draft === undefined) return forget(history, itemId, undefined);
  remove(history, draft);
  emitChanges(context, [{ op: 'delete', itemId }]);
}

/** More text of a part. Does not emit a change: `transcript_delta` tells it, and `history` shows it. */
export function appendText(context: StepContext, itemId: string, contentIndex: number, delta: string, owner: Owner): void {
  const draft = draftFor(context, itemId, owner);
  if (draft === undefined) return;
  const part = draft.texts.get(contentIndex);
  if (part === undefined) draft.texts.set(contentIndex, { text: delta, state: 'pieces' });
  else if (part.state === 'whole') return;
  else part.text += delta;
  if (owner.role === 'user' && draft.transcript === 'pending') draft.transcript = 'partial';
  forgetView(context, draft);
}

/**
 * The whole text of a part, replacing what had come in pieces; not `final` where it is the whole so far. Returns whether this is the first time
 * that the whole of the user's words is told.
 */
export function setText(context: StepContext, itemId: string, contentIndex: number, text: string, owner: Owner, final = true): boolean {
  const draft = draftFor(context, itemId, owner);
  if (draft === undefined || (!final && draft.texts.get(contentIndex)?.state === 'whole')) return false;
  const first = final && !draft.written;
  if (final) draft.written = true;
  draft.texts.set(contentIndex, { text, state: final ? 'whole' : 'pieces' });
  if (owner.role === 'user') draft.transcript = final ? 'final' : 'partial';
  changed(context, draft);
  return first;
}

/** What the user said in this item could not be written down. */
export function failTranscript(context: StepContext, itemId: string): void {
  const draft = draftFor(context, itemId, { role: 'user' });
  if (draft === undefined || draft.transcript === 'final') return;
  draft.transcript = 'failed';
  changed(context, draft);
}

/** The arguments of a function call. With `call`, an item that is not known is there from now on. */
export function setArguments(
  context: StepContext,
  itemId: string,
  json: string,
  call?: { readonly callId: string; readonly name?: string; readonly responseId: string },
): void {
  const { history } = context.state;
  const draft = history.drafts.get(itemId);
  if (draft === undefined && call !== undefined && !history.deleted.has(itemId)) {
    const item: ModelItem = { type: 'function_call', id: itemId, callId: call.callId, name: call.name ?? '', arguments: json, status: 'in_progress' };
    return insert(context, { ...draftOf(item), given: 'no' }, undefined, call.responseId);
  }
  if (draft === undefined || draft.item.type !== 'function_call' || draft.item.arguments === json) return;
  draft.item = { ...draft.item, arguments: json };
  changed(context, draft);
}

/** Marks what was not heard of an item. */
export function cutItem(context: StepContext, itemId: string, cut: { readonly heardMs: number; readonly heardText: string }): void {
  const draft = context.state.history.drafts.get(itemId);
  if (draft === undefined) return;
  draft.cut = cut;
  setStatus(context, draft, 'interrupted');
  changed(context, draft);
}

/** An item that will not be completed any more. */
export function failItem(context: StepContext, itemId: string): void {
  const draft = context.state.history.drafts.get(itemId);
  if (draft === undefined || draft.status !== 'in_progress') return;
  setStatus(context, draft, 'failed');
  changed(context, draft);
}

/** Fails every item that is not complete: all of them, or those of one response. */
export function failOpenItems(context: StepContext, responseId?: string): void {
  const { drafts, open } = context.state.history;
  for (const itemId of open) {
    if (responseId === undefined || drafts.get(itemId)?.responseId === responseId) failItem(context, itemId);
  }
}

/** The text of an item as generated so far. */
export function textOf(history: HistoryState, itemId: string): string {
  const draft = history.drafts.get(itemId);
  return draft === undefined ? '' : joinTexts(draft);
}

// ---- helpers, in the order of their use ----

function insert(context: StepContext, draft: Draft, previousItemId: string | null | undefined, responseId?: string): void {
  const { history } = context.state;
  if (responseId !== undefined) draft.responseId = responseId;
  append(history, draft);
  wishPlace(history, draft, previousItemId);
  setStatus(context, draft, draft.status);
  delete history.items;
  draft.told = view(draft);
  emit(context, { type: 'history_added', item: draft.told });
  emitChanges(context, [{ op: 'insert', item: draft.told, afterItemId: draft.before }]);
  for (const move of placeWaiting(history, draft.itemId)) tellMove(context, move);
}

/** The draft of an item; an item that is not known is there from now on. Nothing for one that was deleted. */
function draftFor(context: StepContext, itemId: string, owner: Owner, given: 'no' | 'speech' = 'no', previousItemId?: string | null): Draft | undefined {
  const { history } = context.state;
  const known = history.drafts.get(itemId);
  if (known !== undefined) {
    if (owner.role === 'assistant') known.responseId ??= owner.responseId;
    return known;
  }
  if (history.deleted.has(itemId)) return undefined;
  const content: readonly ModelContentPart[] = owner.role === 'user' ? [{ type: 'input_audio', transcript: null }] : [];
  const draft: Draft = { ...draftOf({ type: 'message', id: itemId, role: owner.role, status: 'in_progress', content }), given };
  insert(context, draft, previousItemId, owner.role === 'assistant' ? owner.responseId : undefined);
  return draft;
}

function draftOf(item: ModelItem): Draft {
  const draft: Draft = { itemId: item.id, item, texts: new Map(), status: statusOf(item), transcript: 'pending', written: false, given: 'yes', before: null, after: null };
  takeTexts(draft, item);
  return draft;
}

/**
 * Brings a draft up to date with a later word about its item. An item that is complete stays so: what says that it has begun is late. An echo
 * without text (a cut item's transcript, speech not yet written down) takes nothing away.
 */
function refresh(context: StepContext, draft: Draft, item: ModelItem): void {
  const settled = draft.given === 'yes' && statusOf(draft.item) !== 'in_progress';
  draft.given = 'yes';
  if (settled && statusOf(item) === 'in_progress') return changed(context, draft);
  takeTexts(draft, item);
  draft.item = merge(draft.item, item);
  if (draft.status !== 'interrupted' && !(draft.status === 'failed' && statusOf(item) === 'in_progress')) setStatus(context, draft, statusOf(item));
  changed(context, draft);
}

function takeTexts(draft: Draft, item: ModelItem): void {
  if (item.type !== 'message') return;
  const complete = item.status !== 'in_progress';
  item.content.forEach((part, index) => {
    const text = partText(part);
    const known = draft.texts.get(index);
    if (text === '' || known?.state === 'whole' || (known !== undefined && !complete)) return;
    draft.texts.set(index, { text, state: complete ? 'whole' : 'pieces' });
    if (part.type === 'input_audio') draft.transcript = complete ? 'final' : 'partial';
  });
}

function merge(known: ModelItem, item: ModelItem): ModelItem {
  if (item.type === 'function_call' && known.type === 'function_call' && item.arguments === '') return { ...item, arguments: known.arguments };
  if (item.type === 'message' && known.type === 'message' && item.content.length === 0) return { ...item, content: known.content };
  return item;
}

function setStatus({ state: { history } }: StepContext, draft: Draft, status: HistoryStatus): void {
  draft.status = status;
  if (status === 'in_progress') add(history, 'open', draft.itemId);
  else history.open.delete(draft.itemId);
}

/** Tells what became of an item, unless it is what was told last: servers repeat an item when it, its response, or both are done. */
function changed(context: StepContext, draft: Draft): void {
  forgetView(context, draft);
  const item = view(draft);
  if (draft.told !== undefined && sameItem(draft.told, item)) {
    draft.view = draft.told;
    return;
  }
  draft.told = item;
  emitChanges(context, [{ op: 'update', item }]);
}

function forgetView({ state: { history } }: StepContext, draft: Draft): void {
  delete draft.view;
  delete history.items;
}

/** A move is told as what it is for a list: taken out, and put in again. */
function tellMove(context: StepContext, move: Move): void {
  if (move.length === 0) return;
  delete context.state.history.items;
  const inserts = move.map(({ draft, afterItemId }): HistoryChange => ({ op: 'insert', item: (draft.told = view(draft)), afterItemId }));
  emitChanges(context, [...move.map(({ draft }): HistoryChange => ({ op: 'delete', itemId: draft.itemId })), ...inserts]);
}

export function sameItem(a: HistoryItem, b: HistoryItem): boolean {
  const [left, right] = [a, b] as unknown as [Record<string, unknown>, Record<string, unknown>];
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => left[key] === right[key]);
}

function emitChanges(context: StepContext, changes: readonly HistoryChange[]): void {
  delete context.state.history.items;
  emit(context, { type: 'history_updated', changes });
}

function statusOf(item: ModelItem): HistoryStatus {
  if (item.type !== 'message' && item.type !== 'function_call') return 'completed';
  return item.status === 'incomplete' ? 'interrupted' : item.status;
}

function partText(part: ModelContentPart): string {
  switch (part.type) {
    case 'input_text':
    case 'output_text':
      return part.text;
    case 'input_audio':
    case 'output_audio':
      return part.transcript ?? '';
    case 'input_image':
      return '';
  }
}

function joinTexts(draft: Draft): string {
  if (draft.texts.size === 1) for (const { text } of draft.texts.values()) return text;
  return [...draft.texts]
    .sort(([a], [b]) => a - b)
    .map(([, { text }]) => text)
    .filter((text) => text !== '')
    .join('\n');
}

function view(draft: Draft): HistoryItem {
  draft.view ??= makeView(draft);
  return draft.view;
}

function makeView(draft: Draft): HistoryItem {
  const { item, itemId, status } = draft;
  switch (item.type) {
    case 'function_call':
      return { type: 'function_call', itemId, callId: item.callId, name: item.name, arguments: item.arguments, status };
    case 'function_call_output':
      return { type: 'function_call_output', itemId, callId: item.callId, output: item.output };
    case 'mcp_call':
      return {
        type: 'mcp_call',
        itemId,
        serverLabel: item.serverLabel,
        name: item.name,
        arguments: item.arguments,
        ...(item.output === undefined ? {} : { output: item.output }),
        ...(item.error === undefined ? {} : { error: item.error.message }),
      };
    case 'mcp_list_tools':
    case 'mcp_approval_request':
      return { type: 'other', itemId, kind: item.type, raw: item };
    case 'other':
      return { type: 'other', itemId, kind: item.kind, raw: item.raw };
    case 'message':
      break;
  }
  const text = joinTexts(draft);
  if (item.role === 'system') return { type: 'message', itemId, role: 'system', status, text };
  if (item.role === 'user') {
    const images = item.content.filter((part) => part.type === 'input_image').length;
    const spoken = item.content.some((part) => part.type === 'input_audio');
    return { type: 'message', itemId, role: 'user', status, text, spoken, ...(spoken ? { transcript: draft.transcript } : {}), images };
  }
  const heard = draft.cut === undefined ? text : draft.cut.heardText;
  return {
    type: 'message',
    itemId,
    role: 'assistant',
    status,
    ...(draft.responseId === undefined ? {} : { responseId: draft.responseId }),
    text,
    spoken: item.content.length === 0 || item.content.some((part) => part.type === 'output_audio'),
    heardText: heard,
    unheardText: text.startsWith(heard) ? text.slice(heard.length) : text,
    ...(draft.cut === undefined ? {} : { heardMs: draft.cut.heardMs }),
  };
}
