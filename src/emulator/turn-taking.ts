import type { Brain, HeardTurn } from './brain.js';
import type { Conversation, ConversationEntry } from './conversation.js';
import type { IdleTimeout } from './idle-timeout.js';
import type { CommittedAudio, InputBuffer, TurnSign } from './input-buffer.js';
import { ItemSound } from './item-sound.js';
import type { Machine } from './machine.js';
import type { Responses } from './responses.js';
import type { SessionConfig } from './session-config.js';
import type { Transcriber } from './transcriber.js';

export interface TurnTakingOptions {
  readonly machine: Machine;
  readonly conversation: Conversation;
  readonly input: InputBuffer;
  readonly brain: Brain;
  readonly transcriber: Transcriber;
  readonly idle: IdleTimeout;
  /** Undefined in a session that only transcribes. */
  readonly responses: Responses | undefined;
  /** Whether the words of a turn are asked of a recogniser. */
  readonly recognises: boolean;
  readonly config: () => SessionConfig;
}

/** The user's voice: when it begins and ends, the turn that comes of it, its words, and what they set off. */
export class TurnTaking {
  readonly #options: TurnTakingOptions;
  /** The item that the speech being heard will become. */
  #itemId: string | undefined;
  /** Turns whose words a recogniser is looking for. */
  readonly #recognising = new Map<string, CommittedAudio>();

  constructor(options: TurnTakingOptions) {
    this.#options = options;
  }

  append(bytes: Uint8Array): void {
    this.#options.input.append(bytes, this.#onSign);
  }

  clear(): void {
    this.#options.input.clear();
    this.#itemId = undefined;
    this.#options.machine.send({ type: 'input_audio_buffer.cleared' });
  }

  /** The configuration has changed. */
  configure(): void {
    const { input, idle, config } = this.#options;
    const { format, turn_detection: detection } = config().audio.input;
    input.configure(format, detection);
    // A timer that is turned off does not go off.
    if (detection?.type !== 'server_vad' || detection.idle_timeout_ms === null) idle.disarm();
    if (!input.speaking) this.#itemId = undefined;
  }

  /** Takes what is buffered as a turn. Throws a `Refusal` when that is less than 100 ms. */
  commit(): void {
    const { machine, conversation, input, responses, recognises, config } = this.#options;
    const committed = input.commit();
    const itemId = this.#itemId ?? machine.ids.next('item');
    this.#itemId = undefined;
    const entry: ConversationEntry = {
      item: { id: itemId, type: 'message', status: 'completed', role: 'user', content: [{ type: 'input_audio', transcript: null }] },
      audioMs: committed.ms,
      byModel: false,
      sound: new ItemSound(config().audio.input.format, committed.audio),
    };
    const previousItemId = conversation.insert(entry);
    conversation.limitSound();
    machine.send({ type: 'input_audio_buffer.committed', previous_item_id: previousItemId, item_id: itemId });
    machine.send({ type: 'conversation.item.added', previous_item_id: previousItemId, item: entry.item });
    machine.send({ type: 'conversation.item.done', previous_item_id: previousItemId, item: entry.item });
    if (!recognises) return this.#hear(itemId, committed, undefined);
    this.#recognising.set(itemId, committed);
    responses?.hearing(itemId);
    machine.effect({ type: 'recognise', itemId, audio: committed.audio });
  }

  /** What the recogniser understood of an item; undefined for nothing. */
  recognised(itemId: string, text: string | undefined): void {
    const committed = this.#recognising.get(itemId);
    if (committed === undefined) return;
    this.#recognising.delete(itemId);
    this.#hear(itemId, committed, text);
    this.#options.responses?.heard(itemId);
  }

  #hear(itemId: string, { ms, audio }: CommittedAudio, recognised: string | undefined): void {
    const { brain, transcriber, config } = this.#options;
    const turn: HeardTurn = { itemId, durationMs: ms, audio, recognised };
    const transcript = brain.hear(turn);
    const { transcription } = config().audio.input;
    if (transcription !== null) transcriber.transcribe({ itemId, audioMs: ms, transcript, settings: transcription, logprobs: Array.isArray(config().include) });
  }

  readonly #onSign = (sign: TurnSign): void => {
    const { machine, idle, responses, config } = this.#options;
    const detection = config().audio.input.turn_detection;
    if (detection === null) return;
    if (sign.type === 'speech_started') {
      idle.disarm();
      this.#itemId = machine.ids.next('item');
      machine.send({ type: 'input_audio_buffer.speech_started', audio_start_ms: sign.audioStartMs, item_id: this.#itemId });
      if (detection.interrupt_response) responses?.interrupt();
      return;
    }
    this.#itemId ??= machine.ids.next('item');
    machine.send({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: sign.audioEndMs, item_id: this.#itemId });
    machine.guard(() => {
      this.commit();
      if (detection.create_response) responses?.create(undefined);
    });
  };
}
