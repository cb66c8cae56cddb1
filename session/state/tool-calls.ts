import { problem } from '../error-text.js';
import { ToolError, assertNever } from '../errors.js';
import type { ToolPlan } from '../ports/tool-plan.js';
import { noteFailure } from './failure-notes.js';
import { setArguments } from './history.js';
import type { ToolInput } from './session-input.js';
import { put } from './sparse.js';
import type { StepContext } from './step-context.js';
import { agentOfResponse, emit } from './step-context.js';
import { acknowledgeCall, addResult, onBackgroundTime } from './background-tools.js';
import { decideHosted, hostedOutcome, onHostedTime } from './hosted-tools.js';
import { keepIdle } from './idle-pause.js';
import { endCall, endWithAnswer, join } from './tool-answers.js';
import type { ToolCall } from './tool-state.js';
import { armToolTimer } from './tool-timer.js';

interface CallPlace {
  readonly responseId: string;
  readonly itemId: string;
  readonly callId: string;
}

// ---- what the model says of its calls ----

/** The model has begun to call a tool. None when the call has ended before: the model repeats itself, or comes late. */
export function beginCall(context: StepContext, begun: CallPlace & { name: string }): ToolCall | undefined {
  const { state } = context;
  const known = state.calls.get(begun.callId);
  if (known !== undefined) {
    if (known.name === '') known.name = begun.name;
    return known;
  }
  if (state.tools.ended.has(begun.callId)) return undefined;
  const call: ToolCall = { ...begun, arguments: '', phase: { name: 'arguing' } };
  put(state, 'calls', begun.callId, call);
  emit(context, { type: 'tool_start', responseId: begun.responseId, itemId: begun.itemId, callId: begun.callId, toolName: begun.name });
  return call;
}

export function onArgumentsDelta(context: StepContext, input: CallPlace & { delta: string }): void {
  const call = beginCall(context, { responseId: input.responseId, itemId: input.itemId, callId: input.callId, name: '' });
  if (call?.phase.name !== 'arguing') return;
  call.arguments += input.delta;
  emit(context, { type: 'tool_arguments_delta', itemId: call.itemId, callId: call.callId, delta: input.delta, textSoFar: call.arguments });
}

/** The arguments are complete: the tool runs, once, however often the model says so. */
export function runCall(context: StepContext, input: CallPlace & { name?: string; arguments: string }): void {
  const call = beginCall(context, { responseId: input.responseId, itemId: input.itemId, callId: input.callId, name: input.name ?? '' });
  if (call?.phase.name !== 'arguing') return reportConflict(context, input);
  if (call.name === '' && input.name === undefined) {
    // An older dialect names the tool only in the item; that comes a moment later, with the arguments again.
    call.arguments = input.arguments;
    return;
  }
  if (input.name !== undefined) call.name = input.name;
  call.arguments = input.arguments;
  call.phase = { name: 'preparing' };
  setArguments(context, call.itemId, call.arguments);
  context.effects.push({ type: 'prepare_tool', agentId: agentOfResponse(context.state, call.responseId), callId: call.callId, name: call.name, argumentsJson: call.arguments });
}

/** The response is over: a call whose arguments never came to an end will not be run, and no further call joins the others. */
export function cancelUnfinishedCalls(context: StepContext, responseId: string): void {
  for (const call of context.state.calls.values()) {
    if (call.responseId !== responseId) continue;
    if (call.phase.name === 'arguing') endCall(context, call, { outcome: 'cancelled', output: '', durationMs: 0 }, false);
    else if (call.phase.name === 'hosted') endCall(context, call, { outcome: hostedOutcome(call), output: '', durationMs: context.nowMs - call.phase.sinceMs }, false);
  }
  join(context, responseId, true);
}

/** The model uses the id of a call for another one. The first has it; the second can have no output of its own. */
function reportConflict(context: StepContext, input: { callId: string; name?: string; arguments: string }): void {
  const { calls, tools } = context.state;
  const first = calls.get(input.callId) ?? tools.ended.get(input.callId);
  if (first === undefined || first.conflict) return;
  if ((input.name ?? first.name) === first.name && sameJson(input.arguments, first.arguments)) return;
  first.conflict = true;
  const error = new ToolError('TOOL_CALL_CONFLICT', `The model used the id of a call to ${first.name} for another call. The first was run, the second was not.`, {
    toolName: first.name,
    callId: input.callId,
    hint: 'This is a fault of the model or its server; ask it again for what is missing.',
  });
  emit(context, { type: 'error', error });
}

