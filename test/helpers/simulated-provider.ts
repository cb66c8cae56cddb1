/**
 * A realtime model on the manual clock that behaves as realtime-protocol sections 6 to 9 say, over any number of connections, each of which may
 * be cut at any moment. Its microphone audio is numbered: each sample of a 20 ms chunk carries the chunk's number, and whether somebody speaks
 * in it, so that what arrived where can be counted exactly.
 */
import { TransportError } from '../../session/index.js';
import type { ModelCommand, ModelConnectOptions, ModelConnection, ModelInput, ModelItem, RealtimeModel, ResponseRequest } from '../../session/index.js';
import type { ManualClock } from '../../src/host/manual-clock.js';
import type { Random } from './random.js';

export const CHUNK_MS = 20;
const CHUNK_BYTES = 960;
const BYTES_PER_MS = 48;
const SILENCE_CHUNKS = 25;

/** One chunk of microphone audio. */
export function microphoneChunk(number: number, spoken: boolean): Uint8Array {
  const bytes = new Uint8Array(CHUNK_BYTES);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < CHUNK_BYTES; at += 4) view.setUint32(at, number * 2 + (spoken ? 1 : 0), true);
  return bytes;
}

export interface SimulatedOptions {
  readonly label?: string;
  /** Each session ends after this long; default never. */
  readonly limitMs?: number;
  /** Whether the model tells when. Default true where there is a limit. */
  readonly tellsExpiry?: boolean;
  /** 0..1: how many responses call a tool. */
  readonly toolShare?: number;
  readonly transcribes?: boolean;
}

export interface SimulatedProvider extends RealtimeModel {
  readonly connections: SimulatedConnection[];
  readonly current: SimulatedConnection | undefined;
  /** What the next opening does; stays until it is changed. */
  opening: 'open' | 'refuse' | 'hang' | 'mute';
  /** Numbers of spoken chunks whose turn was answered by something that reached the session. */
  readonly answered: Set<number>;
  /** The tools that the next responses call, in order; then it is left to `toolShare`. */
  readonly nextCalls: string[];
  /** Each response that was asked for and began, with the instructions it was asked for. */
  readonly begun: Map<string, string | undefined>;
}

/** What the connections of one provider share. */
interface Shared {
  nextId: number;
  readonly nextCalls: string[];
  readonly begun: Map<string, string | undefined>;
}

type Emit = (input: ModelInput) => void;

export function simulatedProvider(clock: ManualClock, rng: Random, options: SimulatedOptions = {}): SimulatedProvider {
  const shared: Shared = { nextId: 0, nextCalls: [], begun: new Map() };
  const provider: SimulatedProvider = {
    label: options.label ?? 'simulated',
    connections: [],
    opening: 'open',
    answered: new Set(),
    nextCalls: shared.nextCalls,
    begun: shared.begun,
    get current() {
      return provider.connections.findLast((connection) => connection.alive);
    },
    connect(connect: ModelConnectOptions): Promise<ModelConnection> {
      if (provider.opening === 'refuse') return Promise.reject(new TransportError('MODEL_UNREACHABLE', 'Nothing listens.', { retryable: true, stage: 'connect' }));
      return new Promise((resolve, reject) => {
        connect.signal.addEventListener('abort', () => reject(connect.signal.reason as Error), { once: true });
        if (provider.opening === 'hang') return;
        clock.after(rng.int(20, 120), () => {
          if (connect.signal.aborted) return;
          const connection = new SimulatedConnection(clock, rng, connect, { ...options, mute: provider.opening === 'mute' }, shared, provider.answered);
          provider.connections.push(connection);
          resolve(connection);
        });
      });
    },
  };
  return provider;
}

interface SimulatedResponse {
  readonly responseId: string;
  cancelled: boolean;
  /** Spoken chunks that it answers. */
  readonly answers: readonly number[];
}

