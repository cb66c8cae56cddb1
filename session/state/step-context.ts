import type { SessionEventBody } from '../events/session-event.js';
import type { ModelCommand } from '../ports/model.js';
import { passes } from './outbox.js';
import type { SessionEffect } from './session-effect.js';
import type { SessionState } from './session-state.js';
import { add } from './sparse.js';

/** What one step works with: the state, the moment, and the effects so far. */
export interface StepContext {
  readonly state: SessionState;
  readonly nowMs: number;
  readonly effects: SessionEffect[];
}

export function emit(context: StepContext, event: SessionEventBody): void {
  const { handoff, history } = context.state;
  if (handoff.former.size === 0) return void context.effects.push({ type: 'emit', event });
  // What belongs to a response of an agent that has handed over is still its own.
  const responseId = 'responseId' in event ? event.responseId : 'itemId' in event && event.itemId !== undefined ? history.drafts.get(event.itemId)?.responseId : undefined;
  const former = responseId === undefined ? undefined : handoff.former.get(responseId);
  context.effects.push({ type: 'emit', event, ...(former === undefined ? {} : { agentName: former.name }) });
}

/** Tells the model something; without a connection, what changes the conversation waits for the next one. */
export function send(context: StepContext, command: ModelCommand): void {
  if (command.type === 'create_item') add(context.state, 'unconfirmed', command.item.id, MAX_UNCONFIRMED);
  if (passes(context.state, command)) context.effects.push({ type: 'send', command });
}

/** A new id, unique within the session and the same in every replay. */
export function newId(state: SessionState, prefix: string): string {
  const id = `${prefix}_${state.nextId}`;
  state.nextId += 1;
  return id;
}

/** Whose tools a call of this response may use: those of the agent that was speaking when it began. */
export function agentOfResponse(state: SessionState, responseId: string): string {
  return state.handoff.former.get(responseId)?.agentId ?? state.agent.agentId;
}

/** Whether a response has called tools that the model has no output of yet. */
export function hasOpenCalls(state: SessionState, responseId: string): boolean {
  for (const call of state.calls.values()) {
    if (call.responseId === responseId && call.phase.name !== 'background') return true;
  }
  return false;
}

/** Whether a hosted tool of a response is at work: its server says nothing meanwhile. */
export function hasHostedCall(state: SessionState, responseId: string): boolean {
  for (const call of state.calls.values()) {
    if (call.responseId === responseId && call.phase.name === 'hosted') return true;
  }
  return false;
}

const MAX_FORGIVABLE = 64;
const MAX_UNCONFIRMED = 64;

/** Remembers that a refusal of this command is no error. */
export function forgive(state: SessionState, eventId: string): void {
  add(state, 'forgivable', eventId, MAX_FORGIVABLE);
}
