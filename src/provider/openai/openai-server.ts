import type { Clock } from '../../../session/index.js';
import { TransportError } from '../../../session/index.js';
import { HostError } from '../../host/errors.js';
import { systemClock } from '../../host/system-clock.js';
import { ApiAnswer } from './api-answer.js';
import { requestError } from './api-error.js';
import { fetchKey } from './fetch-key.js';
import type { ApiKey } from './fetch-key.js';
import { isAzure, keyHeader } from './key-header.js';
import { createOpenaiClient } from './openai-client.js';
import type { OpenaiClient, OpenaiResource } from './openai-client.js';

const OPENAI_URL = 'https://api.openai.com/v1';
/** The package's own limit on an answer's head; ours, on the clock, is the shorter one. */
const PACKAGE_TIMEOUT_MS = 2 ** 31 - 1;

/** Where a server of OpenAI's API is and how it is spoken to: the same for text, recognition and speech. */
export interface OpenaiServerOptions {
  /** Up to and with `/v1`. Default: the environment's `OPENAI_BASE_URL`, or OpenAI's own. `http:` with a key only on this machine and its private network. */
  readonly baseUrl?: string | URL | undefined;
  /**
   * A key, or a function that fetches one for each request. Default: the environment's `OPENAI_API_KEY`, which goes to OpenAI and to
   * `OPENAI_BASE_URL` and never to a `baseUrl` that stands here. It goes out as `Authorization: Bearer`, to Azure as `api-key`.
   */
  readonly apiKey?: ApiKey | undefined;
  /** Further headers; one of the same name replaces ours. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A client of the `openai` package that is ready, with an address and a key of its own: `baseUrl` and `apiKey` must be left out. */
  readonly client?: OpenaiClient;
  /**
   * How often the `openai` package repeats a request that was refused with 408, 409, 429 or 5xx, or did not get through. Default 0: in a conversation
   * its pauses are silence, and each error says in `retryable` whether to ask again. 0..10
   */
  readonly maxRetries?: number;
  /** From the request to the first byte of the answer. Default 60 000; a local server that loads its model first may need more. Node's fetch waits 300 000 at most. */
  readonly firstByteTimeoutMs?: number;
  /** Between two pieces of an answer. Default 60 000; a model that reasons unseen may need more. Node's fetch waits 300 000 at most. */
  readonly idleTimeoutMs?: number;
  readonly clock?: Clock;
}

/** A server of OpenAI's API. The package is loaded and the key is fetched when the first request is made. */
export class OpenaiServer {
  /** Whether it is OpenAI's own service, at OpenAI or Azure, as against a server that is compatible. */
  readonly isOriginal: boolean;
  readonly #host: string;
  readonly #url: URL | undefined;
  readonly #options: OpenaiServerOptions;
  readonly #apiKey: ApiKey | undefined;
  #client: Promise<OpenaiClient> | undefined;

