import type { TextModelEvent, TextOutputItem, Usage } from '../../../session/index.js';
import { readErrorInfo } from '../openai-realtime/wire-error.js';
import { BadField, isObject, objectOr, textOr } from '../openai-realtime/wire-fields.js';
import type { WireObject } from '../openai-realtime/wire-fields.js';
import { readArguments } from './responses-item.js';
import { StreamError } from './answer-reader.js';
import type { AnswerReader } from './answer-reader.js';
import { readTextUsage } from './text-usage.js';

/** Reasons to finish that mean that there should be more, in the words of the other API where it has one; of OpenAI, of DeepSeek, of vLLM. */
const INCOMPLETE: ReadonlyMap<string, string> = new Map([
  ['length', 'max_output_tokens'],
  ['content_filter', 'content_filter'],
  ['insufficient_system_resource', 'insufficient_system_resource'],
  ['abort', 'abort'],
]);

interface ChatCall {
  readonly itemId: string;
  readonly callId: string;
  /** As the server numbers it. */
  readonly index: number | undefined;
  /** As the server calls it; empty where it does not. */
  readonly wireId: string;
  readonly name: string;
  arguments: string;
}

/**
 * Turns the chunks of a Chat Completions stream into events of a text model. Ids of items are made here, since this API has none; so are ids of calls
 * where a server gives none, or one that the conversation already has.
 *
 * Usage comes after the reason to finish, so the answer is whole at `[DONE]`, or where a stream that has told its reason ends well.
 */
export class ChatReader implements AnswerReader<TextModelEvent> {
  readonly #newId: () => string;
  readonly #takenCallIds: Set<string>;
  #responseId: string | undefined;
  #text = '';
  #refusal = '';
  #reasoning = '';
  readonly #calls: ChatCall[] = [];
  #finishReason: string | undefined;
  #usage: Usage | undefined;
  #done = false;

  constructor(newId: () => string, takenCallIds: ReadonlySet<string>) {
    this.#newId = newId;
    this.#takenCallIds = new Set(takenCallIds);
  }

  get done(): boolean {
    return this.#done;
  }

