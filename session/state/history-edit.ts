import { ProviderError } from '../errors.js';
import type { ModelErrorInfo, NewModelItem } from '../ports/model.js';
import type { Edit } from './edit-state.js';
import { planEdits } from './history-diff.js';
import type { EditPlan } from './history-diff.js';
import { historyItems, removeItem } from './history.js';
import type { HistoryInput } from './session-input.js';
import type { SessionState } from './session-state.js';
import { add, put } from './sparse.js';
import { emit, newId, send } from './step-context.js';
import type { StepContext } from './step-context.js';

/** A model confirms an item within a tenth of a second; after this long it never will. */
const EDIT_MS = 10_000;
/** A model that has said nothing at all for so long since it was asked is not there any more. */
const MUTE_MS = 5_000;
const MAX_REFUSED = 256;

/** The application edits the history. The session's own list follows what the model confirms. */
export function onHistoryInput(context: StepContext, input: HistoryInput): void {
  // Without a connection an edit waits for the next one.
  if (context.state.connection.name !== 'open' && context.state.connection.name !== 'reconnecting') return;
  switch (input.type) {
    case 'update_history':
      return updateHistory(context, input.items);
    case 'set_context':
      return setContext(context, input.key, input.text);
  }
}

/** Deletes an item at the model; the history loses it when the model says so. */
export function deleteItem(context: StepContext, itemId: string): void {
  if (context.state.edits.byItem.has(`delete ${itemId}`)) return;
  const eventId = newId(context.state, 'evt');
  send(context, { type: 'delete_item', eventId, itemId });
  expect(context, eventId, { op: 'delete', itemId, sinceMs: context.nowMs });
}

/** Creates an item at the model; the history has it when the model says so. `previousItemId`: absent appends, `null` puts it first. */
export function createItem(context: StepContext, item: NewModelItem, previousItemId?: string | null): void {
  const eventId = newId(context.state, 'evt');
  send(context, { type: 'create_item', eventId, item, ...(previousItemId === undefined ? {} : { previousItemId }) });
  expect(context, eventId, { op: 'create', itemId: item.id, sinceMs: context.nowMs });
}

/** A text under a key: it takes the place of the one before, so that the model has the key once. `null` takes it away. */
export function setContext(context: StepContext, key: string, text: string | null, previousItemId?: string | null): void {
  const { keyed } = context.state.edits;
  const known = keyed.get(key);
  if (known?.text === text) return;
  if (known !== undefined) deleteItem(context, known.itemId);
  keyed.delete(key);
  if (text === null) return;
  const item = { type: 'message', id: newId(context.state, 'item_ctx'), role: 'system', content: [{ type: 'input_text', text }] } as const;
  put(context.state.edits, 'keyed', key, { itemId: item.id, text });
  createItem(context, item, previousItemId);
}

/** The model has said that an item is there, or gone. */
export function confirmEdit({ state: { edits } }: StepContext, op: Edit['op'], itemId: string): void {
  const eventId = edits.byItem.get(`${op} ${itemId}`);
  if (eventId === undefined) return;
  edits.byItem.delete(`${op} ${itemId}`);
  edits.pending.delete(eventId);
}

/** The model refused an edit. True when the error has been dealt with. */
export function onEditRefused(context: StepContext, error: ModelErrorInfo, eventId: string | undefined): boolean {
  const edit = eventId === undefined ? undefined : context.state.edits.pending.get(eventId);
  if (edit === undefined) return false;
  confirmEdit(context, edit.op, edit.itemId);
  // The model has no such item: what was wanted is so.
  if (edit.op === 'delete' && error.code === 'item_delete_invalid_item_id') {
    removeItem(context, edit.itemId);
    return true;
  }
  fail(context, edit, `The model refused to ${edit.op} the item ${edit.itemId}: ${error.message}`, { providerCode: error.code, eventId });
  return true;
}

/** Gives up edits that nobody answered. */
export function onEditTimer(context: StepContext): void {
  const { edits } = context.state;
  for (const [eventId, edit] of edits.pending) {
    const ageMs = context.nowMs - edit.sinceMs;
    if (ageMs >= MUTE_MS && ageMs < EDIT_MS && isMute(context.state, edit)) context.effects.push({ type: 'recover_connection', reason: 'edit_not_confirmed' });
    if (ageMs < EDIT_MS) return void context.effects.push({ type: 'arm_timer', timer: 'history_edit', delayMs: (ageMs < MUTE_MS ? MUTE_MS : EDIT_MS) - ageMs });
    confirmEdit(context, edit.op, edit.itemId);
    edits.pending.delete(eventId);
    fail(context, edit, `The model was asked to ${edit.op} the item ${edit.itemId} and did not answer within ${EDIT_MS / 1000} s.`, { retryable: true });
  }
}

// ---- helpers, in the order of their use ----

function updateHistory(context: StepContext, items: Extract<HistoryInput, { type: 'update_history' }>['items']): void {
  const { state } = context;
  let plan: EditPlan;
  try {
    plan = planEdits(historyItems(state.history), items, () => newId(state, 'item_vw'));
  } catch (error) {
    // It could be made when it was asked for; an item of it has gone since.
    return emit(context, { type: 'error', error: new ProviderError('HISTORY_EDIT_FAILED', 'The history changed while it was being edited.', { retryable: true, cause: error }) });
  }
  for (const itemId of plan.deletes) {
    deleteItem(context, itemId);
    for (const [key, known] of state.edits.keyed) if (known.itemId === itemId) state.edits.keyed.delete(key);
  }
  for (const { item, previousItemId } of plan.creates) createItem(context, item, previousItemId);
}

/** Only a model that confirms items at all owes it, on the connection that was asked. What was asked goes to the next connection too. */
function isMute({ watch, link, confirmsItems }: SessionState, { sinceMs }: Edit): boolean {
  return confirmsItems && link.serving !== undefined && link.serving.sinceMs <= sinceMs && watch.modelMs <= sinceMs;
}

function expect(context: StepContext, eventId: string, edit: Edit): void {
  const { edits } = context.state;
  if (edits.pending.size === 0) context.effects.push({ type: 'arm_timer', timer: 'history_edit', delayMs: MUTE_MS });
  put(edits, 'pending', eventId, edit);
  put(edits, 'byItem', `${edit.op} ${edit.itemId}`, eventId);
}

function fail(context: StepContext, edit: Edit, message: string, options: { retryable?: boolean; providerCode?: string | undefined; eventId?: string | undefined }): void {
  const { edits } = context.state;
  if (edit.op === 'delete') add(edits, 'refused', edit.itemId, MAX_REFUSED);
  else for (const [key, known] of edits.keyed) if (known.itemId === edit.itemId) edits.keyed.delete(key);
  const hint = 'The history is as the model has it; look at it and edit again.';
  emit(context, { type: 'error', error: new ProviderError('HISTORY_EDIT_FAILED', message, { ...options, hint }) });
}
