import { ProviderError } from '../errors.js';
import type { ResponseOutcome } from '../events/session-event.js';
import type { ResponseResult } from '../events/response-result.js';
import type { ModelErrorInfo, ModelInput, ResponseRequest } from '../ports/model.js';
import { createSoundWatch } from './anomaly-state.js';
import { failOpenItems } from './history.js';
import { outputBound, tighter } from './output-bound.js';
import { providerError, timeout } from './provider-error.js';
import { forgetFailures, noteFailedAnswer } from './failure-notes.js';
import { adopt, coverAutomatic, dropPastimes, enqueue, isCovered, isPastime, newest, putBack, settleHandles, withdraw } from './response-queue.js';
import type { ResponseAsk } from './response-queue.js';
import type { LiveResponse, RequestPhase, SessionState } from './session-state.js';
import { alarmIfSilent } from './silence-alarm.js';
import { add, put } from './sparse.js';
import type { StepContext } from './step-context.js';
import { emit, forgive, hasOpenCalls, newId, send } from './step-context.js';
import { beginTurn, reportTurn, turnBeside } from './turn-marks.js';
import { turnsAnsweredBy } from './unsettled-turns.js';
import { expectBy } from './watch-timer.js';

/** The key under which a request's own id travels in the response's metadata, the only thing that the model gives back. */
export const REQUEST_KEY = 'voicewire_request';

/** A response that was asked for begins within a second; after this long it never will. */
const OVERDUE_MS = 5_000;
/**
 * After a collision, and after the user's turn, another response is there or about to come; this is for one that does not, or whose end is
 * never told.
 */
const RETRY_MS = 1_000;
/** How long the model may refuse us for the sake of a response that we do not see. */
const COLLIDED_MS = 5_000;
/** Whoever wants a response is told after this long what it waits for. */
export const WAITING_MS = 1_000;
/** A model that generates says something of it many times a second; after this long it is stuck. */
export const STALLED_MS = 5_000;
/** A response that was stopped ends at once; after this long we take it as ended. */
export const STOPPED_MS = 2_000;
const MAX_ENDED = 32;
const MAX_ABANDONED = 32;
/** Only one response writes to the conversation at a time; a peer that begins more and more loses the oldest. */
const MAX_LIVE = 16;

type Requested = Extract<RequestPhase, { name: 'requested' }>;
type ResponseDone = Extract<ModelInput, { type: 'response_done' }>;
type ResponseCreated = Extract<ModelInput, { type: 'response_created' }>;

/** Queues a response; it is asked for as soon as the model is free. */
export function want(context: StepContext, ask: ResponseAsk): void {
  enqueue(context, ask);
  requestNext(context);
  if (context.state.wanted.length > 0) expectBy(context, context.nowMs + WAITING_MS);
}

/** Asks for the next wanted response, if the model is free to give one and the user is not speaking. */
export function requestNext(context: StepContext): void {
  const { state, nowMs } = context;
  if (state.wanted.length === 0) return;
  if (state.connection.name !== 'open' || state.request.name !== 'free' || state.live.size > 0 || state.userSpeaking || state.handoff.current !== undefined) return;
  // Where the model answers by itself, it is about to: what we want waits for that, or is merged with it.
  if (state.turnEndedMs !== undefined && nowMs - state.turnEndedMs < RETRY_MS) {
    context.effects.push({ type: 'arm_timer', timer: 'response_retry', delayMs: RETRY_MS - (nowMs - state.turnEndedMs) });
    return;
  }
  const wanted = state.wanted.shift();
  if (wanted === undefined) return;
  const eventId = newId(state, 'evt');
  const behind = newest(state.unconfirmed);
  state.request = { name: 'requested', eventId, wanted, sinceMs: nowMs, interrupted: false, adopted: false, certain: false, refused: false, ...(behind === undefined ? {} : { behind }) };
  const bound = tighter(wanted.request.maxOutputTokens, outputBound(state));
  const request: ResponseRequest = { ...wanted.request, ...(bound === undefined ? {} : { maxOutputTokens: bound }), metadata: { ...wanted.request.metadata, [REQUEST_KEY]: eventId } };
  send(context, { type: 'create_response', eventId, request });
  expectBy(context, nowMs + WAITING_MS);
}

/** The user has stopped speaking: the turn is about to be closed, and what we want waits for that. */
export function onSpeechEnded(context: StepContext): void {
  const { state, nowMs } = context;
  state.turnEndedMs = nowMs;
  if (answersByItself(state)) state.mayBegin = true;
  expectBy(context, nowMs + STALLED_MS);
}

