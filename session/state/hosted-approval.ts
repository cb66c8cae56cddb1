/**
 * A request for approval lives in the provider's conversation, and a new connection knows nothing of it. The person's decision does not depend on
 * that: what waits goes on waiting, under the id by which the application knows it.
 *
 *      asked ──connection lost──▶ waiting ──the model asks again──▶ asked
 *        │                           │ decided: the model is told in words
 *        │ decided: the model is     ▼
 *        ▼ answered               decided ──the model asks again──▶ answered at once, and once
 *      answered
 */
import { ToolError } from '../errors.js';
import type { ModelItem } from '../ports/model.js';
import { add, put } from './sparse.js';
import type { StepContext } from './step-context.js';
import { emit, newId } from './step-context.js';
import { endCall, tell } from './tool-answers.js';
import type { HostedRequest } from './tool-state.js';

type McpApproval = Extract<ModelItem, { type: 'mcp_approval_request' }>;
type McpCall = Extract<ModelItem, { type: 'mcp_call' }>;

/** Decided calls that are remembered: far more than wait at once. */
const MAX_DECIDED = 128;

/** Notes a request. `known`: it had been asked before, and the application need not be told again. */
export function noteRequest({ state, nowMs }: StepContext, item: McpApproval): 'new' | 'known' | { readonly approve: boolean; readonly reason?: string } {
  const { hosted, answered, carried, limits } = state.tools;
  if (answered.has(item.id)) return 'known';
  for (const request of hosted.values()) if (request.requestId === item.id) return 'known';
  for (const request of hosted.values()) {
    if (request.requestId !== undefined || callKey(request) !== callKey(item)) continue;
    request.requestId = item.id;
    return 'known';
  }
  const { id, serverLabel, name } = item;
  put(state.tools, 'hosted', id, { serverLabel, name, arguments: item.arguments, requestId: id, ...(limits.approvalTimeoutMs === undefined ? {} : { untilMs: nowMs + limits.approvalTimeoutMs }) });
  const decision = carried.get(callKey(item));
  if (decision === undefined) return 'new';
  carried.delete(callKey(item));
  return decision;
}

/** Tells the model what was decided: as the answer to its request, or in words where the connection does not know the request. */
export function answerRequest(context: StepContext, callId: string, approve: boolean, reason: string | undefined): void {
  const { state } = context;
  const { tools } = state;
  const request = tools.hosted.get(callId);
  if (request === undefined) return;
  tools.hosted.delete(callId);
  add(tools, 'answered', callId, MAX_DECIDED);
  const why = reason === undefined ? {} : { reason };
  if (request.requestId !== undefined) {
    add(tools, 'answered', request.requestId, MAX_DECIDED);
    if (approve) put(tools, 'approved', request.requestId, request, MAX_DECIDED);
    return tell(context, { type: 'mcp_approval_response', id: newId(state, 'item_vw'), approvalRequestId: request.requestId, approve, ...why });
  }
  if (approve) put(tools, 'carried', callKey(request), { approve, ...why }, MAX_DECIDED);
  const decided = approve ? 'A person has agreed to it now: make the same call again.' : `A person has refused it${reason === undefined ? '' : ` (${reason})`}: do not make it.`;
  tellModel(context, `Your call of ${described(request)} was waiting for approval and has not been run. ${decided}`);
}

/** The provider runs a call: the approval of it has been heard. */
export function noteApprovedCall({ state: { tools } }: StepContext, { serverLabel, name, approvalRequestId }: McpCall): void {
  if (tools.approved.size === 0) return;
  if (approvalRequestId !== undefined && tools.approved.delete(approvalRequestId)) return;
  // Not every provider says which request it was.
  for (const [id, request] of tools.approved) if (request.serverLabel === serverLabel && request.name === name) return void tools.approved.delete(id);
}

/** The connection is gone: what it knew of hosted calls is known to nobody else. Nothing is run again of which it is not known whether it ran. */
export function carryHosted(context: StepContext): void {
  const { tools, calls, link } = context.state;
  for (const request of tools.hosted.values()) delete request.requestId;
  for (const [itemId, command] of link.unconfirmed) if (command.type === 'create_item' && command.item.type === 'mcp_approval_response') link.unconfirmed.delete(itemId);
  for (const [callId, request] of tools.approved) {
    const problem = `A call of ${request.name} at ${request.serverLabel} had been approved when the connection to the model was lost; whether it ran is not known.`;
    emit(context, { type: 'error', error: new ToolError('TOOL_FAILED', problem, { callId, toolName: request.name, hint: 'Look at the server whether it was done, and ask the agent again if it was not.' }) });
    tellModel(context, `Your call of ${described(request)} was approved, and then the connection was lost: it is not known whether it ran. Do not make it again unless the user asks for it.`);
  }
  tools.approved.clear();
  for (const call of calls.values()) {
    if (call.phase.name !== 'hosted') continue;
    const { running, serverLabel, sinceMs } = call.phase;
    if (running) tellModel(context, `Your call of ${described({ ...call, serverLabel })} was running when the connection was lost: it is not known what came of it.`);
    endCall(context, call, { outcome: running ? 'unsettled' : 'cancelled', output: '', durationMs: context.nowMs - sinceMs }, false);
  }
}

// ---- helpers ----

function tellModel(context: StepContext, text: string): void {
  tell(context, { type: 'message', id: newId(context.state, 'item_vw'), role: 'system', content: [{ type: 'input_text', text }] });
}

function described({ serverLabel, name, arguments: json }: Pick<HostedRequest, 'serverLabel' | 'name' | 'arguments'>): string {
  return `${name} at ${serverLabel} with the arguments ${json === '' ? '{}' : json}`;
}

/** The same call, however its arguments are spaced. With other arguments it is another call, which a person has not seen. */
function callKey({ serverLabel, name, arguments: json }: Pick<HostedRequest, 'serverLabel' | 'name' | 'arguments'>): string {
  try {
    return JSON.stringify([serverLabel, name, JSON.parse(json)]);
  } catch {
    return JSON.stringify([serverLabel, name, json]);
  }
}
