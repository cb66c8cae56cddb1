import type { Brain } from './brain.js';
import { bytesAt, objectAt, oneOf, required, stringAt } from './checks.js';
import { Conversation } from './conversation.js';
import type { ConversationEntry } from './conversation.js';
import type { DrivenSession } from './driven-session.js';
import type { EmulatorEffect } from './effect.js';
import type { DialectFactory } from './dialect.js';
import { IdSource } from './ids.js';
import { IdleTimeout } from './idle-timeout.js';
import { InputBuffer } from './input-buffer.js';
import { readItem, readTruncation } from './item-reader.js';
import { Machine } from './machine.js';
import { McpServers } from './mcp-servers.js';
import type { PlanStep } from './plan.js';
import { Responses } from './responses.js';
import type { ScriptMcpServer } from './script.js';
import { DEFAULT_CONFIG, updatedConfig } from './session-config.js';
import type { SessionConfig } from './session-config.js';
import { sessionResource } from './session-resource.js';
import type { Speech } from './speech.js';
import { Transcriber } from './transcriber.js';
import { TurnTaking } from './turn-taking.js';
import { Refusal, errorEvent } from './wire.js';
import type { JsonObject } from './wire.js';

export interface EmulatedSessionOptions {
  readonly brain: Brain;
  /** A session of the kind `transcription` writes down what it hears and never answers. */
  readonly kind: 'realtime' | 'transcription';
  /** The model's name, as the client asked for it. */
  readonly model: string;
  /** How the client spells the protocol; left out, in the current way. */
  readonly dialect?: DialectFactory;
  /** The configuration that it begins with; left out, every default. */
  readonly config?: SessionConfig;
  /** How many times faster than real time audio is sent. */
  readonly pace: number;
  readonly sessionLimitMs: number;
  /** From `response.created` to the first output. */
  readonly thinkMs: number;
  /** Whether `recognise` effects are wanted, and answered. */
  readonly recognises: boolean;
  readonly mcpServers: readonly ScriptMcpServer[];
  /** Makes the ids; the same seed and time give the same ids. */
  readonly seed: number;
  readonly unixSeconds: number;
  readonly nowMs: number;
}

const CLIENT_EVENTS = [
  'session.update',
  'input_audio_buffer.append',
  'input_audio_buffer.commit',
  'input_audio_buffer.clear',
  'output_audio_buffer.clear',
  'conversation.item.create',
  'conversation.item.delete',
  'conversation.item.retrieve',
  'conversation.item.truncate',
  'response.create',
  'response.cancel',
] as const;

/**
 * One session of the emulated model, without sockets, timers or voices: client messages, speech and time go in, effects come out. Each call
 * returns what is to be done now, in order; {@link EmulatedSession.nextWakeMs} says when to call {@link EmulatedSession.wake} next.
 */
export class EmulatedSession implements DrivenSession {
  readonly #options: EmulatedSessionOptions;
  readonly #machine: Machine;
  readonly #sessionId: string;
  readonly #conversation: Conversation;
  readonly #mcp: McpServers;
  readonly #turns: TurnTaking;
  readonly #responses: Responses;
  #config: SessionConfig;

