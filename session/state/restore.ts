/**
 * A new connection knows nothing of the conversation: it is told item by item, in order, as it was for the people in it. What the user said is
 * put back as its words, what the agent said as far as it was heard, calls of functions with their outputs. Images are gone, and noted as gone.
 */
import type { HistoryItem } from '../events/history-item.js';
import type { ModelCommand, NewModelItem } from '../ports/model.js';
import { historyItems } from './history.js';
import type { SessionState } from './session-state.js';
import { add, put } from './sparse.js';
import type { StepContext } from './step-context.js';
import { forgive, newId } from './step-context.js';

type CreateItem = Extract<ModelCommand, { type: 'create_item' }>;

const IMAGE_LOST = '[The user showed an image here; it is not available any more.]';
const SPEECH_UNKNOWN = '[The user said something here that was not written down.]';

/** Ids of the commands that put items back. That one of them is refused costs the model a memory, and the session goes on. */
const RESTORE = 'restore';

export function isRestoreCommand(eventId: string): boolean {
  return eventId.startsWith(`${RESTORE}_`);
}

/** Puts the conversation back, then asks again for what the last connection never confirmed. */
export function restoreConversation(context: StepContext): void {
  const { state } = context;
  const { link } = state;
  link.restored.clear();
  link.replacing.clear();
  link.absent.clear();
  const items = historyItems(state.history);
  const carried = items.slice(Math.max(0, items.length - link.policy.carryItems));
  const calls = new Set<string>();
  for (const each of carried) {
    // An output whose call was left behind would be refused.
    if (each.type === 'function_call_output' && !calls.has(each.callId)) continue;
    const item = asNewItem(state, each);
    if (item === undefined) continue;
    if (item.type === 'function_call') calls.add(item.callId);
    add(link, 'restored', item.id);
    context.effects.push({ type: 'send', command: { type: 'create_item', eventId: newId(state, RESTORE), item } });
  }
  for (const { itemId } of items) if (!link.restored.has(itemId)) add(link, 'absent', itemId);
  for (const command of link.unconfirmed.values()) {
    if (command.type === 'delete_item') forgive(state, command.eventId);
    context.effects.push({ type: 'send', command: command.type === 'create_item' ? placed(state, command) : command });
  }
}

/** Tells the model an item of the history that it did not make: words that were spoken from a clip, say. It knows it as text. */
export function tellItem(context: StepContext, itemId: string): void {
  const { state } = context;
  const known = historyItems(state.history).find((each) => each.itemId === itemId);
  const item = known === undefined ? undefined : asNewItem(state, known);
  if (item === undefined) return;
  add(state.link, 'restored', item.id);
  context.effects.push({ type: 'send', command: { type: 'create_item', eventId: newId(state, RESTORE), item } });
}

/**
 * An item that the connection knows only as text cannot be truncated: it is taken out and put back as what was heard. True when that was done;
 * an item with audio on this connection is left to the caller.
 */
export function replaceRestored(context: StepContext, itemId: string, heardText: string): boolean {
  const { state } = context;
  const { restored, replacing } = state.link;
  if (!restored.has(itemId)) return false;
  const previousItemId = placeOnModel(state, itemId);
  put(state.link, 'replacing', itemId, (replacing.get(itemId) ?? 0) + 1);
  // Not through `send`: that the item goes and comes back is no change of the conversation, and a further connection is told the result.
  if (state.connection.name !== 'open') return true;
  context.effects.push({ type: 'send', command: { type: 'delete_item', eventId: newId(state, RESTORE), itemId } });
  if (heardText === '') {
    add(state.link, 'absent', itemId);
    return true;
  }
  const item: NewModelItem = { type: 'message', id: itemId, role: 'assistant', content: [{ type: 'output_text', text: heardText }] };
  context.effects.push({ type: 'send', command: { type: 'create_item', eventId: newId(state, RESTORE), item, previousItemId } });
  return true;
}

/** Behind which item one stands that the model puts behind `previousItemId`: what the connection knows nothing of may stand between them. */
export function placeHere({ history, link }: SessionState, previousItemId: string | null | undefined): string | null | undefined {
  if (previousItemId === undefined || link.absent.size === 0) return previousItemId;
  const after = (id: string | null): string | null => (id === null ? history.first : (history.drafts.get(id)?.after ?? null));
  let place = previousItemId;
  for (let next = after(place); next !== null && link.absent.has(next); next = after(next)) place = next;
  return place;
}

/** The model confirms an item that we put back: `history` has it already, and has more of it. */
export function isEchoOfRestored(state: SessionState, itemId: string): boolean {
  return state.link.restored.has(itemId);
}

/** The model confirms that an item is gone. True when it went only to come back. */
export function isReplacement(state: SessionState, itemId: string): boolean {
  const { restored, replacing } = state.link;
  const open = replacing.get(itemId) ?? 0;
  if (open === 0) {
    restored.delete(itemId);
    return false;
  }
  if (open === 1) replacing.delete(itemId);
  else put(state.link, 'replacing', itemId, open - 1);
  return true;
}

/** An item that is to follow one which this connection was not told of follows the nearest one before it. */
function placed(state: SessionState, command: CreateItem): CreateItem {
  const { previousItemId } = command;
  const { restored, unconfirmed } = state.link;
  if (typeof previousItemId !== 'string' || restored.has(previousItemId) || unconfirmed.has(previousItemId)) return command;
  return { ...command, previousItemId: placeOnModel(state, previousItemId) };
}

/** The nearest item before this one that the connection knows too. */
function placeOnModel({ history, link }: SessionState, itemId: string): string | null {
  let before = history.drafts.get(itemId)?.before ?? null;
  while (before !== null && !link.restored.has(before)) before = history.drafts.get(before)?.before ?? null;
  return before;
}

function asNewItem(state: SessionState, item: HistoryItem): NewModelItem | undefined {
  switch (item.type) {
    case 'function_call': {
      // A call that was cut off in the middle of its arguments was not run, and never has an output.
      const isRun = state.calls.has(item.callId) || state.tools.ended.get(item.callId)?.output !== undefined;
      if (item.status !== 'completed' && !isRun) return undefined;
      return { type: 'function_call', id: item.itemId, callId: item.callId, name: item.name, arguments: item.arguments };
    }
    case 'function_call_output':
      return { type: 'function_call_output', id: item.itemId, callId: item.callId, output: item.output };
    case 'mcp_call':
    case 'other':
      return undefined;
    case 'message':
      return message(item);
  }
}

function message(item: Extract<HistoryItem, { type: 'message' }>): NewModelItem | undefined {
  const { itemId: id, role } = item;
  if (role === 'assistant') {
    return item.heardText === '' ? undefined : { type: 'message', id, role, content: [{ type: 'output_text', text: item.heardText }] };
  }
  const texts = item.text === '' ? [] : [item.text];
  if (role === 'user') {
    for (let image = 0; image < item.images; image += 1) texts.push(IMAGE_LOST);
    if (texts.length === 0) texts.push(SPEECH_UNKNOWN);
  }
  if (texts.length === 0) return undefined;
  return { type: 'message', id, role, content: texts.map((text) => ({ type: 'input_text', text })) };
}
