import type { ToolOutcome } from '../events/session-event.js';
import { setArguments } from './history.js';
import { want } from './responses.js';
import type { ToolCall } from './session-state.js';
import type { StepContext } from './step-context.js';
import { emit, hasOpenCalls, newId, send } from './step-context.js';

/** The model has begun to call a tool. */
export function beginCall(context: StepContext, call: { responseId: string; itemId: string; callId: string; name: string }): ToolCall {
  const known = context.state.calls.get(call.callId);
  if (known !== undefined) {
    if (known.name === '') known.name = call.name;
    return known;
  }
  const begun: ToolCall = { ...call, arguments: '', state: 'arguing' };
  context.state.calls.set(call.callId, begun);
  emit(context, { type: 'tool_start', responseId: call.responseId, itemId: call.itemId, callId: call.callId, toolName: call.name });
  return begun;
}

export function onArgumentsDelta(context: StepContext, input: { responseId: string; itemId: string; callId: string; delta: string }): void {
  const call = beginCall(context, { responseId: input.responseId, itemId: input.itemId, callId: input.callId, name: '' });
  if (call.state !== 'arguing') return;
  call.arguments += input.delta;
  emit(context, { type: 'tool_arguments_delta', itemId: call.itemId, callId: call.callId, delta: input.delta, textSoFar: call.arguments });
}

/** The arguments are complete: the tool runs, once, however often the model says so. */
export function runCall(context: StepContext, input: { responseId: string; itemId: string; callId: string; name?: string; arguments: string }): void {
  const call = beginCall(context, { responseId: input.responseId, itemId: input.itemId, callId: input.callId, name: input.name ?? '' });
  if (call.state !== 'arguing') return;
  if (call.name === '' && input.name === undefined) {
    // An older dialect names the tool only in the item; that comes a moment later, with the arguments again.
    call.arguments = input.arguments;
    return;
  }
  if (input.name !== undefined) call.name = input.name;
  call.arguments = input.arguments;
  call.state = 'running';
  setArguments(context, call.itemId, call.arguments);
  context.effects.push({ type: 'run_tool', callId: call.callId, name: call.name, argumentsJson: call.arguments });
}

/** A tool has ended: the model gets its output, and when it was the last of its response, is asked to answer. */
export function settleCall(context: StepContext, settled: { callId: string; outcome: ToolOutcome; output: string; durationMs: number }): void {
  const { state } = context;
  const call = state.calls.get(settled.callId);
  if (call === undefined || call.state !== 'running') return;
  call.state = 'settled';
  emit(context, {
    type: 'tool_end',
    itemId: call.itemId,
    callId: call.callId,
    toolName: call.name,
    arguments: call.arguments,
    output: settled.output,
    outcome: settled.outcome,
    durationMs: settled.durationMs,
  });
  if (state.connection.name !== 'open') return;
  const item = { type: 'function_call_output', id: newId(state, 'item_vw'), callId: call.callId, output: settled.output } as const;
  send(context, { type: 'create_item', eventId: newId(state, 'evt'), item });
  if (!hasOpenCalls(state, call.responseId)) want(context, { request: {}, origin: 'tools' });
}

/** The response is over: a call whose arguments never came to an end will not be run. */
export function cancelUnfinishedCalls(context: StepContext, responseId: string): void {
  for (const call of context.state.calls.values()) {
    if (call.responseId !== responseId || call.state !== 'arguing') continue;
    call.state = 'settled';
    emit(context, {
      type: 'tool_end',
      itemId: call.itemId,
      callId: call.callId,
      toolName: call.name,
      arguments: call.arguments,
      output: '',
      outcome: 'cancelled',
      durationMs: 0,
    });
  }
}
