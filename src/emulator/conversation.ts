import type { ItemSound } from './item-sound.js';
import { Refusal } from './wire.js';
import type { WireItem } from './wire.js';

/** An item and what the emulator knows of it beside its echo. */
export interface ConversationEntry {
  item: WireItem;
  /** Length of its audio: what the user said, or what the model has sent so far. */
  audioMs: number;
  /** Whether the model made it. */
  readonly byModel: boolean;
  /** What it sounds like, as long as it is kept. */
  sound?: ItemSound | undefined;
  /** An image that is none: it is taken, and a response that looks at it fails. */
  readonly badImage?: boolean;
}

/** More than any conversation needs, so that a client that only creates items cannot take all memory: by number, and by what they say. */
const MAX_ITEMS = 4_000;
const MAX_LETTERS = 8_000_000;
/** Sound that is kept for those who retrieve an item; older sound is let go. */
const MAX_SOUND_MS = 60_000;

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

  /** Lets go of the oldest sound beyond what is kept. */
  limitSound(): void {
    let keptMs = 0;
    for (let index = this.#entries.length - 1; index >= 0; index -= 1) {
      const entry = this.#entries[index] as ConversationEntry;
      if (entry.sound === undefined) continue;
      keptMs += entry.sound.durationMs;
      if (keptMs > MAX_SOUND_MS) entry.sound = undefined;
    }
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
    entry.sound?.cut(audioEndMs);
    entry.item = { ...item, content: item.content.map((other, index) => (index === contentIndex ? { type: 'output_audio', transcript: null } : other)) };
  }
}

function unknownItem(verb: 'delete' | 'retrieve' | 'truncate', itemId: string): Refusal {
  return new Refusal(`item_${verb}_invalid_item_id`, `There is no item '${itemId.slice(0, 64)}' to ${verb}.`, 'item_id');
}

function lettersOf(item: WireItem): number {
  switch (item.type) {
    case 'message':
      return textOf(item).length;
    case 'function_call':
    case 'mcp_call':
    case 'mcp_approval_request':
      return item.name.length + item.arguments.length;
    case 'function_call_output':
      return item.output.length;
    case 'mcp_list_tools':
      return JSON.stringify(item.tools).length;
    case 'mcp_approval_response':
      return item.reason?.length ?? 0;
  }
}

/** What a message says as text: written parts, and transcripts of spoken ones. */
export function textOf(item: WireItem): string {
  if (item.type !== 'message') return '';
  return item.content.map((part) => ('text' in part ? part.text : 'transcript' in part ? (part.transcript ?? '') : '')).join(' ').trim();
}
