import { problem } from '../error-text.js';
import { ToolError } from '../errors.js';
import type { ModelConfig, ModelErrorInfo, NewModelItem } from '../ports/model.js';
import type { HandoffPlan } from './handoff-state.js';
import { onIdleConnection, onIdleRefused } from './idle-pause.js';
import { reconfigure } from './reconfigure.js';
import { dropEntries, enqueueEntry } from './response-queue.js';
import { requestNext } from './responses.js';
import { sayRequest } from './say-request.js';
import type { SessionState } from './session-state.js';
import { add, put } from './sparse.js';
import type { StepContext } from './step-context.js';
import { emit, forgive, newId, send } from './step-context.js';
import { endWithAnswer, join, tell } from './tool-answers.js';
import type { ToolCall } from './tool-state.js';

/** The model confirms a configuration within a tenth of a second; after this long the old agent goes on. */
const OVERDUE_MS = 5_000;
const MAX_WAITING = 8;
const MAX_FORMER = 32;

/**
 * A hand-off is a transaction:
 *
 *      (agent A) ──handoff──▶ configuring ──confirmed──▶ (agent B) ──▶ one entry utterance
 *                                  └──────refused, or no answer──────▶ (agent A), error, the model is told
 *
 * The call that asked for it is answered first. While the model is being configured nobody asks for a response; one that is running goes on and
 * stays the old agent's. Formats are the session's and go out unchanged.
 */
export function onHandoff(context: StepContext, plan: HandoffPlan): void {
  const { state } = context;
  const { handoff } = state;
  if (plan.call !== undefined) {
    const call = state.calls.get(plan.call.callId);
    if (call === undefined || call.phase.name !== 'preparing') return reportSettled(context, plan, failure('The call that asked for the hand-off is over.'));
    // One response may hand over once, whoever was faster: the application, another agent, or another call of the same response.
    const first = handoff.current?.plan ?? handoff.waiting[0];
    const taken = handoff.former.has(call.responseId) ? state.agent.name : first?.agent.name;
    if (taken !== undefined) return refuseSecond(context, plan, call, taken, first !== undefined && first.call === undefined);
  }
  if (handoff.current === undefined && state.connection.name === 'open') return begin(context, plan);
  if (handoff.waiting.length >= MAX_WAITING) {
    return reportSettled(context, plan, failure(`${MAX_WAITING} hand-offs wait already.`, 'Await updateAgent() before you call it again.'));
  }
  handoff.waiting.push(plan);
}

/** The model has confirmed a configuration that was sent while the session was open. */
export function onReconfigured(context: StepContext): void {
  const { handoff } = context.state;
  const eventId = handoff.configures.shift();
  if (handoff.current !== undefined && handoff.current.eventId === eventId) commit(context, handoff.current);
}

/** The model refused something. True when it was the configuration of a hand-off. */
export function onReconfigureRefused(context: StepContext, error: ModelErrorInfo, eventId: string | undefined): boolean {
  const { state } = context;
  const { current, configures } = state.handoff;
  const index = eventId === undefined ? -1 : configures.indexOf(eventId);
  if (index !== -1) configures.splice(index, 1);
  onIdleRefused(context, eventId);
  if (current === undefined || current.eventId !== eventId) return false;
  const voice = current.plan.agent.voice;
  if (error.code === 'cannot_update_voice' && voice !== undefined && current.keptVoice === undefined) {
    // The model has spoken without our knowing of it: everything else of the new agent can still be had.
    current.config = configFor(state, current.plan, true);
    current.keptVoice = state.config.voice ?? '';
    current.eventId = reconfigure(context, current.config);
    return true;
  }
  rollBack(context, `The model refused it: ${error.message}`, error.code);
  return true;
}

export function onHandoffOverdue(context: StepContext): void {
  const { state } = context;
  const { current, configures } = state.handoff;
  if (current === undefined) return;
  // Whether the model has taken the new configuration is not known, so it is given the old one again; the next answer is taken as being to that.
  const index = configures.indexOf(current.eventId);
  if (index !== -1) configures.splice(index, 1);
  if (state.connection.name === 'open') reconfigure(context, state.config);
  const mute = state.watch.modelMs <= current.sentMs;
  rollBack(context, `The model did not confirm it within ${OVERDUE_MS / 1000} s.`);
  if (mute) context.effects.push({ type: 'recover_connection', reason: 'handoff_not_confirmed' });
}

