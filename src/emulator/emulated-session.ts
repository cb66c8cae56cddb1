import { resampleWhole } from '../../audio/index.js';
import { Brain } from './brain.js';
import type { Answer } from './brain.js';
import { booleanAt, jsonAt, metadataAt, objectAt, oneOf, onlyFields, required, stringAt, arrayAt } from './checks.js';
import { Conversation, readItem, readTruncation, textOf } from './conversation.js';
import type { ConversationEntry } from './conversation.js';
import { deliverArguments, deliverSpeech, deliverText } from './delivery.js';
import { IdSource } from './ids.js';
import { InputBuffer } from './input-buffer.js';
import type { CommittedAudio, TurnSign } from './input-buffer.js';
import { ResponseRun, inputAudioTokens, textTokens } from './response.js';
import type { ResponseSettings } from './response.js';
import type { Script } from './script.js';
import { DEFAULT_CONFIG, formatAt, maxTokensAt, modalitiesAt, toolChoiceAt, toolsAt, updatedConfig, voiceAt } from './session-config.js';
import type { SessionConfig } from './session-config.js';
import { SPEECH_RATE, spreadWords } from './speech.js';
import type { Speech } from './speech.js';
import { Refusal, errorEvent } from './wire.js';
import type { JsonObject, ServerEvent } from './wire.js';

/** What the session wants done. `speak` is answered by a later call of {@link EmulatedSession.spoken}. */
export type EmulatorEffect =
  | { readonly type: 'send'; readonly event: ServerEvent & { readonly event_id: string } }
  | { readonly type: 'speak'; readonly responseId: string; readonly text: string }
  | { readonly type: 'notice'; readonly message: string; readonly detail: string }
  | { readonly type: 'close'; readonly code: number; readonly reason: string };

export interface EmulatedSessionOptions {
  readonly script: Script;
  readonly mode: 'script' | 'parrot';
  /** The model's name, as the client asked for it. */
  readonly model: string;
  /** How many times faster than real time audio is sent. */
  readonly pace: number;
  readonly sessionLimitMs: number;
  /** From `response.created` to the first output. */
  readonly thinkMs: number;
  /** Makes the ids; the same seed and time give the same ids. */
  readonly seed: number;
  readonly unixSeconds: number;
  readonly nowMs: number;
}

/** `rate_limits.updated` comes this long after `response.done`. */
const RATE_LIMITS_AFTER_MS = 30;
/** The transcript of a turn floats in while the answer runs: first words, then one delta each. */
const TRANSCRIPT_AFTER_MS = 150;
const TRANSCRIPT_STEP_MS = 15;
/** Responses beside the conversation may run in parallel; a client that starts them without end is refused. */
const MAX_RESPONSES = 16;
const TOKENS_PER_MINUTE = 40_000;

const CLIENT_EVENTS = [
  'session.update',
  'input_audio_buffer.append',
  'input_audio_buffer.commit',
  'input_audio_buffer.clear',
  'conversation.item.create',
  'conversation.item.delete',
  'conversation.item.retrieve',
  'conversation.item.truncate',
  'response.create',
  'response.cancel',
] as const;

interface Task {
  readonly atMs: number;
  readonly run: () => void;
}

/**
 * One session of the emulated model, without sockets, timers or voices: client messages, speech and time go in, effects come out. Each call
 * returns what is to be done now, in order; {@link EmulatedSession.nextWakeMs} says when to call {@link EmulatedSession.wake} next.
 */
export class EmulatedSession {
  readonly #options: EmulatedSessionOptions;
  readonly #ids: IdSource;
  readonly #sessionId: string;
  readonly #conversation: Conversation;
  readonly #brain: Brain;
  readonly #input: InputBuffer;
  /** What each spoken turn of the parrot's conversation sounded like; the last few only. */
  readonly #heard = new Map<string, CommittedAudio>();
  readonly #responses = new Map<string, { run: ResponseRun; answer: Answer }>();
  #active: ResponseRun | undefined;
  /** Outputs of calls that came while the response still ran: they join the conversation after it. */
  #waiting: { event: JsonObject; eventId: string | null }[] = [];
  #config: SessionConfig = DEFAULT_CONFIG;
  #spokenAlready = false;
  /** The item that the speech being heard will become. */
  #turnItemId: string | undefined;
  #idle: Task | undefined;
  readonly #tasks = new Set<Task>();
  #nowMs: number;
  #closed = false;
  #effects: EmulatorEffect[] = [];

