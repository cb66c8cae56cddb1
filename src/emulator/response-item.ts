import type { Conversation, ConversationEntry } from './conversation.js';
import type { DeliveryStep } from './delivery.js';
import type { ItemSound } from './item-sound.js';
import type { Machine } from './machine.js';
import { outputAudioTokens, textTokens } from './usage.js';
import type { ServerEventType, WireItem, WireMessage, WirePart, WireStatus } from './wire.js';

/** What an item is to bring forth. */
export type ItemContent =
  | { readonly kind: 'audio' | 'text'; readonly phase?: 'commentary' | 'final_answer' }
  | { readonly kind: 'call'; readonly name: string; readonly callId: string }
  | { readonly kind: 'mcp'; readonly server: string; readonly name: string; readonly approvalRequestId: string | null; readonly output: string | null; readonly error: string | null };

export interface ItemPlace {
  readonly responseId: string;
  readonly outputIndex: number;
  /** Null for a response that stands beside the conversation. */
  readonly conversation: Conversation | null;
}

const CONTENT_INDEX = 0;
/** A delta and its padding have so many letters together. */
const PADDED_LENGTH = 16;

/** One item of a response, from its first event to its last, in the one order that the protocol has for its kind. */
export class ResponseItem {
  readonly entry: ConversationEntry;
  readonly content: ItemContent;
  readonly #machine: Machine;
  readonly #place: ItemPlace;
  #steps: readonly DeliveryStep[];
  readonly #sinceMs: number;
  /** How long the end waits after the last delta. */
  readonly #lingerMs: number;
  /** Whether it stays open for words that are still to come. */
  goesOn = false;
  #next = 0;
  #text = '';
  #audioMs = 0;

