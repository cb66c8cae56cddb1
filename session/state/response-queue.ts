/**
 * The responses that are wanted and have not been asked for: in order of priority, and within one in order of wishing.
 *
 *     safety | answer answer answer | filler | idle
 *
 * A request of the application is a barrier: it is asked for by itself, with its own payload. Automatic ones (answers to tools, to a message, to a
 * turn) want the same thing, an answer to all that has been said, so neighbours become one, and a response that the model begins by itself
 * after it has taken in what they are about fulfils them.
 */
import type { ResponseResult } from '../events/response-result.js';
import type { ResponsePriority, WaitingReason } from '../events/response-wish.js';
import type { ResponseRequest } from '../ports/model.js';
import type { LiveResponse, SessionState, WantedResponse } from './session-state.js';
import type { StepContext } from './step-context.js';
import { emit } from './step-context.js';
import { expectBy } from './watch-timer.js';

const RANK: Readonly<Record<ResponsePriority, number>> = { safety: 0, answer: 1, filler: 2, idle: 3 };
/** More are wanted only by an application that is out of control. */
const MAX_WANTED = 64;

/** A response that somebody asks of the session. */
export interface ResponseAsk {
  readonly request: ResponseRequest;
  readonly origin: WantedResponse['origin'];
  /** Default `answer`. */
  readonly priority?: ResponsePriority;
  /** Whoever wants to know what becomes of it. */
  readonly handleId?: string;
}

/** Puts a response into the queue, or joins it to one that is there. */
export function enqueue(context: StepContext, ask: ResponseAsk): void {
  const { state, nowMs } = context;
  const priority = ask.priority ?? 'answer';
  const handles = ask.handleId === undefined ? [] : [ask.handleId];
  if (isPastime(priority) && (state.userSpeaking || state.wanted.some((wanted) => RANK[wanted.priority] < RANK[priority]))) {
    return settleHandles(context, handles, { outcome: 'cancelled', text: '', reason: 'superseded' });
  }
  dropPastimes(context, RANK[priority]);

  const after = newest(state.unconfirmed);
  const place = placeFor(state, priority);
  const before = state.wanted[place - 1];
  const automatic = ask.origin !== 'application' && Object.keys(ask.request).length === 0;
  if (automatic && before?.priority === priority && isAutomatic(before)) {
    before.handles.push(...handles);
    delete before.toldReason;
    if (after !== undefined) before.after = after;
    return;
  }
  if (state.wanted.length >= MAX_WANTED) {
    emit(context, { type: 'pressure', queue: 'responses', state: 'dropped', dropped: (state.wantedDropped += 1) });
    return settleHandles(context, handles, { outcome: 'cancelled', text: '', reason: 'queue_full' });
  }
  state.wanted.splice(place, 0, {
    request: ask.request,
    origin: ask.origin,
    priority,
    handles,
    sinceMs: nowMs,
    ...(after === undefined ? {} : { after }),
  });
}

/** The first words of an agent that has taken over: before everything that is as important, and without words of their own, in the place of every automatic answer. */
export function enqueueEntry(context: StepContext, request: ResponseRequest): void {
  const { state, nowMs } = context;
  const automatic = Object.keys(request).length === 0;
  const joined = automatic ? state.wanted.filter((wanted) => wanted.priority === 'answer' && isAutomatic(wanted)) : [];
  state.wanted.splice(0, state.wanted.length, ...state.wanted.filter((wanted) => !joined.includes(wanted)));
  dropPastimes(context);
  const index = state.wanted.findIndex(({ priority }) => RANK[priority] >= RANK.answer);
  const entry: WantedResponse = { request, origin: 'entry', priority: 'answer', handles: joined.flatMap(({ handles }) => handles), sinceMs: nowMs };
  if (joined.length > 0) entry.answers = true;
  state.wanted.splice(index === -1 ? state.wanted.length : index, 0, entry);
}

/**
 * Another agent has taken over: words that an earlier one was to begin with are not said any more. An answer to the user or to tools that had
 * been joined with them is still owed.
 */
