import { ProtocolError } from '../../session/index.js';
import type { VoicewireError } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import type { RunDialect, RunDialects, RunStreamItem } from './run-stream-event.js';

/** What the client itself tells, among the events of the run. */
export type RunStreamNews =
  /** Events `from` to `to`, both included, are lost: the server has forgotten them. What was shown so far may miss a part. */
  | { readonly type: 'gap'; readonly from: number; readonly to: number }
  | { readonly type: 'connection'; readonly state: 'open' }
  /** Attempt number `attempt` since something last arrived begins in `delayMs`, because of `error`. */
  | { readonly type: 'connection'; readonly state: 'reconnecting'; readonly attempt: number; readonly delayMs: number; readonly error: VoicewireError };

/** Times in ms. */
export interface RunStreamPolicy {
  /** From the request to the head of the answer. */
  readonly connectTimeoutMs: number;
  /** So long an open connection may be without a byte. */
  readonly silenceMs: number;
  /** Before the first new attempt, where the server names no time of its own. */
  readonly retryMs: number;
  readonly maxRetryMs: number;
  /** Attempts in a row without progress. */
  readonly maxTries: number;
}

/** One request at a time, or a pause before the next. */
export type RunLink =
  | { readonly name: 'idle' }
  | { readonly name: 'connecting' }
  /** `quietSinceMs` is absent while the application is behind: nobody reads then, so nobody can say that nothing comes. */
  | { readonly name: 'open'; quietSinceMs: number | undefined }
  | { readonly name: 'waiting' }
  | { readonly name: 'ended' };

/**
 *      idle ──start──▶ connecting ──answered──▶ open ──last event, error──▶ ended
 *                       ▲    │ no run was begun   │ lost, silent
 *                 time  │    └──lost, refused──┐  ▼
 *                       └───────────────────── waiting ──too many in a row──▶ ended
 */
export interface RunStreamState {
  readonly policy: RunStreamPolicy;
  link: RunLink;
  /** Known from the head of the first answer; from then on a lost connection can be resumed. */
  runId: string | undefined;
  /** Number of the last event that the application was given or told of; 0 before the first. */
  position: number;
  /** Where the application had got to before, when it takes up a run again. */
  readonly resumedAfter: number | undefined;
  tries: number;
  retryMs: number;
  /** Whether the run has ended, which is more than that the stream has. */
  over: boolean;
  /** Events that came twice and were dropped. */
  duplicates: number;
}

/** `random`: 0 to below 1, for the length of a pause. */
export type RunStreamInput =
  | { readonly type: 'start' }
  | { readonly type: 'answered'; readonly runId: string | undefined }
  /** The server says that no event follows the last one that we have had. */
  | { readonly type: 'nothing_left' }
  | { readonly type: 'bytes' }
  | { readonly type: 'reader_behind' }
  | { readonly type: 'retry'; readonly ms: number }
  | { readonly type: 'item'; readonly item: RunStreamItem }
  /** The request failed, or the answer broke off or ended before the run did. */
  | { readonly type: 'lost'; readonly error: VoicewireError; readonly random: number }
  /** The server said no. `retryAfterMs` is there when it may say yes later, and has begun no run. */
  | { readonly type: 'refused'; readonly error: VoicewireError; readonly retryAfterMs?: number; readonly random: number }
  /** What came cannot be understood. */
  | { readonly type: 'failed'; readonly error: VoicewireError }
  | { readonly type: 'time'; readonly random: number };

export type RunStreamEffect =
  /** Begin the run, or, where its id is known, ask for what follows `position`. */
  | { readonly type: 'request' }
  /** Let go of the request and its answer. */
  | { readonly type: 'release' }
  /** Give a `time` input in so many ms; replaces the one before. */
  | { readonly type: 'wake'; readonly delayMs: number }
  | { readonly type: 'give'; readonly event: RunDialects[RunDialect] | RunStreamNews }
  | { readonly type: 'end'; readonly error?: VoicewireError };

export function createRunStreamState(policy: RunStreamPolicy, from: { readonly runId?: string | undefined; readonly after?: number | undefined } = {}): RunStreamState {
  return { policy, link: { name: 'idle' }, runId: from.runId, position: from.after ?? 0, resumedAfter: from.runId === undefined ? undefined : (from.after ?? 0), tries: 0, retryMs: policy.retryMs, over: false, duplicates: 0 };
}

/** A server that asks for no pause at all still gets one: doubled, nothing stays nothing. */
const LEAST_RETRY_MS = 50;

