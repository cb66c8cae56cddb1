import type { Conversation, ConversationEntry } from './conversation.js';
import type { DeliveryStep } from './delivery.js';
import type { IdSource } from './ids.js';
import type { ServerEvent, WireFormat, WireItem, WirePart } from './wire.js';

/** What a response is to bring forth. */
export type Output =
  | { readonly kind: 'audio' | 'text'; readonly steps: readonly DeliveryStep[] }
  | { readonly kind: 'call'; readonly name: string; readonly callId: string; readonly steps: readonly DeliveryStep[] };

export interface ResponseSettings {
  readonly id: string;
  /** Null for a response that stands beside the conversation (`conversation: "none"`). */
  readonly conversation: Conversation | null;
  readonly modality: 'audio' | 'text';
  readonly format: WireFormat;
  readonly voice: unknown;
  readonly maxOutputTokens: number | 'inf';
  readonly metadata: Readonly<Record<string, string>> | null;
  /** What the model has read before it answers, for `usage`. */
  readonly input: { readonly textTokens: number; readonly audioTokens: number };
}

/**
 *   thinking ──begin──▶ delivering ──last delta──▶ ended(completed, or incomplete at the token limit)
 *      └──────cancel───────┴────────cancel───────▶ ended(cancelled)
 */
type State =
  | { readonly name: 'thinking' }
  | {
      readonly name: 'delivering';
      readonly output: Output;
      readonly entry: ConversationEntry;
      readonly sinceMs: number;
      next: number;
      text: string;
      audioMs: number;
    }
  | { readonly name: 'ended' };

const OUTPUT_INDEX = 0;
const CONTENT_INDEX = 0;

/**
 * The life of one response, as the events in the one order that the protocol has for it (realtime-protocol 6.3, 6.6, 6.14, 7.1, 7.2). It has
 * a single output item, as the emulator's answers do.
 */
export class ResponseRun {
  readonly settings: ResponseSettings;
  readonly #ids: IdSource;
  #state: State = { name: 'thinking' };

  constructor(settings: ResponseSettings, ids: IdSource) {
    this.settings = settings;
    this.#ids = ids;
  }

  get ended(): boolean {
    return this.#state.name === 'ended';
  }

  get thinking(): boolean {
    return this.#state.name === 'thinking';
  }