  constructor(options: EmulatedSessionOptions) {
    this.#options = options;
    this.#config = options.config ?? DEFAULT_CONFIG;
    const machine = new Machine(new IdSource(options.seed, options.unixSeconds), options.nowMs);
    this.#machine = machine;
    this.#sessionId = machine.ids.next('sess');
    const conversation = new Conversation(machine.ids.next('conv'));
    this.#conversation = conversation;
    machine.dialect = options.dialect?.(conversation.id, machine.ids);
    this.#mcp = new McpServers(machine, conversation, options.mcpServers);
    const input = new InputBuffer();
    const idle = new IdleTimeout(machine, conversation, input);
    const config = (): SessionConfig => this.#config;
    const { brain, model, pace, thinkMs, recognises, kind } = options;
    this.#responses = new Responses({
      machine,
      conversation,
      brain,
      mcp: this.#mcp,
      config,
      model,
      pace,
      thinkMs,
      onBegin: () => idle.disarm(),
      onEnd: (run) => idle.arm(run, config().audio.input.turn_detection, this.#responses),
    });
    const responses = kind === 'realtime' ? this.#responses : undefined;
    this.#turns = new TurnTaking({ machine, conversation, input, brain, transcriber: new Transcriber(machine, conversation), idle, responses, recognises, config });
    this.#turns.configure();
  }

  get nextWakeMs(): number | undefined {
    if (this.#machine.closed) return undefined;
    const nextMs = Math.min(this.#machine.nextTask?.atMs ?? Infinity, this.#responses.nextAtMs);
    return nextMs === Infinity ? undefined : nextMs;
  }

  /** The socket is open. */
  open(): EmulatorEffect[] {
    const { sessionLimitMs } = this.#options;
    return this.#machine.collect(this.#machine.nowMs, () => {
      this.#sendSession('session.created');
      this.#mcp.list(this.#config.tools);
      this.#machine.later(sessionLimitMs, () => this.#expire(sessionLimitMs));
    });
  }

  /** Ends the session as if its time were up. */
  expire(nowMs: number): EmulatorEffect[] {
    return this.#machine.collect(nowMs, () => this.#expire(this.#options.sessionLimitMs));
  }

  /** One message of the client. Whatever it holds, this returns. */
  receive(message: string, nowMs: number): EmulatorEffect[] {
    return this.#machine.collect(nowMs, () => {
      let event: unknown;
      try {
        event = JSON.parse(message);
      } catch {
        this.#machine.send(errorEvent('invalid_json', 'The message is not JSON.'));
        return;
      }
      this.#machine.guard(() => {
        const object = objectAt(event, 'event');
        this.#handle(this.#machine.dialect?.toCurrent(object) ?? object);
      }, eventIdOf(event));
    });
  }

  /** A message that is not text. */
  receiveBinary(nowMs: number): EmulatorEffect[] {
    return this.#machine.collect(nowMs, () => {
      this.#machine.send(errorEvent('invalid_event', 'A binary message; the protocol has text messages only, and audio in them as base64.'));
    });
  }

  /** The speech that a `speak` effect asked for; undefined when it could not be made. */
  spoken(responseId: string, part: number, speech: Speech | undefined, nowMs: number): EmulatorEffect[] {
    return this.#machine.collect(nowMs, () => this.#responses.spoken(responseId, part, speech));
  }

  /** What a recogniser understood of an item; undefined for nothing. */
  recognised(itemId: string, text: string | undefined, nowMs: number): EmulatorEffect[] {
    return this.#machine.collect(nowMs, () => this.#turns.recognised(itemId, text));
  }

  /** One more step of an answer that a brain takes its time for. */
  thought(responseId: string, step: PlanStep, nowMs: number): EmulatorEffect[] {
    return this.#machine.collect(nowMs, () => this.#responses.thought(responseId, step));
  }

  thoughtAll(responseId: string, failed: boolean, nowMs: number): EmulatorEffect[] {
    return this.#machine.collect(nowMs, () => this.#responses.thoughtAll(responseId, failed));
  }

  /** Time has passed: does everything that is due, each at its own moment. */
  wake(nowMs: number): EmulatorEffect[] {
    return this.#machine.collect(nowMs, () => {
      while (!this.#machine.closed) {
        const task = this.#machine.nextTask;
        const responseAtMs = this.#responses.nextAtMs;
        if (task !== undefined && task.atMs <= Math.min(nowMs, responseAtMs)) {
          this.#machine.cancel(task);
          task.run();
        } else if (responseAtMs <= nowMs) this.#responses.advance();
        else return;
      }
    });
  }

  #handle(event: JsonObject): void {
    if (event['event_id'] !== undefined) stringAt(event['event_id'], 'event_id', 512);
    if (typeof event['type'] !== 'string') throw new Refusal('invalid_event', "The 'type' field is missing.", 'type');
    switch (oneOf(event['type'], 'type', CLIENT_EVENTS)) {
      case 'session.update':
        return this.#updateSession(event);
      case 'input_audio_buffer.append':
        return this.#turns.append(bytesAt(required(event, 'audio', ''), 'audio'));
      case 'input_audio_buffer.commit':
        return this.#turns.commit();
      case 'input_audio_buffer.clear':
        return this.#turns.clear();
      case 'output_audio_buffer.clear':
        throw new Refusal('invalid_value', "'output_audio_buffer.clear' is for WebRTC and SIP: on a WebSocket the client plays the audio itself.", 'type');
      case 'conversation.item.create':
        return this.#createItem(event);
      case 'conversation.item.delete': {
        const itemId = itemIdOf(event);
        this.#conversation.delete(itemId);
        return this.#machine.send({ type: 'conversation.item.deleted', item_id: itemId });
      }
      case 'conversation.item.retrieve':
        return this.#machine.send({ type: 'conversation.item.retrieved', item: wholeItem(this.#conversation.retrieve(itemIdOf(event))) });
      case 'conversation.item.truncate': {
        const { itemId, contentIndex, audioEndMs } = readTruncation(event);
        this.#conversation.truncate(itemId, contentIndex, audioEndMs);
        return this.#machine.send({ type: 'conversation.item.truncated', item_id: itemId, content_index: contentIndex, audio_end_ms: audioEndMs });
      }
      case 'response.create':
        if (this.#options.kind === 'transcription') throw new Refusal('invalid_value', 'A session of the type transcription makes no responses.', 'type');
        return this.#responses.create(event['response']);
      case 'response.cancel':
        return this.#responses.cancel(event['response_id']);
    }
  }

  #updateSession(event: JsonObject): void {
    const { kind, model } = this.#options;
    this.#config = updatedConfig(this.#config, required(event, 'session', ''), { kind, model, spoken: this.#responses.hasSpoken, responding: this.#responses.active !== undefined });
    this.#turns.configure();
    this.#sendSession('session.updated');
    this.#mcp.list(this.#config.tools);
  }

  #createItem(event: JsonObject): void {
    const previous = event['previous_item_id'];
    const previousItemId = previous === undefined || previous === null ? undefined : stringAt(previous, 'previous_item_id', 512);
    const entry = readItem(required(event, 'item', ''), 'item', this.#machine.ids);
    const add = (): void => {
      const before = this.#conversation.insert(entry, previousItemId);
      this.#machine.send({ type: 'conversation.item.added', previous_item_id: before, item: entry.item });
      this.#machine.send({ type: 'conversation.item.done', previous_item_id: before, item: entry.item });
      if (entry.item.type === 'mcp_approval_response') this.#mcp.answered(entry.item.approval_request_id, entry.item.approve);
    };
    if (entry.item.type !== 'function_call_output' || this.#responses.active === undefined) return add();
    const eventId = eventIdOf(event);
    this.#responses.afterActive(() => this.#machine.guard(add, eventId));
  }

  #expire(sessionLimitMs: number): void {
    const text = `Your session hit the maximum duration of ${Number((sessionLimitMs / 60_000).toFixed(2))} minutes.`;
    this.#machine.send(errorEvent('session_expired', text));
    this.#machine.close(1001, text);
  }

  #sendSession(type: 'session.created' | 'session.updated'): void {
    const { kind, model, unixSeconds, sessionLimitMs } = this.#options;
    const identity = { id: this.#sessionId, kind, model, expiresAt: Math.floor(unixSeconds + sessionLimitMs / 1000) };
    this.#machine.send({ type, session: sessionResource(identity, this.#config) });
  }
}

/** The client's own id of an event, also of one that is wrong otherwise. */
function eventIdOf(event: unknown): string | null {
  const id = typeof event === 'object' && event !== null ? (event as JsonObject)['event_id'] : undefined;
  return typeof id === 'string' ? id.slice(0, 512) : null;
}

function itemIdOf(event: JsonObject): string {
  return stringAt(required(event, 'item_id', ''), 'item_id', 512);
}

/** An item with what it sounds like, which is told to those who ask for it alone. */
function wholeItem({ item, sound }: ConversationEntry): unknown {
  // Items of hosted tools have no `object` anywhere.
  if (item.type.startsWith('mcp_')) return item;
  if (item.type !== 'message' || sound === undefined) return { object: 'realtime.item', ...item };
  const content = item.content.map((part) => (part.type === 'input_audio' || part.type === 'output_audio' ? { ...part, ...sound.asPart() } : part));
  return { object: 'realtime.item', ...item, content };
}
