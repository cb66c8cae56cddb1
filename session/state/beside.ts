/**
 * Responses beside the conversation: the application asks the model for something in writing (a summary, a classification) that the user does not hear
 * and the conversation does not know. They are not in the queue: one may be generated while another response is live.
 *
 *      asked ──response_created, with our id or in no conversation──▶ live ──response_done──▶ (its handle is told)
 */
import type { ResponseResult } from '../events/response-result.js';
import type { ModelInput, ResponseRequest } from '../ports/model.js';
import type { BesideRequest } from './beside-state.js';
import { outputBound, tighter } from './output-bound.js';
import { settleHandles } from './response-queue.js';
import { providerError, timeout } from './provider-error.js';
import { REQUEST_KEY, outcomeOf } from './responses.js';
import { put } from './sparse.js';
import { spendResponse } from './spending.js';
import type { StepContext } from './step-context.js';
import { emit, forgive, newId, send } from './step-context.js';
import { expectBy } from './watch-timer.js';

/** At once; one more is refused. */
const MAX_BESIDE = 8;
/** Nobody waits for it on the telephone: it may take longer than an answer, and is given up in the end. */
const GIVEN_UP_MS = 30_000;

/** Asks at once, whatever else the model does. */
export function askBeside(context: StepContext, request: ResponseRequest, handleId: string): void {
  const { state, nowMs } = context;
  const reason = state.connection.name !== 'open' ? 'not_connected' : state.beside.size >= MAX_BESIDE ? 'queue_full' : undefined;
  if (reason !== undefined) return settleHandles(context, [handleId], { outcome: 'cancelled', text: '', reason });
  const eventId = newId(state, 'evt');
  put(state, 'beside', eventId, { handleId, sinceMs: nowMs, text: '', over: false });
  const maxOutputTokens = tighter(request.maxOutputTokens, outputBound(state));
  const written = { ...request, ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }), outputModality: 'text', toolChoice: 'none', metadata: { ...request.metadata, [REQUEST_KEY]: eventId } } as const;
  send(context, { type: 'create_response', eventId, request: written });
  expectBy(context, nowMs + GIVEN_UP_MS);
}

/** True when what the model says is about a response beside the conversation, and has been dealt with. */
export function takeBeside(context: StepContext, input: ModelInput): boolean {
  const { beside } = context.state;
  if (input.type === 'model_error') {
    const refused = input.eventId === undefined ? undefined : beside.get(input.eventId);
    if (refused === undefined || input.eventId === undefined) return false;
    beside.delete(input.eventId);
    const error = providerError('PROVIDER_ERROR', `The model refused a response beside the conversation: ${input.error.message}`, input.error, input.eventId);
    end(context, refused, { outcome: 'failed', error });
    return true;
  }
  if (!('responseId' in input)) return false;
  if (input.type === 'response_created') return begin(context, input);
  for (const [eventId, request] of beside) {
    if (request.responseId !== input.responseId) continue;
    if (input.type === 'output_text_delta') request.text += input.delta;
    if (input.type === 'output_text_done') request.text = input.text;
    if (input.type !== 'response_done') return true;
    beside.delete(eventId);
    spendResponse(context, input);
    end(context, request, { outcome: outcomeOf(input), ...(input.reason === undefined ? {} : { reason: input.reason }), ...(input.usage === undefined ? {} : { usage: input.usage }) });
    return true;
  }
  return false;
}

/** Whoever asked wants it no more. False when it is no such response. */
export function withdrawBeside(context: StepContext, handleId: string): boolean {
  for (const request of context.state.beside.values()) {
    if (request.handleId !== handleId) continue;
    end(context, request, { outcome: 'cancelled', reason: 'withdrawn' });
    if (request.responseId !== undefined) cancel(context, request.responseId);
    return true;
  }
  return false;
}

/** Gives up what has not come in time. */
export function watchBeside(context: StepContext): void {
  const { state, nowMs } = context;
  for (const [eventId, request] of state.beside) {
    const dueMs = request.sinceMs + GIVEN_UP_MS;
    if (nowMs < dueMs) {
      expectBy(context, dueMs);
      continue;
    }
    state.beside.delete(eventId);
    const error = timeout(`A response beside the conversation did not end within ${GIVEN_UP_MS / 1000} s.`);
    if (!request.over) emit(context, { type: 'error', error });
    end(context, request, { outcome: 'failed', error });
  }
}

/** Their connection is gone, or the session: whoever asked may ask again. */
export function endBeside(context: StepContext, reason: string): void {
  for (const request of context.state.beside.values()) end(context, request, { outcome: 'cancelled', reason });
  context.state.beside.clear();
}

// ---- helpers ----

function begin(context: StepContext, { responseId, metadata, beside: isBeside }: Extract<ModelInput, { type: 'response_created' }>): boolean {
  const { beside } = context.state;
  const named = beside.get(metadata?.[REQUEST_KEY] ?? '');
  // A server that gives no metadata back says at least that it stands in no conversation: it takes them in order.
  const request = named ?? (isBeside === true ? [...beside.values()].find((each) => each.responseId === undefined) : undefined);
  if (request === undefined) return false;
  request.responseId = responseId;
  if (request.over) cancel(context, responseId);
  else context.effects.push({ type: 'tell_handle', handleId: request.handleId, news: { name: 'created', responseId, guessed: false } });
  return true;
}

function cancel(context: StepContext, responseId: string): void {
  const eventId = newId(context.state, 'evt');
  forgive(context.state, eventId);
  send(context, { type: 'cancel_response', eventId, responseId });
}

function end(context: StepContext, request: BesideRequest, result: Omit<ResponseResult, 'text' | 'responseId'>): void {
  if (request.over) return;
  request.over = true;
  const { handleId, responseId, text } = request;
  settleHandles(context, [handleId], { ...result, text, ...(responseId === undefined ? {} : { responseId }) });
}