/** The same text, or the same value in other spacing. */
function sameJson(a: string, b: string): boolean {
  if (a === b) return true;
  try {
    return JSON.stringify(JSON.parse(a)) === JSON.stringify(JSON.parse(b));
  } catch {
    return a.trim() === b.trim();
  }
}

// ---- what tools and people say ----

export function onToolInput(context: StepContext, input: ToolInput): void {
  const call = context.state.calls.get(input.callId);
  if (input.type === 'tool_late') onLate(context, input);
  else if (input.type === 'tool_decision' && decideHosted(context, input.callId, input)) return armToolTimer(context);
  else if (call === undefined) return;
  else onCallInput(context, call, input);
  startQueued(context);
  keepIdle(context);
  armToolTimer(context);
}

function onCallInput(context: StepContext, call: ToolCall, input: Exclude<ToolInput, { type: 'tool_late' }>): void {
  switch (input.type) {
    case 'tool_prepared':
      return onPrepared(context, call, input);
    case 'tool_decision':
      return onDecision(context, call, input);
    case 'tool_progress':
      if (call.phase.name === 'running' || call.phase.name === 'background') emit(context, { type: 'tool_progress', itemId: call.itemId, callId: call.callId, toolName: call.name, progress: input.progress });
      return;
    case 'tool_settled':
      return onSettled(context, call, input);
    default:
      assertNever(input);
  }
}

function onPrepared(context: StepContext, call: ToolCall, input: Extract<ToolInput, { type: 'tool_prepared' }>): void {
  const { state } = context;
  if (call.phase.name !== 'preparing') return;
  if (!input.ok) return endWithAnswer(context, call, { outcome: 'error', output: problem(input.problem), durationMs: 0 }, true);
  const { plan } = input;
  const { limits, decisions } = state.tools;
  if (waiting(context) >= limits.queue) {
    dropPrepared(context, call);
    return endWithAnswer(context, call, { outcome: 'error', output: problem('Too many tools are waiting. Try again when some have ended.'), durationMs: 0 }, plan.respond);
  }
  const decided = plan.needsApproval ? decisions.get(decisionKey(plan.agentName, call.name)) : 'approve';
  if (decided === 'approve') call.phase = { name: 'queued', plan };
  else if (decided === 'reject') reject(context, call, plan);
  else {
    call.phase = { name: 'approval', plan, ...(limits.approvalTimeoutMs === undefined ? {} : { untilMs: context.nowMs + limits.approvalTimeoutMs }) };
    emit(context, { type: 'tool_approval_required', itemId: call.itemId, callId: call.callId, toolName: call.name, arguments: call.arguments });
  }
}

function onDecision(context: StepContext, call: ToolCall, decision: Extract<ToolInput, { type: 'tool_decision' }>): void {
  if (call.phase.name !== 'approval') return;
  const { plan } = call.phase;
  const decided = [call];
  if (decision.always) {
    const key = decisionKey(plan.agentName, call.name);
    put(context.state.tools, 'decisions', key, decision.approve ? 'approve' : 'reject');
    for (const other of context.state.calls.values()) {
      if (other !== call && other.phase.name === 'approval' && decisionKey(other.phase.plan.agentName, other.name) === key) decided.push(other);
    }
  }
  for (const each of decided) {
    if (each.phase.name !== 'approval') continue;
    if (decision.approve) each.phase = { name: 'queued', plan: each.phase.plan };
    else reject(context, each, each.phase.plan, decision.reason);
  }
}

function reject(context: StepContext, call: ToolCall, plan: ToolPlan, reason?: string): void {
  dropPrepared(context, call);
  const why = reason === undefined || reason.trim() === '' ? '' : ` Reason: ${reason}`;
  const output = problem(`The call was not approved, and nothing was done.${why} Do not call it again for the same thing unless the user asks for it.`);
  endWithAnswer(context, call, { outcome: 'cancelled', output, durationMs: 0 }, plan.respond);
}