  constructor(options: EmulatedSessionOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs;
    this.#ids = new IdSource(options.seed, options.unixSeconds);
    this.#sessionId = this.#ids.next('sess');
    this.#conversation = new Conversation(this.#ids.next('conv'));
    this.#brain = new Brain(options.script, options.mode);
    this.#input = new InputBuffer(options.mode === 'parrot');
    this.#input.configure(this.#config.audio.input.format, this.#config.audio.input.turn_detection);
  }

  get nextWakeMs(): number | undefined {
    if (this.#closed) return undefined;
    let next = Infinity;
    for (const task of this.#tasks) next = Math.min(next, task.atMs);
    for (const { run } of this.#responses.values()) next = Math.min(next, run.nextAtMs ?? Infinity);
    return next === Infinity ? undefined : next;
  }

  /** The socket is open. */
  open(): EmulatorEffect[] {
    return this.#collect(this.#nowMs, () => {
      this.#send({ type: 'session.created', session: this.#sessionResource() });
      this.#later(this.#options.sessionLimitMs, () => {
        const minutes = this.#options.sessionLimitMs / 60_000;
        const text = `The session has reached its longest duration of ${Number(minutes.toFixed(2))} minutes.`;
        this.#send(errorEvent('session_expired', text));
        this.#close(1001, text);
      });
    });
  }

  /** One message of the client. Whatever it holds, this returns. */
  receive(message: string, nowMs: number): EmulatorEffect[] {
    return this.#collect(nowMs, () => {
      let event: unknown;
      try {
        event = JSON.parse(message);
      } catch {
        this.#send(errorEvent('invalid_json', 'The message is not JSON.'));
        return;
      }
      const eventId = eventIdOf(event);
      try {
        this.#handle(objectAt(event, 'event'), eventId);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        this.#send(errorEvent(error.code, error.message, error.param, eventId));
      }
    });
  }

  /** A message that is not text. */
  receiveBinary(nowMs: number): EmulatorEffect[] {
    return this.#collect(nowMs, () => {
      this.#send(errorEvent('invalid_event', 'A binary message; the protocol has text messages only, and audio in them as base64.'));
    });
  }

  /** The speech that a `speak` effect asked for; undefined when it could not be made. */
  spoken(responseId: string, speech: Speech | undefined, nowMs: number): EmulatorEffect[] {
    return this.#collect(nowMs, () => {
      const run = this.#responses.get(responseId)?.run;
      if (run === undefined) return;
      if (speech === undefined) this.#emit(run, run.fail('server_error', 'The emulator has no voice for this answer.'));
      else this.#speak(run, speech);
    });
  }

  /** Time has passed. */
  wake(nowMs: number): EmulatorEffect[] {
    return this.#collect(nowMs, () => {
      for (;;) {
        const due = this.#nextDue(nowMs);
        if (due === undefined || this.#closed) return;
        due();
      }
    });
  }

  // ---- client events ----

  #handle(event: JsonObject, eventId: string | null): void {
    if (event['event_id'] !== undefined) stringAt(event['event_id'], 'event_id', 512);
    if (typeof event['type'] !== 'string') throw new Refusal('invalid_event', "The event has no 'type'.", 'type');
    switch (oneOf(event['type'], 'type', CLIENT_EVENTS)) {
      case 'session.update':
        return this.#updateSession(event);
      case 'input_audio_buffer.append':
        return this.#input.append(audioBytes(required(event, 'audio', '')), (sign) => this.#onSign(sign));
      case 'input_audio_buffer.commit':
        return this.#commitTurn(this.#input.commit());
      case 'input_audio_buffer.clear':
        this.#input.clear();
        this.#turnItemId = undefined;
        return this.#send({ type: 'input_audio_buffer.cleared' });
      case 'conversation.item.create':
        return this.#createItem(event, eventId);
      case 'conversation.item.delete': {
        const itemId = stringAt(required(event, 'item_id', ''), 'item_id', 512);
        this.#conversation.delete(itemId);
        return this.#send({ type: 'conversation.item.deleted', item_id: itemId });
      }
      case 'conversation.item.retrieve': {
        const { item } = this.#conversation.retrieve(stringAt(required(event, 'item_id', ''), 'item_id', 512));
        return this.#send({ type: 'conversation.item.retrieved', item: { object: 'realtime.item', ...item } });
      }
      case 'conversation.item.truncate': {
        const { itemId, contentIndex, audioEndMs } = readTruncation(event);
        this.#conversation.truncate(itemId, contentIndex, audioEndMs);
        return this.#send({ type: 'conversation.item.truncated', item_id: itemId, content_index: contentIndex, audio_end_ms: audioEndMs });
      }
      case 'response.create':
        return this.#createResponse(event['response'] === undefined || event['response'] === null ? {} : objectAt(event['response'], 'response'));
      case 'response.cancel':
        return this.#cancelResponse(event['response_id']);
    }
  }

  #updateSession(event: JsonObject): void {
    this.#config = updatedConfig(this.#config, required(event, 'session', ''), this.#spokenAlready);
    const { format, turn_detection: detection } = this.#config.audio.input;
    this.#input.configure(format, detection);
    if (!this.#input.speaking) this.#turnItemId = undefined;
    this.#send({ type: 'session.updated', session: this.#sessionResource() });
  }

  #createItem(event: JsonObject, eventId: string | null): void {
    const previous = event['previous_item_id'];
    const previousItemId = previous === undefined || previous === null ? undefined : stringAt(previous, 'previous_item_id', 512);
    const entry = readItem(required(event, 'item', ''), 'item', this.#ids);
    if (entry.item.type === 'function_call_output' && this.#active !== undefined) {
      if (this.#waiting.length >= MAX_RESPONSES) throw new Refusal('rate_limit_exceeded', `At most ${MAX_RESPONSES} outputs wait for the end of a response.`);
      this.#waiting.push({ event: { ...event, item: { ...entry.item } }, eventId });
      return;
    }
    this.#addItem(entry, previousItemId);
  }

  #addItem(entry: ConversationEntry, previousItemId?: string): void {
    const before = this.#conversation.insert(entry, previousItemId);
    this.#send({ type: 'conversation.item.added', previous_item_id: before, item: entry.item });
    this.#send({ type: 'conversation.item.done', previous_item_id: before, item: entry.item });
  }

  #cancelResponse(id: unknown): void {
    const responseId = id === undefined || id === null ? undefined : stringAt(id, 'response_id', 512);
    const run = responseId === undefined ? this.#active : this.#responses.get(responseId)?.run;
    if (run === undefined) throw new Refusal('response_cancel_not_active', 'Cancellation failed: no active response found.', responseId === undefined ? null : 'response_id');
    this.#emit(run, run.cancel('client_cancelled'));
  }

  // ---- the user's voice ----

  #onSign(sign: TurnSign): void {
    const detection = this.#config.audio.input.turn_detection;
    if (detection === null) return;
    if (sign.type === 'speech_started') {
      this.#disarmIdle();
      this.#turnItemId = this.#ids.next('item');
      this.#send({ type: 'input_audio_buffer.speech_started', audio_start_ms: sign.audioStartMs, item_id: this.#turnItemId });
      if (detection.interrupt_response && this.#active !== undefined) this.#emit(this.#active, this.#active.cancel('turn_detected'));
      return;
    }
    this.#turnItemId ??= this.#ids.next('item');
    this.#send({ type: 'input_audio_buffer.speech_stopped', audio_end_ms: sign.audioEndMs, item_id: this.#turnItemId });
    // What goes wrong here answers no event of the client.
    try {
      this.#commitTurn(this.#input.commit());
      if (detection.create_response) this.#createResponse({});
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#send(errorEvent(error.code, error.message, error.param));
    }
  }

  #commitTurn(audio: CommittedAudio): void {
    const itemId = this.#turnItemId ?? this.#ids.next('item');
    this.#turnItemId = undefined;
    const entry: ConversationEntry = {
      item: { id: itemId, type: 'message', status: 'completed', role: 'user', content: [{ type: 'input_audio', transcript: null }] },
      audioMs: audio.ms,
      byModel: false,
    };
    const previousItemId = this.#conversation.insert(entry);
    this.#send({ type: 'input_audio_buffer.committed', previous_item_id: previousItemId, item_id: itemId });
    this.#send({ type: 'conversation.item.added', previous_item_id: previousItemId, item: entry.item });
    this.#send({ type: 'conversation.item.done', previous_item_id: previousItemId, item: entry.item });
    const transcript = this.#brain.hear(itemId, audio.ms);
    if (this.#options.mode === 'parrot') {
      this.#heard.set(itemId, audio);
      for (const old of this.#heard.keys()) if (this.#heard.size > 2) this.#heard.delete(old);
    }
    if (this.#config.audio.input.transcription !== null) this.#transcribe(itemId, transcript, audio.ms);
  }

  /** The transcript is made beside the answer and comes whenever it is ready. */
  #transcribe(itemId: string, transcript: string, audioMs: number): void {
    const words = transcript.split(' ');
    const say = (index: number): void => {
      const entry = this.#conversation.find(itemId);
      if (entry?.item.type !== 'message') return;
      const place = { item_id: itemId, content_index: 0 };
      const word = words[index];
      if (word !== undefined) {
        const delta = index === 0 ? word : ` ${word}`;
        const obfuscation = this.#ids.letters(Math.max(0, 16 - delta.length));
        this.#send({ type: 'conversation.item.input_audio_transcription.delta', ...place, delta, obfuscation });
        this.#later(TRANSCRIPT_STEP_MS, () => say(index + 1));
        return;
      }
      entry.item = { ...entry.item, content: [{ type: 'input_audio', transcript }] };
      const usage = { type: 'duration', seconds: Math.ceil(audioMs / 1000) };
      this.#send({ type: 'conversation.item.input_audio_transcription.completed', ...place, transcript, usage });
    };
    this.#later(TRANSCRIPT_AFTER_MS, () => say(0));
  }

  // ---- responses ----

  #createResponse(params: JsonObject): void {
    onlyFields(params, 'response', RESPONSE_FIELDS);
    const given = <Value>(key: string, read: (value: unknown, path: string) => Value, other: Value): Value =>
      params[key] === undefined ? other : read(params[key], `response.${key}`);
    const beside = given('conversation', (value, path) => oneOf(value, path, ['auto', 'none']), 'auto') === 'none';
    const output = given('audio', outputAt, {});
    given('instructions', (value, path) => void stringAt(value, path), undefined);
    given('parallel_tool_calls', (value, path) => void booleanAt(value, path), undefined);
    given('prompt', (value, path) => void jsonAt(value, path), undefined);
    given('reasoning', (value, path) => void jsonAt(value, path), undefined);
    const tools = given('tools', toolsAt, this.#config.tools);
    const toolChoice = given('tool_choice', toolChoiceAt, this.#config.tool_choice);
    const context = given('input', (value, path) => this.#contextAt(value, path), this.#conversation.entries);
    const settings: ResponseSettings = {
      id: this.#ids.next('resp'),
      conversation: beside ? null : this.#conversation,
      modality: given('output_modalities', modalitiesAt, this.#config.output_modalities)[0],
      format: output.format ?? this.#config.audio.output.format,
      voice: output.voice ?? this.#config.audio.output.voice,
      maxOutputTokens: given('max_output_tokens', maxTokensAt, this.#config.max_output_tokens),
      metadata: given('metadata', metadataAt, null),
      input: {
        textTokens: textTokens(this.#config.instructions) + context.reduce((sum, { item }) => sum + itemTokens(item), 0),
        audioTokens: context.reduce((sum, entry) => sum + inputAudioTokens(entry.audioMs), 0),
      },
    };
    if (!beside && this.#active !== undefined) {
      throw new Refusal('conversation_already_has_active_response', `The conversation already has an active response: ${this.#active.settings.id}. Wait for its end or cancel it.`);
    }
    if (this.#responses.size >= MAX_RESPONSES) throw new Refusal('rate_limit_exceeded', `At most ${MAX_RESPONSES} responses run at a time.`);

    this.#disarmIdle();
    const run = new ResponseRun(settings, this.#ids);
    const answer = this.#brain.answer(context, (name) => toolChoice !== 'none' && tools.some((tool) => tool.name === name));
    this.#responses.set(settings.id, { run, answer });
    if (!beside) this.#active = run;
    this.#send(run.created());
    this.#answer(run, answer);
  }

  #answer(run: ResponseRun, answer: Answer): void {
    const { id, modality } = run.settings;
    if (answer.kind === 'say' && answer.missingTool !== undefined) {
      this.#effects.push({ type: 'notice', message: 'the session lacks a tool of the script', detail: answer.missingTool });
    }
    if (answer.kind === 'call') {
      this.#later(this.#options.thinkMs, () => {
        const callId = this.#ids.next('call');
        this.#brain.called(callId, answer.turn);
        this.#begin(run, () => ({ kind: 'call', name: answer.name, callId, steps: deliverArguments(answer.arguments) }));
      });
      return;
    }
    if (modality === 'text') {
      this.#later(this.#options.thinkMs, () => this.#begin(run, () => ({ kind: 'text', steps: deliverText(answer.text) })));
      return;
    }
    const heard = answer.kind === 'parrot' ? this.#heard.get(answer.itemId) : undefined;
    if (heard === undefined) {
      this.#effects.push({ type: 'speak', responseId: id, text: answer.text });
      return;
    }
    const samples = resampleWhole(heard.samples, heard.sampleRate, SPEECH_RATE);
    this.#speak(run, { samples, words: spreadWords(answer.text, 0, (samples.length * 1000) / SPEECH_RATE) });
  }

  #speak(run: ResponseRun, speech: Speech): void {
    const { format } = run.settings;
    this.#later(this.#options.thinkMs, () => {
      this.#spokenAlready ||= run.thinking;
      this.#begin(run, () => ({ kind: 'audio', steps: deliverSpeech(speech, format, this.#options.pace) }));
    });
  }

  #begin(run: ResponseRun, output: () => Parameters<ResponseRun['begin']>[0]): void {
    // Cancelled while it was thinking.
    if (!run.thinking) return;
    try {
      this.#emit(run, run.begin(output(), this.#nowMs));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#emit(run, run.fail(error.code, error.message));
    }
  }

  /** Sends a response's events and does what follows from its end. */
  #emit(run: ResponseRun, events: readonly ServerEvent[]): void {
    for (const event of events) this.#send(event);
    if (!run.ended || !this.#responses.delete(run.settings.id)) return;
    const completed = events.some((event) => event.type === 'response.output_item.done');
    if (completed) {
      const limit = { name: 'tokens', limit: TOKENS_PER_MINUTE, remaining: TOKENS_PER_MINUTE - run.settings.input.textTokens, reset_seconds: 0.1 };
      this.#later(RATE_LIMITS_AFTER_MS, () => this.#send({ type: 'rate_limits.updated', rate_limits: [limit] }));
    }
    if (run !== this.#active) return;
    this.#active = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { event, eventId } of waiting) {
      try {
        this.#createItem(event, eventId);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        this.#send(errorEvent(error.code, error.message, error.param, eventId));
      }
    }
    if (completed && this.#conversation.entries.at(-1)?.item.type === 'message') this.#armIdle(run);
  }

  /** `input` stands in place of the conversation: new items, and references to items that are there. */
  #contextAt(value: unknown, path: string): readonly ConversationEntry[] {
    return arrayAt(value, path, 256).map((entry, index) => {
      const at = `${path}[${index}]`;
      const item = objectAt(entry, at);
      if (item['type'] !== 'item_reference') return readItem(item, at, this.#ids);
      return this.#conversation.retrieve(stringAt(required(item, 'id', at), `${at}.id`, 512));
    });
  }

  // ---- a user who says nothing ----

  /** After the answer has been heard and nothing was said for `idle_timeout_ms`, the model speaks by itself. */
  #armIdle(run: ResponseRun): void {
    const detection = this.#config.audio.input.turn_detection;
    const timeoutMs = detection?.type === 'server_vad' ? detection.idle_timeout_ms : null;
    if (timeoutMs === null) return;
    const spokenMs = this.#conversation.entries.at(-1)?.audioMs ?? 0;
    const playingMs = run.settings.modality === 'audio' ? spokenMs * (1 - 1 / this.#options.pace) : 0;
    this.#disarmIdle();
    const startMs = Math.round(this.#input.writtenMs);
    this.#idle = this.#later(playingMs + timeoutMs, () => {
      // A timer that was turned off meanwhile does not go off.
      const now = this.#config.audio.input.turn_detection;
      if (now?.type !== 'server_vad' || now.idle_timeout_ms === null) return;
      if (this.#active !== undefined || this.#input.speaking) return;
      const itemId = this.#ids.next('item');
      this.#send({ type: 'input_audio_buffer.timeout_triggered', audio_start_ms: startMs, audio_end_ms: Math.max(startMs, Math.round(this.#input.writtenMs)), item_id: itemId });
      try {
        const text = 'The user has said nothing for a while.';
        this.#addItem({ item: { id: this.#ids.next('item'), type: 'message', status: 'completed', role: 'system', content: [{ type: 'input_text', text }] }, audioMs: 0, byModel: false });
        const entry: ConversationEntry = { item: { id: itemId, type: 'message', status: 'completed', role: 'user', content: [{ type: 'input_audio', transcript: '' }] }, audioMs: 0, byModel: false };
        const previousItemId = this.#conversation.insert(entry);
        this.#send({ type: 'input_audio_buffer.committed', previous_item_id: previousItemId, item_id: itemId });
        this.#send({ type: 'conversation.item.added', previous_item_id: previousItemId, item: entry.item });
        this.#send({ type: 'conversation.item.done', previous_item_id: previousItemId, item: entry.item });
        this.#createResponse({});
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        this.#send(errorEvent(error.code, error.message, error.param));
      }
    });
  }

  #disarmIdle(): void {
    if (this.#idle !== undefined) this.#tasks.delete(this.#idle);
    this.#idle = undefined;
  }

  // ---- the machine ----

  #collect(nowMs: number, act: () => void): EmulatorEffect[] {
    if (this.#closed) return [];
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    this.#effects = [];
    act();
    return this.#effects;
  }

  #nextDue(nowMs: number): (() => void) | undefined {
    let dueMs = Infinity;
    let due: (() => void) | undefined;
    for (const task of this.#tasks) {
      if (task.atMs <= nowMs && task.atMs < dueMs) {
        dueMs = task.atMs;
        due = () => {
          this.#tasks.delete(task);
          task.run();
        };
      }
    }
    for (const { run } of this.#responses.values()) {
      const atMs = run.nextAtMs ?? Infinity;
      if (atMs <= nowMs && atMs < dueMs) {
        dueMs = atMs;
        due = () => this.#emit(run, run.advance());
      }
    }
    return due;
  }

  #later(delayMs: number, run: () => void): Task {
    const task: Task = { atMs: this.#nowMs + delayMs, run };
    this.#tasks.add(task);
    return task;
  }

  #send(event: ServerEvent): void {
    const { type, ...rest } = event;
    this.#effects.push({ type: 'send', event: { type, event_id: this.#ids.next('event'), ...rest } });
  }

  #close(code: number, reason: string): void {
    this.#closed = true;
    this.#effects.push({ type: 'close', code, reason });
  }

  #sessionResource(): unknown {
    const { output_modalities, instructions, tools, tool_choice, max_output_tokens, tracing, truncation, prompt, audio, include, ...set } = this.#config;
    return {
      type: 'realtime',
      object: 'realtime.session',
      id: this.#sessionId,
      model: this.#options.model,
      output_modalities,
      instructions,
      tools,
      tool_choice,
      max_output_tokens,
      tracing,
      truncation,
      prompt,
      expires_at: Math.floor(this.#options.unixSeconds + this.#options.sessionLimitMs / 1000),
      audio,
      include,
      ...set,
    };
  }
}

