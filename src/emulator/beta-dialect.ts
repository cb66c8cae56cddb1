import { betaItem, betaResponse, betaSession, betaTranscriptionSession } from './beta-objects.js';
import { arrayAt, numberAt, objectAt, onlyFields } from './checks.js';
import type { Dialect } from './dialect.js';
import type { IdSource } from './ids.js';
import { Refusal } from './wire.js';
import type { JsonObject, SentEvent, ServerEvent } from './wire.js';

/** Where a field of the first version stands in the current one. */
const SESSION_FIELDS = new Map([
  ['voice', 'audio.output.voice'],
  ['speed', 'audio.output.speed'],
  ['output_audio_format', 'audio.output.format'],
  ['input_audio_format', 'audio.input.format'],
  ['input_audio_transcription', 'audio.input.transcription'],
  ['input_audio_noise_reduction', 'audio.input.noise_reduction'],
  ['turn_detection', 'audio.input.turn_detection'],
  ['modalities', 'output_modalities'],
  ['max_response_output_tokens', 'max_output_tokens'],
]);
const SAME_FIELDS = ['instructions', 'tools', 'tool_choice', 'model', 'tracing', 'include', 'prompt'];
const TRANSCRIPTION_FIELDS = ['input_audio_format', 'input_audio_transcription', 'input_audio_noise_reduction', 'turn_detection', 'include'];
const RESPONSE_SAME = ['instructions', 'tools', 'tool_choice', 'max_output_tokens', 'conversation', 'metadata', 'input'];
const FORMATS = new Map<unknown, object>([
  ['pcm16', { type: 'audio/pcm', rate: 24_000 }],
  ['g711_ulaw', { type: 'audio/pcmu' }],
  ['g711_alaw', { type: 'audio/pcma' }],
]);

/** Events that have other names, and nothing else. */
const EVENT_NAMES = new Map<string, string>([
  ['response.output_audio.delta', 'response.audio.delta'],
  ['response.output_audio.done', 'response.audio.done'],
  ['response.output_audio_transcript.delta', 'response.audio_transcript.delta'],
  ['response.output_audio_transcript.done', 'response.audio_transcript.done'],
  ['response.output_text.delta', 'response.text.delta'],
  ['response.output_text.done', 'response.text.done'],
  ['conversation.item.added', 'conversation.item.created'],
]);

/** The first version of the protocol (realtime-protocol section 10), for clients that still speak it. */
export class BetaDialect implements Dialect {
  readonly #conversationId: string;
  readonly #ids: IdSource;
  readonly #kind: 'realtime' | 'transcription';
  #temperature = 0.8;

  constructor(conversationId: string, ids: IdSource, kind: 'realtime' | 'transcription') {
    this.#conversationId = conversationId;
    this.#ids = ids;
    this.#kind = kind;
  }