  /** Throws `StreamError` for a message that says that the stream failed, `BadField` for a call without a name. */
  read(message: unknown): TextModelEvent[] {
    if (this.#done || !isObject(message)) return [];
    failIfError(message);
    const choice = firstChoice(message);
    if (choice === undefined && !isObject(message['usage'])) return [{ type: 'raw', name: textOr(message, 'object', 'unknown'), raw: message }];
    const events = this.#start(message);
    if (choice !== undefined) this.#readParts(objectOr(choice, 'delta') ?? objectOr(choice, 'message') ?? {}, events);
    this.#usage = readTextUsage(message['usage']) ?? this.#usage;
    this.#finishReason = (choice && textOr(choice, 'finish_reason', undefined)) ?? this.#finishReason;
    return events;
  }

  readWhole(message: unknown): TextModelEvent[] {
    if (!isObject(message)) return [];
    failIfError(message);
    const choice = firstChoice(message);
    const parts = choice && objectOr(choice, 'message');
    if (choice === undefined || parts === undefined) return [];
    const events = this.#start(message);
    // What the parts would be as deltas stands in the output.
    this.#readParts(parts, []);
    this.#usage = readTextUsage(message['usage']);
    this.#finishReason = textOr(choice, 'finish_reason', 'stop');
    return [...events, ...this.#finish().slice(-1)];
  }

  end(by: 'done' | 'eof'): TextModelEvent[] {
    if (this.#done || this.#responseId === undefined) return [];
    // A server that never gives its reason says with [DONE] that it has one.
    if (this.#finishReason === undefined && by === 'eof') return [];
    return this.#finish();
  }

  #start(message: WireObject): TextModelEvent[] {
    if (this.#responseId !== undefined) return [];
    this.#responseId = textOr(message, 'id', '') || this.#newId();
    return [{ type: 'response_started', responseId: this.#responseId }];
  }

  #readParts(parts: WireObject, events: TextModelEvent[]): void {
    // DeepSeek's word, and the one that others use for the same.
    const reasoning = textOr(parts, 'reasoning_content', '') || textOr(parts, 'reasoning', '') || contentOf(parts['content'], 'thinking');
    if (reasoning !== '') {
      this.#reasoning += reasoning;
      events.push({ type: 'reasoning_delta', itemId: this.#itemId('reasoning'), delta: reasoning });
    }
    const text = contentOf(parts['content'], 'text');
    if (text !== '') {
      this.#text += text;
      events.push({ type: 'text_delta', itemId: this.#itemId('message'), delta: text });
    }
    const refusal = textOr(parts, 'refusal', '');
    if (refusal !== '') {
      this.#refusal += refusal;
      events.push({ type: 'raw', name: 'refusal', raw: { refusal } });
    }
    const calls = Array.isArray(parts['tool_calls']) ? parts['tool_calls'].filter(isObject) : [];
    calls.forEach((call, place) => this.#readCall(call, calls.length > 1 ? place : undefined, events));
  }

  #readCall(wire: WireObject, place: number | undefined, events: TextModelEvent[]): void {
    const wireFunction = objectOr(wire, 'function') ?? {};
    const index = typeof wire['index'] === 'number' ? wire['index'] : place;
    const wireId = textOr(wire, 'id', '');
    const name = textOr(wireFunction, 'name', '');
    let call = index === undefined ? this.#calls.at(-1) : this.#calls.findLast((each) => each.index === index);
    if (call === undefined || isAnother(call, wireId, name)) {
      if (name === '') throw new BadField('tool_calls.function.name');
      const number = this.#calls.length;
      call = { itemId: this.#itemId(`call-${number}`), callId: this.#callId(wireId, number), index, wireId, name, arguments: '' };
      this.#calls.push(call);
      events.push({ type: 'function_call_started', itemId: call.itemId, callId: call.callId, name });
    }
    const delta = readArguments(wireFunction['arguments']);
    if (delta === '') return;
    call.arguments += delta;
    events.push({ type: 'arguments_delta', itemId: call.itemId, callId: call.callId, delta });
  }

  /** Of what is finished, each item, and the end. */
  #finish(): TextModelEvent[] {
    this.#done = true;
    const output: TextOutputItem[] = [];
    if (this.#reasoning !== '') output.push({ type: 'reasoning', id: this.#itemId('reasoning'), text: this.#reasoning, raw: { reasoning_content: this.#reasoning } });
    if (this.#text !== '' || this.#refusal !== '') {
      output.push({ type: 'message', id: this.#itemId('message'), text: this.#text, ...(this.#refusal === '' ? {} : { refusal: this.#refusal }) });
    }
    for (const { itemId, callId, name, arguments: text } of this.#calls) output.push({ type: 'function_call', id: itemId, callId, name, arguments: text });
    const reason = INCOMPLETE.get(this.#finishReason ?? '');
    return [
      ...output.map((item) => ({ type: 'item_done' as const, item })),
      {
        type: 'response_done',
        responseId: this.#responseId as string,
        status: reason === undefined ? 'completed' : 'incomplete',
        ...(reason === undefined ? {} : { reason }),
        ...(this.#usage === undefined ? {} : { usage: this.#usage }),
        output,
      },
    ];
  }

  #itemId(part: string): string {
    return `${this.#responseId as string}-${part}`;
  }

  /** An id that is used twice would give the output of one call to the other. */
  #callId(wireId: string, number: number): string {
    let callId = wireId;
    if (callId === '' || this.#takenCallIds.has(callId)) callId = `${this.#itemId(`call-${number}`)}`;
    if (this.#takenCallIds.has(callId)) callId = `call-${this.#newId()}`;
    this.#takenCallIds.add(callId);
    return callId;
  }
}

/** Servers differ in how they tell calls apart: by index, by id, or by nothing but a name that begins where the arguments before it are whole. */
function isAnother(call: ChatCall, wireId: string, name: string): boolean {
  if (wireId !== '' && call.wireId !== '') return wireId !== call.wireId;
  return name !== '' && call.arguments !== '' && isJson(call.arguments);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function firstChoice(message: WireObject): WireObject | undefined {
  return Array.isArray(message['choices']) ? message['choices'].find(isObject) : undefined;
}

function failIfError({ error }: WireObject): void {
  if (isObject(error) || typeof error === 'string') throw new StreamError(readErrorInfo(error));
}

/** A text, or a list of parts of which some are of the kind. */
function contentOf(content: unknown, kind: 'text' | 'thinking'): string {
  if (typeof content === 'string') return kind === 'text' ? content : '';
  if (!Array.isArray(content)) return '';
  return content
    .filter(isObject)
    .map((part) => (part['type'] !== kind ? '' : Array.isArray(part[kind]) ? contentOf(part[kind], 'text') : textOr(part, kind, '')))
    .join('');
}
