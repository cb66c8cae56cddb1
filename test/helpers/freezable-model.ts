/** A small realtime model on the manual clock that listens by level, answers every turn, and stops in the way and at the moment that a test says. */
import type { ModelCommand, ModelConnectOptions, ModelConnection, ModelInput, ModelItem, RealtimeModel } from '../../session/index.js';
import type { ManualClock } from '../../src/host/manual-clock.js';
import { tone } from './session-harness.js';

/** `mute`: takes everything and says nothing. `half-open`: nothing passes any more, also no close. `deaf`: hears no audio, and does all else. */
export type Freeze = 'no' | 'mute' | 'half-open' | 'deaf';

export interface FreezableModel extends RealtimeModel {
  readonly connections: FreezableConnection[];
  /** What the next openings do, in order; after them all open. */
  readonly openings: ('hang' | 'mute')[];
  /** Freezes the connection that has this before it, as `how`, once. */
  freezeAt(how: Freeze, at: (what: ModelInput | ModelCommand) => boolean): void;
  /** How long opening a socket takes, in ms. */
  openMs: number;
  /** How much later than in the audio itself the begin of speech is told, in ms. */
  vadMs: number;
  /** Whether its connections keep what they are sent. */
  keeps: boolean;
  /** Of the next response: it calls this tool. */
  tool?: string;
}

const BYTES_PER_MS = 48;
const SILENCE_MS = 500;

export function freezableModel(clock: ManualClock): FreezableModel {
  let trap: { how: Freeze; at: (what: ModelInput | ModelCommand) => boolean } | undefined;
  const model: FreezableModel = {
    label: 'freezable',
    connections: [],
    openings: [],
    openMs: 50,
    vadMs: 0,
    keeps: true,
    freezeAt: (how, at) => (trap = { how, at }),
    connect: (options) =>
      new Promise((resolve, reject) => {
        options.signal.addEventListener('abort', () => reject(options.signal.reason as Error), { once: true });
        const opening = model.openings.shift();
        if (opening === 'hang') return;
        clock.after(model.openMs, () => {
          if (options.signal.aborted) return;
          const connection = new FreezableConnection(clock, options, model, (what) => {
            if (trap?.at(what) !== true) return 'no';
            const { how } = trap;
            trap = undefined;
            return how;
          });
          if (opening === 'mute') connection.freeze = 'mute';
          model.connections.push(connection);
          resolve(connection);
        });
      }),
  };
  return model;
}

export class FreezableConnection implements ModelConnection {
  freeze: Freeze = 'no';
  readonly commands: ModelCommand[] = [];
  /** What it was sent of the microphone, in order. */
  readonly heard: Uint8Array[] = [];
  bufferedBytes = 0;
  /** The item of what it hears the user say; without one it has nothing to commit. */
  speech: string | undefined;
  readonly #clock: ManualClock;
  readonly #options: ModelConnectOptions;
  readonly #model: FreezableModel;
  readonly #trap: (what: ModelInput | ModelCommand) => Freeze;
  #alive = true;
  #bytes = 0;
  #silentMs = 0;
  /** Tells that speech has begun, while that is still to be told. */
  #begin: (() => void) | undefined;
  #active: { readonly id: string; cancelled: boolean } | undefined;
  static #count = 0;

  constructor(clock: ManualClock, options: ModelConnectOptions, model: FreezableModel, trap: (what: ModelInput | ModelCommand) => Freeze) {
    this.#clock = clock;
    this.#options = options;
    this.#model = model;
    this.#trap = trap;
  }

  send(command: ModelCommand): void {
    if (!this.#alive || this.freeze === 'half-open') return;
    if (command.type === 'append_audio') {
      const bytes = command.bytes.slice();
      if (this.#model.keeps) this.heard.push(bytes);
      return this.#later(10, () => this.#hear(bytes));
    }
    if (this.#model.keeps) this.commands.push(command);
    this.#spring(command);
    this.#later(10, () => this.#answer(command));
  }

  close(reason = ''): Promise<void> {
    // The transport cuts a peer that does not answer its close.
    const end = (): void => this.cut(1000, reason, true);
    if (this.freeze !== 'half-open') end();
    else this.#clock.after(2_000, end);
    return Promise.resolve();
  }

  cut(code = 1006, reason = '', byUs = false): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#options.onClose({ code, reason, byUs });
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** The model says this, by itself. */
  say(...inputs: ModelInput[]): void {
    this.#emit(...inputs);
  }

  #spring(what: ModelInput | ModelCommand): void {
    const how = this.#trap(what);
    if (how !== 'no') this.freeze = how;
  }

  #emit(...inputs: ModelInput[]): void {
    for (const input of inputs) {
      if (!this.#alive || this.freeze === 'mute' || this.freeze === 'half-open') return;
      this.#options.onInput(input);
      this.#spring(input);
    }
  }

  #later(ms: number, run: () => void): void {
    this.#clock.after(ms, () => this.#alive && run());
  }

  #id(prefix: string): string {
    return `${prefix}_${(FreezableConnection.#count += 1)}`;
  }

