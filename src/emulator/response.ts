import type { Conversation } from './conversation.js';
import { deliverArguments, deliverSpeech, deliverText } from './delivery.js';
import { ItemSound } from './item-sound.js';
import type { Machine } from './machine.js';
import { wordsOf } from './plan.js';
import type { PlanStep } from './plan.js';
import { ResponseItem } from './response-item.js';
import type { ItemContent } from './response-item.js';
import { joinSpeech, silence } from './speech.js';
import type { Speech } from './speech.js';
import { NO_USAGE, usageOf } from './usage.js';
import type { InputTokens } from './usage.js';
import { Refusal, errorEvent } from './wire.js';
import type { WireFormat } from './wire.js';

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
  readonly input: InputTokens;
  /** How many times faster than real time audio is sent. */
  readonly pace: number;
  /** Whether a call begins before the words ahead of it have ended, as models that reason do it. */
  readonly overlap: boolean;
  /** Asks whether a hosted tool may be used unasked; the id of the request that was granted, or null, or that it is not granted yet. */
  readonly approval: (server: string, name: string) => { readonly granted: boolean; readonly requestId: string | null };
}

type Message = Extract<PlanStep, { kind: 'message' }>;
/** The sounds of a message, as the voice makes them. */
interface Sound {
  readonly speeches: (Speech | undefined)[];
  missing: number;
}

/** How long the end of words waits for a call that overlaps it. */
const OVERLAP_MS = 30;

/**
 * The life of one response: its steps, one after the other, as the events in the one order that the protocol has for them (realtime-protocol
 * 6.3, 6.6, 6.7, 6.14, 7.1, 7.2).
 *
 *     running ──all steps done──▶ ended(completed) · ──limit──▶ ended(incomplete) · ──cancel──▶ ended(cancelled) · ──fail──▶ ended(failed)
 */
export class ResponseRun {
  readonly settings: ResponseSettings;
  readonly #machine: Machine;
  readonly #steps: PlanStep[] = [];
  readonly #sounds = new Map<PlanStep, Sound>();
  /** Which message, and where in it, each text that was given to the voice belongs to. */
  readonly #spokenParts: { readonly step: Message; readonly at: number }[] = [];
  readonly #items: ResponseItem[] = [];
  #open: ResponseItem[] = [];
  #allSteps = false;
  #nextStep = 0;
  #readyAtMs: number;
  #ended = false;

