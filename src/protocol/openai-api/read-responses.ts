import type { TextModelEvent, TextOutputItem } from '../../../session/index.js';
import { readErrorInfo } from '../openai-realtime/wire-error.js';
import { isObject, object, objectOr, text, textOr } from '../openai-realtime/wire-fields.js';
import type { WireObject } from '../openai-realtime/wire-fields.js';
import { readOutputItem } from './responses-item.js';
import { readTextUsage } from './text-usage.js';
import { StreamError } from './answer-reader.js';
import type { AnswerReader } from './answer-reader.js';

/**
 * Turns the events of a `/responses` stream into those of a text model. Every event that has no meaning there arrives as `raw`.
 *
 *     response.created -> (output_item.added -> deltas -> output_item.done)* -> response.completed | incomplete | failed
 */
export class ResponsesReader implements AnswerReader<TextModelEvent> {
  readonly #newId: () => string;
  #responseId: string | undefined;
  #done = false;
  readonly #output = new Map<number, TextOutputItem>();
  /** Calls by item id, and by place for servers whose deltas name no item. */
  readonly #calls = new Map<string | number, { readonly itemId: string; readonly callId: string }>();

  constructor(newId: () => string) {
    this.#newId = newId;
  }

  get done(): boolean {
    return this.#done;
  }

  /** `name` is the event's, where the message itself does not say its type. Throws `BadField` for a known event without what it must have, `StreamError` for one that says that the stream failed. */
  read(message: unknown, name: string): TextModelEvent[] {
    if (this.#done || !isObject(message)) return [];
    const type = textOr(message, 'type', name);
    switch (type) {
      case 'response.created':
        return this.#started(objectOr(message, 'response'));
      case 'response.queued':
      case 'response.in_progress':
        return [...this.#started(objectOr(message, 'response')), { type: 'raw', name: type, raw: message }];
      case 'response.output_item.added':
        return [...this.#started(undefined), ...this.#added(message, type)];
      case 'response.output_text.delta':
        return this.#delta(message, 'text_delta');
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        return this.#delta(message, 'reasoning_delta');
      case 'response.function_call_arguments.delta': {
        const call = this.#calls.get(textOr(message, 'item_id', '')) ?? this.#calls.get(placeOf(message));
        if (call === undefined) return [{ type: 'raw', name: type, raw: message }];
        return [{ type: 'arguments_delta', ...call, delta: text(message, 'delta') }];
      }
      case 'response.output_item.done': {
        const item = readOutputItem(object(message, 'item'), placeOf(message));
        this.#output.set(placeOf(message), item);
        return [...this.#started(undefined), { type: 'item_done', item }];
      }
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
      case 'response.cancelled':
        return [...this.#started(objectOr(message, 'response')), this.#finish(object(message, 'response'), type.slice('response.'.length))];
      case 'error':
        throw new StreamError(readErrorInfo(objectOr(message, 'error') ?? message));
      default:
        if (message['error'] !== undefined && message['error'] !== null && !type.startsWith('response.')) {
          throw new StreamError(readErrorInfo(objectOr(message, 'error') ?? textOr(message, 'error', '')));
        }
        return [...this.#started(undefined), { type: 'raw', name: type, raw: message }];
    }
  }

  /** The whole response in one piece, of a server that does not stream. */
  readWhole(message: unknown): TextModelEvent[] {
    if (!isObject(message)) return [];
    if (isObject(message['error']) && !Array.isArray(message['output'])) throw new StreamError(readErrorInfo(message['error']));
    if (!Array.isArray(message['output'])) return [];
    return [...this.#started(message), this.#finish(message, 'completed')];
  }

  /** `[DONE]` says nothing here: a response ends with its own event. */
  end(): TextModelEvent[] {
    return [];
  }

  #started(response: WireObject | undefined): TextModelEvent[] {
    if (this.#responseId !== undefined) return [];
    this.#responseId = textOr(response ?? {}, 'id', '') || this.#newId();
    return [{ type: 'response_started', responseId: this.#responseId }];
  }

  #added(message: WireObject, type: string): TextModelEvent[] {
    const item = object(message, 'item');
    if (item['type'] !== 'function_call') return [{ type: 'raw', name: type, raw: message }];
    const itemId = textOr(item, 'id', `item-${placeOf(message)}`);
    const call = { itemId, callId: textOr(item, 'call_id', itemId) };
    this.#calls.set(itemId, call);
    this.#calls.set(placeOf(message), call);
    return [{ type: 'function_call_started', ...call, name: text(item, 'name') }];
  }

  #delta(message: WireObject, type: 'text_delta' | 'reasoning_delta'): TextModelEvent[] {
    return [...this.#started(undefined), { type, itemId: textOr(message, 'item_id', `item-${placeOf(message)}`), delta: text(message, 'delta') }];
  }

  #finish(response: WireObject, otherwise: string): TextModelEvent {
    this.#done = true;
    const wire = Array.isArray(response['output']) ? response['output'].filter(isObject) : [];
    const streamed = [...this.#output].sort(([one], [other]) => one - other).map(([, item]) => item);
    // Items that came are the same; a server that keeps the list empty at the end has sent them before.
    const output = wire.length >= streamed.length ? wire.map((item, place) => this.#output.get(place) ?? readOutputItem(item, place)) : streamed;
    const told = textOr(response, 'status', otherwise);
    const status = told === 'completed' || told === 'incomplete' ? told : 'failed';
    const reason = textOr(objectOr(response, 'incomplete_details') ?? {}, 'reason', told === 'cancelled' ? told : undefined);
    const usage = readTextUsage(response['usage']);
    return {
      type: 'response_done',
      responseId: this.#responseId as string,
      status,
      ...(reason === undefined ? {} : { reason }),
      ...(isObject(response['error']) ? { error: readErrorInfo(response['error']) } : {}),
      ...(usage === undefined ? {} : { usage }),
      output,
    };
  }
}

function placeOf(message: WireObject): number {
  return typeof message['output_index'] === 'number' ? message['output_index'] : 0;
}
