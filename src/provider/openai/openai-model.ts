import { ProtocolError, TransportError } from '../../../session/index.js';
import type { Clock, ModelCommand, ModelConnectOptions, ModelConnection, ModelInput, RealtimeModel } from '../../../session/index.js';
import { HostError } from '../../host/errors.js';
import { MessageReader } from '../../protocol/openai-realtime/message-reader.js';
import { serializeBeta } from '../../protocol/openai-realtime/serialize-beta.js';
import { serialize } from '../../protocol/openai-realtime/serialize.js';
import type { Transport } from '../../transport/transport.js';
import { fetchKey } from './fetch-key.js';
import type { ApiKey } from './fetch-key.js';
import { keyHeader } from './key-header.js';

const OPENAI_URL = 'wss://api.openai.com/v1/realtime';
/** Half of the minute after which idle connections are cut by many a proxy; a dead one is noticed within two of these. */
const PING_INTERVAL_MS = 30_000;
/** Servers of the current dialect refuse it, those that speak both take it for the choice. */
const BETA_HEADER = { 'OpenAI-Beta': 'realtime=v1' };

export interface OpenaiRealtimeOptions {
  /**
   * A key or client secret, or a function that fetches one for each connection. Not needed where the server asks for none. It goes out as
   * `Authorization: Bearer`, to Azure as `api-key`; a token of Entra is given in `headers`. Undefined is the same as absent, here and below, so that
   * environment variables can be given as they are.
   */
  readonly apiKey?: ApiKey | undefined;
  /** Default `gpt-realtime`. */
  readonly model?: string | undefined;
  /** Of any server that speaks the realtime protocol. `wss:`, or `ws:` on this machine; `?model=` is added when neither it nor Azure's `?deployment=` is there. */
  readonly url?: string | URL | undefined;
  /**
   * How the protocol is spelt. `beta` is the earlier way, of Azure's preview, of Voice Live and of some compatible servers; both are understood
   * whatever stands here. Default: `current`, and `beta` for an address with an `api-version`.
   */
  readonly dialect?: 'current' | 'beta';
  /** Further headers, `api-key` say; one of the same name replaces ours. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A stable id of the end user, hashed, for the provider's abuse detection. */
  readonly safetyIdentifier?: string;
  /** Default 10 000. */
  readonly connectTimeoutMs?: number;
  readonly clock?: Clock;
}

export interface ModelSocketOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Where the surroundings have pings. */
  readonly pingIntervalMs: number;
  readonly connectTimeoutMs?: number;
  readonly clock?: Clock;
}

/** Opens a socket with headers, in the way of its surroundings; rejects as `connectWebSocket` does. */
export type OpenModelSocket = (url: URL, options: ModelSocketOptions) => Promise<Transport>;

/**
 * OpenAI's realtime model, or one of a compatible server, over sockets of any make. Throws `HostError` `USAGE` at once for an address that cannot be one.
 * A message that cannot be read does not end the connection: it arrives as `model_error` with the code `PROTOCOL_BAD_EVENT`.
 */
export function openaiModel(options: OpenaiRealtimeOptions, openSocket: OpenModelSocket): RealtimeModel {
  const url = readUrl(options.url ?? OPENAI_URL);
  const named = url.searchParams.get('model') ?? url.searchParams.get('deployment') ?? options.model ?? 'gpt-realtime';
  if (!url.searchParams.has('model') && !url.searchParams.has('deployment')) url.searchParams.set('model', named);
  const beta = (options.dialect ?? (url.searchParams.has('api-version') ? 'beta' : 'current')) === 'beta';
  return {
    label: `${named} at ${url.host}`,
    async connect({ signal, onInput, onClose }: ModelConnectOptions): Promise<ModelConnection> {
      signal.throwIfAborted();
      const headers = { ...(beta ? BETA_HEADER : {}), ...(await headersFor(url, options, signal)) };
      const transport = await openSocket(url, {
        headers,
        signal,
        pingIntervalMs: PING_INTERVAL_MS,
        ...(options.connectTimeoutMs === undefined ? {} : { connectTimeoutMs: options.connectTimeoutMs }),
        ...(options.clock === undefined ? {} : { clock: options.clock }),
      });
      return new OpenaiConnection(transport, beta ? serializeBeta : serialize, onInput, onClose);
    },
  };
}