export class SimulatedConnection implements ModelConnection {
  readonly commands: ModelCommand[] = [];
  /** The conversation, in order. */
  readonly items: { readonly id: string; readonly item: ModelItem | Extract<ModelCommand, { type: 'create_item' }>['item'] }[] = [];
  readonly bufferedBytes = 0;
  readonly refused: string[] = [];
  /** Every chunk number that arrived, once each, in order. */
  readonly chunks: number[] = [];
  alive = true;
  /** Nothing goes through any more, in either direction, and nobody knows. */
  frozen = false;
  /** Of what `create_response` is answered with. */
  refuseResponses: 'no' | 'quota' | 'silence' = 'no';
  readonly #clock: ManualClock;
  readonly #rng: Random;
  readonly #onClose: ModelConnectOptions['onClose'];
  readonly #onInput: Emit;
  readonly #options: SimulatedOptions & { readonly mute: boolean };
  readonly #shared: Shared;
  readonly #answered: Set<number>;
  readonly #committed: number[] = [];
  #speech: { itemId: string; words: number[] } | undefined;
  #silentChunks = 0;
  #bytes = 0;
  #partial = 0;
  #active: SimulatedResponse | undefined;

  constructor(clock: ManualClock, rng: Random, connect: ModelConnectOptions, options: SimulatedOptions & { readonly mute: boolean }, shared: Shared, answered: Set<number>) {
    this.#clock = clock;
    this.#rng = rng;
    this.#onClose = connect.onClose;
    this.#onInput = connect.onInput;
    this.#options = options;
    this.#shared = shared;
    this.#answered = answered;
    const { limitMs } = options;
    const expiry = limitMs === undefined || options.tellsExpiry === false ? {} : { expiresAt: Math.floor(clock.now() / 1000) + limitMs / 1000 };
    this.#later(1, () => this.#emit({ type: 'model_session_created', modelSessionId: this.#id('sess'), ...expiry }));
    if (limitMs !== undefined) this.#later(limitMs, () => this.cut(1001, 'session_expired'));
  }

  send(command: ModelCommand): void {
    if (!this.alive || this.frozen) return;
    // Everything takes the same way, so that nothing overtakes.
    if (command.type === 'append_audio') {
      const bytes = command.bytes.slice();
      return this.#later(10, () => this.frozen || this.#hear(bytes));
    }
    this.commands.push(command);
    this.#later(10, () => this.#answer(command));
  }

  close(reason = ''): Promise<void> {
    this.#end({ code: 1000, reason, byUs: true });
    return Promise.resolve();
  }

  /** The connection ends by no doing of the session. */
  cut(code = 1006, reason = ''): void {
    this.#end({ code, reason, byUs: false });
  }

  /** The model begins to speak by itself. */
  respond(answers: readonly number[] = this.#committed.splice(0), request?: ResponseRequest): void {
    if (this.#active !== undefined) return;
    const response: SimulatedResponse = { responseId: this.#id('resp'), cancelled: false, answers };
    this.#active = response;
    if (request !== undefined) this.#shared.begun.set(response.responseId, request.instructions);
    this.#emit({ type: 'response_created', responseId: response.responseId, ...(request?.metadata === undefined ? {} : { metadata: request.metadata }) });
    if (this.refuseResponses === 'silence') return;
    if (this.refuseResponses === 'quota') {
      this.#active = undefined;
      return this.#emit({ type: 'response_done', responseId: response.responseId, status: 'failed', error: { code: 'insufficient_quota', message: 'No credit.' }, output: [] });
    }
    const name = this.#shared.nextCalls.shift() ?? (this.#rng.next() < (this.#options.toolShare ?? 0) ? 'work' : undefined);
    if (name !== undefined) this.#callTool(response, name);
    else this.#speak(response);
  }

  #end(close: { code: number; reason: string; byUs: boolean }): void {
    if (!this.alive) return;
    this.alive = false;
    this.#onClose(close);
  }

  #emit(input: ModelInput): void {
    if (this.alive && !this.frozen) this.#onInput(input);
  }

