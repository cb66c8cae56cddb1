import { arrayAt, numberAt, objectAt, oneOf, onlyFields, required, stringAt } from './checks.js';
import type { IdSource } from './ids.js';
import { Refusal } from './wire.js';
import type { WireItem, WirePart } from './wire.js';

/** An item and what the emulator knows of it beside its echo. */
export interface ConversationEntry {
  item: WireItem;
  /** Length of its audio: what the user said, or what the model has sent so far. */
  audioMs: number;
  /** Whether the model made it. */
  readonly byModel: boolean;
}

/** More than any conversation needs, so that a client that only creates items cannot take all memory: by number, and by what they say. */
const MAX_ITEMS = 4_000;
const MAX_LETTERS = 8_000_000;

/** The items of the default conversation in their order. Every wrong call throws a {@link Refusal} and changes nothing. */
export class Conversation {
  readonly id: string;
  readonly #entries: ConversationEntry[] = [];
  /** Characters of the items as they came; what transcripts and the model add later is never much. */
  readonly #counted = new Map<ConversationEntry, number>();
  #letters = 0;

  constructor(id: string) {
    this.id = id;
  }

  get entries(): readonly ConversationEntry[] {
    return this.#entries;
  }

  get lastItemId(): string | null {
    return this.#entries.at(-1)?.item.id ?? null;
  }

  find(itemId: string): ConversationEntry | undefined {
    return this.#entries.find((entry) => entry.item.id === itemId);
  }

