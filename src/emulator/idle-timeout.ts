import type { Conversation, ConversationEntry } from './conversation.js';
import type { InputBuffer } from './input-buffer.js';
import type { Machine, Task } from './machine.js';
import type { ResponseRun } from './response.js';
import type { Responses } from './responses.js';
import type { WireTurnDetection } from './turn-detection.js';
import type { WireItem } from './wire.js';

/** A user who says nothing: after the answer has been heard and `idle_timeout_ms` have passed, the model speaks by itself. */
export class IdleTimeout {
  readonly #machine: Machine;
  readonly #conversation: Conversation;
  readonly #input: InputBuffer;
  #task: Task | undefined;

  constructor(machine: Machine, conversation: Conversation, input: InputBuffer) {
    this.#machine = machine;
    this.#conversation = conversation;
    this.#input = input;
  }

  /** A response has ended. Its client hears the rest of it first. */
  arm(run: ResponseRun, detection: WireTurnDetection | null, responses: Responses): void {
    const timeoutMs = detection?.type === 'server_vad' ? detection.idle_timeout_ms : null;
    if (timeoutMs === null || !run.hasOutput || this.#conversation.entries.at(-1)?.item.type !== 'message') return;
    this.disarm();
    const playingMs = run.audioMs * (1 - 1 / run.settings.pace);
    const startMs = Math.round(this.#input.writtenMs);
    this.#task = this.#machine.later(playingMs + timeoutMs, () => {
      if (responses.active === undefined && !this.#input.speaking) this.#fire(startMs, responses);
    });
  }

  disarm(): void {
    this.#machine.cancel(this.#task);
    this.#task = undefined;
  }

  #fire(startMs: number, responses: Responses): void {
    const machine = this.#machine;
    const itemId = machine.ids.next('item');
    machine.send({ type: 'input_audio_buffer.timeout_triggered', audio_start_ms: startMs, audio_end_ms: Math.max(startMs, Math.round(this.#input.writtenMs)), item_id: itemId });
    machine.guard(() => {
      const text = 'The user has said nothing for a while.';
      this.#add({ id: machine.ids.next('item'), type: 'message', status: 'completed', role: 'system', content: [{ type: 'input_text', text }] }, false);
      this.#add({ id: itemId, type: 'message', status: 'completed', role: 'user', content: [{ type: 'input_audio', transcript: '' }] }, true);
      responses.create(undefined);
    });
  }

  #add(item: WireItem, committed: boolean): void {
    const entry: ConversationEntry = { item, audioMs: 0, byModel: false };
    const before = this.#conversation.insert(entry);
    if (committed) this.#machine.send({ type: 'input_audio_buffer.committed', previous_item_id: before, item_id: item.id });
    this.#machine.send({ type: 'conversation.item.added', previous_item_id: before, item });
    this.#machine.send({ type: 'conversation.item.done', previous_item_id: before, item });
  }
}
