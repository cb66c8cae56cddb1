import type { HistoryChange, HistoryItem, HistoryStatus } from '../events/history-item.js';
import type { ModelContentPart, ModelItem } from '../ports/model.js';
import type { Draft, HistoryState } from './history-state.js';
import { dropOldest, emit } from './step-context.js';
import type { StepContext } from './step-context.js';

const MAX_EARLY = 64;

/** The conversation as values, in order. Values of items that did not change are the same objects as before. */
export function historyItems(history: HistoryState): readonly HistoryItem[] {
  return history.order.map((itemId) => view(history.drafts.get(itemId) as Draft));
}

/** Puts an item in its place. An item that is known already is only brought up to date. */
export function addItem(context: StepContext, item: ModelItem, previousItemId: string | null | undefined): void {
  const { history } = context.state;
  const known = history.drafts.get(item.id);
  if (known !== undefined) {
    refresh(context, known, item);
    return;
  }
  const draft: Draft = { itemId: item.id, item, texts: contentTexts(item), status: statusOf(item) };
  const early = history.early.get(item.id);
  if (early !== undefined) {
    history.early.delete(item.id);
    if ((draft.texts.get(early.contentIndex) ?? '') === '') draft.texts.set(early.contentIndex, early.text);
  }
  history.drafts.set(item.id, draft);
  const index = placeFor(history, previousItemId);
  history.order.splice(index, 0, item.id);
  emit(context, { type: 'history_added', item: view(draft) });
  draft.told = view(draft);
  emitChange(context, { op: 'insert', item: view(draft), afterItemId: index === 0 ? null : (history.order[index - 1] ?? null) });
}

/** The model has finished an item. */
export function finishItem(context: StepContext, item: ModelItem): void {
  const draft = context.state.history.drafts.get(item.id);
  if (draft === undefined) addItem(context, item, undefined);
  else refresh(context, draft, item);
}

export function removeItem(context: StepContext, itemId: string): void {
  const { history } = context.state;
  if (!history.drafts.delete(itemId)) return;
  history.order.splice(history.order.indexOf(itemId), 1);
  emitChange(context, { op: 'delete', itemId });
}

/** Says which response an item belongs to. */
export function ownItem(context: StepContext, itemId: string, responseId: string): void {
  const draft = context.state.history.drafts.get(itemId);
  if (draft !== undefined) draft.responseId = responseId;
}

/** More text of a part. Does not emit a change: `transcript_delta` tells it, and `history` shows it. */
export function appendText(context: StepContext, itemId: string, contentIndex: number, delta: string): void {
  const { history } = context.state;
  const draft = history.drafts.get(itemId);
  if (draft === undefined) {
    rememberEarly(history, itemId, contentIndex, (history.early.get(itemId)?.text ?? '') + delta);
    return;
  }
  draft.texts.set(contentIndex, (draft.texts.get(contentIndex) ?? '') + delta);
  delete draft.view;
}

/** The whole text of a part, replacing what had come in pieces. */
export function setText(context: StepContext, itemId: string, contentIndex: number, text: string): void {
  const { history } = context.state;
  const draft = history.drafts.get(itemId);
  if (draft === undefined) {
    rememberEarly(history, itemId, contentIndex, text);
    return;
  }
  draft.texts.set(contentIndex, text);
  changed(context, draft);
}

/** Arguments of a function call, as far as they are known. */
export function setArguments(context: StepContext, itemId: string, json: string): void {
  const draft = context.state.history.drafts.get(itemId);
  if (draft === undefined || draft.item.type !== 'function_call' || draft.item.arguments === json) return;
  draft.item = { ...draft.item, arguments: json };
  changed(context, draft);
}

/** Marks what was not heard of an item. */
export function cutItem(context: StepContext, itemId: string, cut: { readonly heardMs: number; readonly heardText: string }): void {
  const draft = context.state.history.drafts.get(itemId);
  if (draft === undefined) return;
  draft.cut = cut;
  draft.status = 'interrupted';
  changed(context, draft);
}

/** An item that will not be completed any more. */
export function failItem(context: StepContext, itemId: string): void {
  const draft = context.state.history.drafts.get(itemId);
  if (draft === undefined || draft.status !== 'in_progress') return;
  draft.status = 'failed';
  changed(context, draft);
}

/** The text of an item as generated so far. */
export function textOf(history: HistoryState, itemId: string): string {
  const draft = history.drafts.get(itemId);
  return draft === undefined ? '' : joinTexts(draft);
}

// ---- helpers, in the order of their use ----

function placeFor(history: HistoryState, previousItemId: string | null | undefined): number {
  if (previousItemId === null) return 0;
  if (previousItemId === undefined) return history.order.length;
  const index = history.order.lastIndexOf(previousItemId);
  return index === -1 ? history.order.length : index + 1;
}

function refresh(context: StepContext, draft: Draft, item: ModelItem): void {
  const texts = contentTexts(item);
  for (const [contentIndex, text] of texts) {
    // An echo without text (a cut item's transcript, speech not yet written down) takes nothing away.
    if (text !== '') draft.texts.set(contentIndex, text);
  }
  draft.item = item.type === 'function_call' && item.arguments === '' && draft.item.type === 'function_call' ? { ...item, arguments: draft.item.arguments } : item;
  if (draft.status !== 'interrupted') draft.status = statusOf(item);
  changed(context, draft);
}

/** Tells what became of an item, unless it is what was told last: servers repeat an item when it, its response, or both are done. */
function changed(context: StepContext, draft: Draft): void {
  delete draft.view;
  const item = view(draft);
  if (draft.told !== undefined && sameItem(draft.told, item)) {
    draft.view = draft.told;
    return;
  }
  draft.told = item;
  emitChange(context, { op: 'update', item });
}

function sameItem(a: HistoryItem, b: HistoryItem): boolean {
  const [left, right] = [a, b] as unknown as [Record<string, unknown>, Record<string, unknown>];
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => left[key] === right[key]);
}

function emitChange(context: StepContext, change: HistoryChange): void {
  emit(context, { type: 'history_updated', changes: [change] });
}

function rememberEarly(history: HistoryState, itemId: string, contentIndex: number, text: string): void {
  history.early.set(itemId, { text, contentIndex });
  dropOldest(history.early, MAX_EARLY);
}

function statusOf(item: ModelItem): HistoryStatus {
  if (item.type !== 'message' && item.type !== 'function_call') return 'completed';
  return item.status === 'incomplete' ? 'interrupted' : item.status;
}

function contentTexts(item: ModelItem): Map<number, string> {
  const texts = new Map<number, string>();
  if (item.type === 'message') item.content.forEach((part, index) => texts.set(index, partText(part)));
  return texts;
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
  if (draft.texts.size === 1) for (const text of draft.texts.values()) return text;
  return [...draft.texts]
    .sort(([a], [b]) => a - b)
    .map(([, text]) => text)
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
    case 'other':
      return { type: 'other', itemId, kind: item.kind, raw: item.raw };
    case 'message':
      break;
  }
  const text = joinTexts(draft);
  if (item.role === 'system') return { type: 'message', itemId, role: 'system', status, text };
  if (item.role === 'user') {
    const images = item.content.filter((part) => part.type === 'input_image').length;
    return { type: 'message', itemId, role: 'user', status, text, spoken: item.content.some((part) => part.type === 'input_audio'), images };
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
