import type { AnyAgent } from '../agent/agent.js';
import { GuardrailRunner } from '../agent/guardrail-runner.js';
import { readHandoffArguments } from '../agent/handoff.js';
import { prepareHandoff } from '../agent/prepare-handoff.js';
import { ToolRunner } from '../agent/tool-runner.js';
import { errorText, problem } from '../error-text.js';
import { ProviderError, RunError } from '../errors.js';
import { PRICES } from '../cost/price-table.js';
import { tallyResponse } from '../cost/cost-meter.js';
import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import type { TextInputItem, TextModel, TextModelEvent, TextOutputItem, TextRequest } from '../ports/text-model.js';
import { createAnswer, readAnswer, saidSoFar } from './answer.js';
import type { FinishedAnswer } from './answer.js';
import { runCalls } from './call-desk.js';
import { asInput, cutConversation, historyOf, openCalls } from './conversation.js';
import type { ConversationMemory } from './conversation-memory.js';
import { nextAction, tooManyTurns } from './next-action.js';
import type { FunctionCall } from './next-action.js';
import type { RunEnd, RunEvent, RunItem, RunItemEventName } from './run-event.js';
import type { RunState, WaitingCall } from './run-state.js';
import { SpeechCheck } from './speech-check.js';
import { unlessAborted } from './unless-aborted.js';
import { within } from './within.js';

type WithoutInfo<Event> = Event extends RunEvent ? Omit<Event, 'info'> : never;

export interface RunnerOptions<Context> {
  readonly agent: AnyAgent<Context>;
  readonly state: RunState;
  readonly context: Context;
  readonly model: TextModel | undefined;
  readonly memory: ConversationMemory | undefined;
  readonly memoryLimit: number | undefined;
  readonly maxTurns: number;
  readonly idleTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborts when the run shall end now. */
  readonly life: AbortSignal;
  /** Whether the run shall end when the calls of its newest answer have. */
  readonly endsAfterTurn: () => boolean;
  /** Gives a promise where the reader has no room, which resolves when it has. */
  readonly tell: (event: RunEvent) => Promise<unknown> | undefined;
}

/** How a run ended well. */
export type Outcome<Context> = { readonly end: Extract<RunEnd, { status: 'completed' | 'interrupted' }>; readonly agent: AnyAgent<Context>; readonly text: string } | { readonly end: 'after_turn' };

/** Time for the memory, in ms: it is a file or a database near by. */
const MEMORY_MS = 5_000;
/** What the model is told of calls that a run has left open. */
const NOT_RUN = problem('The run ended before the call was begun. Nothing was done.');
const STOPPED = JSON.stringify({ status: 'unsettled', error: 'The run ended while the call ran. Whether it had an effect is not known: find out before you do it again.' });

/** Performs one run: asks the model, runs what it calls, hands over, until {@link nextAction} says that it is at its end. Used once. */
export class Runner<Context> {
  readonly #options: RunnerOptions<Context>;
  readonly #state: RunState;
  readonly #tools: ToolRunner;
  /** Newest updates of tools that wait for a slow reader, by call: an older one is of no interest then. */
  readonly #progress = new Map<string, string | object>();
  /** What the memory has not been given yet. */
  #unsaved: TextInputItem[] = [];
  #agent: AnyAgent<Context>;
  /** Calls that were given to their tools. */
  readonly #begun = new Set<string>();

  constructor(options: RunnerOptions<Context>) {
    this.#options = options;
    this.#state = options.state;
    this.#agent = options.agent;
    const { clock, state, context } = options;
    this.#tools = new ToolRunner({ clock, sessionId: state.runId, context, onProgress: (callId, update) => this.#onProgress(callId, update), onLate: () => {} });
  }

  get agent(): AnyAgent<Context> {
    return this.#agent;
  }

  /** Rejects with what went wrong, or with the reason of `life`. What was said until then is kept in the state and in the memory. */
  async perform(): Promise<Outcome<Context>> {
    const { life } = this.#options;
    const onEnd = (): void => this.#tools.abortAll('The run is over.');
    life.addEventListener('abort', onEnd, { once: true });
    try {
      const resumed = this.#state.waiting;
      if (resumed === undefined) await this.#takeInput();
      this.#state.status = 'running';
      const outcome = await this.#turns(resumed);
      await this.#remember();
      return outcome;
    } finally {
      life.removeEventListener('abort', onEnd);
    }
  }