function onSettled(context: StepContext, call: ToolCall, settled: Extract<ToolInput, { type: 'tool_settled' }>): void {
  const { phase } = call;
  if (phase.name !== 'running' && phase.name !== 'background') return;
  const { outcome, output, durationMs } = settled;
  const respond = settled.respond ?? phase.plan.respond;
  if (outcome !== 'ok' && !respond && !hasSpoken(context, call.responseId)) {
    noteFailure(context, 'tool', new ToolError('TOOL_FAILED', `The tool ${call.name} failed, and nobody is told: it asks for no answer.`, { toolName: call.name, callId: call.callId, hint: 'See the output of its tool_end.' }));
  }
  if (phase.name === 'running') return endWithAnswer(context, call, { outcome, output, durationMs }, respond);
  const announceLate = outcome === 'unsettled' && phase.background.late === 'announce' ? { respond: phase.plan.respond } : undefined;
  endCall(context, call, { outcome, output, durationMs }, true, announceLate);
  addResult(context, call, output, respond);
}

/** Whether the response of a call had words for the caller as well. */
function hasSpoken({ state }: StepContext, responseId: string): boolean {
  for (const draft of state.history.drafts.values()) if (draft.responseId === responseId && draft.item.type === 'message') return true;
  return false;
}

/** A call that was given up has ended after all. */
function onLate(context: StepContext, input: Extract<ToolInput, { type: 'tool_late' }>): void {
  const ended = context.state.tools.ended.get(input.callId);
  if (ended?.announceLate !== undefined) addResult(context, { callId: input.callId, name: ended.name }, input.output, input.respond ?? ended.announceLate.respond);
}

/** Starts what may run now: in the order of the calls, and no more of a tool, or of all, than may run at once. */
function startQueued(context: StepContext): void {
  const { calls, tools } = context.state;
  let running = 0;
  const runningOf = new Map<string, number>();
  for (const { phase, name } of calls.values()) {
    if (phase.name !== 'running' && phase.name !== 'background') continue;
    running += 1;
    runningOf.set(decisionKey(phase.plan.agentName, name), (runningOf.get(decisionKey(phase.plan.agentName, name)) ?? 0) + 1);
  }
  for (const call of calls.values()) {
    if (running >= tools.limits.concurrency) return;
    if (call.phase.name !== 'queued') continue;
    const { plan } = call.phase;
    const key = decisionKey(plan.agentName, call.name);
    const same = runningOf.get(key) ?? 0;
    if (same >= (plan.concurrency ?? Infinity)) continue;
    running += 1;
    runningOf.set(key, same + 1);
    const { background } = plan;
    call.phase = { name: 'running', plan, sinceMs: context.nowMs, ...(background === undefined ? {} : { acknowledgeAtMs: context.nowMs + background.afterMs }) };
    context.effects.push({ type: 'run_tool', callId: call.callId });
    if (background?.afterMs === 0) acknowledgeCall(context, call);
  }
}

function waiting({ state }: StepContext): number {
  let count = 0;
  for (const { phase } of state.calls.values()) if (phase.name === 'approval' || phase.name === 'queued') count += 1;
  return count;
}

/** A tool is one agent's: another's of the same name may do something else. */
function decisionKey(agentName: string, toolName: string): string {
  return JSON.stringify([agentName, toolName]);
}

function dropPrepared(context: StepContext, call: ToolCall): void {
  context.effects.push({ type: 'drop_tool', callId: call.callId });
}

// ---- time, and the end ----

export function onToolTimer(context: StepContext): void {
  const { calls, tools } = context.state;
  delete tools.dueAtMs;
  for (const call of calls.values()) {
    const { phase } = call;
    if (phase.name === 'approval' && phase.untilMs !== undefined && phase.untilMs <= context.nowMs) reject(context, call, phase.plan, 'nobody decided in time.');
  }
  startQueued(context);
  onHostedTime(context);
  onBackgroundTime(context);
  keepIdle(context);
  armToolTimer(context);
}

/** The session is over: every call ends. What a tool that runs has done, or still does, is not known. */
export function endAllCalls(context: StepContext): void {
  for (const call of context.state.calls.values()) {
    const { phase } = call;
    if (phase.name === 'running' || phase.name === 'background') endCall(context, call, { outcome: 'unsettled', output: '', durationMs: context.nowMs - phase.sinceMs }, false);
    else endCall(context, call, { outcome: hostedOutcome(call), output: '', durationMs: 0 }, false);
  }
  context.effects.push({ type: 'cancel_timer', timer: 'tools' });
}
