import { TransportError } from '../../session/index.js';
import type { Clock } from '../../session/index.js';
import { systemClock } from '../host/system-clock.js';
import { SocketTransport } from './socket-transport.js';
import type { Transport } from './transport.js';

/** As much of the WHATWG WebSocket as is used here. */
export interface StandardWebSocket {
  readonly protocol: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  binaryType: string;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: string, listener: (event: never) => void): void;
}
export type StandardWebSocketConstructor = new (url: string, protocols?: string[]) => StandardWebSocket;

export interface ConnectBrowserSocketOptions {
  readonly protocols?: readonly string[];
  /** For the whole life: aborting rejects the connect with `signal.reason`, and closes an open socket with 1000. */
  readonly signal?: AbortSignal;
  /** Until the handshake is done. Default 10 000. */
  readonly connectTimeoutMs?: number;
  /** Default: the global `WebSocket` of a browser, or of Node from 22 on. */
  readonly webSocket?: StandardWebSocketConstructor;
  readonly clock?: Clock;
}

const OPEN = 1;

/**
 * Opens a socket through the WHATWG WebSocket. Rejects with `TransportError` `MODEL_UNREACHABLE` (browsers do not tell scripts why) or
 * `CONNECT_TIMEOUT`, with `signal.reason`, or with a `TypeError` where the host has no WebSocket and none is given.
 *
 * What this kind of socket cannot do: it has no pause, so that `pause` holds messages here (8 MiB, then the socket is cut); it has no cut
 * without a handshake, so that after `destroy` the peer may see 1005 instead of 1006; and of the codes below 3000 scripts may send only 1000,
 * so that any other, 1011 say, goes out as 3000 more: 4011.
 */
export function connectBrowserSocket(url: string | URL, options: ConnectBrowserSocketOptions = {}): Promise<Transport & AsyncDisposable> {
  const { signal, clock = systemClock, connectTimeoutMs = 10_000, webSocket: Socket = globalThis.WebSocket as StandardWebSocketConstructor | undefined } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    if (Socket === undefined) throw new TypeError('There is no WebSocket in this host; pass one as the option webSocket.');
    const socket = startSocket(Socket, url, options.protocols ?? []);
    socket.binaryType = 'arraybuffer';
    const transport = browserTransport(socket, clock);
    let settled = false;

    const fail = (error: unknown): void => {
      if (settled) return;
      settle();
      reject(error as Error);
      socket.close();
    };
    const onAbort = (): void => (settled ? void transport.close(1000, 'aborted') : fail(signal?.reason));
    const timer = clock.after(connectTimeoutMs, () => {
      fail(new TransportError('CONNECT_TIMEOUT', `The WebSocket was not open within ${connectTimeoutMs} ms.`, { stage: 'connect', retryable: true, hint: 'Check the address and the network.' }));
    });
    const settle = (): void => {
      settled = true;
      timer.cancel();
    };
    const refused = (): void => {
      fail(
        new TransportError('MODEL_UNREACHABLE', 'The WebSocket could not be opened; a browser does not say why.', {
          stage: 'connect',
          retryable: true,
          hint: 'Check that the server runs, that it lets this page in, and that a page from https: uses wss:.',
        }),
      );
    };
    signal?.addEventListener('abort', onAbort);
    void transport.ended.then(() => signal?.removeEventListener('abort', onAbort));
    socket.addEventListener('error', refused);
    socket.addEventListener('close', refused);
    socket.addEventListener('open', () => {
      if (settled) return;
      settle();
      resolve(transport);
    });
  });
}

function startSocket(Socket: StandardWebSocketConstructor, url: string | URL, protocols: readonly string[]): StandardWebSocket {
  try {
    return new Socket(String(url), [...protocols]);
  } catch {
    throw new TransportError('MODEL_UNREACHABLE', 'The WebSocket cannot be opened: its address or a subprotocol is not allowed.', {
      stage: 'connect',
      hint: 'An address looks like wss://host/path; a page from https: may only use wss:.',
    });
  }
}

/**
 * Wraps an open WHATWG WebSocket, or one of the `ws` package: any socket that has its members. The transport owns it from here on. `anyCode`: it may close with
 * every code, as servers may and scripts in a page may not.
 */
export function standardTransport(socket: StandardWebSocket, options: { readonly clock?: Clock; readonly anyCode?: boolean } = {}): Transport & AsyncDisposable {
  socket.binaryType = 'arraybuffer';
  return browserTransport(socket, options.clock ?? systemClock, options.anyCode ?? false);
}

export function browserTransport(socket: StandardWebSocket, clock: Clock, anyCode = false): SocketTransport {
  const transport = new SocketTransport(
    {
      get protocol() {
        return socket.protocol;
      },
      get bufferedBytes() {
        return socket.bufferedAmount;
      },
      get isOpen() {
        return socket.readyState === OPEN;
      },
      canPause: false,
      // The standard takes a copy; its type leaves out shared memory, which it refuses when it meets it.
      send: (data) => socket.send(data as string | Uint8Array<ArrayBuffer>),
      setReading() {},
      startClose(code, reason) {
        const allowed = anyCode || code === 1000 || code >= 3000 ? code : code + 3000;
        socket.close(allowed, reason);
        return allowed;
      },
      // There is nothing harder than a close; the socket is left to itself, and for us it is over.
      cut() {
        socket.close();
        queueMicrotask(() => transport.socketEnded(1006, '', false));
      },
    },
    clock,
  );
  socket.addEventListener('message', ({ data }: { data: string | ArrayBuffer }) => transport.socketReceived(typeof data === 'string' ? data : new Uint8Array(data)));
  socket.addEventListener('close', ({ code, reason }: { code: number; reason: string }) => transport.socketEnded(code, reason, code !== 1006));
  return transport;
}
