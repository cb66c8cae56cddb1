import { VoicewireError, errorText } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import { refuseProviderKey } from './provider-key.js';

/** As much of `fetch` as is used here. */
export type FetchLike = (url: string, init: { readonly method: string; readonly headers: Headers; readonly body?: string; readonly signal: AbortSignal; readonly cache: 'no-store' }) => Promise<Response>;

/** Headers of each request: as they are, or asked for before each one, for tokens that expire. */
export type RunHeaders = HeadersInit | (() => HeadersInit | Promise<HeadersInit>);

export interface RunRequestsOptions {
  /** Where runs are begun: `https://app.example.com/chat/stream`. */
  readonly url: string | URL;
  readonly runsUrl?: string | URL | undefined;
  readonly headers?: RunHeaders | undefined;
  readonly fetch?: FetchLike | undefined;
}

/** How a server answered a request for events. */
export type RunAnswer =
  | { readonly type: 'stream'; readonly runId: string | undefined; readonly body: ReadableStream<Uint8Array> }
  | { readonly type: 'nothing_left' }
  /** `retryAfterMs` where the same request may be made again later. */
  | { readonly type: 'refused'; readonly error: VoicewireError; readonly retryAfterMs?: number };

/** What an error's text may be at most, in bytes; more than that is no message for people. */
const MAX_ERROR_BYTES = 16 * 1024;

/** The three requests that a client of runs makes. Each rejects with `HostError` `GATEWAY_UNREACHABLE` or with the signal's reason. */
export class RunRequests {
  readonly #options: RunRequestsOptions;
  readonly #url: URL;

  constructor(options: RunRequestsOptions) {
    this.#options = options;
    this.#url = absolute(options.url);
  }

  begin(body: object, signal: AbortSignal): Promise<RunAnswer> {
    return this.#askForEvents(this.#url, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' }, signal });
  }

  resume(runId: string, after: number, signal: AbortSignal): Promise<RunAnswer> {
    return this.#askForEvents(this.#runUrl(runId, 'events'), { method: 'GET', headers: after === 0 ? {} : { 'last-event-id': `${runId}:${after}` }, signal });
  }

  /** Resolves when the server has said that the run is stopped; rejects with an error that says why it has not. */
  async stop(runId: string, signal: AbortSignal): Promise<void> {
    const response = await this.#fetch(this.#runUrl(runId, 'stop'), { method: 'POST', headers: {}, signal });
    if (!response.ok) throw await refusal(response, signal);
    const said: unknown = await readJson(response, signal);
    if (member(said, 'stopped') !== true) throw new HostError('GATEWAY_REFUSED', 'The server answered a stop with something else than { "stopped": true }.');
  }