  /** The run is over before its end: what was begun is closed, so that the conversation can go on from it. */
  async close(): Promise<void> {
    for (const { callId, name } of openCalls(this.#state.conversation)) {
      const ran = this.#begun.has(callId);
      this.#add({ type: 'function_call_output', callId, name, output: ran ? STOPPED : NOT_RUN, outcome: ran ? 'unsettled' : 'cancelled' });
    }
    await this.#remember();
  }

  async #takeInput(): Promise<void> {
    const { memory, memoryLimit, life, clock } = this.#options;
    const given = this.#state.conversation;
    this.#unsaved = [...given];
    if (memory === undefined) return;
    let before: readonly TextInputItem[];
    try {
      before = await unlessAborted(life, within(clock, MEMORY_MS, memory.items(memoryLimit)));
    } catch (cause) {
      if (life.aborted) throw cause;
      throw new RunError('MEMORY_FAILED', `What was said before could not be read: ${errorText(cause)}`, { cause });
    }
    this.#state.conversation = [...before, ...given];
  }

  async #remember(): Promise<void> {
    const { memory, clock } = this.#options;
    const items = this.#unsaved;
    if (memory === undefined || items.length === 0) return;
    this.#unsaved = [];
    try {
      await within(clock, MEMORY_MS, memory.add(items));
    } catch (cause) {
      throw new RunError('MEMORY_FAILED', `What was said could not be kept: ${errorText(cause)}`, { cause });
    }
  }

  async #turns(resumed: RunState['waiting']): Promise<Outcome<Context>> {
    const { maxTurns, endsAfterTurn } = this.#options;
    let calls: readonly WaitingCall[] = resumed?.calls ?? [];
    let handOver: FunctionCall | undefined = resumed?.handOver;
    if (resumed === undefined) await this.#tell({ type: 'agent_updated_stream_event', newAgent: this.#agent.name });
    for (let first = true; ; first = false) {
      if (!first || resumed === undefined) {
        if (this.#state.turn >= maxTurns) throw tooManyTurns(maxTurns);
        const answer = await this.#ask(first);
        const action = nextAction(answer, { turn: this.#state.turn, maxTurns, handoffNames: this.#agent.handoffs.map(({ definition }) => definition.name), structured: this.#agent.outputFormat !== undefined });
        if (action.type === 'fail') throw action.error;
        if (action.type === 'finish') return this.#finish(action.text, action.incomplete);
        ({ calls, handOver } = { handOver: undefined, ...action });
        for (const call of action.refused) await this.#output({ ...call, type: 'function_call_output', output: problem('The conversation is handed over already. Leave it at that.'), outcome: 'error' });
      }
      const { waiting, respond } = await this.#call(calls);
      if (waiting.length > 0) {
        this.#state.waiting = { calls: waiting, ...(handOver === undefined ? {} : { handOver }) };
        return { end: { status: 'interrupted', pending: waiting.map(({ callId, name, arguments: args }) => ({ callId, name, arguments: args })) }, agent: this.#agent, text: this.#state.text };
      }
      this.#state.waiting = undefined;
      const entry = handOver === undefined ? undefined : await this.#handOver(handOver);
      if (entry === 'silent') return this.#finish('');
      if (typeof entry === 'object') return this.#say(entry.say);
      if (handOver === undefined && !respond) return this.#finish(this.#state.text);
      if (endsAfterTurn()) return { end: 'after_turn' };
    }
  }

  #finish(text: string, incomplete?: string): Outcome<Context> {
    return { end: { status: 'completed', ...(incomplete === undefined ? {} : { incomplete }) }, agent: this.#agent, text };
  }

  // ---- the model ----

  async #ask(first: boolean): Promise<FinishedAnswer> {
    const { life, clock, idleTimeoutMs } = this.#options;
    const model = this.#agent.model ?? this.#options.model;
    if (model === undefined) throw new TypeError(`The agent ${this.#agent.name} has no model: give it one, or give one to the run.`);
    const request = await this.#request();
    this.#state.turn += 1;
    this.#state.text = '';
    const ask = new AbortController();
    const onEnd = (): void => ask.abort(life.reason);
    life.addEventListener('abort', onEnd, { once: true });
    const checks = this.#guardrails(life);
    const history = historyOf(this.#state.conversation);
    const check = new SpeechCheck({ checks, agentName: this.#agent.name, history, logger: this.#options.logger, onTrip: (error) => ask.abort(error) });
    const inputPassed = first ? check.input(request.input) : Promise.resolve();
    const draft = createAnswer();
    const events = model.respond(request, { signal: ask.signal })[Symbol.asyncIterator]();
    try {
      while (draft.finished === undefined) {
        const overdue = clock.after(idleTimeoutMs, () => ask.abort(new ProviderError('RESPONSE_TIMEOUT', `The model said nothing for ${idleTimeoutMs / 1000} s.`, { retryable: true })));
        const next = await unlessAborted(ask.signal, events.next()).finally(() => overdue.cancel());
        // The model works while the user's words are checked; nothing that it says is told before.
        await unlessAborted(ask.signal, inputPassed);
        if (next.done === true) throw new ProviderError('RESPONSE_FAILED', 'The answer broke off before its end.', { retryable: true });
        for (const event of readAnswer(draft, next.value)) await this.#onModelEvent(event, check);
      }
      await unlessAborted(ask.signal, check.end(this.#state.text));
    } catch (error) {
      // What was told is said; words that were against a rule are not kept.
      if (check.tripped === undefined) for (const item of saidSoFar(draft)) this.#add(item);
      if (check.tripped === 'input') this.#unsaved = [];
      throw error;
    } finally {
      life.removeEventListener('abort', onEnd);
      check.close();
      void Promise.resolve(events.return?.()).catch(() => {});
    }
    for (const item of draft.finished.output) this.#add(item);
    return draft.finished;
  }

  async #request(): Promise<TextRequest> {
    const { life, context } = this.#options;
    const agent = this.#agent;
    const instructions = typeof agent.instructions === 'function' ? await unlessAborted(life, agent.instructions({ context, agent })) : agent.instructions;
    return {
      ...(instructions === undefined ? {} : { instructions }),
      input: [...this.#state.conversation],
      tools: [...agent.tools, ...agent.handoffs].map(({ definition }) => definition),
      ...(agent.outputFormat === undefined ? {} : { output: agent.outputFormat }),
      ...(agent.settings === undefined ? {} : { settings: agent.settings }),
    };
  }

  async #onModelEvent(event: TextModelEvent, check?: SpeechCheck): Promise<void> {
    if (event.type === 'text_delta') {
      this.#state.text += event.delta;
      check?.grow(this.#state.text, event.delta);
    }
    if (event.type === 'response_done') tallyResponse(this.#state.tally, event.usage, (this.#agent.model ?? this.#options.model)?.label, PRICES);
    await this.#tell({ type: 'raw_response_event', data: event });
    if (event.type === 'item_done') await this.#tellItem(event.item);
  }

  async #tellItem(item: TextOutputItem): Promise<void> {
    const name = nameOf(item, this.#agent);
    if (name !== undefined) await this.#tell({ type: 'run_item_stream_event', name, item });
  }

  #guardrails(life: AbortSignal): GuardrailRunner {
    return new GuardrailRunner(this.#options.clock, this.#agent.guardrails, { signal: life });
  }

  // ---- tools ----

  async #call(calls: readonly WaitingCall[]): Promise<{ waiting: readonly WaitingCall[]; respond: boolean }> {
    for (const { callId } of calls) this.#begun.add(callId);
    const end = await unlessAborted(this.#options.life, runCalls(this.#tools, this.#agent, calls, (output) => this.#output(output)));
    for (const { callId } of end.waiting) this.#begun.delete(callId);
    return end;
  }

  async #output(output: Extract<RunItem, { type: 'function_call_output' }>): Promise<void> {
    if (this.#options.life.aborted) return;
    this.#progress.delete(output.callId);
    this.#add(output);
    await this.#tell({ type: 'run_item_stream_event', name: 'tool_output', item: output });
  }

  #onProgress(callId: string, update: string | object): void {
    const waits = this.#progress.has(callId);
    this.#progress.set(callId, update);
    if (!waits) void this.#tellProgress(callId);
  }

  async #tellProgress(callId: string): Promise<void> {
    const call = openCalls(this.#state.conversation).find((each) => each.callId === callId);
    const update = this.#progress.get(callId);
    if (call !== undefined && update !== undefined) await this.#tell({ type: 'tool_progress_stream_event', callId, name: call.name, update });
    this.#progress.delete(callId);
  }

  // ---- hand-offs ----

  /** Gives how the new agent begins; `respond` also when it did not come to a hand-off, and the old one goes on. */
  async #handOver(call: FunctionCall): Promise<'respond' | 'silent' | { readonly say: string }> {
    const { clock, life } = this.#options;
    const from = this.#agent;
    const how = from.handoffs.find(({ definition }) => definition.name === call.name);
    if (how === undefined) throw new TypeError(`${from.name} has no hand-off ${call.name}.`);
    const { reason, summary } = readHandoffArguments(call.arguments);
    const names = { fromAgent: from.name, toAgent: how.to.name };
    const output = { type: 'function_call_output', callId: call.callId, name: call.name } as const;
    try {
      const known = await prepareHandoff(clock, { how, ...names, reason, summary, history: historyOf(this.#state.conversation), signal: life });
      await this.#output({ ...output, output: JSON.stringify({ handing_over_to: how.to.name }), outcome: 'ok' });
      this.#state.conversation = cutConversation(this.#state.conversation, known, new Set([call.callId]));
    } catch {
      life.throwIfAborted();
      await this.#output({ ...output, output: problem(`The hand-over to ${how.to.name} did not work. Say so and go on yourself.`), outcome: 'error' });
      return 'respond';
    }
    this.#agent = how.to;
    this.#state.agentName = how.to.name;
    const item: RunItem = { type: 'handoff', callId: call.callId, ...names, reason };
    this.#state.items.push(item);
    await this.#tell({ type: 'run_item_stream_event', name: 'handoff_occured', alias: 'handoff_occurred', item });
    await this.#tell({ type: 'agent_updated_stream_event', newAgent: how.to.name });
    return how.entry;
  }

  /** Words that are given are told like an answer of the model. */
  async #say(text: string): Promise<Outcome<Context>> {
    const item: TextOutputItem = { type: 'message', id: `say_${this.#state.items.length + 1}`, text };
    const responseId = item.id;
    this.#state.text = '';
    this.#add(item);
    for (const event of [{ type: 'response_started', responseId }, { type: 'text_delta', itemId: item.id, delta: text }, { type: 'item_done', item }] as const) await this.#onModelEvent(event);
    await this.#tell({ type: 'raw_response_event', data: { type: 'response_done', responseId, status: 'completed', output: [item] } });
    return this.#finish(text);
  }

  // ---- what is known and told ----

  #add(item: TextOutputItem | Extract<RunItem, { type: 'function_call_output' }>): void {
    this.#state.items.push(item);
    const input = item.type === 'function_call_output' ? [{ type: item.type, callId: item.callId, output: item.output } as const] : asInput(item);
    this.#state.conversation.push(...input);
    this.#unsaved.push(...input);
  }

  async #tell(event: WithoutInfo<RunEvent>): Promise<void> {
    const { clock, tell, life } = this.#options;
    const { runId, turn } = this.#state;
    const info = { runId, agentName: this.#agent.name, turn, timestamp: clock.now() };
    life.throwIfAborted();
    const room = tell({ ...event, info });
    if (room !== undefined) await unlessAborted(life, room);
  }
}

function nameOf<Context>(item: TextOutputItem, agent: AnyAgent<Context>): RunItemEventName | undefined {
  switch (item.type) {
    case 'message':
      return 'message_output_created';
    case 'function_call':
      return agent.handoffs.some(({ definition }) => definition.name === item.name) ? 'handoff_requested' : 'tool_called';
    case 'reasoning':
      return 'reasoning_item_created';
    case 'mcp_list_tools':
      return 'mcp_list_tools';
    case 'mcp_approval_request':
      return 'mcp_approval_requested';
    case 'other':
      return undefined;
  }
}