  #hear(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.freeze === 'deaf') return;
    const atMs = this.#bytes / BYTES_PER_MS;
    const loud = bytes.some((byte, index) => index % 2 === 1 && byte > 4 && byte < 252);
    if (loud) {
      this.#silentMs = 0;
      if (this.speech !== undefined) return;
      const itemId = this.#id('user');
      this.speech = itemId;
      const started = (): void => {
        if (this.#begin !== started) return;
        this.#begin = undefined;
        this.#emit({ type: 'speech_started', itemId, audioStartMs: Math.max(0, atMs - bytes.length / BYTES_PER_MS) });
        this.#stop();
      };
      this.#begin = started;
      return this.#model.vadMs === 0 ? started() : this.#later(this.#model.vadMs, started);
    }
    this.#silentMs += bytes.length / BYTES_PER_MS;
    if (this.speech === undefined || this.#silentMs < SILENCE_MS) return;
    this.#begin?.();
    this.#emit({ type: 'speech_stopped', itemId: this.speech, audioEndMs: atMs });
    this.#commit(this.speech);
    this.#later(100, () => this.#respond());
  }

  #commit(itemId: string): void {
    this.speech = undefined;
    this.#emit({ type: 'input_committed', itemId });
    const item: ModelItem = { type: 'message', id: itemId, role: 'user', status: 'completed', content: [{ type: 'input_audio', transcript: null }] };
    this.#emit({ type: 'item_added', item }, { type: 'item_done', item });
  }

  #stop(): void {
    if (this.#active === undefined) return;
    const { id } = this.#active;
    this.#active.cancelled = true;
    this.#active = undefined;
    this.#emit({ type: 'response_done', responseId: id, status: 'cancelled', output: [] });
  }

  #respond(metadata?: Readonly<Record<string, string>>): void {
    if (this.#active !== undefined) return;
    const response = { id: this.#id('resp'), cancelled: false };
    const itemId = this.#id('item');
    const { id: responseId } = response;
    this.#active = response;
    const later = (ms: number, run: () => void): void => this.#later(ms, () => response.cancelled || run());
    this.#emit({ type: 'response_created', responseId, ...(metadata === undefined ? {} : { metadata }) });
    const { tool } = this.#model;
    if (tool !== undefined) {
      delete this.#model.tool;
      const call = { type: 'function_call', id: itemId, callId: this.#id('call'), name: tool, arguments: '{}', status: 'completed' } as const;
      return later(100, () => {
        this.#active = undefined;
        this.#emit({ type: 'output_item_added', responseId, outputIndex: 0, item: { ...call, arguments: '', status: 'in_progress' } });
        this.#emit({ type: 'arguments_done', responseId, itemId, callId: call.callId, name: tool, arguments: '{}' }, { type: 'response_done', responseId, status: 'completed', output: [call] });
      });
    }
    const item = { type: 'message', id: itemId, role: 'assistant', status: 'in_progress', content: [] } as const;
    later(200, () => this.#emit({ type: 'output_item_added', responseId, outputIndex: 0, item }, { type: 'output_text_delta', of: 'audio', responseId, itemId, contentIndex: 0, delta: 'Well.' }));
    for (let at = 0; at < 5; at += 1) later(250 + at * 50, () => this.#emit({ type: 'audio_delta', responseId, itemId, contentIndex: 0, bytes: tone(200) }));
    later(500, () => {
      this.#active = undefined;
      const done: ModelItem = { ...item, status: 'completed', content: [{ type: 'output_audio', transcript: 'Well.' }] };
      this.#emit({ type: 'audio_done', responseId, itemId, contentIndex: 0 }, { type: 'item_done', item: done }, { type: 'response_done', responseId, status: 'completed', output: [done] });
    });
  }

  #answer(command: ModelCommand): void {
    switch (command.type) {
      case 'configure':
        return this.#emit({ type: 'model_session_configured', silenceMs: SILENCE_MS });
      case 'create_item': {
        const item = (command.item.type === 'message' ? { ...command.item, status: 'completed' } : command.item) as ModelItem;
        return this.#emit({ type: 'item_added', item }, { type: 'item_done', item });
      }
      case 'delete_item':
        return this.#emit({ type: 'item_deleted', itemId: command.itemId });
      case 'truncate_item':
        return this.#emit({ type: 'item_truncated', itemId: command.itemId, contentIndex: command.contentIndex, audioEndMs: command.audioEndMs });
      case 'create_response':
        return this.#respond(command.request.metadata);
      case 'cancel_response':
        return this.#stop();
      case 'commit_audio':
        if (this.speech !== undefined) return this.#commit(this.speech);
        return this.#emit({ type: 'model_error', error: { code: 'input_audio_buffer_commit_empty', message: 'Nothing to commit.' }, eventId: command.eventId });
      default:
        return;
    }
  }
}
