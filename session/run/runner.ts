import type { AnyAgent } from '../agent/agent.js';
import { GuardrailRunner } from '../agent/guardrail-runner.js';
import { readHandoffArguments } from '../agent/handoff.js';
import type { HandoffEntry } from '../agent/handoff.js';
import { prepareHandoff } from '../agent/prepare-handoff.js';
import type { HandoffMemory } from '../agent/prepare-handoff.js';
import { ToolRunner } from '../agent/tool-runner.js';
import { tallyResponse } from '../cost/cost-meter.js';
import { PRICES } from '../cost/price-table.js';
import { problem } from '../error-text.js';
import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import type { TextModel, TextModelEvent, TextOutputItem, TextRequest } from '../ports/text-model.js';
import { createAnswer, saidSoFar } from './answer.js';
import type { FinishedAnswer } from './answer.js';
import { askModel } from './ask-model.js';
import { runCalls } from './call-desk.js';
import type { CallsEnd } from './call-desk.js';
import { cutConversation, historyOf } from './conversation.js';
import type { ConversationMemory } from './conversation-memory.js';
import { nextAction, tooManyTurns } from './next-action.js';
import type { FunctionCall } from './next-action.js';
import type { RunEnd, RunEvent, RunItem, RunItemEventName } from './run-event.js';
import { RunMemory } from './run-memory.js';
import type { CallOutput } from './run-memory.js';
import type { RunState, WaitingCall } from './run-state.js';
import { SpeechCheck } from './speech-check.js';
import { unlessAborted } from './unless-aborted.js';

type WithoutInfo<Event> = Event extends RunEvent ? Omit<Event, 'info'> : never;

export interface RunnerOptions<Context> {
  readonly agent: AnyAgent<Context>;
  readonly state: RunState;
  readonly context: Context;
  readonly model: TextModel | undefined;
  readonly session: ConversationMemory | undefined;
  readonly sessionLimit: number | undefined;
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

/** How a run ended by itself, or as it was asked to. */
export type Outcome = { readonly end: Extract<RunEnd, { status: 'completed' | 'interrupted' }>; readonly text: string } | { readonly end: 'after_turn' };

/** Performs one run: asks the model, runs what it calls, hands over, until {@link nextAction} says that it is at its end. Used once. */
export class Runner<Context> {
  readonly #options: RunnerOptions<Context>;
  readonly #state: RunState;
  readonly #memory: RunMemory;
  readonly #tools: ToolRunner;
  /** Calls that were given to their tools. */
  readonly #begun = new Set<string>();
  /** Newest updates of tools that wait for a slow reader, by call: an older one is of no interest then. */
  readonly #progress = new Map<string, string | object>();
  #agent: AnyAgent<Context>;

  constructor(options: RunnerOptions<Context>) {
    const { agent, clock, state, context, session } = options;
    this.#options = options;
    this.#state = state;
    this.#agent = agent;
    this.#memory = new RunMemory(state, session, clock);
    this.#tools = new ToolRunner({ clock, sessionId: state.runId, context, onProgress: (callId, update) => this.#onProgress(callId, update), onLate: () => {} });
  }

  get agent(): AnyAgent<Context> {
    return this.#agent;
  }

  /** Rejects with what went wrong, or with the reason of `life`; {@link close} follows then. */
  async perform(): Promise<Outcome> {
    const { life, sessionLimit } = this.#options;
    const onEnd = (): void => this.#tools.abortAll('The run is over.');
    life.addEventListener('abort', onEnd, { once: true });
    try {
      const resumed = this.#state.waiting;
      this.#state.status = 'running';
      if (resumed === undefined) await this.#memory.takeInput(sessionLimit, life);
      const outcome = await (resumed === undefined ? this.#begin() : this.#goOn(resumed.calls, resumed.handOver));
      await this.#memory.save();
      return outcome;
    } finally {
      life.removeEventListener('abort', onEnd);
    }
  }

  /** The run has not come to its end. What was begun is closed and kept, so that the conversation can go on from it. */
  async close(): Promise<void> {
    this.#memory.closeCalls(this.#begun);
    await this.#memory.save();
  }

  // ---- turns ----

  async #begin(): Promise<Outcome> {
    await this.#tell({ type: 'agent_updated_stream_event', newAgent: this.#agent.name });
    return this.#turn(true);
  }

