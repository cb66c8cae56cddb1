import { ToolError } from '../errors.js';
import type { ModelItem } from '../ports/model.js';
import { want } from './responses.js';
import { add, put } from './sparse.js';
import type { StepContext } from './step-context.js';
import { emit } from './step-context.js';
import { answerRequest, noteApprovedCall, noteRequest } from './hosted-approval.js';
import { endCall, join } from './tool-answers.js';
import type { ToolCall } from './tool-state.js';
import { armToolTimer } from './tool-timer.js';

type McpCall = Extract<ModelItem, { type: 'mcp_call' }>;
type McpApproval = Extract<ModelItem, { type: 'mcp_approval_request' }>;

/** Requests that wait for a person, beyond which the oldest is refused: more than anybody can decide. */
const MAX_REQUESTS = 64;
/** Calls of hosted tools at once; a provider that begins more is not believed. */
const MAX_HOSTED = 64;

/** An item of a hosted tool. `responseId` is absent where it stands outside of a response. */
export function onHostedItem(context: StepContext, item: ModelItem, responseId: string | undefined, done: boolean): void {
  switch (item.type) {
    case 'mcp_call':
      return onMcpCall(context, item, responseId, done);
    case 'mcp_approval_request':
      return done ? onApprovalRequest(context, item) : undefined;
    case 'mcp_list_tools':
      if (done && item.tools.length > 0) emit(context, { type: 'mcp_tools', itemId: item.id, serverLabel: item.serverLabel, tools: item.tools });
      return;
    default:
      return;
  }
}

export function onHostedArguments(context: StepContext, itemId: string, delta: string): void {
  const call = context.state.calls.get(itemId);
  if (call?.phase.name !== 'hosted') return;
  call.arguments += delta;
  emit(context, { type: 'tool_arguments_delta', itemId, callId: itemId, delta, textSoFar: call.arguments });
}

/** The server runs the call: from here on it may have had an effect. */
export function onHostedRunning(context: StepContext, itemId: string): void {
  const call = context.state.calls.get(itemId);
  if (call?.phase.name === 'hosted') call.phase = { ...call.phase, running: true };
}

export function onToolListFailed(context: StepContext, itemId: string): void {
  const error = new ToolError('TOOL_FAILED', 'The model could not list the tools of an MCP server; the agent is without them.', {
    hint: `Look at its address, its authorization and its allowed tools (item ${itemId} of the history names the server).`,
  });
  emit(context, { type: 'error', error });
}

/** A person, or an earlier decision, has decided about a hosted call. False when there is no such request. */
export function decideHosted(context: StepContext, requestId: string, decision: { approve: boolean; always: boolean; reason?: string }): boolean {
  const { tools } = context.state;
  const request = tools.hosted.get(requestId);
  if (request === undefined) return false;
  const key = hostedKey(request);
  const decided = [requestId];
  if (decision.always) {
    put(tools, 'decisions', key, decision.approve ? 'approve' : 'reject');
    for (const [id, other] of tools.hosted) if (id !== requestId && hostedKey(other) === key) decided.push(id);
  }
  for (const id of decided) answerRequest(context, id, decision.approve, decision.reason);
  want(context, { request: {}, origin: 'tools' });
  return true;
}

/** Requests that nobody has decided in time. */
export function onHostedTime(context: StepContext): void {
  for (const [id, { untilMs }] of context.state.tools.hosted) {
    if (untilMs !== undefined && untilMs <= context.nowMs) decideHosted(context, id, { approve: false, always: false, reason: 'Nobody decided in time.' });
  }
}

function onMcpCall(context: StepContext, item: McpCall, responseId: string | undefined, done: boolean): void {
  const { state } = context;
  let call = state.calls.get(item.id);
  noteApprovedCall(context, item);
  if (call === undefined) {
    // Within a response its own events say which one it belongs to, and come as well.
    if (state.tools.ended.has(item.id) || (responseId === undefined && state.live.size > 0)) return;
    if (hostedCalls(context) >= MAX_HOSTED) return;
    call = { callId: item.id, itemId: item.id, responseId: responseId ?? '', name: item.name, arguments: '', phase: { name: 'hosted', serverLabel: item.serverLabel, sinceMs: context.nowMs, running: false } };
    put(state, 'calls', item.id, call);
    emit(context, { type: 'tool_start', responseId: call.responseId, itemId: item.id, callId: item.id, toolName: item.name, serverLabel: item.serverLabel });
  }
  if (!done || call.phase.name !== 'hosted') return;
  const durationMs = context.nowMs - call.phase.sinceMs;
  if (item.arguments !== '') call.arguments = item.arguments;
  // The model has its result already; it only has to be asked to speak.
  add(state.tools, 'wishes', call.responseId);
  if (item.error === undefined) endCall(context, call, { outcome: 'ok', output: item.output ?? '', durationMs }, false);
  else endCall(context, call, { outcome: 'error', output: item.error.message, durationMs }, false);
  join(context, call.responseId);
}

function onApprovalRequest(context: StepContext, item: McpApproval): void {
  const { tools } = context.state;
  const noted = noteRequest(context, item);
  if (noted === 'known') return;
  const { id, serverLabel, name } = item;
  const always = tools.decisions.get(hostedKey(item));
  const decided = noted === 'new' ? always && { approve: always === 'approve' } : noted;
  if (decided !== undefined) return void decideHosted(context, id, { ...decided, always: false });
  emit(context, { type: 'tool_approval_required', itemId: id, callId: id, toolName: name, arguments: item.arguments, serverLabel });
  const [oldest] = tools.hosted.keys();
  armToolTimer(context);
  if (tools.hosted.size > MAX_REQUESTS && oldest !== undefined) decideHosted(context, oldest, { approve: false, always: false, reason: 'Too many calls wait for approval.' });
}

function hostedCalls({ state }: StepContext): number {
  let count = 0;
  for (const { phase } of state.calls.values()) if (phase.name === 'hosted') count += 1;
  return count;
}

/** A tool of a server is the same for every agent. */
function hostedKey({ serverLabel, name }: { serverLabel: string; name: string }): string {
  return JSON.stringify(['mcp', serverLabel, name]);
}

/** Whether what a hosted call did is known: it never ran, or nobody can tell. */
export function hostedOutcome(call: ToolCall): 'cancelled' | 'unsettled' {
  return call.phase.name === 'hosted' && call.phase.running ? 'unsettled' : 'cancelled';
}