  /** Shows the item that is to come. Throws a `Refusal` when the conversation has no place for it; then nothing was sent. */
  constructor(machine: Machine, place: ItemPlace, content: ItemContent, steps: readonly DeliveryStep[], sound?: ItemSound, lingerMs = 0) {
    this.#machine = machine;
    this.#place = place;
    this.content = content;
    this.#steps = steps;
    this.#sinceMs = machine.nowMs;
    this.#lingerMs = lingerMs;
    const item = this.#item(machine.ids.next('item'), 'in_progress', undefined);
    this.entry = { item, audioMs: 0, byModel: true, sound };
    const previousItemId = place.conversation?.insert(this.entry) ?? null;
    machine.send({ type: 'response.output_item.added', response_id: place.responseId, output_index: place.outputIndex, item });
    if (place.conversation !== null) machine.send({ type: 'conversation.item.added', previous_item_id: previousItemId, item });
    if (content.kind !== 'audio' && content.kind !== 'text') return;
    // The echo above shows no content yet; what is kept has its part, so that it can be truncated as soon as it sounds.
    this.entry.item = this.#item(item.id, 'in_progress', '');
    machine.send({ type: 'response.content_part.added', ...this.#at(), part: this.#part('') });
  }

  /** When the next delta, or the end, is due. */
  get nextAtMs(): number {
    const step = this.#steps[this.#next];
    return this.#sinceMs + (step?.atMs ?? (this.#steps.at(-1)?.atMs ?? 0) + this.#lingerMs);
  }

  /** Whether every delta is out, and only the end is left. */
  get delivered(): boolean {
    return this.#next >= this.#steps.length;
  }

  /** More of the same item, after what it has. */
  append(steps: readonly DeliveryStep[]): void {
    const fromMs = Math.max(this.#machine.nowMs - this.#sinceMs, this.#steps.at(-1)?.atMs ?? 0);
    // What is out needs no place any more.
    const left = this.#steps.slice(this.#next);
    let spaced = this.#text === '' && !left.some(({ kind }) => kind === 'text');
    const later = steps.map((step) => {
      const atMs = step.atMs + fromMs;
      if (step.kind === 'audio' || spaced) return { ...step, atMs };
      spaced = true;
      return { ...step, atMs, delta: ` ${step.delta}` };
    });
    this.#steps = [...left, ...later];
    this.#next = 0;
  }

  get tokens(): { readonly text: number; readonly audio: number } {
    return { text: textTokens(this.#text), audio: outputAudioTokens(this.#audioMs) };
  }

  /** Sends the next delta. */
  deliver(): void {
    const step = this.#steps[this.#next];
    if (step === undefined) return;
    this.#next += 1;
    if (step.kind === 'audio') {
      this.#audioMs += step.ms;
      this.entry.audioMs += step.ms;
      this.entry.sound?.push(step.bytes);
      this.#machine.send({ type: 'response.output_audio.delta', ...this.#at(), delta: step.base64() });
      return;
    }
    this.#text += step.delta;
    const padded = { delta: step.delta, obfuscation: this.#machine.ids.letters(Math.max(0, PADDED_LENGTH - step.delta.length)) };
    switch (this.content.kind) {
      case 'audio':
        return this.#machine.send({ type: 'response.output_audio_transcript.delta', ...this.#at(), ...padded });
      case 'text':
        return this.#machine.send({ type: 'response.output_text.delta', ...this.#at(), ...padded });
      case 'call':
        return this.#machine.send({ type: 'response.function_call_arguments.delta', ...this.#where(), call_id: this.content.callId, ...padded });
      case 'mcp':
        return this.#machine.send({ type: 'response.mcp_call_arguments.delta', ...this.#where(), ...padded });
    }
  }

  /** Ends the item, whole or cut. */
  end(status: 'completed' | 'incomplete'): void {
    const { conversation, responseId, outputIndex } = this.#place;
    const whole = status === 'completed';
    this.entry.item = this.#item(this.entry.item.id, status, this.#text);
    this.#sendEnd(whole);
    const { item } = this.entry;
    // An item that the client deleted meanwhile is part of the response still, but no longer of the conversation.
    if (conversation?.find(item.id) === this.entry) {
      this.#machine.send({ type: 'conversation.item.done', previous_item_id: conversation.previousInDone(this.entry), item });
      conversation.limitSound();
    }
    this.#machine.send({ type: 'response.output_item.done', response_id: responseId, output_index: outputIndex, item });
  }

  #sendEnd(whole: boolean): void {
    const machine = this.#machine;
    const text = this.#text;
    switch (this.content.kind) {
      case 'audio':
        machine.send({ type: 'response.output_audio.done', ...this.#at() });
        machine.send({ type: 'response.output_audio_transcript.done', ...this.#at(), transcript: text });
        return machine.send({ type: 'response.content_part.done', ...this.#at(), part: this.#part(text) });
      case 'text':
        machine.send({ type: 'response.output_text.done', ...this.#at(), text });
        return machine.send({ type: 'response.content_part.done', ...this.#at(), part: this.#part(text) });
      case 'call':
        if (whole) machine.send({ type: 'response.function_call_arguments.done', ...this.#where(), call_id: this.content.callId, name: this.content.name, arguments: text });
        return;
      case 'mcp': {
        if (!whole) return;
        machine.send({ type: 'response.mcp_call_arguments.done', ...this.#where(), arguments: text });
        const place = { output_index: this.#place.outputIndex, item_id: this.entry.item.id };
        machine.send({ type: 'response.mcp_call.in_progress', ...place });
        const type: ServerEventType = this.content.error === null ? 'response.mcp_call.completed' : 'response.mcp_call.failed';
        return machine.send({ type, ...place });
      }
    }
  }

  #item(id: string, status: WireStatus, text: string | undefined): WireItem {
    const { content } = this;
    switch (content.kind) {
      case 'call':
        return { id, type: 'function_call', status, name: content.name, call_id: content.callId, arguments: text ?? '' };
      case 'mcp': {
        const done = status === 'completed';
        return {
          id,
          type: 'mcp_call',
          server_label: content.server,
          name: content.name,
          arguments: text ?? '',
          approval_request_id: content.approvalRequestId,
          output: done ? content.output : null,
          error: done && content.error !== null ? { type: 'tool_execution_error', message: content.error } : null,
        };
      }
      case 'audio':
      case 'text': {
        const part: WirePart | undefined = text === undefined ? undefined : content.kind === 'audio' ? { type: 'output_audio', transcript: text } : { type: 'output_text', text };
        const message: WireMessage = { id, type: 'message', status, role: 'assistant', content: part === undefined ? [] : [part] };
        return content.phase === undefined ? message : { ...message, phase: content.phase };
      }
    }
  }

  #part(text: string): unknown {
    return this.content.kind === 'audio' ? { type: 'audio', transcript: text } : { type: 'text', text };
  }

  #where(): { response_id: string; item_id: string; output_index: number } {
    return { response_id: this.#place.responseId, item_id: this.entry.item.id, output_index: this.#place.outputIndex };
  }

  #at(): { response_id: string; item_id: string; output_index: number; content_index: number } {
    return { response_id: this.#place.responseId, item_id: this.entry.item.id, output_index: this.#place.outputIndex, content_index: CONTENT_INDEX };
  }
}