/** The user's turn is closed: where the model answers by itself, it is about to, and owes it. */
export function onTurnEnded(context: StepContext): void {
  const { state } = context;
  if (answersByItself(state)) {
    state.unansweredTurns = (state.unansweredTurns ?? 0) + 1;
    onSpeechEnded(context);
  } else delete state.turnEndedMs;
  requestNext(context);
}

export function answersByItself({ config }: SessionState): boolean {
  return config.turnDetection !== null && config.turnDetection?.createResponse !== false;
}

export function onResponseCreated(context: StepContext, input: ResponseCreated): void {
  const { state } = context;
  if (state.ended.has(input.responseId)) return;
  const known = state.live.get(input.responseId);
  const turnEnded = state.turnEndedMs !== undefined;
  const { mayBegin } = state;
  const requestId = input.metadata?.[REQUEST_KEY];
  const { request } = state;
  const asked = request.name === 'requested' && requestId === request.eventId;
  const pastime = asked && isPastime(request.wanted.priority);
  const response = known ?? begin(context, input.responseId, pastime);

  if (asked) {
    state.echoesRequests = true;
    disown(context, request);
    free(context);
    response.wanted = request.wanted;
    if (pastime) response.pastime = true;
    adopt(context, response, request.wanted.handles);
    if (request.interrupted) stopResponse(context, response, false);
    return;
  }
  if (requestId !== undefined && state.abandoned.has(requestId)) {
    // It comes too late: whoever asked for it has been told that it failed.
    state.echoesRequests = true;
    return stopResponse(context, response, false);
  }
  if (known !== undefined) return;
  // Only the metadata tells whose a response is, and not every server gives it back.
  if (request.name === 'requested') {
    if (isCovered(state, request.wanted)) request.coveredBy = input.responseId;
    if (!state.echoesRequests && request.perhaps === undefined) {
      request.perhaps = input.responseId;
      request.certain = !mayBegin && !state.beginsUnasked && !promptsIdleUsers(state);
      if (request.behind !== undefined && state.unconfirmed.has(request.behind)) request.notIfConfirmed = request.behind;
      if (request.interrupted && !turnEnded) stopResponse(context, response, false);
    }
  }
  else if (!mayBegin) state.beginsUnasked = true;
  // The model began by itself: answers to what it has been given are in it.
  coverAutomatic(context, response);
  dropPastimes(context);
}

/** Some models speak by themselves to a user who says nothing. */
function promptsIdleUsers({ config }: SessionState): boolean {
  return config.turnDetection?.type === 'server_vad' && typeof config.turnDetection.idleTimeoutMs === 'number';
}

/** The live response that an event belongs to; one that was never announced is taken as begun. None when the response is over: the event is late. */
export function liveResponse(context: StepContext, responseId: string): LiveResponse | undefined {
  const { state } = context;
  let response = state.live.get(responseId);
  if (response === undefined && !state.ended.has(responseId)) {
    onResponseCreated(context, { type: 'response_created', responseId });
    response = state.live.get(responseId);
  }
  if (response !== undefined) response.lastMs = context.nowMs;
  return response;
}

/** The model has generated something of a response: by now it would have refused our request, had the response not been ours. */
export function confirmPerhaps(context: StepContext, response: LiveResponse): void {
  const { request } = context.state;
  if (request.name !== 'requested' || request.adopted || request.perhaps !== response.responseId) return;
  request.adopted = true;
  response.wanted = request.wanted;
  adopt(context, response, request.wanted.handles, !request.certain);
}

/** The model has told of one of our items: a response that began before that was not yet the answer to a request behind the item. */
export function doubtPerhaps({ state }: StepContext): void {
  const { request } = state;
  if (request.name !== 'requested' || request.adopted || request.notIfConfirmed === undefined || state.unconfirmed.has(request.notIfConfirmed)) return;
  delete request.notIfConfirmed;
  delete request.perhaps;
  delete request.perhapsResult;
  if (!request.refused) delete request.doubtedMs;
}

/** The first audio of a response has been handed on. */
export function tellFirstAudio(context: StepContext, response: LiveResponse, itemId: string): void {
  for (const handleId of response.handles) context.effects.push({ type: 'tell_handle', handleId, news: { name: 'first_audio', itemId } });
}