/**
 * The model is there (again): a hand-off that was under way when the connection was lost is taken up once more, and those that were asked for
 * meanwhile begin. Whoever opens a connection has configured the old agent on it.
 */
export function resumeHandoffs(context: StepContext): void {
  const { handoff } = context.state;
  handoff.configures.length = 0;
  onIdleConnection(context);
  if (handoff.current === undefined) return nextWaiting(context);
  handoff.current.eventId = reconfigure(context, handoff.current.config);
  handoff.current.sentMs = context.nowMs;
  context.effects.push({ type: 'arm_timer', timer: 'handoff_overdue', delayMs: OVERDUE_MS });
}

// ---- the steps of the transaction, in order ----

function begin(context: StepContext, plan: HandoffPlan): void {
  const { state } = context;
  const keepsVoice = plan.agent.voice !== undefined && plan.agent.voice !== state.config.voice && hasSpoken(state);
  const config = configFor(state, plan, keepsVoice);
  const call = plan.call === undefined ? undefined : state.calls.get(plan.call.callId);
  const { responseId } = call ?? {};
  state.handoff.current = { plan, eventId: '', sentMs: context.nowMs, config, ...(responseId === undefined ? {} : { responseId }), ...(keepsVoice ? { keptVoice: state.config.voice ?? '' } : {}) };
  if (call !== undefined) {
    endWithAnswer(context, call, { outcome: 'ok', output: JSON.stringify({ handing_over_to: plan.agent.name }), durationMs: plan.call?.durationMs ?? 0 }, false);
  }
  state.handoff.current.eventId = reconfigure(context, config);
  context.effects.push({ type: 'arm_timer', timer: 'handoff_overdue', delayMs: OVERDUE_MS });
}

/** Everything of the new agent; what it does not say (a voice) stays, and what would stay by itself (instructions) is cleared. */
function configFor(state: SessionState, { agent }: HandoffPlan, keepsVoice: boolean): ModelConfig {
  const { config } = state;
  const voice = keepsVoice ? config.voice : (agent.voice ?? config.voice);
  const { toolChoice } = config;
  const forced = typeof toolChoice === 'object' && !agent.tools.some((tool) => tool.type !== 'mcp' && tool.name === toolChoice.name);
  return {
    ...config,
    instructions: agent.instructions ?? '',
    tools: agent.tools,
    ...(voice === undefined ? {} : { voice }),
    ...(forced ? { toolChoice: 'auto' as const } : {}),
  };
}

function commit(context: StepContext, current: NonNullable<SessionState['handoff']['current']>): void {
  const { state } = context;
  const { plan, config, keptVoice } = current;
  const fromAgent = state.agent.name;
  rememberFormer(state);
  endTransaction(context);
  state.agent = plan.agent;
  state.config = config;
  context.effects.push({ type: 'use_agent', agentId: plan.agent.agentId });
  const { reason, agent } = plan;
  emit(context, { type: 'handoff', fromAgent, toAgent: agent.name, reason, ...(keptVoice === undefined ? {} : { keptVoice }) });
  dropItems(context, plan.drop);
  if (plan.carried !== undefined && plan.carried !== '') {
    send(context, { type: 'create_item', eventId: newId(state, 'evt'), item: systemMessage(state, plan.carried), previousItemId: null });
  }
  reportSettled(context, plan);
  enter(context, plan);
  nextWaiting(context);
}

/** The new agent begins, once. What tools have given meanwhile is in an answer; words that are given leave it to an answer of its own. */
function enter(context: StepContext, { entry }: HandoffPlan): void {
  dropEntries(context);
  if (entry !== 'silent') enqueueEntry(context, entry === 'respond' ? {} : sayRequest(entry.say));
  requestNext(context);
}

