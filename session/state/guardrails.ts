import { ToolError } from '../errors.js';
import type { GuardrailResult } from '../ports/guardrail-policy.js';
import type { ModelContentPart, NewModelItem } from '../ports/model.js';
import { interrupt } from './barge-in.js';
import { noteFailure } from './failure-notes.js';
import type { GuardedResponse } from './guardrail-state.js';
import { guardedResponse, letOut } from './hold-back.js';
import { cutItem } from './history.js';
import { dropAnswers } from './response-queue.js';
import { answersByItself, stopResponse, want } from './responses.js';
import { sayRequest } from './say-request.js';
import type { SessionState } from './session-state.js';
import { put } from './sparse.js';
import type { StepContext } from './step-context.js';
import { emit, forgive, newId, send } from './step-context.js';
import { tell } from './tool-answers.js';

/** Checks of one response at the same time: with a hold-back each new text is checked without waiting for the verdict on the last. */
const MAX_IN_FLIGHT = 16;
const MAX_CHECKS = 256;
/** A safe answer that trips as well is followed by another one; after this many the agent stays silent. */
const MAX_TRIPS_IN_A_ROW = 3;
const SENTENCE_END = /[.!?…。！？]["'”’)\]]*\s*$/u;

/** The agent's text has grown, or (without `delta`) has ended: when enough is new, it is checked. */
export function onAgentText(context: StepContext, responseId: string, itemId: string, delta?: string): void {
  const { state } = context;
  if (!state.guardrails.policy.output) return;
  const response = state.live.get(responseId);
  if (response === undefined || response.interrupted) return;
  const guarded = guardedResponse(context, responseId, itemId);
  const text = [...response.texts.values()].join('\n');
  if (delta === undefined || SENTENCE_END.test(delta)) guarded.due = true;
  if (text !== guarded.text) {
    guarded.text = text;
    guarded.itemId = itemId;
    guarded.version += 1;
  }
  checkWhenDue(context, guarded);
}

/** The user has typed something, or what was said is written down. */
export function onUserText(context: StepContext, itemId: string, text: string): void {
  const { state } = context;
  if (!state.guardrails.policy.input || text.trim() === '') return;
  const checkId = newId(state, 'check');
  put(state.guardrails, 'checks', checkId, { of: 'input', itemId }, MAX_CHECKS);
  context.effects.push({ type: 'check_text', checkId, of: 'input', text, agentName: state.agent.name, itemId });
}

export function onUserMessage(context: StepContext, itemId: string, content: readonly ModelContentPart[]): void {
  context.state.guardrails.newestUserItem = itemId;
  onUserText(context, itemId, content.flatMap((part) => (part.type === 'input_text' ? [part.text] : [])).join('\n'));
}

export function onVerdict(context: StepContext, checkId: string, result: GuardrailResult): void {
  const { guardrails } = context.state;
  const check = guardrails.checks.get(checkId);
  if (check === undefined) return;
  guardrails.checks.delete(checkId);
  for (const { name, problem } of result.failures) {
    const meaning = guardrails.policy.closed ? 'The text counts as tripped.' : 'The text has passed.';
    emit(context, { type: 'error', error: new ToolError('GUARDRAIL_FAILED', `The guardrail ${name} could not check a text: ${problem} ${meaning}`, { stage: 'guardrail' }) });
  }
  const [failed] = guardrails.policy.closed ? result.failures : [];
  const trip = result.trip ?? (failed === undefined ? undefined : { name: failed.name, reason: 'The text could not be checked.' });
  if (check.of === 'input') return trip === undefined ? undefined : onInputTrip(context, check.itemId, trip);
  const guarded = guardrails.responses.get(check.responseId);
  if (guarded === undefined) return;
  guarded.inFlight -= 1;
  if (guarded.tripped) return;
  if (trip !== undefined) return onOutputTrip(context, guarded, trip);
  guarded.passedVersion = Math.max(guarded.passedVersion, check.version);
  letOut(context, guarded);
  checkWhenDue(context, guarded);
}

/** The model has begun a response: one that answers words which have tripped is stopped at once. */
export function onGuardedBegin(context: StepContext, responseId: string): void {
  const { guardrails, live } = context.state;
  const response = live.get(responseId);
  if (!guardrails.refusesTurn || response === undefined || response.handles.length > 0) return;
  guardrails.refusesTurn = false;
  stopResponse(context, response, false);
}

/** A response is over: what of a tripped one nobody has heard is taken out of the model's conversation. */
export function onGuardedEnd(context: StepContext, responseId: string): void {
  const { guardrails, history } = context.state;
  const guarded = guardrails.responses.get(responseId);
  if (guarded === undefined) return;
  if (!guarded.tripped) {
    if (guarded.text !== '') guardrails.tripsInARow = 0;
    return;
  }
  for (const draft of history.drafts.values()) {
    if (draft.responseId === responseId && draft.item.type === 'message' && draft.cut?.heardMs === 0) deleteItem(context, draft.itemId);
  }
}

// ---- checks and trips ----

function checkWhenDue(context: StepContext, guarded: GuardedResponse): void {
  const { state } = context;
  const { policy } = state.guardrails;
  if (guarded.tripped || guarded.version === guarded.sentVersion) return;
  const holds = policy.holdBackMs > 0;
  if (guarded.inFlight >= (holds ? MAX_IN_FLIGHT : 1)) return;
  if (!holds && !guarded.due && guarded.text.length - guarded.sentLength < policy.debounceCharacters) return;
  const checkId = newId(state, 'check');
  const { responseId, itemId, text, version, agentName } = guarded;
  put(state.guardrails, 'checks', checkId, { of: 'output', responseId, version }, MAX_CHECKS);
  guarded.sentVersion = version;
  guarded.sentLength = text.length;
  guarded.inFlight += 1;
  guarded.due = false;
  context.effects.push({ type: 'check_text', checkId, of: 'output', text, agentName, responseId, itemId });
}

type Trip = NonNullable<GuardrailResult['trip']>;

/** One trip for each response. A verdict that comes when a newer one has begun, or when all has been heard, is told and stops nothing. */
function onOutputTrip(context: StepContext, guarded: GuardedResponse, trip: Trip): void {
  const { state } = context;
  const { responseId, itemId } = guarded;
  guarded.tripped = true;
  const response = state.live.get(responseId);
  const newer = [...state.live.keys()].some((other) => other !== responseId) || state.request.name === 'requested';
  const sounds = state.ledger.entries.some((entry) => entry.responseId === responseId);
  const late = newer || (response === undefined && !sounds);
  emit(context, { type: 'guardrail_tripped', of: 'output', name: trip.name, reason: trip.reason, itemId, responseId, late });
  if (late) {
    // Nothing of it is let out any more; a response that others have overtaken is stopped by itself.
    const behind = guarded.held.splice(0).flatMap(({ input }) => (input.type === 'audio_delta' ? [] : [input]));
    state.guardrails.released.push(...behind);
    if (response !== undefined && !response.interrupted) stopResponse(context, response, false);
    return tell(context, warning(state, `Your answer of before was against a rule: ${trip.reason} Do not repeat it.`));
  }
  interrupt(context, false);
  // A text that was not spoken has no sound to be cut.
  if (!sounds && response !== undefined) for (const silent of response.texts.keys()) if (state.history.drafts.get(silent)?.cut === undefined) cutItem(context, silent, { heardMs: 0, heardText: '' });
  if (response === undefined) onGuardedEnd(context, responseId);
  answerSafely(context, trip, `Your last answer was stopped because it was against a rule: ${trip.reason} Do not repeat it.`);
}

function onInputTrip(context: StepContext, itemId: string, trip: Trip): void {
  const { state } = context;
  const late = state.guardrails.newestUserItem !== undefined && state.guardrails.newestUserItem !== itemId;
  emit(context, { type: 'guardrail_tripped', of: 'input', name: trip.name, reason: trip.reason, itemId, late });
  deleteItem(context, itemId);
  if (late) return;
  interrupt(context, false);
  dropAnswers(context);
  state.guardrails.refusesTurn = state.turnEndedMs !== undefined && answersByItself(state);
  answerSafely(context, trip, `What the user said last was taken out because it was against a rule: ${trip.reason}`);
}

function answerSafely(context: StepContext, trip: Trip, told: string): void {
  const { state } = context;
  tell(context, warning(state, told));
  state.guardrails.tripsInARow += 1;
  if (state.guardrails.tripsInARow > MAX_TRIPS_IN_A_ROW) {
    const message = `The guardrail ${trip.name} tripped on ${MAX_TRIPS_IN_A_ROW} safe answers in a row; the agent stays silent until it is asked again.`;
    const error = new ToolError('GUARDRAIL_FAILED', message, { stage: 'guardrail' });
    noteFailure(context, 'guardrail', error);
    return emit(context, { type: 'error', error });
  }
  const request = trip.say === undefined ? { instructions: 'Say in one short sentence that you cannot speak about that, and offer to go on with something else.' } : sayRequest(trip.say);
  want(context, { request, origin: 'application', priority: 'safety' });
}

function warning(state: SessionState, text: string): NewModelItem {
  return { type: 'message', id: newId(state, 'item_vw'), role: 'system', content: [{ type: 'input_text', text }] };
}

function deleteItem(context: StepContext, itemId: string): void {
  const eventId = newId(context.state, 'evt');
  forgive(context.state, eventId);
  send(context, { type: 'delete_item', eventId, itemId });
}