/** Stops a response; unless the model does so by itself, it is told to. Its end is owed from now on. */
export function stopResponse(context: StepContext, response: LiveResponse, modelStops: boolean): void {
  response.interrupted = true;
  response.stoppedMs ??= context.nowMs;
  expectBy(context, response.stoppedMs + STOPPED_MS);
  if (!modelStops) cancelAtModel(context, response.responseId);
}

/** Tells the model to stop generating a response. That it is over already is no error. */
export function cancelAtModel(context: StepContext, responseId: string): void {
  const eventId = newId(context.state, 'evt');
  forgive(context.state, eventId);
  send(context, { type: 'cancel_response', eventId, responseId });
}

/** Whoever asked for a response wants it no more. Gives the live response that is to be stopped, if it has begun and nobody else asked for it. */
export function withdrawHandle(context: StepContext, handleId: string): LiveResponse | undefined {
  if (withdraw(context, handleId)) return undefined;
  const { request, live } = context.state;
  for (const response of live.values()) {
    if (!response.handles.includes(handleId)) continue;
    if (response.handles.length === 1) return response;
    return leave(context, response.handles, handleId);
  }
  if (request.name !== 'requested' || !request.wanted.handles.includes(handleId)) return undefined;
  if (request.wanted.handles.length > 1 || request.wanted.origin === 'tools') return leave(context, request.wanted.handles, handleId);
  request.interrupted = true;
  return undefined;
}

export function onResponseDone(context: StepContext, input: ResponseDone): void {
  const response = liveResponse(context, input.responseId);
  if (response === undefined) return;
  const outcome = outcomeOf(input);
  if (input.status !== 'cancelled') alarmIfSilent(context, response, input.usage);
  let failure = response.gaveUp;
  if (outcome === 'failed' && failure === undefined) {
    const error = input.error ?? { message: 'The model gave no reason.' };
    failure = providerError('RESPONSE_FAILED', `The model could not answer: ${error.message}`, error);
    emit(context, { type: 'error', error: failure });
  }
  if (input.status === 'incomplete' && isSilent(context, response)) {
    failure = new ProviderError('RESPONSE_INCOMPLETE', `A response ended before it said anything: ${input.reason ?? 'no reason was given'}.`, { retryable: true, providerCode: input.reason });
    emit(context, { type: 'error', error: failure });
  }
  if (failure !== undefined && isMissed(response)) noteFailedAnswer(context, failure);
  if (outcome === 'completed' && response.hasAudio && !response.interrupted) forgetFailures(context.state);
  endResponse(context, response, {
    outcome: response.gaveUp !== undefined ? 'failed' : response.interrupted && outcome === 'completed' ? 'interrupted' : outcome,
    ...(input.reason === undefined ? {} : { reason: input.reason }),
    ...(input.usage === undefined ? {} : { usage: input.usage }),
    ...(failure === undefined ? {} : { error: failure }),
  });
  requestNext(context);
}

/** A response is over, by the model's word or because it is owed no longer. What still comes of it is late. */
export function endResponse(context: StepContext, response: LiveResponse, end: Omit<ResponseResult, 'responseId' | 'text' | 'outcome'> & { readonly outcome: ResponseOutcome }): void {
  const { state, nowMs } = context;
  const { responseId } = response;
  state.live.delete(responseId);
  add(state, 'ended', responseId, MAX_ENDED);
  failOpenItems(context, responseId);
  const text = [...response.texts.values()].join('\n');
  const { error, ...told } = end;
  const result: ResponseResult = { ...told, responseId, text, ...(error === undefined ? {} : { error }) };
  emit(context, { type: 'agent_end', responseId, ...told, text });
  for (const handleId of response.handles) settleHandles(context, [handleId], response.guessed.includes(handleId) ? { ...result, guessed: true } : result);
  // A turn that ends without sound has its account too, unless tools are still to be answered.
  const answered = !response.hasAudio && !hasOpenCalls(state, responseId) && !state.wanted.some((wanted) => wanted.origin === 'tools');
  if (answered) reportTurn(context, response.turn, responseId);
  if (state.turn === response.turn && (response.hasAudio || answered)) state.turn = undefined;
  const { request } = state;
  if (request.name === 'collided') return free(context);
  if (request.name !== 'requested') return;
  if (request.adopted && request.perhaps === responseId) {
    put(state, 'taken', request.eventId, { ...request.wanted, handles: [] }, MAX_ABANDONED);
    return free(context);
  }
  // If it was ours, it ended with nothing; if it was not, ours begins or is refused soon.
  if (request.perhaps === responseId) request.perhapsResult = result;
  if (request.perhaps !== responseId && request.doubtedMs === undefined) return;
  request.doubtedMs = nowMs;
  expectBy(context, nowMs + RETRY_MS);
}