/** Decides what a client of a run does next. The state is taken over and changed in place. */
export function stepRunStream(state: RunStreamState, input: RunStreamInput, nowMs: number): readonly RunStreamEffect[] {
  const { link } = state;
  if (link.name === 'ended') return [];
  switch (input.type) {
    case 'start':
      return link.name === 'idle' ? request(state) : [];
    case 'answered':
      if (link.name !== 'connecting') return [];
      state.runId ??= input.runId;
      state.link = { name: 'open', quietSinceMs: nowMs };
      return [{ type: 'wake', delayMs: state.policy.silenceMs }, { type: 'give', event: { type: 'connection', state: 'open' } }];
    case 'nothing_left':
      state.over = true;
      // Whoever takes up a run after its last event has had everything; whoever was cut off before it has not.
      if (state.position === state.resumedAfter) return end(state);
      return end(state, new HostError('RUN_STREAM_LOST', 'The server says that the run is over, and its last event never came.', { hint: 'Ask the application for the result of the run.' }));
    case 'bytes':
      if (link.name === 'open') link.quietSinceMs = nowMs;
      return [];
    case 'reader_behind':
      if (link.name === 'open') link.quietSinceMs = undefined;
      return [];
    case 'retry':
      state.retryMs = Math.max(LEAST_RETRY_MS, input.ms);
      return [];
    case 'item':
      return link.name === 'open' ? onItem(state, input.item) : [];
    case 'lost':
      // Without its id nobody knows whether a run was begun: asking once more might begin, and bill, a second one.
      return state.runId === undefined ? end(state, input.error) : wait(state, input.error, 0, input.random);
    case 'refused':
      if (input.retryAfterMs === undefined || input.retryAfterMs > state.policy.maxRetryMs) return end(state, input.error);
      return wait(state, input.error, input.retryAfterMs, input.random);
    case 'failed':
      return end(state, input.error);
    case 'time':
      return onTime(state, input.random, nowMs);
  }
}

function onItem(state: RunStreamState, item: RunStreamItem): readonly RunStreamEffect[] {
  switch (item.type) {
    case 'ping':
      state.tries = 0;
      return [];
    case 'gap':
      return skipTo(state, item.to);
    case 'event': {
      state.runId ??= item.runId;
      if (item.runId !== state.runId) return end(state, new ProtocolError('PROTOCOL_BAD_EVENT', 'An event of another run came in the stream of this one.', { hint: 'The server, or a cache before it, mixes up runs: nothing of this stream can be trusted.' }));
      if (item.n <= state.position) {
        state.duplicates += 1;
        return [];
      }
      const gap = skipTo(state, item.n - 1);
      state.position = item.n;
      state.tries = 0;
      const given: readonly RunStreamEffect[] = item.event === undefined ? gap : [...gap, { type: 'give', event: item.event }];
      if (!item.last) return given;
      state.over = true;
      return [...given, ...end(state)];
    }
  }
}

/** The application is told of whatever it will never get, whether the server says so or its numbers do. */
function skipTo(state: RunStreamState, to: number): readonly RunStreamEffect[] {
  if (to <= state.position) return [];
  const from = state.position + 1;
  state.position = to;
  state.tries = 0;
  return [{ type: 'give', event: { type: 'gap', from, to } }];
}

function onTime(state: RunStreamState, random: number, nowMs: number): readonly RunStreamEffect[] {
  const { link, policy } = state;
  switch (link.name) {
    case 'connecting': {
      const error = new HostError('GATEWAY_UNREACHABLE', `The server did not answer within ${policy.connectTimeoutMs} ms.`, { hint: 'Check the address and the network. A run may have been begun all the same.', retryable: true });
      return stepRunStream(state, { type: 'lost', error, random }, nowMs);
    }
    case 'open': {
      const quietMs = nowMs - (link.quietSinceMs ?? nowMs);
      if (quietMs < policy.silenceMs) return [{ type: 'wake', delayMs: policy.silenceMs - quietMs }];
      const error = new HostError('CONNECTION_LOST', `Nothing has come for ${Math.round(quietMs)} ms, not even a heartbeat.`, { hint: 'The network or a proxy holds the stream back; the client connects again.', retryable: true });
      return stepRunStream(state, { type: 'lost', error, random }, nowMs);
    }
    case 'waiting':
      return request(state);
    case 'idle':
    case 'ended':
      return [];
  }
}

function request(state: RunStreamState): readonly RunStreamEffect[] {
  state.link = { name: 'connecting' };
  return [{ type: 'request' }, { type: 'wake', delayMs: state.policy.connectTimeoutMs }];
}

/** Pauses grow twofold from what the server asks for, up to the limit; a random half on top keeps a thousand clients from coming back in one moment. */
function wait(state: RunStreamState, error: VoicewireError, leastMs: number, random: number): readonly RunStreamEffect[] {
  const { maxTries, maxRetryMs } = state.policy;
  if (state.tries >= maxTries) {
    const message = state.runId === undefined ? `The server refused the run ${maxTries + 1} times.` : `The connection to the run could not be restored in ${maxTries} attempts.`;
    return end(state, new HostError('RUN_STREAM_LOST', message, { hint: 'Check the network; the run itself may go on. The cause is the last failure.', retryable: true, cause: error }));
  }
  state.tries += 1;
  state.link = { name: 'waiting' };
  const grownMs = Math.min(maxRetryMs, state.retryMs * 2 ** (state.tries - 1));
  const delayMs = Math.max(leastMs, grownMs) * (1 + random / 2);
  return [{ type: 'release' }, { type: 'wake', delayMs }, { type: 'give', event: { type: 'connection', state: 'reconnecting', attempt: state.tries, delayMs, error } }];
}

function end(state: RunStreamState, error?: VoicewireError): readonly RunStreamEffect[] {
  state.link = { name: 'ended' };
  return [{ type: 'release' }, error === undefined ? { type: 'end' } : { type: 'end', error }];
}
