import type { HistoryItem, NewHistoryItem } from '../events/history-item.js';
import type { ModelContentPart, NewModelItem } from '../ports/model.js';

/** What turns one list into another: deletions first, then creations in the order of the list. */
export interface EditPlan {
  readonly deletes: readonly string[];
  /** `previousItemId` is a kept item or one created before; `null` is the head. */
  readonly creates: readonly { readonly item: NewModelItem; readonly previousItemId: string | null }[];
}

/**
 * Compares the history with the list that somebody wants. An item that is the same stays; one whose words changed, or that stands elsewhere, is
 * deleted and made anew; as few as can be move. Throws `TypeError` for a list that cannot be made: an item twice, an empty message, or an item
 * of a kind that only the model makes, changed or moved.
 */
export function planEdits(current: readonly HistoryItem[], target: readonly (HistoryItem | NewHistoryItem)[], newId: () => string): EditPlan {
  const places = new Map(current.map((item, index) => [item.itemId, index]));
  const seen = new Set<string>();
  const unchanged: { readonly at: number; readonly place: number }[] = [];
  target.forEach((item, at) => {
    if (!('itemId' in item)) return;
    if (seen.has(item.itemId)) throw new TypeError(`The item ${item.itemId} stands twice in the list.`);
    seen.add(item.itemId);
    const place = places.get(item.itemId);
    if (place !== undefined && sameWords(current[place] as HistoryItem, item)) unchanged.push({ at, place });
  });
  const kept = longestRising(unchanged);
  const keptIds = new Set([...kept].map((at) => (target[at] as HistoryItem).itemId));

  const creates: { item: NewModelItem; previousItemId: string | null }[] = [];
  let previousItemId: string | null = null;
  target.forEach((item, at) => {
    if (kept.has(at)) {
      previousItemId = (item as HistoryItem).itemId;
      return;
    }
    const made = toNewItem(item, newId());
    creates.push({ item: made, previousItemId });
    previousItemId = made.id;
  });
  return { deletes: current.filter(({ itemId }) => !keptIds.has(itemId)).map(({ itemId }) => itemId), creates };
}

function sameWords(known: HistoryItem, item: HistoryItem): boolean {
  if (known === item) return true;
  if (known.type !== item.type) return false;
  switch (item.type) {
    case 'message':
      return known.type === 'message' && known.role === item.role && known.text === item.text && (item.role !== 'user' || known.role !== 'user' || known.images === item.images);
    case 'function_call':
      return known.type === 'function_call' && known.callId === item.callId && known.name === item.name && known.arguments === item.arguments;
    case 'function_call_output':
      return known.type === 'function_call_output' && known.callId === item.callId && known.output === item.output;
    case 'mcp_call':
    case 'other':
      return true;
  }
}

/** The places in the target of the longest run of items that stand in the same order in both lists (patience sorting). */
function longestRising(pairs: readonly { readonly at: number; readonly place: number }[]): ReadonlySet<number> {
  const tops: number[] = [];
  const before: number[] = [];
  pairs.forEach(({ place }, index) => {
    let low = 0;
    for (let high = tops.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((pairs[tops[middle] as number] as { place: number }).place < place) low = middle + 1;
      else high = middle;
    }
    before[index] = low === 0 ? -1 : (tops[low - 1] as number);
    tops[low] = index;
  });
  const kept = new Set<number>();
  for (let index = tops.at(-1) ?? -1; index !== -1; index = before[index] as number) kept.add((pairs[index] as { at: number }).at);
  return kept;
}

function toNewItem(item: HistoryItem | NewHistoryItem, id: string): NewModelItem {
  switch (item.type) {
    case 'function_call':
      return { type: 'function_call', id, callId: item.callId, name: item.name, arguments: item.arguments };
    case 'function_call_output':
      return { type: 'function_call_output', id, callId: item.callId, output: item.output };
    case 'mcp_call':
    case 'other':
      throw new TypeError(`Only the model makes items of the kind ${item.type === 'other' ? item.kind : item.type}: ${item.itemId} can stay where it is or be left out, and not be moved.`);
    case 'message':
      break;
  }
  // What was not heard was not said, also when the item is put elsewhere.
  const text = item.role === 'assistant' && 'unheardText' in item && item.unheardText !== '' && item.text === item.heardText + item.unheardText ? item.heardText : item.text;
  const content: ModelContentPart[] = text === '' ? [] : [{ type: item.role === 'assistant' ? 'output_text' : 'input_text', text }];
  if (item.role === 'user') {
    const { images = [] } = item;
    // Of an image that was sent the session keeps only that there was one.
    if (typeof images === 'number') content.push(...Array.from({ length: images }, (): ModelContentPart => ({ type: 'input_text', text: '[an image]' })));
    else for (const image of images) content.push({ type: 'input_image', ...image });
  }
  if (content.length === 0) throw new TypeError(`A message of the ${item.role} needs a text${item.role === 'user' ? ' or an image' : ''}.`);
  return { type: 'message', id, role: item.role, content };
}
