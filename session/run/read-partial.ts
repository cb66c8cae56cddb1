import { PartialJson } from './partial-json.js';
import type { RunEvent } from './run-event.js';

/** What is there of a value that is still being written: members and elements may be missing, and strings be unfinished. */
export type PartialOutput<Output> = Output extends readonly (infer Element)[] ? PartialOutput<Element>[] : Output extends object ? { [Key in keyof Output]?: PartialOutput<Output[Key]> } : Output;

/**
 * Takes the answer out of events while it grows: after each piece that changes it, the value as far as it is sure, or the text so far where the answer is
 * text. Each message begins anew.
 */
export function readPartial(structured: boolean): (event: RunEvent) => readonly unknown[] {
  let itemId: string | undefined;
  let json = new PartialJson();
  let text = '';
  return (event) => {
    if (event.type !== 'raw_response_event') return [];
    const { data } = event;
    if (data.type === 'item_done' && data.item.id === itemId && structured) {
      const { changes } = json;
      json.end();
      return json.changes > changes ? [json.value] : [];
    }
    if (data.type !== 'text_delta' || data.delta === '') return [];
    if (itemId !== data.itemId) {
      itemId = data.itemId;
      json = new PartialJson();
      text = '';
    }
    text += data.delta;
    if (!structured) return [text];
    const { changes } = json;
    json.push(data.delta);
    return json.changes > changes ? [json.value] : [];
  };
}
