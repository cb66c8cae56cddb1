import { TransportError } from '../../session/index.js';
import type { Clock } from '../../session/index.js';
import { systemClock } from '../host/system-clock.js';
import { browserTransport } from './browser-socket.js';
import type { StandardWebSocket } from './browser-socket.js';
import { handshakeRefused, handshakeTimedOut } from './handshake-failures.js';
import { closeOnAbort } from './socket-transport.js';
import type { Transport } from './transport.js';

/** What a worker's `fetch` gives for an upgrade: the socket, which begins when it is accepted. */
type Upgraded = Response & { readonly webSocket?: (StandardWebSocket & { accept(): void }) | null };

export interface ConnectByFetchOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** For the whole life: aborting rejects the connect with `signal.reason`, and closes an open socket with 1000. */
  readonly signal?: AbortSignal;
  /** Until the handshake is done. Default 10 000. */
  readonly connectTimeoutMs?: number;
  readonly clock?: Clock;
  /** Default: that of the surroundings. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Opens a WebSocket as workers do, where the standard one can send no headers: by a `fetch` that asks for an upgrade. Rejects as `connectWebSocket` does, but
 * why a server is not reached these surroundings do not tell.
 */
export async function connectByFetch(url: string | URL, options: ConnectByFetchOptions = {}): Promise<Transport & AsyncDisposable> {
  const { signal, headers, clock = systemClock, connectTimeoutMs = 10_000, fetch = globalThis.fetch } = options;
  signal?.throwIfAborted();
  const { host } = new URL(url);
  // Of the handshake alone: a socket that is open lives on behind it.
  const handshake = new AbortController();
  const onAbort = (): void => handshake.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort);
  const timer = clock.after(connectTimeoutMs, () => handshake.abort(handshakeTimedOut(host, connectTimeoutMs)));
  let response: Upgraded;
  try {
    response = await fetch(String(url).replace(/^ws/, 'http'), { headers: { ...headers, Upgrade: 'websocket' }, redirect: 'manual', signal: handshake.signal });
  } catch (cause) {
    if (handshake.signal.aborted) throw handshake.signal.reason as Error;
    throw new TransportError('MODEL_UNREACHABLE', `No connection to ${host}.`, { stage: 'connect', retryable: true, hint: 'Check the address, and that it is a WebSocket server.', cause });
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', onAbort);
  }
  const socket = response.webSocket;
  if (socket === undefined || socket === null) {
    await response.body?.cancel();
    throw handshakeRefused(host, response.status);
  }
  const transport = browserTransport(socket, clock, true);
  socket.accept();
  if (signal !== undefined) closeOnAbort(transport, signal);
  return transport;
}