  /** When the next delta, or the end, is due. */
  get nextAtMs(): number | undefined {
    if (this.#state.name !== 'delivering') return undefined;
    const { output, next, sinceMs } = this.#state;
    return sinceMs + (output.steps[next]?.atMs ?? output.steps.at(-1)?.atMs ?? 0);
  }

  created(): ServerEvent {
    return { type: 'response.created', response: this.#resource('in_progress', null, [], null) };
  }

  /** Shows the item that is to come. Throws a `Refusal` when the conversation has no place for it. */
  begin(output: Output, nowMs: number): ServerEvent[] {
    if (this.#state.name !== 'thinking') return [];
    const { conversation, id } = this.settings;
    const itemId = this.#ids.next('item');
    const item: WireItem =
      output.kind === 'call'
        ? { id: itemId, type: 'function_call', status: 'in_progress', name: output.name, call_id: output.callId, arguments: '' }
        : { id: itemId, type: 'message', status: 'in_progress', role: 'assistant', content: [] };
    const entry: ConversationEntry = { item, audioMs: 0, byModel: true };
    // Throws when the conversation is full: then the response has not begun.
    const previousItemId = conversation?.insert(entry) ?? null;
    this.#state = { name: 'delivering', output, entry, sinceMs: nowMs, next: 0, text: '', audioMs: 0 };
    const events: ServerEvent[] = [{ type: 'response.output_item.added', response_id: id, output_index: OUTPUT_INDEX, item }];
    if (conversation !== null) events.push({ type: 'conversation.item.added', previous_item_id: previousItemId, item });
    if (output.kind !== 'call') {
      // The echo above shows no content yet; what is kept has its part, so that it can be truncated as soon as it sounds.
      this.#keep(entry, 'in_progress', '');
      events.push({ type: 'response.content_part.added', ...this.#at(itemId), part: this.#part('') });
    }
    return events;
  }

  /** The one delta that is due first, or the end. */
  advance(): ServerEvent[] {
    const state = this.#state;
    if (state.name !== 'delivering') return [];
    const step = state.output.steps[state.next];
    if (step === undefined) return this.#end('completed', null);
    if (this.#tokens(state).total >= (this.settings.maxOutputTokens === 'inf' ? Infinity : this.settings.maxOutputTokens)) {
      return this.#end('incomplete', { type: 'incomplete', reason: 'max_output_tokens' });
    }
    state.next += 1;
    if (step.kind === 'audio') {
      state.audioMs += step.ms;
      state.entry.audioMs += step.ms;
      return [{ type: 'response.output_audio.delta', ...this.#at(state.entry.item.id), delta: Buffer.from(step.bytes.buffer, step.bytes.byteOffset, step.bytes.length).toString('base64') }];
    }
    state.text += step.delta;
    const obfuscation = this.#ids.letters(Math.max(0, 16 - step.delta.length));
    if (state.output.kind === 'call') {
      const { id } = this.settings;
      return [{ type: 'response.function_call_arguments.delta', response_id: id, item_id: state.entry.item.id, output_index: OUTPUT_INDEX, call_id: state.output.callId, delta: step.delta, obfuscation }];
    }
    const type = state.output.kind === 'audio' ? 'response.output_audio_transcript.delta' : 'response.output_text.delta';
    return [{ type, ...this.#at(state.entry.item.id), delta: step.delta, obfuscation }];
  }

  cancel(reason: 'turn_detected' | 'client_cancelled'): ServerEvent[] {
    return this.#end('cancelled', { type: 'cancelled', reason });
  }

  /** Ends a response that cannot be made. */
  fail(code: string, message: string): ServerEvent[] {
    return this.#end('failed', { type: 'failed', error: { type: 'server_error', code, message } });
  }

  #end(status: 'completed' | 'cancelled' | 'incomplete' | 'failed', details: unknown): ServerEvent[] {
    const state = this.#state;
    if (state.name === 'ended') return [];
    this.#state = { name: 'ended' };
    if (state.name === 'thinking') return [{ type: 'response.done', response: this.#resource(status, details, [], NO_USAGE) }];

    const { id, conversation } = this.settings;
    const { entry, output, text } = state;
    const itemId = entry.item.id;
    const itemStatus = status === 'completed' ? 'completed' : 'incomplete';
    const events: ServerEvent[] = [];
    if (output.kind === 'call') {
      entry.item = { id: itemId, type: 'function_call', status: itemStatus, name: output.name, call_id: output.callId, arguments: text };
      if (status === 'completed') {
        events.push({ type: 'response.function_call_arguments.done', response_id: id, item_id: itemId, output_index: OUTPUT_INDEX, call_id: output.callId, name: output.name, arguments: text });
      }
    } else {
      this.#keep(entry, itemStatus, text);
      if (output.kind === 'audio') {
        events.push({ type: 'response.output_audio.done', ...this.#at(itemId) });
        events.push({ type: 'response.output_audio_transcript.done', ...this.#at(itemId), transcript: text });
      } else events.push({ type: 'response.output_text.done', ...this.#at(itemId), text });
      events.push({ type: 'response.content_part.done', ...this.#at(itemId), part: this.#part(text) });
    }
    const { item } = entry;
    // An item that the client deleted meanwhile is part of the response still, but no longer of the conversation.
    if (conversation?.find(itemId) === entry) events.push({ type: 'conversation.item.done', previous_item_id: conversation.previousInDone(entry), item });
    events.push({ type: 'response.output_item.done', response_id: id, output_index: OUTPUT_INDEX, item });
    events.push({ type: 'response.done', response: this.#resource(status, details, [item], this.#usage(state)) });
    return events;
  }

  #keep(entry: ConversationEntry, status: 'in_progress' | 'completed' | 'incomplete', text: string): void {
    const part: WirePart = this.settings.modality === 'audio' ? { type: 'output_audio', transcript: text } : { type: 'output_text', text };
    entry.item = { id: entry.item.id, type: 'message', status, role: 'assistant', content: [part] };
  }

  #part(text: string): unknown {
    return this.settings.modality === 'audio' ? { type: 'audio', transcript: text } : { type: 'text', text };
  }

  #at(itemId: string): { response_id: string; item_id: string; output_index: number; content_index: number } {
    return { response_id: this.settings.id, item_id: itemId, output_index: OUTPUT_INDEX, content_index: CONTENT_INDEX };
  }

  #tokens(state: State & { name: 'delivering' }): { text: number; audio: number; total: number } {
    const text = textTokens(state.text);
    const audio = Math.round(state.audioMs / OUTPUT_MS_PER_TOKEN);
    return { text, audio, total: text + audio };
  }

  #usage(state: State & { name: 'delivering' }): unknown {
    const { textTokens: text, audioTokens: audio } = this.settings.input;
    const output = this.#tokens(state);
    return usage(text, audio, output.text, output.audio);
  }

  #resource(status: string, details: unknown, output: readonly WireItem[], used: unknown): unknown {
    const { id, conversation, modality, format, voice, maxOutputTokens, metadata } = this.settings;
    return {
      object: 'realtime.response',
      id,
      status,
      status_details: details,
      output,
      conversation_id: conversation?.id ?? null,
      output_modalities: [modality],
      max_output_tokens: maxOutputTokens,
      audio: { output: { format, voice } },
      usage: used,
      metadata,
    };
  }
}

const INPUT_MS_PER_TOKEN = 100;
const OUTPUT_MS_PER_TOKEN = 50;

/** About four letters a token, as for English text. */
export function textTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

export function inputAudioTokens(ms: number): number {
  return Math.round(ms / INPUT_MS_PER_TOKEN);
}

function usage(inputText: number, inputAudio: number, outputText: number, outputAudio: number): unknown {
  return {
    total_tokens: inputText + inputAudio + outputText + outputAudio,
    input_tokens: inputText + inputAudio,
    output_tokens: outputText + outputAudio,
    input_token_details: {
      text_tokens: inputText,
      audio_tokens: inputAudio,
      image_tokens: 0,
      cached_tokens: 0,
      cached_tokens_details: { text_tokens: 0, audio_tokens: 0, image_tokens: 0 },
    },
    output_token_details: { text_tokens: outputText, audio_tokens: outputAudio },
  };
}

const NO_USAGE = usage(0, 0, 0, 0);