/** The model refuses something. True when nobody need be told: it will be asked for again, or has become needless. */
export function onRefusal(context: StepContext, error: ModelErrorInfo, eventId: string | undefined, failure: ProviderError): boolean {
  const { state, nowMs } = context;
  const { request } = state;
  const collision = isActiveResponseCollision(error);
  if (eventId !== undefined) {
    state.namesRefused = true;
    if (state.abandoned.has(eventId)) return true;
    const taken = state.taken.get(eventId);
    if (collision && taken !== undefined) {
      // The response that was taken as its answer was not: whoever asked has been told so, but the words are not lost.
      putBack(context, taken);
      state.taken.delete(eventId);
      requestNext(context);
      return true;
    }
    if (request.name !== 'requested' || eventId !== request.eventId) return false;
    if (collision) return collide(context, request);
    disown(context, request);
    state.request = { name: 'free' };
    settleHandles(context, request.wanted.handles, { outcome: 'failed', text: '', error: failure });
    if (!isPastime(request.wanted.priority)) noteFailedAnswer(context, failure);
    return false;
  }
  if (!collision) return false;
  if (request.name === 'requested' && !request.adopted && !state.namesRefused) {
    // Not every server says which of our commands it refuses. It may be this one, or what the model wanted by itself: the time after the other response tells.
    request.doubtedMs = nowMs;
    request.refused = true;
    expectBy(context, nowMs + RETRY_MS);
    return true;
  }
  if (state.live.size === 0) return false;
  // What the model wanted to begin by itself, the answer to the user's turn, was refused for the sake of ours: it is still owed.
  delete state.turnEndedMs;
  want(context, { request: {}, origin: 'turn' });
  return true;
}

export function onRetryTimer(context: StepContext): void {
  const { state, nowMs } = context;
  const [next] = state.wanted;
  if (state.request.name === 'collided') {
    free(context);
    if (next?.collidedMs !== undefined && nowMs - next.collidedMs >= COLLIDED_MS) {
      state.wanted.shift();
      const error = timeout(`The model has refused a response for ${COLLIDED_MS / 1000} s because of another one that it does not show.`);
      emit(context, { type: 'error', error });
      settleHandles(context, next.handles, { outcome: 'failed', text: '', error });
      noteFailedAnswer(context, error);
      context.effects.push({ type: 'recover_connection', reason: 'response_collided' });
    }
  }
  requestNext(context);
}

/** What was asked for begins soon, or never. */
export function watchRequest(context: StepContext): void {
  const { state, nowMs } = context;
  const { request } = state;
  if (request.name !== 'requested') return;
  if (request.doubtedMs !== undefined) {
    if (state.live.size > 0) return;
    if (nowMs - request.doubtedMs < RETRY_MS) return expectBy(context, request.doubtedMs + RETRY_MS);
    if (request.perhapsResult !== undefined && !request.refused) {
      settleHandles(context, request.wanted.handles, request.certain ? request.perhapsResult : { ...request.perhapsResult, guessed: true });
      return free(context);
    }
    add(state, 'abandoned', request.eventId, MAX_ABANDONED);
    collide(context, request);
    return onRetryTimer(context);
  }
  if (request.perhaps !== undefined) return;
  if (nowMs - request.sinceMs < OVERDUE_MS) return expectBy(context, request.sinceMs + OVERDUE_MS);
  const error = timeout(`The model was asked for a response and began none within ${OVERDUE_MS / 1000} s.`);
  add(state, 'abandoned', request.eventId, MAX_ABANDONED);
  free(context);
  emit(context, { type: 'error', error });
  settleHandles(context, request.wanted.handles, { outcome: 'failed', text: '', error });
  if (!request.interrupted && !isPastime(request.wanted.priority)) noteFailedAnswer(context, error);
  if (state.watch.modelMs > request.sinceMs) return;
  if (request.wanted.handles.length === 0) state.link.askAgain = true;
  context.effects.push({ type: 'recover_connection', reason: 'response_not_begun' });
}