export function dropEntries(context: StepContext): void {
  const { wanted, request, taken } = context.state;
  for (let index = wanted.length - 1; index >= 0; index -= 1) {
    const each = wanted[index] as WantedResponse;
    if (each.origin !== 'entry') continue;
    if (each.answers === true) {
      wanted[index] = { ...each, origin: 'tools' };
      continue;
    }
    wanted.splice(index, 1);
    settleHandles(context, each.handles, { outcome: 'cancelled', text: '', reason: 'superseded' });
  }
  // What has been asked for may begin yet; `putBack` looks at this, should the model refuse it.
  const asked = request.name === 'requested' ? [request.wanted, ...taken.values()] : taken.values();
  for (const each of asked) if (each.origin === 'entry') each.superseded = true;
}

/** A request that was refused stands before its like again; what was to fill the silence has found that there is none. */
export function putBack(context: StepContext, wanted: WantedResponse): void {
  const { state } = context;
  if (wanted.superseded && wanted.answers) wanted = { ...wanted, origin: 'tools' };
  else if (isPastime(wanted.priority) || wanted.superseded) return settleHandles(context, wanted.handles, { outcome: 'cancelled', text: '', reason: 'superseded' });
  const index = state.wanted.findIndex((each) => RANK[each.priority] >= RANK[wanted.priority]);
  state.wanted.splice(index === -1 ? state.wanted.length : index, 0, wanted);
}

/** The user speaks, or something more important is wanted or begins: what was to fill the silence has lost its sense. `rank`: what is more important. */
export function dropPastimes(context: StepContext, rank = RANK.answer): void {
  const { wanted } = context.state;
  for (let index = wanted.length - 1; index >= 0; index -= 1) {
    const each = wanted[index] as WantedResponse;
    if (RANK[each.priority] <= rank) return;
    if (!isPastime(each.priority)) continue;
    wanted.splice(index, 1);
    settleHandles(context, each.handles, { outcome: 'cancelled', text: '', reason: 'superseded' });
  }
}

/** What was to be answered must not be: answers to the user's words are not wanted any more. */
export function dropAnswers(context: StepContext): void {
  const { wanted } = context.state;
  for (let index = wanted.length - 1; index >= 0; index -= 1) {
    const each = wanted[index] as WantedResponse;
    if (each.origin !== 'message' && each.origin !== 'turn') continue;
    wanted.splice(index, 1);
    settleHandles(context, each.handles, { outcome: 'cancelled', text: '', reason: 'superseded' });
  }
}

/** A response that the model began by itself answers what it had been given by then. */
export function coverAutomatic(context: StepContext, response: LiveResponse): void {
  const { state } = context;
  state.wanted.splice(
    0,
    state.wanted.length,
    ...state.wanted.filter((wanted) => {
      if (!isCovered(state, wanted)) return true;
      if (!state.confirmsItems && wanted.after !== undefined) state.guessed = wanted.after;
      adopt(context, response, wanted.handles, !state.confirmsItems && wanted.after !== undefined);
      return false;
    }),
  );
}

/** Whether a response that begins now, by the model's own doing, answers this one too: it must have taken in what it is about. */
export function isCovered(state: SessionState, wanted: WantedResponse): boolean {
  // A new agent that speaks has entered, whatever it was to say; unless what begins may be our own request.
  if (wanted.origin === 'entry') return state.echoesRequests || state.request.name !== 'requested' || state.request.wanted === wanted;
  if (!isAutomatic(wanted)) return false;
  // A server that confirms no items leaves us to guess: what was given to it before is in it, unless our own request may be what has begun.
  if (!state.confirmsItems) return state.request.name !== 'requested';
  return wanted.after === undefined || state.unconfirmed.size === 0;
}

