import { objectAt, stringAt } from './checks.js';
import type { Brain } from './brain.js';
import type { Conversation, ConversationEntry } from './conversation.js';
import { canCall, forcedCall, offered } from './forced-call.js';
import type { Machine } from './machine.js';
import type { McpServers } from './mcp-servers.js';
import type { PlanStep } from './plan.js';
import { ResponseRun } from './response.js';
import { responseParams } from './response-params.js';
import type { ResponseParams } from './response-params.js';
import type { SessionConfig } from './session-config.js';
import type { Speech } from './speech.js';
import { TokenAllowance, inputTokens } from './usage.js';
import { Refusal } from './wire.js';

/** `rate_limits.updated` comes this long after `response.done`. */
const RATE_LIMITS_AFTER_MS = 30;
/** Responses beside the conversation may run in parallel; a client that starts them without end is refused. */
const MAX_RESPONSES = 16;

export interface ResponsesOptions {
  readonly machine: Machine;
  readonly conversation: Conversation;
  readonly brain: Brain;
  readonly mcp: McpServers;
  readonly config: () => SessionConfig;
  readonly model: string;
  readonly pace: number;
  readonly thinkMs: number;
  /** A response was asked for. */
  readonly onBegin: () => void;
  /** A response of the conversation has ended. */
  readonly onEnd: (run: ResponseRun) => void;
}

interface Live {
  readonly run: ResponseRun;
  /** Its brain has not said everything yet. */
  thinking: boolean;
}

/** The responses of a session: one at a time writes to the conversation, others stand beside it. */
export class Responses {
  readonly #options: ResponsesOptions;
  readonly #live = new Map<string, Live>();
  readonly #allowance: TokenAllowance;
  /** Items whose words are not known yet, and what waits for them. */
  readonly #unheard = new Map<string, (() => void)[]>();
  /** Outputs of calls that came while the response still ran: they join the conversation after it. */
  #waiting: (() => void)[] = [];
  #active: ResponseRun | undefined;
  #readBefore = 0;
  #spoken = false;

  constructor(options: ResponsesOptions) {
    this.#options = options;
    this.#allowance = new TokenAllowance(options.machine.nowMs);
  }

  /** The response that writes to the conversation. */
  get active(): ResponseRun | undefined {
    return this.#active;
  }

  /** Whether the assistant has ever sounded. */
  get hasSpoken(): boolean {
    return this.#spoken || [...this.#live.values()].some(({ run }) => run.speaks);
  }

