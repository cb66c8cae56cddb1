import { ProviderError } from '../errors.js';
import type { ResponseOutcome } from '../events/session-event.js';
import type { ModelErrorInfo, ModelInput, ResponseRequest } from '../ports/model.js';
import { failOpenItems } from './history.js';
import type { LiveResponse, WantedResponse } from './session-state.js';
import type { StepContext } from './step-context.js';
import { addBounded, emit, forgive, hasOpenCalls, newId, send } from './step-context.js';
import { beginTurn, reportTurn } from './turn-marks.js';

/** The key under which a request's own id travels in the response's metadata, the only thing that the model gives back. */
const REQUEST_KEY = 'voicewire_request';

/** A response that was asked for begins within a second; after this long it never will. */
const OVERDUE_MS = 10_000;
/** After a collision the answer comes when the other response is done; this is for a model that never says so. */
const RETRY_MS = 1_000;
const MAX_ENDED = 32;

type ResponseDone = Extract<ModelInput, { type: 'response_done' }>;
type ResponseCreated = Extract<ModelInput, { type: 'response_created' }>;

/** Queues a response; it is asked for as soon as the model is free. */
export function want(context: StepContext, wanted: WantedResponse): void {
  context.state.wanted.push(wanted);
  requestNext(context);
}

/** Asks for the next wanted response, if the model is free to give one and the user is not speaking. */
export function requestNext(context: StepContext): void {
  const { state } = context;
  if (state.connection.name !== 'open' || state.request.name !== 'free' || state.live.size > 0 || state.userSpeaking) return;
  const wanted = state.wanted.shift();
  if (wanted === undefined) return;
  const eventId = newId(state, 'evt');
  state.request = { name: 'requested', eventId, wanted, interrupted: false };
  const request: ResponseRequest = { ...wanted.request, metadata: { ...wanted.request.metadata, [REQUEST_KEY]: eventId } };
  send(context, { type: 'create_response', eventId, request });
  context.effects.push({ type: 'arm_timer', timer: 'response_overdue', delayMs: OVERDUE_MS });
}

export function onResponseCreated(context: StepContext, input: ResponseCreated): void {
  const { state, nowMs } = context;
  const turn = state.turn ?? beginTurn(context, false);
  turn.marks.responseCreatedMs ??= nowMs;
  const response: LiveResponse = { responseId: input.responseId, turn, format: state.config.outputFormat, interrupted: false, texts: new Map(), hasAudio: false };
  state.live.set(input.responseId, response);
  emit(context, { type: 'agent_start', responseId: input.responseId });

  const { request } = state;
  if (request.name === 'requested') {
    context.effects.push({ type: 'cancel_timer', timer: 'response_overdue' });
    const requestId = input.metadata?.[REQUEST_KEY];
    if (requestId === request.eventId) {
      state.request = { name: 'free' };
      if (request.interrupted) cancelResponse(context, response);
      return;
    }
    // Only the metadata tells whose a response is, and not every server gives it back.
    request.perhaps = input.responseId;
  }
  // The model began by itself, with all results that it has been given: answers to tools are in it.
  for (let index = state.wanted.length - 1; index >= 0; index -= 1) {
    if (state.wanted[index]?.origin === 'tools') state.wanted.splice(index, 1);
  }
}

/** The live response that an event belongs to; one that was never announced is taken as begun. None when the response is over: the event is late. */
export function liveResponse(context: StepContext, responseId: string): LiveResponse | undefined {
  const { live, ended } = context.state;
  if (!live.has(responseId) && !ended.has(responseId)) onResponseCreated(context, { type: 'response_created', responseId });
  return live.get(responseId);
}

/** Stops a response at the model. That it is over already is no error. */
export function cancelResponse(context: StepContext, response: LiveResponse): void {
  response.interrupted = true;
  const eventId = newId(context.state, 'evt');
  forgive(context.state, eventId);
  send(context, { type: 'cancel_response', eventId, responseId: response.responseId });
}

