import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { TransportError, silentLogger } from '../../session/index.js';
import type { Clock, Logger } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import { systemClock } from '../host/system-clock.js';
import { listenHttp } from '../transport/listen-http.js';
import type { Transport } from '../transport/transport.js';
import { connectWebSocket } from '../transport/ws-client.js';
import { attachWebSockets } from '../transport/ws-server.js';
import type { Admission } from '../transport/ws-server.js';
import type { RecordingStore } from './recording-store.js';
import type { RecordingOptions } from './recording-writer.js';
import { relay } from './relay.js';
import { WireRecorder } from './wire-recorder.js';

export interface RecordProxyOptions extends RecordingOptions {
  /** The service: `wss://api.openai.com/v1/realtime`. A client's own path goes to the same place on the service when it begins with another one. */
  readonly to: string | URL;
  /** Default 127.0.0.1. Whoever reaches the port uses the service with their own key, and is recorded. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  readonly store: RecordingStore;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** A running proxy. */
export interface RecordProxy extends AsyncDisposable {
  /** In place of the service's address: `ws://127.0.0.1:PORT/v1/realtime`. */
  readonly url: string;
  readonly port: number;
  /** Sockets so far. */
  readonly connections: number;
  /** Closes every socket (1001) and the recording. Rejects with `HostError` `FILE_NOT_WRITABLE` when something could not be written. */
  close(): Promise<void>;
}

/** As much as any realtime service takes in one message, and then some. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** What belongs to one hop, or is made anew for the next one. */
const HOP_HEADERS = new Set(['host', 'connection', 'upgrade', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'te', 'trailer', 'content-length', 'sec-websocket-key', 'sec-websocket-version', 'sec-websocket-extensions', 'sec-websocket-protocol']);

/**
 * Stands in front of a realtime service and writes down what passes. Messages go on byte for byte, with the client's headers and subprotocols and the
 * peer's close code; a side that does not read is not read from either; a client that the service refuses gets the service's status, or 502 or 504 for one
 * that cannot be reached. Keys go on and are never written. Plain HTTP requests go on as they are and
 * are not recorded. Rejects with `HostError`: `USAGE` for an address that cannot be one, `PORT_IN_USE`, `ADDRESS_UNAVAILABLE`.
 */
export async function startRecordProxy(options: RecordProxyOptions): Promise<RecordProxy> {
  const { host = '127.0.0.1', port = 0, clock = systemClock, logger = silentLogger, store } = options;
  const target = readTarget(options.to);
  const recorder = new WireRecorder(store, clock, { ...options, model: `${target.host}${target.pathname}` });
  /** Sockets to the service that wait for their client's upgrade. */
  const waiting = new WeakMap<IncomingMessage, { readonly far: Transport & AsyncDisposable; readonly connection: number }>();
  let connections = 0;

  async function verify(request: IncomingMessage): Promise<Admission> {
    const headers = passedOn(request);
    const protocols = protocolsOf(request);
    for (const secret of secretsOf(headers, protocols)) recorder.conceal(secret);
    const url = addressFor(target, request.url ?? '/');
    connections += 1;
    try {
      const far = await connectWebSocket(url, { headers, protocols, clock, maxPayloadBytes: MAX_MESSAGE_BYTES });
      const connection = recorder.open({ url: String(url), protocol: far.protocol, headerNames: Object.keys(headers).sort() });
      waiting.set(request, { far, connection });
      // A client that has gone away meanwhile is never upgraded.
      request.socket.once('close', () => {
        if (!waiting.delete(request)) return;
        recorder.close(connection, 'out', 1006, '');
        far.destroy();
      });
      return { ok: true };
    } catch (error) {
      const status = refusalStatus(error);
      const reason = error instanceof Error ? error.message : 'no connection';
      recorder.refused(status, reason);
      logger.warn('The service could not be reached.', { status });
      return { ok: false, status, body: `${reason}\n` };
    }
  }

  const http = createServer((request, response) => passHttp(target, request, response));
  const door = attachWebSockets(http, {
    path: '*',
    maxPayloadBytes: MAX_MESSAGE_BYTES,
    clock,
    verify,
    protocols: (_offered, request) => waiting.get(request)?.far.protocol || false,
    onConnection(near, request) {
      const pair = waiting.get(request);
      if (pair === undefined) return void near.close(1011, 'internal error');
      waiting.delete(request);
      const { far, connection } = pair;
      relay(near, far, clock, {
        onMessage(from, data) {
          try {
            recorder.message(connection, from === 'near' ? 'out' : 'in', data);
          } catch {
            // Nested a hundred thousand deep, say: it goes on, and is not written.
            logger.warn('A message could not be recorded.', { connection, length: data.length });
          }
        },
        onClose: (from, { code, reason }) => recorder.close(connection, from === 'near' ? 'out' : 'in', code, reason),
      });
    },
  });
  const listening = await listenHttp(http, { host, port });
  let closed: Promise<void> | undefined;

  async function closeAll(): Promise<void> {
    await door.close(1001, 'the recorder is closing');
    await listening.close();
    await recorder.end();
  }
  const close = (): Promise<void> => (closed ??= closeAll());
  return {
    url: `ws://${listening.authority}${target.pathname}`,
    port: listening.port,
    get connections() {
      return connections;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The service's own word, for the client to act by; ours, where it gave none. */
function refusalStatus(error: unknown): number {
  if (!(error instanceof TransportError)) return 502;
  return error.status ?? (error.code === 'CONNECT_TIMEOUT' ? 504 : 502);
}

function readTarget(to: string | URL): URL {
  const url = URL.canParse(String(to)) ? new URL(to) : undefined;
  if (url === undefined || (url.protocol !== 'ws:' && url.protocol !== 'wss:')) {
    throw new HostError('USAGE', 'The address of the service must begin with ws:// or wss://.', { hint: 'Example: wss://api.openai.com/v1/realtime' });
  }
  return url;
}

/** The client's path on the service's host; its query, or the service's own where it has none. */
function addressFor(target: URL, requested: string): URL {
  const own = new URL(requested, target);
  const url = new URL(target);
  if (own.pathname !== '/') url.pathname = own.pathname;
  if (own.search !== '') url.search = own.search;
  return url;
}

function passedOn({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (HOP_HEADERS.has(name) || value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]])));
}

function protocolsOf(request: IncomingMessage): string[] {
  return (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '');
}

/** What a client shows at the door: in headers, and, as browsers must, in subprotocols. */
function secretsOf(headers: Readonly<Record<string, string>>, protocols: readonly string[]): string[] {
  const shown = Object.entries(headers).flatMap(([name, value]) => (/auth|key|token|cookie|secret/i.test(name) ? [value, ...value.split(/\s+/)] : []));
  const keys = protocols.flatMap((name) => /(?:api-key|token)\.(.+)$/.exec(name)?.[1] ?? []);
  // A scheme is no secret, and cutting it everywhere would cut plain words.
  return [...shown, ...keys].filter((text) => text.length >= 8);
}

/** Client secrets and the like are asked for over HTTP: they pass, and nothing of them is kept. */
function passHttp(target: URL, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', target);
  const secure = target.protocol === 'wss:';
  const { connection: _connection, host: _host, ...headers } = request.headers;
  const passed = (secure ? httpsRequest : httpRequest)({ protocol: secure ? 'https:' : 'http:', hostname: target.hostname.replace(/^\[|\]$/g, ''), port: target.port === '' ? undefined : target.port, path: url.pathname + url.search, method: request.method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  passed.on('error', () => {
    if (!response.headersSent) response.writeHead(502, { 'Content-Type': 'text/plain; charset=utf-8' });
    response.end('The service could not be reached.\n');
  });
  response.on('close', () => passed.destroy());
  request.pipe(passed);
}
