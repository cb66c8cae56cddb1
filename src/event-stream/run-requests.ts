/** What the three addresses of runs are asked, read from a request: pure, so that servers of Node and of the Fetch standard share it. */
import { HostError } from '../host/errors.js';
import type { HostErrorCode } from '../host/errors.js';
import { VoicewireError } from '../../session/index.js';
import { parseEventId } from './event-id.js';

/** In which words a run is told: its own events, one flat line of them, or the names that step-by-step front ends expect. */
export type ChatDialect = 'run' | 'flat' | 'steps';

/** The body of `POST /chat/stream`. */
export interface ChatBody {
  readonly input: string;
  readonly conversationId?: string;
  readonly dialect: ChatDialect;
}

export type RunAddress = { readonly name: 'chat' } | { readonly name: 'events' | 'stop'; readonly runId: string };

/** Which address a path is, and the one method that it takes; `undefined` for any other path. */
export function runAddress(path: string): { readonly address: RunAddress; readonly method: 'GET' | 'POST' } | undefined {
  if (path === '/chat/stream') return { address: { name: 'chat' }, method: 'POST' };
  const match = /^\/runs\/([\w.-]{1,128})\/(events|stop)$/.exec(path);
  if (match === null) return undefined;
  const [, runId, name] = match as unknown as [string, string, 'events' | 'stop'];
  return { address: { name, runId }, method: name === 'events' ? 'GET' : 'POST' };
}

/** Whether the target of a request, with or without a query, is one of the three. */
export function isRunAddress(target: string): boolean {
  return runAddress(target.split('?', 1)[0] ?? '') !== undefined;
}

/** Throws `HostError` `REQUEST_INVALID` for anything that is not a chat request. Fields that are not known are left alone. */
export function readChatBody(body: unknown): ChatBody {
  if (typeof body !== 'object' || body === null) throw invalid('The body must be a JSON object.');
  const { input, conversationId, dialect = 'flat' } = body as Readonly<Record<string, unknown>>;
  if (typeof input !== 'string' || input === '') throw invalid('"input" must be a text that is not empty.');
  if (conversationId !== undefined && (typeof conversationId !== 'string' || !/^[\w.:-]{1,128}$/.test(conversationId))) {
    throw invalid('"conversationId" must be 1 to 128 letters, digits, "_", "-", "." or ":".');
  }
  if (dialect !== 'run' && dialect !== 'flat' && dialect !== 'steps') throw invalid('"dialect" must be "run", "flat" or "steps".');
  return { input, dialect, ...(conversationId === undefined ? {} : { conversationId }) };
}

/** Throws `HostError` `REQUEST_INVALID` for what is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw invalid('The body is not JSON.', cause);
  }
}

/**
 * The last event that a reader has had: from `Last-Event-ID`, which a browser sends by itself when it comes back and so is newer than `after` of the address it
 * was given once. 0 where neither is there. Throws `HostError` `REQUEST_INVALID`.
 */
export function lastEventOf(runId: string, header: string | null | undefined, after: string | null | undefined): number {
  if (header !== undefined && header !== null && header !== '') {
    const id = parseEventId(header);
    if (id?.runId !== runId) throw invalid('"Last-Event-ID" is not the id of an event of this run.');
    return id.n;
  }
  if (after === undefined || after === null || after === '') return 0;
  if (!/^\d{1,15}$/.test(after)) throw invalid('"after" must be the number of an event.');
  return Number(after);
}

export const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' } as const;

/** How an error is answered: its words only where it is one of ours. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function errorAnswer(error: unknown): ErrorAnswer {
  const status = error instanceof HostError ? STATUS.get(error.code) : undefined;
  const told =
    error instanceof VoicewireError && status !== undefined
      ? { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) }
      : { code: 'SERVER_FAILED', message: 'The server failed.', hint: 'Try again; its log says more.' };
  const headers = { ...JSON_HEADERS, ...(status === 429 || status === 503 ? { 'retry-after': '5' } : {}) };
  return { status: status ?? 500, headers, body: `${JSON.stringify({ error: told })}\n` };
}

const STATUS: ReadonlyMap<HostErrorCode, number> = new Map<HostErrorCode, number>([
  ['REQUEST_INVALID', 400],
  ['RUN_NOT_FOUND', 404],
  ['REQUEST_TIMEOUT', 408],
  ['REQUEST_TOO_LARGE', 413],
  ['TOO_MANY_RUNS', 429],
  ['TOO_MANY_READERS', 429],
  ['RUNS_FULL', 503],
  ['GATEWAY_CLOSING', 503],
]);

function invalid(message: string, cause?: unknown): HostError {
  return new HostError('REQUEST_INVALID', message, { hint: 'docs/streaming/server-sent-events.md says what may be sent.', ...(cause === undefined ? {} : { cause }) });
}