const RESPONSE_FIELDS = [
  'instructions',
  'output_modalities',
  'audio',
  'tools',
  'tool_choice',
  'max_output_tokens',
  'conversation',
  'input',
  'metadata',
  'prompt',
  'reasoning',
  'parallel_tool_calls',
];

function outputAt(value: unknown, path: string): { format?: ResponseSettings['format']; voice?: unknown } {
  const audio = objectAt(value, path);
  onlyFields(audio, path, ['output']);
  const output = audio['output'] === undefined ? {} : objectAt(audio['output'], `${path}.output`);
  onlyFields(output, `${path}.output`, ['format', 'voice']);
  return {
    ...(output['format'] === undefined ? {} : { format: formatAt(output['format'], `${path}.output.format`) }),
    ...(output['voice'] === undefined ? {} : { voice: voiceAt(output['voice'], `${path}.output.voice`) }),
  };
}

/** The client's own id of an event, also of one that is wrong otherwise. */
function eventIdOf(event: unknown): string | null {
  const id = typeof event === 'object' && event !== null ? (event as JsonObject)['event_id'] : undefined;
  return typeof id === 'string' ? id.slice(0, 512) : null;
}

function audioBytes(value: unknown): Uint8Array {
  if (typeof value !== 'string') throw new Refusal('invalid_type', "'audio' must be a string of base64.", 'audio');
  if (value.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) {
    throw new Refusal('invalid_value', "'audio' is not base64 of audio bytes.", 'audio');
  }
  return Buffer.from(value, 'base64');
}

function itemTokens(item: ConversationEntry['item']): number {
  if (item.type === 'message') return textTokens(textOf(item));
  return textTokens(item.type === 'function_call' ? item.name + item.arguments : item.output);
}