  /** Sends `response.created`. Nothing else comes before `readyAtMs`. */
  constructor(settings: ResponseSettings, machine: Machine, readyAtMs: number) {
    this.settings = settings;
    this.#machine = machine;
    this.#readyAtMs = readyAtMs;
    machine.send({ type: 'response.created', response: this.#resource('in_progress', null, null) });
  }

  get ended(): boolean {
    return this.#ended;
  }

  get hasOutput(): boolean {
    return this.#items.length > 0;
  }

  /** Whether something of it has sounded or will. */
  get speaks(): boolean {
    return this.#items.some(({ content }) => content.kind === 'audio');
  }

  get audioMs(): number {
    return this.#items.reduce((sum, { entry }) => sum + entry.audioMs, 0);
  }

  get totalTokens(): number {
    const { text, audio, image } = this.settings.input;
    return text + audio + image + this.#outputTokens();
  }

  /** One more thing to do. */
  add(step: PlanStep): void {
    if (this.#ended) return;
    this.#steps.push(step);
    if (step.kind !== 'message' || step.speech !== undefined || this.settings.modality === 'text') return;
    const sound: Sound = { speeches: step.parts.map((part) => ('silenceMs' in part ? silence(part.silenceMs) : undefined)), missing: 0 };
    this.#sounds.set(step, sound);
    step.parts.forEach((part, at) => {
      if (!('text' in part)) return;
      sound.missing += 1;
      this.#spokenParts.push({ step, at });
      this.#machine.effect({ type: 'speak', responseId: this.settings.id, part: this.#spokenParts.length - 1, text: part.text });
    });
  }

  /** There are no more steps than those that were added. */
  addedAll(): void {
    this.#allSteps = true;
  }

  /** The voice has made the sound of a text, or could not. */
  spoken(part: number, speech: Speech | undefined): void {
    const place = this.#spokenParts[part];
    const sound = place === undefined ? undefined : this.#sounds.get(place.step);
    if (this.#ended || place === undefined || sound === undefined || sound.speeches[place.at] !== undefined) return;
    if (speech === undefined) return this.fail('server_error', 'The emulator has no voice for this answer.');
    sound.speeches[place.at] = speech;
    sound.missing -= 1;
    this.#readyAtMs = Math.max(this.#readyAtMs, this.#machine.nowMs);
  }

  /** When the next thing is due; undefined while it waits for its voice or its brain, and after the end. */
  get nextAtMs(): number | undefined {
    if (this.#ended) return undefined;
    let atMs = this.#stepAtMs();
    for (const item of this.#open) atMs = Math.min(atMs, this.#dueMs(item));
    return atMs === Infinity ? undefined : atMs;
  }

  /** Does the one thing that is due first. */
  advance(): void {
    if (this.#ended) return;
    let due: ResponseItem | undefined;
    for (const item of this.#open) if (due === undefined || this.#dueMs(item) < this.#dueMs(due)) due = item;
    if (due === undefined || this.#stepAtMs() < this.#dueMs(due)) return this.#takeStep();
    if (due.delivered) {
      due.end('completed');
      this.#open = this.#open.filter((item) => item !== due);
      this.#readyAtMs = Math.max(this.#readyAtMs, this.#machine.nowMs);
      return;
    }
    if (this.#outputTokens() >= (this.settings.maxOutputTokens === 'inf' ? Infinity : this.settings.maxOutputTokens)) {
      return this.#end('incomplete', { type: 'incomplete', reason: 'max_output_tokens' });
    }
    due.deliver();
  }

  cancel(reason: 'turn_detected' | 'client_cancelled'): void {
    this.#end('cancelled', { type: 'cancelled', reason });
  }

  fail(code: string, message: string, type = 'server_error'): void {
    this.#end('failed', { type: 'failed', error: { type, code, message } });
  }

  #stepAtMs(): number {
    const step = this.#steps[this.#nextStep];
    if (this.#open.length > 0 && !(step?.kind === 'call' && this.#isOverlapped()) && !(step?.kind === 'message' && this.#growing() !== undefined)) return Infinity;
    if (step === undefined) return this.#allSteps ? this.#readyAtMs : Infinity;
    return (this.#sounds.get(step)?.missing ?? 0) > 0 ? Infinity : this.#readyAtMs;
  }

  /** An item that is out does not end as long as it may be gone on in. */
  #dueMs(item: ResponseItem): number {
    if (!item.delivered || !item.goesOn) return item.nextAtMs;
    const step = this.#steps[this.#nextStep];
    return (step === undefined && !this.#allSteps) || step?.kind === 'message' ? Infinity : item.nextAtMs;
  }

  /** The item in which the next message goes on. */
  #growing(): ResponseItem | undefined {
    const last = this.#open.at(-1);
    return last?.goesOn === true ? last : undefined;
  }

  #isOverlapped(): boolean {
    const [item] = this.#open;
    return this.settings.overlap && this.#open.length === 1 && item?.delivered === true && item.content.kind !== 'call';
  }

  #takeStep(): void {
    const step = this.#steps[this.#nextStep];
    if (step === undefined) return this.#end('completed', null);
    this.#nextStep += 1;
    switch (step.kind) {
      case 'wait':
        this.#readyAtMs = this.#machine.nowMs + step.ms;
        return;
      case 'error':
        return this.#machine.send(errorEvent(step.code, step.message, null, null, 'server_error'));
      case 'fault':
        return this.#machine.effect({ type: 'fault', fault: step.fault });
      case 'fail':
        return this.fail(step.code, step.message, step.errorType);
      case 'stop':
        return this.#end('incomplete', { type: 'incomplete', reason: step.reason });
      case 'message':
      case 'call':
      case 'mcp':
        try {
          return this.#begin(step);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          return this.fail(error.code, error.message);
        }
    }
  }

  #begin(step: Extract<PlanStep, { kind: 'message' | 'call' | 'mcp' }>): void {
    const lingerMs = this.settings.overlap && this.#steps[this.#nextStep]?.kind === 'call' ? OVERLAP_MS : 0;
    if (step.kind === 'call') {
      const callId = this.#machine.ids.next('call');
      this.#start({ kind: 'call', name: step.name, callId }, deliverArguments(step.arguments));
      step.onCall?.(callId);
    } else if (step.kind === 'mcp') {
      const { granted, requestId } = this.settings.approval(step.server, step.name);
      if (!granted) return this.#askApproval(step);
      this.#start({ kind: 'mcp', server: step.server, name: step.name, approvalRequestId: requestId, output: step.output, error: step.error }, deliverArguments(step.arguments));
    } else {
      const phase = step.phase ?? (this.settings.overlap ? (lingerMs > 0 ? 'commentary' : 'final_answer') : undefined);
      const content: ItemContent = { kind: this.settings.modality, ...(phase === undefined ? {} : { phase }) };
      const growing = this.#growing();
      const steps = content.kind === 'text' ? deliverText(wordsOf(step.parts)) : deliverSpeech(this.#soundOf(step), this.settings.format, this.settings.pace, growing === undefined ? undefined : 0);
      const item = growing ?? this.#start(content, steps, lingerMs);
      growing?.append(steps);
      item.goesOn = step.more === true;
      step.onItem?.(item.entry.item.id);
    }
  }

  #start(content: ItemContent, steps: ReturnType<typeof deliverText>, lingerMs = 0): ResponseItem {
    const { id: responseId, conversation, format } = this.settings;
    const item = new ResponseItem(this.#machine, { responseId, conversation, outputIndex: this.#items.length }, content, steps, content.kind === 'audio' ? new ItemSound(format) : undefined, lingerMs);
    this.#items.push(item);
    this.#open.push(item);
    return item;
  }

  /** A tool that a person must allow first: the request is an item that is whole at once, and the response ends with it. */
  #askApproval(step: Extract<PlanStep, { kind: 'mcp' }>): void {
    const item = { id: this.#machine.ids.next('item'), type: 'mcp_approval_request', server_label: step.server, name: step.name, arguments: step.arguments } as const;
    const { conversation, id } = this.settings;
    const before = conversation?.insert({ item, audioMs: 0, byModel: true }) ?? null;
    const place = { response_id: id, output_index: this.#items.length };
    this.#machine.send({ type: 'response.output_item.added', ...place, item });
    if (conversation !== null) {
      this.#machine.send({ type: 'conversation.item.added', previous_item_id: before, item });
      this.#machine.send({ type: 'conversation.item.done', previous_item_id: before, item });
    }
    this.#machine.send({ type: 'response.output_item.done', ...place, item });
    this.#steps.length = this.#nextStep;
    this.#allSteps = true;
  }

  #soundOf(step: Message): Speech {
    if (step.speech !== undefined) return step.speech;
    const speeches = this.#sounds.get(step)?.speeches.filter((speech) => speech !== undefined) ?? [];
    const [only] = speeches;
    return speeches.length === 1 && only !== undefined ? only : joinSpeech(speeches);
  }

  #end(status: 'completed' | 'cancelled' | 'incomplete' | 'failed', details: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const item of this.#open) item.end(status === 'completed' ? 'completed' : 'incomplete');
    this.#machine.send({ type: 'response.done', response: this.#resource(status, details, this.#usage()) });
  }

  #outputTokens(): number {
    return this.#items.reduce((sum, { tokens }) => sum + tokens.text + tokens.audio, 0);
  }

  #usage(): unknown {
    if (this.#items.length === 0) return NO_USAGE;
    const output = this.#items.map(({ tokens }) => tokens);
    return usageOf(this.settings.input, output.reduce((sum, { text }) => sum + text, 0), output.reduce((sum, { audio }) => sum + audio, 0));
  }

  #resource(status: string, details: unknown, used: unknown): unknown {
    const { id, conversation, modality, format, voice, maxOutputTokens, metadata } = this.settings;
    return {
      object: 'realtime.response',
      id,
      status,
      status_details: details,
      output: status === 'in_progress' ? [] : this.#items.map(({ entry }) => entry.item),
      conversation_id: conversation?.id ?? null,
      output_modalities: [modality],
      max_output_tokens: maxOutputTokens,
      audio: { output: { format, voice } },
      usage: used,
      metadata,
    };
  }
}