  /** Asks the model, and does what follows. */
  async #turn(first: boolean): Promise<Outcome> {
    for (let fresh = first; ; fresh = false) {
      const { maxTurns } = this.#options;
      if (this.#state.turn >= maxTurns) throw tooManyTurns(maxTurns);
      const answer = await this.#ask(fresh);
      const handoffNames = this.#agent.handoffs.map(({ definition }) => definition.name);
      const action = nextAction(answer, { turn: this.#state.turn, maxTurns, handoffNames, structured: this.#agent.outputFormat !== undefined });
      if (action.type === 'fail') throw action.error;
      if (action.type === 'finish') return finished(action.text, action.incomplete);
      for (const call of action.refused) await this.#output({ ...outputOf(call), output: problem('The conversation is handed over already. Leave it at that.'), outcome: 'error' });
      const outcome = await this.#afterAnswer(action.calls, action.handOver);
      if (outcome !== undefined) return outcome;
    }
  }

  /** A run that waited: its calls come first. */
  async #goOn(calls: readonly WaitingCall[], handOver: FunctionCall | undefined): Promise<Outcome> {
    return (await this.#afterAnswer(calls, handOver)) ?? this.#turn(false);
  }

  /** Gives how the run ends; nothing when the model is to be asked again. */
  async #afterAnswer(calls: readonly WaitingCall[], handOver: FunctionCall | undefined): Promise<Outcome | undefined> {
    const { waiting, respond } = await this.#call(calls);
    if (waiting.length > 0) {
      this.#state.waiting = { calls: waiting, ...(handOver === undefined ? {} : { handOver }) };
      return { end: { status: 'interrupted', pending: waiting.map(({ callId, name, arguments: args }) => ({ callId, name, arguments: args })) }, text: this.#state.text };
    }
    this.#state.waiting = undefined;
    const entry = handOver === undefined ? undefined : await this.#handOver(handOver);
    if (entry === 'silent') return finished('');
    if (typeof entry === 'object') return this.#say(entry.say);
    if (entry === undefined && !respond) return finished(this.#state.text);
    return this.#options.endsAfterTurn() ? { end: 'after_turn' } : undefined;
  }

  // ---- the model ----

  async #ask(first: boolean): Promise<FinishedAnswer> {
    const { life, clock, idleTimeoutMs, logger } = this.#options;
    const agent = this.#agent;
    const model = agent.model ?? this.#options.model;
    if (model === undefined) throw new TypeError(`The agent ${agent.name} has no model: give it one, or give one to the run.`);
    const request = await this.#request();
    this.#state.turn += 1;
    this.#state.text = '';
    const ask = new AbortController();
    const onEnd = (): void => ask.abort(life.reason);
    life.addEventListener('abort', onEnd, { once: true });
    const check = new SpeechCheck({ checks: new GuardrailRunner(clock, agent.guardrails, { signal: life }), agentName: agent.name, conversation: request.input, logger, onTrip: (error) => ask.abort(error) });
    const draft = createAnswer();
    try {
      // The model works while the user's words are checked; nothing that it says is told before they have passed.
      const ready = first ? check.input() : Promise.resolve();
      const answer = await askModel({ model, request, draft, ask, clock, idleTimeoutMs, ready, onEvent: (event) => this.#onModelEvent(event, check) });
      await unlessAborted(ask.signal, check.end(this.#state.text));
      for (const item of answer.output) this.#memory.add(item);
      return answer;
    } catch (error) {
      // What was told is said; words that were against a rule are not kept.
      if (check.tripped === undefined) for (const item of saidSoFar(draft)) this.#memory.add(item);
      if (check.tripped === 'input') this.#memory.forget();
      throw error;
    } finally {
      life.removeEventListener('abort', onEnd);
      check.close();
    }
  }

  async #request(): Promise<TextRequest> {
    const { life, context } = this.#options;
    const agent = this.#agent;
    const { instructions, outputFormat, settings } = agent;
    const text = typeof instructions === 'function' ? await unlessAborted(life, (async () => instructions({ context, agent }))()) : instructions;
    return {
      ...(text === undefined ? {} : { instructions: text }),
      input: [...this.#state.conversation],
      tools: [...agent.tools, ...agent.handoffs].map(({ definition }) => definition),
      ...(outputFormat === undefined ? {} : { output: outputFormat }),
      ...(settings === undefined ? {} : { settings }),
    };
  }

  async #onModelEvent(event: TextModelEvent, check?: SpeechCheck): Promise<void> {
    if (event.type === 'text_delta') {
      this.#state.text += event.delta;
      check?.grow(this.#state.text, event.delta);
    }
    if (event.type === 'response_done') tallyResponse(this.#state.tally, event.usage, (this.#agent.model ?? this.#options.model)?.label, PRICES);
    await this.#tell({ type: 'raw_response_event', data: event });
    const name = event.type === 'item_done' ? nameOf(event.item, this.#agent) : undefined;
    if (event.type === 'item_done' && name !== undefined) await this.#tell({ type: 'run_item_stream_event', name, item: event.item });
  }

  // ---- tools ----

  async #call(calls: readonly WaitingCall[]): Promise<CallsEnd> {
    const earlier = (callId: string): CallOutput | undefined => this.#state.items.find((item): item is CallOutput => item.type === 'function_call_output' && item.callId === callId);
    const options = { tools: this.#tools, agent: this.#agent, earlier, onBegin: (callId: string) => this.#begun.add(callId), onOutput: (output: CallOutput) => this.#output(output) };
    return unlessAborted(this.#options.life, runCalls(calls, options));
  }

  async #output(output: CallOutput): Promise<void> {
    // A tool that ends when the run is over has been answered for.
    if (this.#options.life.aborted) return;
    this.#progress.delete(output.callId);
    this.#memory.add(output);
    await this.#tell({ type: 'run_item_stream_event', name: 'tool_output', item: output });
  }

  #onProgress(callId: string, update: string | object): void {
    const waits = this.#progress.has(callId);
    this.#progress.set(callId, update);
    if (!waits) void this.#tellProgress(callId).catch(() => {});
  }

  /** Tools do not wait when they tell how far they are: while the reader is behind, one update of each call waits, the newest. */
  async #tellProgress(callId: string): Promise<void> {
    const call = this.#state.conversation.findLast((item) => item.type === 'function_call' && item.callId === callId);
    if (call?.type !== 'function_call') return;
    for (let told: string | object | undefined; told !== this.#progress.get(callId); ) {
      told = this.#progress.get(callId);
      if (told !== undefined) await this.#tell({ type: 'tool_progress_stream_event', callId, name: call.name, update: told });
    }
    this.#progress.delete(callId);
  }

  // ---- hand-offs ----

  /** Gives how the new agent begins. Where it does not come to a hand-off, the old one responds. */
  async #handOver(call: FunctionCall): Promise<HandoffEntry> {
    const { clock, life } = this.#options;
    const from = this.#agent;
    const how = from.handoffs.find(({ definition }) => definition.name === call.name);
    if (how === undefined) throw new TypeError(`${from.name} has no hand-off ${call.name}.`);
    const { reason, summary } = readHandoffArguments(call.arguments);
    const names = { fromAgent: from.name, toAgent: how.to.name };
    let known: HandoffMemory;
    try {
      known = await prepareHandoff(clock, { how, ...names, reason, summary, history: historyOf(this.#state.conversation), signal: life });
    } catch {
      life.throwIfAborted();
      await this.#output({ ...outputOf(call), output: problem(`The hand-over to ${how.to.name} did not work. Say so and go on yourself.`), outcome: 'error' });
      return 'respond';
    }
    await this.#output({ ...outputOf(call), output: JSON.stringify({ handing_over_to: how.to.name }), outcome: 'ok' });
    const sameModel = (from.model ?? this.#options.model) === (how.to.model ?? this.#options.model);
    this.#state.conversation = cutConversation(this.#state.conversation, known, { keepCall: call.callId, keepProviderItems: sameModel });
    this.#agent = how.to;
    this.#state.agentName = how.to.name;
    const item: RunItem = { type: 'handoff', callId: call.callId, ...names, reason };
    this.#state.items.push(item);
    await this.#tell({ type: 'run_item_stream_event', name: 'handoff_occured', alias: 'handoff_occurred', item });
    await this.#tell({ type: 'agent_updated_stream_event', newAgent: how.to.name });
    return how.entry;
  }

  /** Words that are given are told like an answer of the model. */
  async #say(text: string): Promise<Outcome> {
    const item: TextOutputItem = { type: 'message', id: `say_${this.#state.items.length + 1}`, text };
    this.#state.text = '';
    this.#memory.add(item);
    const responseId = item.id;
    await this.#onModelEvent({ type: 'response_started', responseId });
    await this.#onModelEvent({ type: 'text_delta', itemId: item.id, delta: text });
    await this.#onModelEvent({ type: 'item_done', item });
    await this.#tell({ type: 'raw_response_event', data: { type: 'response_done', responseId, status: 'completed', output: [item] } });
    return finished(text);
  }

  async #tell(event: WithoutInfo<RunEvent>): Promise<void> {
    const { clock, tell, life } = this.#options;
    const { runId, turn } = this.#state;
    life.throwIfAborted();
    const room = tell({ ...event, info: { runId, agentName: this.#agent.name, turn, timestamp: clock.now() } });
    if (room !== undefined) await unlessAborted(life, room);
  }
}

function finished(text: string, incomplete?: string): Outcome {
  return { end: { status: 'completed', ...(incomplete === undefined ? {} : { incomplete }) }, text };
}

function outputOf({ callId, name }: FunctionCall): Pick<CallOutput, 'type' | 'callId' | 'name'> {
  return { type: 'function_call_output', callId, name };
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
