import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { TransportError } from '../../session/index.js';
import type { Clock } from '../../session/index.js';
import { systemClock } from '../host/system-clock.js';
import { handshakeRefused, handshakeTimedOut } from './handshake-failures.js';
import { closeOnAbort } from './socket-transport.js';
import type { Transport } from './transport.js';
import { wsTransport } from './ws-transport.js';

export interface ConnectWebSocketOptions {
  /** Headers of the upgrade request. Their values never appear in an error. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
  /** For the whole life: aborting rejects the connect with `signal.reason`, and closes an open socket with 1000. */
  readonly signal?: AbortSignal;
  /** Until the handshake is done. Default 10 000. */
  readonly connectTimeoutMs?: number;
  /** A longer message closes the socket with 1009. Default 32 MiB: a whole spoken answer in one message stays below it. */
  readonly maxPayloadBytes?: number;
  /** How often the server is pinged; one that has not answered by the next ping is cut off. Default: never. */
  readonly pingIntervalMs?: number;
  readonly clock?: Clock;
}

/**
 * Opens a WebSocket from Node. Redirects are not followed, since they would carry the credentials elsewhere.
 * Rejects with `TransportError`: `MODEL_UNREACHABLE` (no route, no such host, refused, bad certificate, not a WebSocket), `MODEL_UNAUTHORIZED`
 * (401, 403), `MODEL_NOT_FOUND` (404), `MODEL_REFUSED` (any other status), each with its `status`; `CONNECT_TIMEOUT`; or with `signal.reason`.
 */
export async function connectWebSocket(url: string | URL, options: ConnectWebSocketOptions = {}): Promise<Transport & AsyncDisposable> {
  const { signal, clock = systemClock } = options;
  signal?.throwIfAborted();
  const { socket, host } = startSocket(url, options);
  // From the start, so that no message is lost that comes with the answer to the handshake.
  const transport = wsTransport(socket, { clock, pingIntervalMs: options.pingIntervalMs });
  await untilOpen(socket, host, { signal, clock, connectTimeoutMs: options.connectTimeoutMs ?? 10_000 });
  if (signal !== undefined) closeOnAbort(transport, signal);
  return transport;
}

/** Nothing of it outlives the handshake: a server with thousands of open sockets keeps none of what was needed to open them. */
function untilOpen(socket: WebSocket, host: string, { signal, clock, connectTimeoutMs }: { signal: AbortSignal | undefined; clock: Clock; connectTimeoutMs: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
      socket.off('unexpected-response', onRefused).off('error', onError).off('open', onOpen);
    };
    const fail = (error: unknown): void => {
      settle();
      reject(error as Error);
      // Before the handshake is done this also emits an error, which says nothing new.
      socket.terminate();
    };
    const onAbort = (): void => fail(signal?.reason);
    const onRefused = (_request: unknown, response: IncomingMessage): void => {
      response.resume();
      fail(handshakeRefused(host, response.statusCode ?? 0));
    };
    const onError = (error: Error): void => fail(unreachable(host, error));
    const onOpen = (): void => {
      settle();
      resolve();
    };
    const timer = clock.after(connectTimeoutMs, () => fail(handshakeTimedOut(host, connectTimeoutMs)));
    signal?.addEventListener('abort', onAbort);
    socket.on('unexpected-response', onRefused).on('error', onError).on('open', onOpen);
  });
}

function startSocket(url: string | URL, options: ConnectWebSocketOptions): { socket: WebSocket; host: string } {
  try {
    const parsed = new URL(url);
    const socket = new WebSocket(parsed, [...(options.protocols ?? [])], {
      headers: { ...options.headers },
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: options.maxPayloadBytes ?? 32 * 1024 * 1024,
    });
    return { socket, host: parsed.host };
  } catch (error) {
    // The error's own text may repeat the address with what it holds, so that neither it nor the address is kept.
    const why = error instanceof TypeError && (error as { code?: string }).code === 'ERR_INVALID_CHAR' ? 'a header holds a character that HTTP does not allow' : 'the address is not a ws: or wss: URL';
    throw new TransportError('MODEL_UNREACHABLE', `The WebSocket cannot be opened: ${why}.`, {
      stage: 'connect',
      hint: 'An address looks like wss://host/path or ws://127.0.0.1:8080/path, a header value is plain ASCII without line breaks.',
    });
  }
}

/** What people can do about the ways in which a connection fails. */
const REASONS: readonly (readonly [RegExp, string, string])[] = [
  [/^ECONNREFUSED$/, 'nothing listens there', 'Check the port, and that the server runs.'],
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'the host name is not known', 'Check the spelling of the host, and the network.'],
  [/^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/, 'the host cannot be reached', 'Check the network, a proxy or a firewall.'],
  [/^(ECONNRESET|EPIPE)$/, 'the server hung up during the handshake', 'Check that it is a WebSocket server, and whether it wants wss: instead of ws:.'],
  [/CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/, 'its TLS certificate is not trusted', 'Check the host name and the clock; for an own authority set NODE_EXTRA_CA_CERTS.'],
  [/^(EPROTO|ERR_SSL)/, 'the TLS handshake failed', 'Check whether the server speaks TLS on this port: wss: needs it, ws: must not have it.'],
];

function unreachable(host: string, error: Error & { code?: string }): TransportError {
  const known = REASONS.find(([pattern]) => pattern.test(error.code ?? ''));
  const [, why, hint] = known ?? [undefined, error.message, 'Check that it is a WebSocket server.'];
  const code = error.code === undefined ? '' : ` (${error.code})`;
  return new TransportError('MODEL_UNREACHABLE', `No connection to ${host}: ${why}${code}.`, { stage: 'connect', retryable: true, hint, cause: error });
}
