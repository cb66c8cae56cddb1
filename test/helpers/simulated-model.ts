import type { ModelCommand, ModelInput, ModelItem, ResponseRequest } from '../../session/index.js';
import type { Random } from './random.js';
import type { VirtualTime } from './virtual-time.js';

/** What kind of server it is. */
export interface SimulatedManners {
  /** Gives a request's metadata back in `response_created`. */
  readonly echoes: boolean;
  /** Says in an error which command it refuses. */
  readonly namesRefused: boolean;
  /** Cancels its response when the user speaks. */
  readonly stopsOnSpeech: boolean;
  /** Begins responses at any moment, without a turn of the user. */
  readonly spontaneous: boolean;
  /** Loses requests, ends, and whole responses. */
  readonly faulty: boolean;
}

interface Active {
  readonly id: string;
  readonly item: Extract<ModelItem, { type: 'message' | 'function_call' }>;
  over: boolean;
}

/**
 * The model's side of a conversation: at most one response writes to it at a time, a request beyond that is refused, a cancel of nothing too; its turn
 * detection answers by itself. What it says takes time to arrive, and so does what it is told.
 */
export class SimulatedModel {
  /** The instructions of each response that was asked for and has begun, in order. */
  readonly begun: (string | undefined)[] = [];
  /** The responses that were begun for each of those. */
  readonly begunAs = new Map<string, string[]>();
  /** Results of tools that no response has been begun for since they came. */
  readonly unanswered = new Set<string>();
  refusals = 0;
  readonly #time: VirtualTime;
  readonly #rng: Random;
  readonly #manners: SimulatedManners;
  readonly #deliver: (input: ModelInput) => void;
  readonly #delayMs: number;
  readonly #waiting: ModelItem[] = [];
  #active: Active | undefined;
  #count = 0;
  #arrivesMs = 0;
  #leavesMs = 0;
  #userSpeaks = false;

  constructor(time: VirtualTime, rng: Random, manners: SimulatedManners, deliver: (input: ModelInput) => void) {
    this.#time = time;
    this.#rng = rng;
    this.#manners = manners;
    this.#deliver = deliver;
    this.#delayMs = rng.pick([1, 20, 80, 200]);
  }

  /** The session has sent a command; it arrives later, in order. */
  send(command: ModelCommand): void {
    this.#arrivesMs = Math.max(this.#arrivesMs, this.#time.nowMs + this.#delayMs + this.#rng.int(0, 20));
    this.#time.at(this.#arrivesMs, () => this.#onCommand(command));
  }

  /** The user says something. */
  turn(): void {
    if (this.#userSpeaks) return;
    this.#userSpeaks = true;
    const itemId = this.#id('u');
    this.#say({ type: 'speech_started', itemId, audioStartMs: this.#time.nowMs });
    if (this.#active !== undefined && this.#manners.stopsOnSpeech) this.#end('cancelled', 'turn_detected');
    this.#time.after(this.#rng.int(100, 2_500), () => {
      this.#userSpeaks = false;
      const item: ModelItem = { type: 'message', id: itemId, role: 'user', status: 'completed', content: [{ type: 'input_audio', transcript: null }] };
      this.#say({ type: 'speech_stopped', itemId, audioEndMs: this.#time.nowMs }, { type: 'input_committed', itemId });
      this.#say({ type: 'item_added', item }, { type: 'item_done', item });
      this.#time.after(this.#rng.pick([0, 0, 50, 600]), () => this.beginByItself());
    });
  }

