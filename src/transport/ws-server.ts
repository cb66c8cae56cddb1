import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { STATUS_CODES } from 'node:http';
import { WebSocketServer } from 'ws';
import type { Clock } from '../../session/index.js';
import { systemClock } from '../host/system-clock.js';
import type { SocketTransport } from './socket-transport.js';
import type { Transport } from './transport.js';
import { wsTransport } from './ws-transport.js';

/** Whether an upgrade request may come in; a refusal is answered as plain HTTP. */
export type Admission =
  | { readonly ok: true }
  | { readonly ok: false; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string };

export interface WebSocketDoorOptions {
  /** The path or paths that are WebSockets, `*` for all; any other upgrade is answered with 404. */
  readonly path: string | readonly string[];
  /** A longer message closes its socket with 1009. Default 16 MiB: one event of 15 MiB of base64 audio fits. */
  readonly maxPayloadBytes?: number;
  /** Picks one of the offered subprotocols, or false for none. Default: none. */
  readonly protocols?: (offered: ReadonlySet<string>, request: IncomingMessage) => string | false;
  /** Default: everyone may come in. */
  readonly verify?: (request: IncomingMessage) => Admission | Promise<Admission>;
  /** The transport is the callee's from here on. When this throws the socket is closed with 1011. */
  readonly onConnection: (transport: Transport & AsyncDisposable, request: IncomingMessage) => void;
  /** How often a peer is pinged; one that has not answered by the next ping is cut off. Default: never. */
  readonly pingIntervalMs?: number;
  readonly clock?: Clock;
}

/** The WebSockets of an HTTP server. */
export interface WebSocketDoor extends AsyncDisposable {
  /** Open sockets. */
  readonly connections: number;
  /** Lets nobody in any more (503), closes every socket and resolves when all are gone. The HTTP server stays its owner's. May be called twice. */
  close(code?: number, reason?: string): Promise<void>;
}

/** Takes the upgrade requests of an HTTP server. Nothing that a peer sends throws out of here; one door to a server. */
export function attachWebSockets(server: Server, options: WebSocketDoorOptions): WebSocketDoor {
  const { protocols, clock = systemClock } = options;
  const paths = new Set(typeof options.path === 'string' ? [options.path] : options.path);
  const open = new Set<SocketTransport>();
  const upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: options.maxPayloadBytes ?? 16 * 1024 * 1024,
    handleProtocols: (offered, request) => protocols?.(offered, request) ?? false,
  });
  let closing: Promise<void> | undefined;

  async function onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // A peer that resets while it waits for our answer is no error of ours.
    socket.on('error', ignore);
    const answer = paths.has('*') || paths.has(pathOf(request)) ? await admit(request) : NOT_FOUND;
    if (socket.destroyed) return;
    if (closing !== undefined) return refuse(socket, { ok: false, status: 503 });
    if (!answer.ok) return refuse(socket, answer);
    socket.off('error', ignore);
    upgrader.handleUpgrade(request, socket, head, (webSocket) => {
      const transport = wsTransport(webSocket, { clock, pingIntervalMs: options.pingIntervalMs });
      open.add(transport);
      void transport.ended.then(() => open.delete(transport));
      try {
        options.onConnection(transport, request);
      } catch {
        void transport.close(1011, 'internal error');
      }
    });
  }

  async function admit(request: IncomingMessage): Promise<Admission> {
    try {
      return (await options.verify?.(request)) ?? { ok: true };
    } catch {
      return { ok: false, status: 500 };
    }
  }

  const listener = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    onUpgrade(request, socket, head).catch(() => socket.destroy());
  };
  server.on('upgrade', listener);

  async function closeAll(code: number, reason: string): Promise<void> {
    await Promise.all([...open].map((transport) => transport.close(code, reason)));
    server.off('upgrade', listener);
  }

  return {
    get connections() {
      return open.size;
    },
    close(code = 1001, reason = 'the server is closing') {
      closing ??= closeAll(code, reason);
      return closing;
    },
    async [Symbol.asyncDispose]() {
      await this.close();
    },
  };
}

const NOT_FOUND: Admission = { ok: false, status: 404, body: 'There is no WebSocket at this path.\n' };

function ignore(): void {}

function pathOf(request: IncomingMessage): string {
  const target = request.url ?? '';
  const end = target.indexOf('?');
  return end === -1 ? target : target.slice(0, end);
}

function refuse(socket: Duplex, { status, headers, body = `${STATUS_CODES[status] ?? 'Refused'}\n` }: Extract<Admission, { ok: false }>): void {
  const lines = { 'Content-Type': 'text/plain; charset=utf-8', ...headers, 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close' };
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\n${head.join('')}\r\n${body}`);
}
