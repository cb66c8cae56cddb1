import type { ModelItem, NewModelItem } from '../../session/index.js';
import { scriptedModel } from '../../src/provider/scripted/scripted-model.js';
import type { ScriptedModel } from '../../src/provider/scripted/scripted-model.js';

export interface MirrorModel extends ScriptedModel {
  /** The model's own conversation, in order. */
  readonly conversation: ModelItem[];
  /** The next so many commands that edit the conversation are refused with this code, or not answered. */
  fail(count: number, how: string | 'mute'): void;
  /** The model (or the user's speech) adds an item at the end, or after one. */
  add(item: ModelItem, previousItemId?: string): void;
  /** The model forgets an item without a word. */
  forget(itemId: string): void;
}

/** A model that keeps a conversation as a real one does: items go where they are asked to go, and unknown ones are refused. */
export function mirrorModel(): MirrorModel {
  const conversation: ModelItem[] = [];
  let failing = { count: 0, how: '' };
  const place = (item: ModelItem, previousItemId: string | null | undefined): boolean => {
    const index = previousItemId === undefined ? conversation.length : previousItemId === null ? 0 : conversation.findIndex(({ id }) => id === previousItemId) + 1;
    if (previousItemId !== undefined && previousItemId !== null && index === 0) return false;
    conversation.splice(index, 0, item);
    model.push({ type: 'item_added', item, previousItemId: conversation[index - 1]?.id ?? null }, { type: 'item_done', item });
    return true;
  };
  const model = scriptedModel({
    onCommand(command) {
      if (command.type !== 'create_item' && command.type !== 'delete_item') return;
      const refuse = (code: string): void => model.push({ type: 'model_error', error: { code, message: 'No.' }, eventId: command.eventId });
      if (failing.count > 0) {
        failing.count -= 1;
        if (failing.how !== 'mute') refuse(failing.how);
        return;
      }
      if (command.type === 'create_item') {
        if (!place(asItem(command.item), command.previousItemId)) refuse('item_not_found');
        return;
      }
      const index = conversation.findIndex(({ id }) => id === command.itemId);
      if (index === -1) return refuse('item_delete_invalid_item_id');
      conversation.splice(index, 1);
      model.push({ type: 'item_deleted', itemId: command.itemId });
    },
  });
  // The scripted model's own counters are getters: the extension keeps them.
  return Object.defineProperties(model, {
    conversation: { value: conversation },
    fail: { value: (count: number, how: string) => (failing = { count, how }) },
    add: { value: (item: ModelItem, previousItemId?: string) => place(item, previousItemId) },
    forget: {
      value: (itemId: string) =>
        void conversation.splice(
          conversation.findIndex(({ id }) => id === itemId),
          1,
        ),
    },
  }) as MirrorModel;
}

function asItem(item: NewModelItem): ModelItem {
  if (item.type === 'message') return { ...item, status: 'completed' };
  if (item.type === 'mcp_approval_response') return { type: 'other', id: item.id, kind: item.type, raw: item };
  return item.type === 'function_call' ? { ...item, status: 'completed' } : item;
}