function rollBack(context: StepContext, problem: string, providerCode?: string): void {
  const { state } = context;
  const { current } = state.handoff;
  if (current === undefined) return;
  const { plan, responseId } = current;
  endTransaction(context);
  const error = new ToolError('HANDOFF_FAILED', `${state.agent.name} could not hand over to ${plan.agent.name}. ${problem}`, {
    stage: 'handoff',
    ...(plan.call === undefined ? {} : { callId: plan.call.callId }),
    ...(providerCode === undefined ? {} : { hint: `The model's own code is ${providerCode}.` }),
  });
  emit(context, { type: 'error', error });
  reportSettled(context, plan, error);
  if (responseId !== undefined) {
    tell(context, systemMessage(state, `The hand-over to ${plan.agent.name} did not work. You are still ${state.agent.name}: say so in a few words and go on yourself.`));
    add(state.tools, 'wishes', responseId);
    join(context, responseId);
  }
  nextWaiting(context);
  requestNext(context);
}

function endTransaction(context: StepContext): void {
  delete context.state.handoff.current;
  context.effects.push({ type: 'cancel_timer', timer: 'handoff_overdue' });
}

function nextWaiting(context: StepContext): void {
  const { handoff, connection } = context.state;
  while (handoff.current === undefined && connection.name === 'open') {
    const plan = handoff.waiting.shift();
    if (plan === undefined) return;
    onHandoff(context, plan);
  }
}

function reportSettled(context: StepContext, plan: HandoffPlan, error?: ToolError): void {
  context.effects.push({ type: 'handoff_settled', handoffId: plan.handoffId, ...(error === undefined ? {} : { error }) });
}

// ---- helpers ----

/** `respond`: whether the model is to speak about it, in case that the first one fails. */
function refuseSecond(context: StepContext, plan: HandoffPlan, call: ToolCall, taken: string, respond: boolean): void {
  const output = problem(`The conversation is handed over to ${taken} already. Leave it at that.`);
  endWithAnswer(context, call, { outcome: 'error', output, durationMs: plan.call?.durationMs ?? 0 }, respond);
  reportSettled(context, plan, failure(`The conversation was handed over to ${taken} before.`));
}

function failure(problem: string, hint?: string): ToolError {
  return new ToolError('HANDOFF_FAILED', problem, { stage: 'handoff', ...(hint === undefined ? {} : { hint }) });
}

/** What is still to come of these is the old agent's: events carry its name, calls run its tools. */
function rememberFormer(state: SessionState): void {
  const owner = { agentId: state.agent.agentId, name: state.agent.name };
  const remember = (responseId: string): void => {
    if (!state.handoff.former.has(responseId)) put(state.handoff, 'former', responseId, owner, MAX_FORMER);
  };
  for (const { responseId } of state.calls.values()) remember(responseId);
  for (const { responseId } of state.ledger.entries) remember(responseId);
  for (const responseId of state.live.keys()) remember(responseId);
}

/** Providers freeze the voice with the first audio. */
function hasSpoken({ history, ledger }: SessionState): boolean {
  if (ledger.entries.length > 0) return true;
  for (const { item } of history.drafts.values()) {
    if (item.type === 'message' && item.role === 'assistant' && !item.content.some(({ type }) => type === 'output_text')) return true;
  }
  return false;
}

/** A call goes only together with its output, neither while one of them is still to come; what is being made stays. */
function dropItems(context: StepContext, drop: readonly string[]): void {
  const { history } = context.state;
  const going = drop.flatMap((itemId) => {
    const draft = history.drafts.get(itemId);
    return draft === undefined || draft.status === 'in_progress' ? [] : [draft.item];
  });
  const halves = (type: 'function_call' | 'function_call_output'): Set<string> => new Set(going.flatMap((item) => (item.type === type ? [item.callId] : [])));
  const [calls, outputs] = [halves('function_call'), halves('function_call_output')];
  for (const item of going) {
    if ((item.type === 'function_call' && !outputs.has(item.callId)) || (item.type === 'function_call_output' && !calls.has(item.callId))) continue;
    const eventId = newId(context.state, 'evt');
    forgive(context.state, eventId);
    send(context, { type: 'delete_item', eventId, itemId: item.id });
  }
}

function systemMessage(state: SessionState, text: string): NewModelItem {
  return { type: 'message', id: newId(state, 'item_vw'), role: 'system', content: [{ type: 'input_text', text }] };
}