export function onResponseDone(context: StepContext, input: ResponseDone): void {
  const { state } = context;
  const response = liveResponse(context, input.responseId);
  if (response === undefined) return;
  state.live.delete(input.responseId);
  addBounded(state.ended, input.responseId, MAX_ENDED);
  const outcome = outcomeOf(input);
  failOpenItems(context, input.responseId);
  if (outcome === 'failed') {
    const error = input.error ?? { message: 'The model gave no reason.' };
    emit(context, { type: 'error', error: providerError('RESPONSE_FAILED', `The model could not answer: ${error.message}`, error) });
  }
  emit(context, {
    type: 'agent_end',
    responseId: input.responseId,
    outcome: response.interrupted && outcome === 'completed' ? 'interrupted' : outcome,
    ...(input.reason === undefined ? {} : { reason: input.reason }),
    text: [...response.texts.values()].join('\n'),
    ...(input.usage === undefined ? {} : { usage: input.usage }),
  });
  // A turn that ends without sound has its account too, unless tools are still to be answered.
  const answered = !response.hasAudio && !hasOpenCalls(state, input.responseId) && !state.wanted.some((wanted) => wanted.origin === 'tools');
  if (answered) reportTurn(context, response.turn, input.responseId);
  if (state.turn === response.turn && (response.hasAudio || answered)) state.turn = undefined;
  if (state.request.name === 'collided') freeAfterCollision(context);
  else if (state.request.name === 'requested' && state.request.perhaps === input.responseId) state.request = { name: 'free' };
  requestNext(context);
}

/** Our request was refused. True when the error has been dealt with. */
export function onRequestRefused(context: StepContext, error: ModelErrorInfo, eventId: string | undefined): boolean {
  const { state } = context;
  if (state.request.name !== 'requested' || eventId !== state.request.eventId) return false;
  const { wanted, interrupted } = state.request;
  context.effects.push({ type: 'cancel_timer', timer: 'response_overdue' });
  if (!isActiveResponseCollision(error)) {
    state.request = { name: 'free' };
    return false;
  }
  state.request = { name: 'collided' };
  if (!interrupted) state.wanted.unshift(wanted);
  retryLater(context);
  return true;
}

/** Another response is there or about to come; if it does not, or its end is never told, we ask again by ourselves. */
export function retryLater(context: StepContext): void {
  if (context.state.wanted.length > 0) context.effects.push({ type: 'arm_timer', timer: 'response_retry', delayMs: RETRY_MS });
}

export function onRetryTimer(context: StepContext): void {
  if (context.state.request.name === 'collided') context.state.request = { name: 'free' };
  requestNext(context);
}

export function onOverdueTimer(context: StepContext): void {
  if (context.state.request.name !== 'requested') return;
  context.state.request = { name: 'free' };
  emit(context, {
    type: 'error',
    error: new ProviderError('PROVIDER_ERROR', `The model was asked for a response and began none within ${OVERDUE_MS / 1000} s.`, {
      retryable: true,
      hint: 'Ask again; if it happens often, the provider is overloaded or not compatible.',
    }),
  });
  requestNext(context);
}

export function providerError(code: 'PROVIDER_ERROR' | 'RESPONSE_FAILED' | 'TRANSCRIPTION_FAILED', message: string, error: ModelErrorInfo, eventId?: string): ProviderError {
  const limited = error.code === 'rate_limit_exceeded' || error.code === 'insufficient_quota' || error.code === 'inference_rate_limit_exceeded';
  const expired = error.code === 'session_expired';
  return new ProviderError(limited ? 'PROVIDER_RATE_LIMITED' : expired ? 'PROVIDER_SESSION_EXPIRED' : code, message, {
    stage: code === 'TRANSCRIPTION_FAILED' ? 'transcription' : 'model',
    retryable: error.code === 'rate_limit_exceeded' || error.code === 'inference_rate_limit_exceeded' || error.kind === 'server_error',
    providerCode: error.code,
    eventId,
    ...(error.code === 'insufficient_quota' ? { hint: 'The account has no credit left; see the billing page of the provider.' } : {}),
  });
}

function freeAfterCollision(context: StepContext): void {
  context.state.request = { name: 'free' };
  context.effects.push({ type: 'cancel_timer', timer: 'response_retry' });
}

function outcomeOf(done: ResponseDone): ResponseOutcome {
  return done.status === 'cancelled' ? 'interrupted' : done.status;
}

/** Older servers give no code with this error, only its sentence. */
function isActiveResponseCollision(error: ModelErrorInfo): boolean {
  return error.code === 'conversation_already_has_active_response' || (error.code === undefined && /already has an active response/i.test(error.message));
}