  /** `given` is what `response.create` carried. Throws {@link Refusal}. */
  create(given: unknown): void {
    const { machine, conversation, brain, mcp, config, model, pace, thinkMs, onBegin } = this.#options;
    const params = responseParams(given === undefined || given === null ? {} : objectAt(given, 'response'), config(), conversation, machine.ids);
    if (!params.beside && this.#active !== undefined) {
      throw new Refusal('conversation_already_has_active_response', `Conversation already has an active response in progress: ${this.#active.settings.id}. Wait until the response is finished before creating a new one.`);
    }
    if (this.#live.size >= MAX_RESPONSES) throw new Refusal('rate_limit_exceeded', `At most ${MAX_RESPONSES} responses run at a time.`);
    onBegin();
    const input = inputTokens(params.instructions, params.context, this.#readBefore);
    if (!params.beside) this.#readBefore = input.text;
    const { modality, format, voice, maxOutputTokens, metadata } = params;
    const run = new ResponseRun(
      {
        id: machine.ids.next('resp'),
        conversation: params.beside ? null : conversation,
        modality,
        format,
        voice,
        maxOutputTokens,
        metadata,
        input,
        pace,
        overlap: /^gpt-realtime-2(?!\d)/.test(model),
        approval: (server, name) => mcp.approval(params.tools, server, name),
      },
      machine,
      machine.nowMs + thinkMs,
    );
    this.#live.set(run.settings.id, { run, thinking: false });
    if (!params.beside) this.#active = run;
    this.#whenHeard(params.context, () => this.#think(run, params, brain));
  }

  /** Ends the response `id`, or the one of the conversation. Throws {@link Refusal}. */
  cancel(id: unknown): void {
    const responseId = id === undefined || id === null ? undefined : stringAt(id, 'response_id', 512);
    const run = responseId === undefined ? this.#active : this.#live.get(responseId)?.run;
    if (run === undefined) throw new Refusal('response_cancel_not_active', 'Cancellation failed: no active response found.', responseId === undefined ? null : 'response_id');
    run.cancel('client_cancelled');
    this.#settle(run);
  }

  /** The user speaks over the answer. */
  interrupt(): void {
    const run = this.#active;
    run?.cancel('turn_detected');
    if (run !== undefined) this.#settle(run);
  }

  /** Runs `join` now, or after the response that runs. Throws {@link Refusal} where too many wait. */
  afterActive(join: () => void): void {
    if (this.#active === undefined) return join();
    if (this.#waiting.length >= MAX_RESPONSES) throw new Refusal('rate_limit_exceeded', `At most ${MAX_RESPONSES} outputs wait for the end of a response.`);
    this.#waiting.push(join);
  }

  /** A recogniser is at work on this item: no answer to it before {@link Responses.heard}. */
  hearing(itemId: string): void {
    this.#unheard.set(itemId, []);
  }

  heard(itemId: string): void {
    const waiting = this.#unheard.get(itemId) ?? [];
    this.#unheard.delete(itemId);
    for (const go of waiting) go();
  }

  spoken(responseId: string, part: number, speech: Speech | undefined): void {
    this.#with(responseId, ({ run }) => run.spoken(part, speech));
  }

  thought(responseId: string, step: PlanStep): void {
    this.#with(responseId, ({ run }) => run.add(step));
  }

  /** The brain has nothing more to say; `failed` where it broke off. */
  thoughtAll(responseId: string, failed: boolean): void {
    this.#with(responseId, (live) => {
      live.thinking = false;
      if (failed) live.run.fail('server_error', 'The server had an error while processing your request.');
      else live.run.addedAll();
    });
  }

  get nextAtMs(): number {
    let nextMs = Infinity;
    for (const { run } of this.#live.values()) nextMs = Math.min(nextMs, run.nextAtMs ?? Infinity);
    return nextMs;
  }

  /** Does the one thing that is due first. */
  advance(): void {
    let due: ResponseRun | undefined;
    for (const { run } of this.#live.values()) if ((run.nextAtMs ?? Infinity) < (due?.nextAtMs ?? Infinity)) due = run;
    if (due === undefined) return;
    due.advance();
    this.#settle(due);
  }

  #with(responseId: string, act: (live: Live) => void): void {
    const live = this.#live.get(responseId);
    if (live === undefined) return;
    act(live);
    this.#settle(live.run);
  }

  #whenHeard(context: readonly ConversationEntry[], go: () => void): void {
    const last = this.#unheard.size === 0 ? undefined : context.findLast(({ item }) => this.#unheard.has(item.id));
    if (last === undefined) go();
    else this.#unheard.get(last.item.id)?.push(go);
  }

  #think(run: ResponseRun, params: ResponseParams, brain: Brain): void {
    const { tools, toolChoice, context } = params;
    if (run.ended) return;
    if (context.some(({ badImage }) => badImage === true)) {
      run.add({ kind: 'fail', code: 'input_image_safety_violation', message: 'The image could not be processed.', errorType: 'invalid_request_error' });
      return run.addedAll();
    }
    const notice = (message: string, detail: string): void => this.#options.machine.effect({ type: 'notice', message, detail });
    const answer = brain.answer({ entries: context, instructions: params.instructions, modality: params.modality, ...offered(tools, toolChoice), canCall: (name) => canCall(name, tools, toolChoice), notice });
    if (Symbol.asyncIterator in answer) {
      const live = this.#live.get(run.settings.id);
      if (live !== undefined) live.thinking = true;
      return this.#options.machine.effect({ type: 'think', responseId: run.settings.id, steps: answer });
    }
    const forced = answer.some(({ kind }) => kind === 'call') ? undefined : forcedCall(tools, toolChoice);
    for (const step of forced === undefined ? answer : [forced]) run.add(step);
    run.addedAll();
  }

  /** Does what follows from a response's end. */
  #settle(run: ResponseRun): void {
    if (!run.ended || !this.#live.has(run.settings.id)) return;
    const { machine, onEnd } = this.#options;
    if (this.#live.get(run.settings.id)?.thinking === true) machine.effect({ type: 'forget', responseId: run.settings.id });
    this.#live.delete(run.settings.id);
    this.#spoken ||= run.speaks;
    if (run.hasOutput) {
      const limit = this.#allowance.take(run.totalTokens, machine.nowMs);
      machine.later(RATE_LIMITS_AFTER_MS, () => machine.send({ type: 'rate_limits.updated', rate_limits: [limit] }));
    }
    if (run !== this.#active) return;
    this.#active = undefined;
    for (const join of this.#waiting.splice(0)) join();
    onEnd(run);
  }
}
