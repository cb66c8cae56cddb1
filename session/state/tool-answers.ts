import type { ToolOutcome } from '../events/session-event.js';
import type { NewModelItem } from '../ports/model.js';
import { want } from './responses.js';
import { add, put } from './sparse.js';
import type { StepContext } from './step-context.js';
import { emit, hasOpenCalls, newId, send } from './step-context.js';
import type { EndedCall, ToolCall } from './tool-state.js';

/** Ended calls whose ids are known: far more than a model repeats. */
const MAX_ENDED = 512;

export interface CallEnd {
  readonly outcome: ToolOutcome;
  readonly output: string;
  readonly durationMs: number;
}

/** The call is over: it is told to the application, and its id stays known. */
export function endCall(context: StepContext, call: ToolCall, end: CallEnd, told: boolean, announceLate?: { readonly respond: boolean }): void {
  const { calls, tools } = context.state;
  calls.delete(call.callId);
  const ended: EndedCall = {
    name: call.name,
    arguments: call.arguments,
    ...(told ? { output: call.phase.name === 'background' ? call.phase.background.acknowledge : end.output } : {}),
    ...(call.conflict ? { conflict: true } : {}),
    ...(announceLate === undefined ? {} : { announceLate }),
  };
  put(tools, 'ended', call.callId, ended, MAX_ENDED);
  const { itemId, callId, name: toolName } = call;
  emit(context, { type: 'tool_end', itemId, callId, toolName, arguments: call.arguments, ...end, ...(call.phase.name === 'hosted' ? { serverLabel: call.phase.serverLabel } : {}) });
}

/** The one output of a call. The model is asked to speak when the last call of its response has its own, if any of them wishes it. */
export function answer(context: StepContext, call: ToolCall, output: string, respond: boolean): void {
  tell(context, { type: 'function_call_output', id: newId(context.state, 'item_vw'), callId: call.callId, output });
  if (respond) add(context.state.tools, 'wishes', call.responseId);
}

/** Ends a call that the model waits for, with its one output. */
export function endWithAnswer(context: StepContext, call: ToolCall, end: CallEnd, respond: boolean): void {
  endCall(context, call, end, true);
  answer(context, call, end.output, respond);
  join(context, call.responseId);
}

/** Puts an item into the conversation, now or as soon as there is a connection. */
export function tell(context: StepContext, item: NewModelItem): void {
  send(context, { type: 'create_item', eventId: newId(context.state, 'evt'), item });
}

/** Asks for one answer to all calls of a response: when it can call no more, and all of them have an output. */
export function join(context: StepContext, responseId: string, over = !context.state.live.has(responseId)): void {
  const { state } = context;
  if (over && !hasOpenCalls(state, responseId) && state.tools.wishes.delete(responseId)) want(context, { request: {}, origin: 'tools' });
}