/** The session is over: whoever waits for a response is told. */
export function settleAllHandles(context: StepContext): void {
  const { wanted, request, live } = context.state;
  if (request.name === 'requested') disown(context, request);
  for (const response of live.values()) {
    settleHandles(context, response.handles, { outcome: 'interrupted', responseId: response.responseId, text: [...response.texts.values()].join('\n'), reason: 'session_closed' });
  }
  const asked = request.name === 'requested' ? [request.wanted] : [];
  for (const each of [...asked, ...wanted.splice(0)]) settleHandles(context, each.handles, { outcome: 'cancelled', text: '', reason: 'session_closed' });
}

// ---- helpers, in the order of their use ----

/** It gave nothing that anybody could hear or read, and no tool will. */
function isSilent({ state }: StepContext, response: LiveResponse): boolean {
  if (response.interrupted || response.hasAudio || hasOpenCalls(state, response.responseId)) return false;
  return [...response.texts.values()].every((text) => text.trim() === '');
}

/** Whether somebody waits for what failed: not where it was stopped for the user's sake, or was long enough. */
export function isMissed({ interrupted, gaveUp, pastime }: LiveResponse): boolean {
  return pastime === undefined && (gaveUp === undefined ? !interrupted : gaveUp.code !== 'RESPONSE_TOO_LONG');
}

function begin(context: StepContext, responseId: string, pastime: boolean): LiveResponse {
  const { state, nowMs } = context;
  // What fills a silence is no answer: the user's turn still waits for its own.
  const turn = pastime ? turnBeside(context) : (state.turn ?? beginTurn(context, false));
  turn.marks.responseCreatedMs ??= nowMs;
  const response: LiveResponse = { responseId, turn, format: state.config.outputFormat, interrupted: false, texts: new Map(), hasAudio: false, audioSeen: false, unknown: [], handles: [], guessed: [], lastMs: nowMs, sound: createSoundWatch(state.anomalies, state.config.outputFormat) };
  if (state.live.size >= MAX_LIVE) {
    const [oldest] = state.live.values();
    if (oldest !== undefined) endResponse(context, oldest, { outcome: 'failed', reason: 'too_many_responses' });
  }
  put(state, 'live', responseId, response);
  turnsAnsweredBy(state, responseId);
  delete state.turnEndedMs;
  // Of several turns that were closed before it began, it may be the answer to the first alone.
  state.mayBegin = (state.unansweredTurns ?? 0) > 1;
  if (state.mayBegin) state.unansweredTurns = 1;
  else delete state.unansweredTurns;
  for (const wanted of state.wanted) delete wanted.collidedMs;
  if (state.request.name === 'requested') delete state.request.wanted.collidedMs;
  emit(context, { type: 'agent_start', responseId });
  expectBy(context, nowMs + STALLED_MS);
  return response;
}

/** The model can be asked again. */
function free(context: StepContext): void {
  const { state, effects } = context;
  if (state.request.name === 'collided') effects.push({ type: 'cancel_timer', timer: 'response_retry' });
  state.request = { name: 'free' };
}

/** The model refuses our request because another response is active. */
function collide(context: StepContext, request: Requested): true {
  const { state, nowMs } = context;
  const { wanted } = request;
  const covering = request.coveredBy === undefined ? undefined : state.live.get(request.coveredBy);
  disown(context, request);
  if (request.interrupted) settleHandles(context, wanted.handles, { outcome: 'interrupted', text: '', reason: 'stopped' });
  else if (covering !== undefined) adopt(context, covering, wanted.handles);
  else putBack(context, wanted);
  if (state.live.size > 0) delete wanted.collidedMs;
  else wanted.collidedMs ??= nowMs;
  state.request = { name: 'collided' };
  context.effects.push({ type: 'arm_timer', timer: 'response_retry', delayMs: RETRY_MS });
  return true;
}

/** The response that might have been the request's is not. */
function disown({ state }: StepContext, { perhaps, wanted }: Requested): void {
  const response = perhaps === undefined ? undefined : state.live.get(perhaps);
  response?.handles.splice(0, response.handles.length, ...response.handles.filter((each) => !wanted.handles.includes(each)));
}

function leave(context: StepContext, handles: string[], handleId: string): undefined {
  handles.splice(handles.indexOf(handleId), 1);
  settleHandles(context, [handleId], { outcome: 'cancelled', text: '', reason: 'withdrawn' });
}

export function outcomeOf(done: ResponseDone): ResponseOutcome {
  return done.status === 'cancelled' ? 'interrupted' : done.status;
}

/** Older servers give no code with this error, only its sentence. */
function isActiveResponseCollision(error: ModelErrorInfo): boolean {
  return error.code === 'conversation_already_has_active_response' || (error.code === undefined && /already has an active response/i.test(error.message));
}