  /**
   * Puts an item after `previousItemId` (undefined: at the end, `root`: first) and returns the id of the item that stands before it, null
   * at the head.
   */
  insert(entry: ConversationEntry, previousItemId?: string): string | null {
    if (this.find(entry.item.id) !== undefined) {
      throw new Refusal('item_create_duplicate_item_id', `The conversation has an item with the id '${entry.item.id.slice(0, 64)}' already.`, 'item.id');
    }
    if (this.#entries.length >= MAX_ITEMS) throw new Refusal('conversation_full', `The emulator keeps at most ${MAX_ITEMS} items in a conversation. Delete some, or open a new session.`);
    const letters = lettersOf(entry.item);
    if (this.#letters + letters > MAX_LETTERS) throw new Refusal('conversation_full', `The emulator keeps at most ${MAX_LETTERS} characters in a conversation. Delete some items, or open a new session.`);
    let position = this.#entries.length;
    if (previousItemId === 'root') position = 0;
    else if (previousItemId !== undefined) {
      position = this.#entries.findIndex((other) => other.item.id === previousItemId) + 1;
      if (position === 0) {
        throw new Refusal('item_not_found', `There is no item '${previousItemId.slice(0, 64)}' to put this one after.`, 'previous_item_id');
      }
    }
    this.#entries.splice(position, 0, entry);
    this.#letters += letters;
    this.#counted.set(entry, letters);
    return this.previousOf(entry);
  }

  previousOf(entry: ConversationEntry): string | null {
    return this.#entries[this.#entries.indexOf(entry) - 1]?.item.id ?? null;
  }

  /**
   * What `conversation.item.done` says of an item the model made: null where the item before it is the first of the conversation, although
   * `added` said it right. Captured servers do this, so clients must live with it.
   */
  previousInDone(entry: ConversationEntry): string | null {
    const position = this.#entries.indexOf(entry);
    return position === 1 ? null : (this.#entries[position - 1]?.item.id ?? null);
  }

  delete(itemId: string): void {
    const position = this.#entries.findIndex((entry) => entry.item.id === itemId);
    if (position < 0) throw unknownItem('delete', itemId);
    const [deleted] = this.#entries.splice(position, 1);
    if (deleted === undefined) return;
    this.#letters -= this.#counted.get(deleted) ?? 0;
    this.#counted.delete(deleted);
  }

  retrieve(itemId: string): ConversationEntry {
    const entry = this.find(itemId);
    if (entry === undefined) throw unknownItem('retrieve', itemId);
    return entry;
  }

  /** Cuts an assistant item to what was heard of it. Its transcript goes too: nobody knows which words were heard. */
  truncate(itemId: string, contentIndex: number, audioEndMs: number): void {
    const entry = this.find(itemId);
    if (entry === undefined) throw unknownItem('truncate', itemId);
    const { item } = entry;
    const part = item.type === 'message' && item.role === 'assistant' ? item.content[contentIndex] : undefined;
    if (item.type !== 'message' || part?.type !== 'output_audio') {
      throw new Refusal('unsupported_content_type', 'Only model output audio can be truncated, and this item has none at this content index.', 'item_id');
    }
    if (audioEndMs > Math.ceil(entry.audioMs)) {
      throw new Refusal('invalid_value', `The audio of this item is ${Math.floor(entry.audioMs)}ms long, already shorter than ${audioEndMs}ms.`, 'audio_end_ms');
    }
    entry.audioMs = audioEndMs;
    entry.item = { ...item, content: item.content.map((other, index) => (index === contentIndex ? { type: 'output_audio', transcript: null } : other)) };
  }
}

function unknownItem(verb: 'delete' | 'retrieve' | 'truncate', itemId: string): Refusal {
  return new Refusal(`item_${verb}_invalid_item_id`, `There is no item '${itemId.slice(0, 64)}' to ${verb}.`, 'item_id');
}

/** Reads the item of `conversation.item.create`; audio that it carries is measured and let go. Throws {@link Refusal}. */
export function readItem(value: unknown, path: string, ids: IdSource): ConversationEntry {
  const given = objectAt(value, path);
  const type = oneOf(required(given, 'type', path), `${path}.type`, ['message', 'function_call', 'function_call_output']);
  const id = given['id'] === undefined || given['id'] === null ? ids.next('item') : stringAt(given['id'], `${path}.id`, 128);
  if (given['status'] !== undefined) oneOf(given['status'], `${path}.status`, ['in_progress', 'completed', 'incomplete']);
  if (type === 'function_call_output') {
    onlyFields(given, path, ['id', 'type', 'object', 'status', 'call_id', 'output']);
    const callId = stringAt(required(given, 'call_id', path), `${path}.call_id`, 128);
    return { item: { id, type, call_id: callId, output: stringAt(required(given, 'output', path), `${path}.output`, 1_000_000) }, audioMs: 0, byModel: false };
  }
  if (type === 'function_call') {
    onlyFields(given, path, ['id', 'type', 'object', 'status', 'call_id', 'name', 'arguments']);
    const name = stringAt(required(given, 'name', path), `${path}.name`, 64);
    const callId = given['call_id'] === undefined ? ids.next('call') : stringAt(given['call_id'], `${path}.call_id`, 128);
    const args = stringAt(required(given, 'arguments', path), `${path}.arguments`, 1_000_000);
    return { item: { id, type, status: 'completed', name, call_id: callId, arguments: args }, audioMs: 0, byModel: false };
  }
  onlyFields(given, path, ['id', 'type', 'object', 'status', 'role', 'content', 'phase']);
  const role = oneOf(required(given, 'role', path), `${path}.role`, ['user', 'assistant', 'system']);
  let audioMs = 0;
  const content = arrayAt(required(given, 'content', path), `${path}.content`, 128).map((entry, index): WirePart => {
    const at = `${path}.content[${index}]`;
    const part = objectAt(entry, at);
    const kind = oneOf(required(part, 'type', at), `${at}.type`, PARTS_OF_ROLE[role]);
    if (kind === 'input_text' || kind === 'output_text') return { type: kind, text: stringAt(required(part, 'text', at), `${at}.text`) };
    if (kind === 'input_image') {
      stringAt(required(part, 'image_url', at), `${at}.image_url`, MAX_PART_BYTES);
      return { type: 'input_image' };
    }
    const audio = stringAt(required(part, 'audio', at), `${at}.audio`, MAX_PART_BYTES);
    audioMs += (audio.length * 3) / 4 / 48;
    return { type: 'input_audio', transcript: part['transcript'] === undefined || part['transcript'] === null ? null : stringAt(part['transcript'], `${at}.transcript`) };
  });
  return { item: { id, type, status: 'completed', role, content }, audioMs, byModel: false };
}

const MAX_PART_BYTES = 15 * 1024 * 1024;

/** Clients can seed what the assistant said as text only. */
const PARTS_OF_ROLE = {
  user: ['input_text', 'input_audio', 'input_image'],
  assistant: ['output_text'],
  system: ['input_text'],
} as const;

/** Reads the fields of `conversation.item.truncate`. */
export function readTruncation(event: { readonly [key: string]: unknown }): { itemId: string; contentIndex: number; audioEndMs: number } {
  return {
    itemId: stringAt(required(event, 'item_id', ''), 'item_id', 512),
    contentIndex: numberAt(required(event, 'content_index', ''), 'content_index', 0, 128, 'integer'),
    audioEndMs: numberAt(required(event, 'audio_end_ms', ''), 'audio_end_ms', 0, Number.MAX_SAFE_INTEGER, 'integer'),
  };
}

function lettersOf(item: WireItem): number {
  if (item.type === 'message') return textOf(item).length;
  return item.type === 'function_call' ? item.name.length + item.arguments.length : item.output.length;
}

/** What a message says as text: written parts, and transcripts of spoken ones. */
export function textOf(item: WireItem): string {
  if (item.type !== 'message') return '';
  return item.content.map((part) => ('text' in part ? part.text : 'transcript' in part ? (part.transcript ?? '') : '')).join(' ').trim();
}