class OpenaiConnection implements ModelConnection {
  readonly #transport: Transport;
  readonly #reader = new MessageReader();
  readonly #write: (command: ModelCommand) => string;
  readonly #onInput: (input: ModelInput) => void;

  constructor(transport: Transport, write: (command: ModelCommand) => string, onInput: (input: ModelInput) => void, onClose: ModelConnectOptions['onClose']) {
    this.#transport = transport;
    this.#write = write;
    this.#onInput = onInput;
    transport.listen({
      onTextBytes: (bytes) => this.#onText(bytes),
      onMessage: (message) => {
        if (typeof message === 'string') this.#onText(message);
        else onInput(unreadable(new ProtocolError('PROTOCOL_BAD_EVENT', 'The model sent a binary message, where the protocol has only text.')));
      },
      onClose,
    });
  }

  get bufferedBytes(): number {
    return this.#transport.bufferedBytes;
  }

  /** What the protocol has no word for comes back as the server's refusal of it would: the session deals with it in the same way. */
  send(command: ModelCommand): void {
    let text: string;
    try {
      text = this.#write(command);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return this.#onInput({ type: 'model_error', error: { kind: 'invalid_request_error', message: error.message }, ...('eventId' in command ? { eventId: command.eventId } : {}) });
    }
    this.#transport.send(text);
  }

  async close(reason?: string): Promise<void> {
    await this.#transport.close(1000, reason);
  }

  #onText(message: string | Uint8Array): void {
    for (const input of read(this.#reader, message)) this.#onInput(input);
  }
}

/** The key travels in a header, and the conversation with it: neither may cross a network in the clear. */
function readUrl(address: string | URL): URL {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw new HostError('USAGE', 'The address of the model is not a URL.', { hint: 'It looks like wss://host/v1/realtime.' });
  }
  if (url.protocol !== 'wss:' && url.protocol !== 'ws:') {
    throw new HostError('USAGE', `The address of the model begins with ${url.protocol}, which is no WebSocket.`, { hint: 'Use wss:, or ws: for a server on this machine.' });
  }
  if (url.protocol === 'ws:' && !isLoopback(url.hostname)) {
    throw new HostError('USAGE', `The model at ${url.host} would be reached without encryption.`, { hint: 'Use wss:; ws: is for servers on this machine (localhost, 127.0.0.1, [::1]).' });
  }
  return url;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

async function headersFor(url: URL, options: OpenaiRealtimeOptions, signal: AbortSignal): Promise<Record<string, string>> {
  const { safetyIdentifier } = options;
  const key = await fetchKey(options.apiKey, signal);
  const named = new Set(Object.keys(options.headers ?? {}).map((name) => name.toLowerCase()));
  if (key === undefined && url.host === 'api.openai.com' && !named.has('authorization')) {
    throw new TransportError('MODEL_UNAUTHORIZED', 'There is no key for the model at api.openai.com.', { stage: 'connect', hint: 'Give apiKey, from the environment variable OPENAI_API_KEY say.' });
  }
  return {
    ...(key === undefined || named.has('authorization') || named.has('api-key') ? {} : keyHeader(url, key)),
    ...(safetyIdentifier === undefined || named.has('openai-safety-identifier') ? {} : { 'OpenAI-Safety-Identifier': safetyIdentifier }),
    ...options.headers,
  };
}

function read(reader: MessageReader, message: string | Uint8Array): readonly ModelInput[] {
  try {
    return reader.read(message);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return [unreadable(error)];
  }
}

function unreadable({ code, message }: ProtocolError): ModelInput {
  return { type: 'model_error', error: { code, kind: 'protocol_error', message } };
}