  async #askForEvents(url: URL, request: { readonly method: string; readonly headers: Record<string, string>; readonly body?: string; readonly signal: AbortSignal }): Promise<RunAnswer> {
    const response = await this.#fetch(url, { ...request, headers: { accept: 'text/event-stream', ...request.headers } });
    if (response.status === 204) return { type: 'nothing_left' };
    if (!response.ok) {
      // A proxy that says 502 or 504 to a POST may have passed it on; to ask for events twice does no harm.
      const mayRepeat = response.status === 429 || response.status === 503 || (passing(response.status) && request.method === 'GET');
      return { type: 'refused', error: await refusal(response, request.signal), ...(mayRepeat ? { retryAfterMs: retryAfter(response.headers.get('retry-after')) } : {}) };
    }
    const type = response.headers.get('content-type') ?? 'nothing';
    if (!/^text\/event-stream\b/i.test(type)) {
      await response.body?.cancel();
      return { type: 'refused', error: new HostError('GATEWAY_REFUSED', `${url.origin}${url.pathname} answers with ${type} and not with text/event-stream.`, { hint: 'Check the address: something else answers there.' }) };
    }
    if (response.body === null || response.body === undefined) {
      return { type: 'refused', error: new HostError('USAGE', 'The fetch that is used here gives no stream: its response has no body.', { hint: 'Pass a fetch that streams.' }) };
    }
    return { type: 'stream', runId: response.headers.get('x-run-id') ?? undefined, body: response.body };
  }

  async #fetch(url: URL, request: { readonly method: string; readonly headers: Record<string, string>; readonly body?: string; readonly signal: AbortSignal }): Promise<Response> {
    const { headers: given } = this.#options;
    const headers = new Headers(typeof given === 'function' ? await given() : given);
    for (const [name, value] of Object.entries(request.headers)) headers.set(name, value);
    for (const [name, value] of headers) refuseProviderKey(value, `The header ${JSON.stringify(name)}`);
    request.signal.throwIfAborted();
    const ask: FetchLike = this.#options.fetch ?? ((address, init) => globalThis.fetch(address, init));
    try {
      return await ask(url.href, { ...request, headers, cache: 'no-store' });
    } catch (cause) {
      request.signal.throwIfAborted();
      throw new HostError('GATEWAY_UNREACHABLE', `No server answers at ${url.origin}: ${errorText(cause)}`, { hint: 'Check the address and the network; a page of another origin needs the server’s leave (CORS).', retryable: true, cause });
    }
  }

  #runUrl(runId: string, what: 'events' | 'stop'): URL {
    const { runsUrl } = this.#options;
    const base = runsUrl === undefined ? new URL('../runs/', this.#url) : absolute(runsUrl);
    return new URL(`${encodeURIComponent(runId)}/${what}`, base.pathname.endsWith('/') ? base : new URL(`${base.pathname}/`, base));
  }
}

/** In a page an address may be relative to it. */
function absolute(url: string | URL): URL {
  const page = (globalThis as { readonly location?: { readonly href?: string } }).location?.href;
  return page === undefined ? new URL(url) : new URL(url, page);
}

/** An error of the server's own, or of something between it and us. */
async function refusal(response: Response, signal: AbortSignal): Promise<VoicewireError> {
  const told = member(await readJson(response, signal).catch(() => undefined), 'error');
  const [code, message, hint] = [member(told, 'code'), member(told, 'message'), member(told, 'hint')];
  if (typeof code === 'string' && typeof message === 'string') {
    return new VoicewireError(code, message, { stage: 'host', retryable: passing(response.status) || response.status === 429, ...(typeof hint === 'string' ? { hint } : {}) });
  }
  return new HostError('GATEWAY_REFUSED', `The server answered with HTTP status ${response.status}.`, { hint: HINTS[response.status] ?? 'Its log says why.', retryable: passing(response.status) || response.status === 429 });
}

const HINTS: Readonly<Record<number, string>> = {
  401: 'Pass the token that the server expects.',
  403: 'The server does not let this user, or this page, in.',
  404: 'Check the address; a run is kept for a limited time after its end.',
  405: 'This server has no runs at this address.',
  429: 'Try again in a moment.',
};

/** What a proxy says while the server behind it is away. */
function passing(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}

/** RFC 9110, section 10.2.3: seconds, or a date, which is taken for "soon", since clocks differ. */
function retryAfter(header: string | null): number {
  return header !== null && /^[0-9]{1,9}$/.test(header) ? Number(header) * 1000 : 0;
}

/** Whatever answers may send without end: no more is read than a message for people can be long. */
async function readJson(response: Response, signal: AbortSignal): Promise<unknown> {
  const reader = response.body?.getReader();
  if (reader === undefined) return undefined;
  const decoder = new TextDecoder();
  let text = '';
  try {
    while (text.length <= MAX_ERROR_BYTES) {
      signal.throwIfAborted();
      const { value, done } = await reader.read();
      if (done) return JSON.parse(text + decoder.decode()) as unknown;
      text += decoder.decode(value, { stream: true });
    }
    return undefined;
  } finally {
    // What is not read is not wanted.
    await reader.cancel().catch(() => {});
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