/** The model has taken an item in; those that were sent before it as well, unless a response is live: then results of tools wait for its end. */
export function confirmItem(context: StepContext, itemId: string): void {
  const { state } = context;
  if (!state.unconfirmed.has(itemId)) return;
  if (state.guessed === itemId) {
    // It came after the response that was taken as its answer: it is still to be answered.
    enqueue(context, { request: {}, origin: 'tools' });
    expectBy(context, context.nowMs);
  }
  delete state.guessed;
  state.confirmsItems = true;
  if (state.live.size > 0) return void state.unconfirmed.delete(itemId);
  for (const earlier of state.unconfirmed) {
    state.unconfirmed.delete(earlier);
    if (earlier === itemId) return;
  }
}

/** Gives the handles of a request to the response that it has become. `guessed`: that it is theirs can't be known. */
export function adopt(context: StepContext, response: LiveResponse, handles: readonly string[], guessed = false): void {
  for (const handleId of handles) {
    response.handles.push(handleId);
    if (guessed) response.guessed.push(handleId);
    context.effects.push({ type: 'tell_handle', handleId, news: { name: 'created', responseId: response.responseId, guessed } });
  }
}

export function settleHandles(context: StepContext, handles: readonly string[], result: ResponseResult): void {
  for (const handleId of handles) context.effects.push({ type: 'tell_handle', handleId, news: { name: 'done', result } });
}

/** Takes a handle's wish out of the queue. True when it was there. */
export function withdraw(context: StepContext, handleId: string): boolean {
  const { wanted } = context.state;
  const index = wanted.findIndex(({ handles }) => handles.includes(handleId));
  const found = wanted[index];
  if (found === undefined) return false;
  found.handles.splice(found.handles.indexOf(handleId), 1);
  // Tools and turns are to be answered, whoever else has joined.
  if (found.handles.length === 0 && (found.origin === 'application' || found.origin === 'message')) wanted.splice(index, 1);
  settleHandles(context, [handleId], { outcome: 'cancelled', text: '', reason: 'withdrawn' });
  return true;
}

/** Tells of each wanted response that waits for longer than `afterMs` what it waits for, once for each reason. Gives when to look again. */
export function tellWaiting(context: StepContext, afterMs: number): number | undefined {
  const { state, nowMs } = context;
  const { request } = state;
  const waiting = request.name === 'requested' && !request.adopted ? [request.wanted, ...state.wanted] : state.wanted;
  let againMs: number | undefined;
  for (const wanted of waiting) {
    const waitedMs = nowMs - wanted.sinceMs;
    const asked = request.name === 'requested' && wanted === request.wanted && state.live.size === 0;
    const reason = asked ? 'asked' : reasonFor(context, wanted);
    if (waitedMs >= afterMs && wanted.toldReason !== reason) {
      wanted.toldReason = reason;
      emit(context, { type: 'response_waiting', requestIds: [...wanted.handles], priority: wanted.priority, reason, waitedMs });
    }
    againMs = Math.min(againMs ?? Infinity, waitedMs < afterMs ? wanted.sinceMs + afterMs : nowMs + afterMs);
  }
  return againMs;
}

// ---- helpers, in the order of their use ----

export function isPastime(priority: ResponsePriority): boolean {
  return RANK[priority] > RANK.answer;
}

function isAutomatic(wanted: WantedResponse): boolean {
  return wanted.origin !== 'application' && Object.keys(wanted.request).length === 0;
}

export function newest(set: ReadonlySet<string>): string | undefined {
  let last: string | undefined;
  for (const value of set) last = value;
  return last;
}

/** Behind everything that is as important. */
function placeFor(state: SessionState, priority: ResponsePriority): number {
  const index = state.wanted.findIndex((wanted) => RANK[wanted.priority] > RANK[priority]);
  return index === -1 ? state.wanted.length : index;
}

function reasonFor({ state }: StepContext, wanted: WantedResponse): WaitingReason {
  if (state.connection.name !== 'open') return 'not_connected';
  if (state.userSpeaking) return 'user_speaking';
  if (state.handoff.current !== undefined) return 'handoff';
  if (state.live.size > 0) return 'response_live';
  if (state.request.name === 'collided') return 'collided';
  if (state.request.name === 'requested' || state.wanted[0] !== wanted) return 'queued';
  return 'turn_ending';
}