  toCurrent(event: JsonObject): JsonObject {
    switch (event['type']) {
      case 'session.update':
      case 'transcription_session.update':
        return { ...event, type: 'session.update', ...(event['session'] === undefined ? {} : { session: this.#session(objectAt(event['session'], 'session'), event['type'] === 'session.update') }) };
      case 'response.create':
        return event['response'] === undefined || event['response'] === null ? event : { ...event, response: this.#response(objectAt(event['response'], 'response')) };
      case 'conversation.item.create':
        return { ...event, item: currentItem(event['item']) };
      default:
        return event;
    }
  }

  fromCurrent(event: ServerEvent & { readonly event_id: string }): readonly SentEvent[] {
    const { obfuscation: _padding, ...plain } = event as SentEvent & { readonly obfuscation?: unknown };
    const renamed: SentEvent = { ...plain, type: EVENT_NAMES.get(event.type) ?? event.type };
    switch (event.type) {
      case 'session.created':
      case 'session.updated':
        return this.#sessionEvents(event);
      case 'conversation.item.done':
        return [];
      case 'conversation.item.added':
      case 'conversation.item.retrieved':
      case 'response.output_item.added':
      case 'response.output_item.done':
        return [{ ...renamed, item: betaItem(event['item']) }];
      case 'response.created':
        return [{ ...renamed, response: betaResponse(event['response'], this.#temperature) }, this.#rateLimits()];
      case 'response.done':
        return [{ ...renamed, response: betaResponse(event['response'], this.#temperature) }];
      case 'response.function_call_arguments.done': {
        const { name: _name, ...rest } = renamed as SentEvent & { readonly name?: unknown };
        return [rest];
      }
      case 'rate_limits.updated':
        return [];
      case 'error': {
        const error = event['error'] as { readonly code: string; readonly param: string | null };
        // What is unknown is called as the client called it.
        return [{ ...renamed, error: { ...error, param: error.code === 'unknown_parameter' ? error.param : betaPath(error.param) } }];
      }
      default:
        return [renamed];
    }
  }

  #session(given: JsonObject, realtime: boolean): JsonObject {
    if (realtime === (this.#kind === 'transcription')) throw new Refusal('invalid_value', `This is a session of the type '${this.#kind}'.`, 'type');
    onlyFields(given, 'session', realtime ? [...SESSION_FIELDS.keys(), ...SAME_FIELDS, 'temperature'] : TRANSCRIPTION_FIELDS);
    if (given['temperature'] !== undefined) this.#temperature = temperatureAt(given['temperature'], 'session.temperature');
    const session: { [key: string]: unknown } = { type: this.#kind };
    for (const [key, value] of Object.entries(given)) {
      const path = SESSION_FIELDS.get(key);
      if (path !== undefined) place(session, path, currentValue(key, value, `session.${key}`));
      else if (key !== 'temperature') session[key] = value;
    }
    return session;
  }

  #response(given: JsonObject): JsonObject {
    onlyFields(given, 'response', [...RESPONSE_SAME, 'modalities', 'voice', 'output_audio_format', 'temperature', 'max_response_output_tokens']);
    if (given['temperature'] !== undefined) temperatureAt(given['temperature'], 'response.temperature');
    const response: { [key: string]: unknown } = {};
    for (const [key, value] of Object.entries(given)) {
      const path = SESSION_FIELDS.get(key);
      if (path !== undefined) place(response, path, currentValue(key, value, `response.${key}`));
      else if (key === 'input' && Array.isArray(value)) response[key] = value.map(currentItem);
      else if (key !== 'temperature') response[key] = value;
    }
    return response;
  }

  #sessionEvents(event: SentEvent): readonly SentEvent[] {
    if (this.#kind === 'transcription') return [{ ...event, type: `transcription_${event.type}`, session: betaTranscriptionSession(event['session']) }];
    const flat: SentEvent = { ...event, session: betaSession(event['session'], this.#temperature) };
    if (event.type !== 'session.created') return [flat];
    return [flat, { type: 'conversation.created', event_id: this.#ids.next('event'), conversation: { id: this.#conversationId, object: 'realtime.conversation' } }];
  }

  /** The first version tells of the limits as soon as a response begins. */
  #rateLimits(): SentEvent {
    const limits = [
      { name: 'requests', limit: 10_000, remaining: 9_999, reset_seconds: 0.006 },
      { name: 'tokens', limit: 40_000, remaining: 39_000, reset_seconds: 1.5 },
    ];
    return { type: 'rate_limits.updated', event_id: this.#ids.next('event'), rate_limits: limits };
  }
}

function temperatureAt(value: unknown, path: string): number {
  return numberAt(value, path, 0.6, 1.2, 'decimal');
}

function currentValue(key: string, value: unknown, path: string): unknown {
  if (key.endsWith('_audio_format')) {
    const format = FORMATS.get(value);
    if (format === undefined) throw new Refusal('invalid_value', `'${path}' is one of 'pcm16', 'g711_ulaw', 'g711_alaw'.`, path);
    return format;
  }
  if (key !== 'modalities') return value;
  const list = arrayAt(value, path, 2);
  const audio = list.includes('audio');
  if (!list.includes('text') || list.length !== (audio ? 2 : 1)) throw new Refusal('invalid_value', `'${path}' is ['text'] or ['audio', 'text'].`, path);
  return [audio ? 'audio' : 'text'];
}

/** What the assistant wrote has another name now. */
function currentItem(item: unknown): unknown {
  if (typeof item !== 'object' || item === null) return item;
  const { role, content } = item as { readonly role?: unknown; readonly content?: unknown };
  if (role !== 'assistant' || !Array.isArray(content)) return item;
  return { ...item, content: content.map((part: unknown) => (typeof part === 'object' && part !== null && (part as JsonObject)['type'] === 'text' ? { ...part, type: 'output_text' } : part)) };
}

function place(target: { [key: string]: unknown }, path: string, value: unknown): void {
  const keys = path.split('.');
  let inner = target;
  for (const key of keys.slice(0, -1)) inner = (inner[key] ??= {}) as { [key: string]: unknown };
  inner[keys.at(-1) as string] = value;
}

/** The path of a field as the client of the first version wrote it. */
function betaPath(path: string | null): string | null {
  if (path === null) return null;
  for (const [beta, current] of SESSION_FIELDS) {
    for (const root of ['session', 'response']) if (path.startsWith(`${root}.${current}`)) return path.replace(`${root}.${current}`, `${root}.${beta}`);
  }
  return path;
}