  /** Answers of its own accord, or says that it cannot. */
  beginByItself(): void {
    if (this.#active !== undefined) this.#refuse(undefined);
    else this.#begin(undefined);
  }

  #onCommand(command: ModelCommand): void {
    const meddles = this.#manners.spontaneous && this.begun.length > 0 && this.#rng.next() < 0.2;
    if (meddles && this.#rng.next() < 0.5 && this.#active === undefined) this.#begin(undefined);
    this.#obey(command);
    if (meddles && this.#active === undefined) this.#begin(undefined);
  }

  #obey(command: ModelCommand): void {
    switch (command.type) {
      case 'create_item': {
        const item = { status: 'completed', ...command.item } as ModelItem;
        // Results that come during a response are taken in when it is over.
        if (this.#active !== undefined && item.type === 'function_call_output') this.#waiting.push(item);
        else this.#add(item);
        return;
      }
      case 'create_response':
        if (this.#manners.faulty && this.#rng.next() < 0.2) return;
        return this.#active === undefined ? this.#begin(command.request) : this.#refuse(command.eventId);
      case 'cancel_response':
        if (this.#manners.faulty && this.#rng.next() < 0.3) return;
        if (this.#active?.id === command.responseId) return this.#end('cancelled', 'client_cancelled');
        return this.#say({ type: 'model_error', error: { code: 'response_cancel_not_active', message: 'Cancellation failed: no active response found.' }, ...(this.#manners.namesRefused ? { eventId: command.eventId } : {}) });
      case 'truncate_item':
        return this.#say({ type: 'item_truncated', itemId: command.itemId, contentIndex: command.contentIndex, audioEndMs: command.audioEndMs });
      default:
    }
  }

  #begin(request: ResponseRequest | undefined): void {
    const id = this.#id('r');
    const callsTool = request?.toolChoice !== 'none' && this.#rng.next() < 0.2;
    const item: Active['item'] = callsTool
      ? { type: 'function_call', id: this.#id('f'), callId: this.#id('c'), name: 'look', arguments: '', status: 'in_progress' }
      : { type: 'message', id: this.#id('a'), role: 'assistant', status: 'in_progress', content: [] };
    const active: Active = { id, item, over: false };
    this.#active = active;
    this.unanswered.clear();
    if (request !== undefined) this.begun.push(request.instructions);
    if (request?.instructions !== undefined) this.begunAs.set(request.instructions, [...(this.begunAs.get(request.instructions) ?? []), id]);
    const metadata = this.#manners.echoes ? (request?.metadata ?? {}) : undefined;
    this.#say({ type: 'response_created', responseId: id, ...(metadata === undefined ? {} : { metadata }) });
    if (this.#manners.faulty && this.#rng.next() < 0.1) return;
    const then = (delayMs: number, act: () => void): void => this.#time.after(delayMs, () => void (active.over || act()));
    let afterMs = this.#rng.int(0, 600);
    if (this.#rng.next() < 0.05) return then(afterMs, () => this.#end('failed'));
    then(afterMs, () => this.#say({ type: 'output_item_added', responseId: id, outputIndex: 0, item }, { type: 'item_added', item }));
    for (let pieces = this.#rng.int(1, 5); pieces > 0; pieces -= 1) {
      then((afterMs += this.#rng.int(1, 300)), () => this.#generate(active));
    }
    then(afterMs + this.#rng.int(0, 200), () => this.#end(this.#rng.next() < 0.1 ? 'incomplete' : 'completed'));
  }

  #generate({ id: responseId, item }: Active): void {
    const place = { responseId, itemId: item.id, contentIndex: 0 };
    if (item.type === 'function_call') return this.#say({ type: 'arguments_delta', responseId, itemId: item.id, callId: item.callId, delta: ' ' });
    this.#say({ type: 'output_text_delta', of: 'audio', ...place, delta: 'word ' }, { type: 'audio_delta', ...place, bytes: new Uint8Array(9_600) });
  }

  #end(status: 'completed' | 'cancelled' | 'failed' | 'incomplete', reason?: string): void {
    const active = this.#active;
    if (active === undefined) return;
    active.over = true;
    this.#active = undefined;
    const item: ModelItem = { ...active.item, status: status === 'completed' ? 'completed' : 'incomplete', ...(active.item.type === 'function_call' ? { arguments: '{}' } : {}) };
    if (status === 'completed' && item.type === 'function_call') {
      this.#say({ type: 'arguments_done', responseId: active.id, itemId: item.id, callId: item.callId, name: item.name, arguments: '{}' });
    }
    this.#say({ type: 'item_done', item }, { type: 'output_item_done', responseId: active.id, outputIndex: 0, item });
    if (!(this.#manners.faulty && this.#rng.next() < 0.1)) {
      this.#say({ type: 'response_done', responseId: active.id, status, ...(reason === undefined ? {} : { reason }), output: [item] });
    }
    for (const each of this.#waiting.splice(0)) this.#add(each);
  }

  #add(item: ModelItem): void {
    if (item.type === 'function_call_output') this.unanswered.add(item.id);
    this.#say({ type: 'item_added', item }, { type: 'item_done', item });
  }

  #refuse(eventId: string | undefined): void {
    this.refusals += 1;
    const named = this.#manners.namesRefused && eventId !== undefined ? { eventId } : {};
    const code = this.#rng.next() < 0.5 ? { code: 'conversation_already_has_active_response' } : {};
    this.#say({ type: 'model_error', error: { ...code, message: `Conversation already has an active response in progress: ${this.#active?.id ?? ''}.` }, ...named });
  }

  #say(...inputs: readonly ModelInput[]): void {
    for (const input of inputs) {
      this.#leavesMs = Math.max(this.#leavesMs, this.#time.nowMs + this.#delayMs + this.#rng.int(0, 20));
      this.#time.at(this.#leavesMs, () => this.#deliver(input));
    }
  }

  #id(prefix: string): string {
    this.#count += 1;
    return `${prefix}${this.#count}`;
  }
}