  #later(ms: number, run: () => void): void {
    this.#clock.after(ms, () => {
      if (this.alive) run();
    });
  }

  #id(prefix: string): string {
    this.#shared.nextId += 1;
    return `${prefix}_${this.#shared.nextId}`;
  }

  #hear(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + 4 <= bytes.length; at += 4) {
      const value = view.getUint32(at, true);
      this.#partial += 4;
      this.#bytes += 4;
      const number = value >>> 1;
      if (this.chunks.at(-1) !== number) this.chunks.push(number);
      if (this.#partial < CHUNK_BYTES) continue;
      this.#partial = 0;
      this.#onChunk(number, (value & 1) === 1);
    }
  }

  #onChunk(number: number, spoken: boolean): void {
    const nowMs = this.#bytes / BYTES_PER_MS;
    if (spoken) {
      this.#silentChunks = 0;
      if (this.#speech === undefined) {
        const speech = { itemId: this.#id('item_user'), words: [] };
        this.#speech = speech;
        this.#later(5, () => {
          this.#emit({ type: 'speech_started', itemId: speech.itemId, audioStartMs: nowMs - CHUNK_MS });
          this.#stopActive('turn_detected');
        });
      }
      this.#speech.words.push(number);
      return;
    }
    const speech = this.#speech;
    if (speech === undefined) return;
    this.#silentChunks += 1;
    if (this.#silentChunks < SILENCE_CHUNKS) return;
    this.#speech = undefined;
    this.#silentChunks = 0;
    this.#later(5, () => this.#commit(speech, nowMs));
  }

  #commit({ itemId, words }: { itemId: string; words: number[] }, audioEndMs?: number): void {
    if (audioEndMs !== undefined) this.#emit({ type: 'speech_stopped', itemId, audioEndMs });
    const previousItemId = this.items.at(-1)?.id ?? null;
    this.#emit({ type: 'input_committed', itemId, previousItemId });
    const item: ModelItem = { type: 'message', id: itemId, role: 'user', status: 'completed', content: [{ type: 'input_audio', transcript: null }] };
    this.items.push({ id: itemId, item });
    this.#emit({ type: 'item_added', item, previousItemId });
    this.#emit({ type: 'item_done', item });
    if (this.#options.transcribes !== false) {
      this.#later(this.#rng.int(30, 900), () => this.#emit({ type: 'user_transcript', itemId, contentIndex: 0, text: words.map((word) => `w${word}`).join(' '), final: true }));
    }
    this.#committed.push(...words);
    // A turn that is committed by hand is answered when it is asked for.
    if (audioEndMs !== undefined) this.#later(this.#rng.int(20, 300), () => this.respond());
  }

  #speak(response: SimulatedResponse): void {
    const { responseId } = response;
    const itemId = this.#id('item_agent');
    const words = this.#rng.int(4, 14);
    const text = Array.from({ length: words }, (_, index) => `say${index}`).join(' ');
    this.#later(50, () => {
      if (response.cancelled) return;
      const item: ModelItem = { type: 'message', id: itemId, role: 'assistant', status: 'in_progress', content: [] };
      this.#emit({ type: 'output_item_added', responseId, outputIndex: 0, item });
      const previousItemId = this.items.at(-1)?.id ?? null;
      this.items.push({ id: itemId, item });
      this.#emit({ type: 'item_added', item, previousItemId });
      this.#emit({ type: 'output_text_delta', of: 'audio', responseId, itemId, contentIndex: 0, delta: text });
    });
    for (let word = 0; word < words; word += 1) {
      this.#later(60 + word * 60, () => {
        if (response.cancelled) return;
        if (!this.frozen) for (const number of response.answers) this.#answered.add(number);
        this.#emit({ type: 'audio_delta', responseId, itemId, contentIndex: 0, bytes: new Uint8Array(200 * BYTES_PER_MS).fill(1) });
      });
    }
    this.#later(70 + words * 60, () => {
      if (response.cancelled) return;
      const item: ModelItem = { type: 'message', id: itemId, role: 'assistant', status: 'completed', content: [{ type: 'output_audio', transcript: text }] };
      this.#emit({ type: 'audio_done', responseId, itemId, contentIndex: 0 });
      this.#finish(response, 'completed', [item]);
    });
  }

  #callTool(response: SimulatedResponse, name: string): void {
    const { responseId } = response;
    const [itemId, callId] = [this.#id('item_call'), this.#id('call')];
    const call = { type: 'function_call', id: itemId, callId, name, arguments: '{}' } as const;
    this.#later(40, () => {
      if (response.cancelled) return;
      const item: ModelItem = { ...call, arguments: '', status: 'in_progress' };
      this.#emit({ type: 'output_item_added', responseId, outputIndex: 0, item });
      const previousItemId = this.items.at(-1)?.id ?? null;
      this.items.push({ id: itemId, item: { ...call, status: 'completed' } });
      this.#emit({ type: 'item_added', item, previousItemId });
    });
    this.#later(80, () => {
      if (response.cancelled) return;
      if (!this.frozen) for (const number of response.answers) this.#answered.add(number);
      this.#emit({ type: 'arguments_done', responseId, itemId, callId, name, arguments: '{}' });
      this.#finish(response, 'completed', [{ ...call, status: 'completed' }]);
    });
  }

  #finish(response: SimulatedResponse, status: 'completed' | 'cancelled', output: readonly ModelItem[], reason?: string): void {
    this.#active = undefined;
    for (const item of output) {
      this.#emit({ type: 'item_done', item });
      this.#emit({ type: 'output_item_done', responseId: response.responseId, outputIndex: 0, item });
    }
    this.#emit({ type: 'response_done', responseId: response.responseId, status, ...(reason === undefined ? {} : { reason }), output });
  }

  #stopActive(reason: string): void {
    const active = this.#active;
    if (active === undefined) return;
    active.cancelled = true;
    this.#finish(active, 'cancelled', [], reason);
  }

  #answer(command: ModelCommand): void {
    switch (command.type) {
      case 'configure':
        if (!this.#options.mute) this.#emit({ type: 'model_session_configured', silenceMs: 500 });
        return;
      case 'commit_audio': {
        const speech = this.#speech;
        if (speech === undefined) return this.#refuse(command.eventId, 'input_audio_buffer_commit_empty');
        this.#speech = undefined;
        this.#silentChunks = 0;
        return this.#commit(speech);
      }
      case 'create_item':
        return this.#addItem(command);
      case 'delete_item':
        return this.#deleteItem(command);
      case 'truncate_item':
        return this.items.some(({ id, item }) => id === command.itemId && 'status' in item)
          ? this.#emit({ type: 'item_truncated', itemId: command.itemId, contentIndex: 0, audioEndMs: command.audioEndMs })
          : this.#refuse(command.eventId, 'unsupported_content_type');
      case 'create_response':
        return this.#active === undefined ? this.respond(undefined, command.request) : this.#refuse(command.eventId, 'conversation_already_has_active_response');
      case 'cancel_response':
        return this.#active === undefined ? this.#refuse(command.eventId, 'response_cancel_not_active') : this.#stopActive('client_cancelled');
      default:
        return;
    }
  }

  #addItem({ item, previousItemId, eventId }: Extract<ModelCommand, { type: 'create_item' }>): void {
    if (this.items.some(({ id }) => id === item.id)) return this.#refuse(eventId, 'item_exists');
    if (item.type === 'function_call_output' && !this.items.some((other) => other.item.type === 'function_call' && other.item.callId === item.callId)) return this.#refuse(eventId, 'no_such_call');
    const at = previousItemId === undefined ? this.items.length : this.items.findIndex(({ id }) => id === previousItemId) + 1;
    const before = this.items[at - 1]?.id ?? null;
    this.items.splice(at, 0, { id: item.id, item });
    const echo = (item.type === 'function_call_output' ? item : { ...item, status: 'completed' }) as ModelItem;
    this.#emit({ type: 'item_added', item: echo, previousItemId: before });
    this.#emit({ type: 'item_done', item: echo });
  }

  #deleteItem({ itemId, eventId }: Extract<ModelCommand, { type: 'delete_item' }>): void {
    const at = this.items.findIndex(({ id }) => id === itemId);
    if (at === -1) return this.#refuse(eventId, 'item_delete_invalid_item_id');
    this.items.splice(at, 1);
    this.#emit({ type: 'item_deleted', itemId });
  }

  #refuse(eventId: string, code: string): void {
    this.refused.push(code);
    this.#emit({ type: 'model_error', error: { code, message: code }, eventId });
  }
}