  /** Throws `HostError` `USAGE` for options that cannot be meant. */
  constructor(options: OpenaiServerOptions) {
    checkNumbers(options);
    this.#options = options;
    if (options.client !== undefined) {
      if (options.baseUrl !== undefined || options.apiKey !== undefined) throw new HostError('USAGE', 'A client was given, and baseUrl or apiKey beside it.', { hint: 'Give both to the client, or leave the client out.' });
      this.#client = Promise.resolve(options.client);
      const { baseURL = '' } = options.client;
      const url = URL.canParse(baseURL) ? new URL(baseURL) : undefined;
      this.#host = url?.host ?? 'the server';
      this.isOriginal = url === undefined || isOpenai(url) || isAzure(url);
      return;
    }
    this.#url = readUrl(options.baseUrl ?? environment('OPENAI_BASE_URL') ?? OPENAI_URL);
    this.#host = this.#url.host;
    this.isOriginal = isOpenai(this.#url) || isAzure(this.#url);
    this.#apiKey = options.apiKey ?? (options.baseUrl === undefined || isOpenai(this.#url) ? environment('OPENAI_API_KEY') : undefined);
    if (this.#url.protocol === 'http:' && this.#apiKey !== undefined && !isNear(this.#url.hostname)) {
      throw new HostError('USAGE', `The key would go to ${this.#host} without encryption.`, { hint: 'Use https:; http: with a key is for servers on this machine or a private network.' });
    }
  }

  /**
   * Makes a request and resolves with its answer once the head of it is there; the body is read from it. Rejects with a `VoicewireError`, or with
   * the reason of `signal`, which ends the request at any time before {@link ApiAnswer.finish}.
   */
  async request(resource: (client: OpenaiClient) => OpenaiResource, body: object, signal: AbortSignal): Promise<ApiAnswer> {
    signal.throwIfAborted();
    const { headers: given = {}, maxRetries = 0, firstByteTimeoutMs = 60_000, idleTimeoutMs = 60_000, clock = systemClock } = this.#options;
    const answer = new ApiAnswer({ host: this.#host, signal, clock, firstByteTimeoutMs, idleTimeoutMs });
    let key: string | undefined;
    try {
      key = await fetchKey(this.#apiKey, answer.signal);
      const headers = { ...this.#keyHeader(key), ...given };
      const client = await this.#load();
      answer.signal.throwIfAborted();
      await answer.open(resource(client).create(body, { signal: answer.signal, headers, maxRetries, timeout: PACKAGE_TIMEOUT_MS }).asResponse(), secretsOf(key, given));
      return answer;
    } catch (error) {
      const why = answer.signal.aborted ? answer.signal.reason : requestError(error, this.#host, secretsOf(key, given));
      answer.stop(why);
      throw why;
    }
  }

  #keyHeader(key: string | undefined): Readonly<Record<string, string>> {
    if (this.#url === undefined) return {};
    const named = new Set(Object.keys(this.#options.headers ?? {}).map((name) => name.toLowerCase()));
    if (named.has('authorization') || named.has('api-key')) return {};
    if (key !== undefined) return keyHeader(this.#url, key);
    if (!isOpenai(this.#url)) return {};
    throw new TransportError('MODEL_UNAUTHORIZED', `There is no key for the model at ${this.#host}.`, { stage: 'connect', hint: 'Give apiKey, or set the environment variable OPENAI_API_KEY.' });
  }

  /** A package that was missing may be there the next time. */
  #load(): Promise<OpenaiClient> {
    this.#client ??= createOpenaiClient({ baseUrl: String(this.#url), isOpenai: this.#url !== undefined && isOpenai(this.#url) }).catch((error: unknown) => {
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }
}

function readUrl(address: string | URL): URL {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw new HostError('USAGE', 'The address of the server is not a URL.', { hint: 'It looks like https://host/v1.' });
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new HostError('USAGE', `The address of the server begins with ${url.protocol}, which is not HTTP.`, { hint: 'It looks like https://host/v1.' });
  if (url.search !== '') throw new HostError('USAGE', 'The address of the server has a query, to which no path can be added.', { hint: 'Give a client of the openai package with defaultQuery, or an AzureOpenAI.' });
  if (url.username !== '' || url.password !== '') throw new HostError('USAGE', 'The address of the server has a password in it.', { hint: 'Give it as a header.' });
  return url;
}

/** Its regions have hosts below the one that all know. */
function isOpenai({ hostname }: URL): boolean {
  return hostname === 'api.openai.com' || hostname.endsWith('.api.openai.com');
}

/** This machine, a private network (RFC 1918, RFC 4193), or a name without a dot, as containers call each other. */
function isNear(hostname: string): boolean {
  return (
    /^(127|10)\.\d+\.\d+\.\d+$|^192\.168\.\d+\.\d+$|^172\.(1[6-9]|2\d|3[01])\.\d+\.\d+$/.test(hostname) ||
    /^\[(::1|f[cd][0-9a-f]{2}:.*)\]$/.test(hostname) ||
    /^[^.:[\]]+$|\.(local|localhost|internal)$/.test(hostname)
  );
}

function environment(name: string): string | undefined {
  return globalThis.process?.env?.[name]?.trim() || undefined;
}

function checkNumbers({ maxRetries = 0, firstByteTimeoutMs = 1, idleTimeoutMs = 1 }: OpenaiServerOptions): void {
  if (!Number.isInteger(maxRetries) || maxRetries < 0 || maxRetries > 10) throw new HostError('USAGE', `maxRetries is a whole number from 0 to 10, not ${maxRetries}.`);
  for (const ms of [firstByteTimeoutMs, idleTimeoutMs]) if (!(ms > 0)) throw new HostError('USAGE', `A time-out is a number of ms above 0, not ${ms}.`);
}

/** What must not stand in an error that repeats what a server said. */
function secretsOf(key: string | undefined, headers: Readonly<Record<string, string>>): readonly string[] {
  return [...(key === undefined ? [] : [key]), ...Object.values(headers).flatMap((value) => [value, value.replace(/^\w+ /, '')])].filter((secret) => secret.length >= 6);
}
