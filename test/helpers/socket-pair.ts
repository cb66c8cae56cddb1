import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import { ManualClock } from '../../src/host/manual-clock.js';
import { connectBrowserSocket } from '../../src/transport/browser-socket.js';
import type { StandardWebSocketConstructor } from '../../src/transport/browser-socket.js';
import { listenHttp } from '../../src/transport/listen-http.js';
import { scriptedTransport } from '../../src/transport/scripted.js';
import type { Transport, TransportClose } from '../../src/transport/transport.js';
import { connectWebSocket } from '../../src/transport/ws-client.js';
import { attachWebSockets } from '../../src/transport/ws-server.js';
import type { WebSocketDoorOptions } from '../../src/transport/ws-server.js';

/** A real door on 127.0.0.1, port chosen by the system; close it after the test. */
export async function openDoor(options: Partial<WebSocketDoorOptions> = {}) {
  const server = createServer();
  const waiting: ((transport: Transport & AsyncDisposable) => void)[] = [];
  const arrived: (Transport & AsyncDisposable)[] = [];
  const requests: IncomingMessage[] = [];
  const door = attachWebSockets(server, {
    path: '/socket',
    onConnection(transport, request) {
      requests.push(request);
      const take = waiting.shift();
      if (take === undefined) arrived.push(transport);
      else take(transport);
    },
    ...options,
  });
  const listening = await listenHttp(server, { host: '127.0.0.1', port: 0 });
  return {
    door,
    server,
    requests,
    port: listening.port,
    url: `ws://127.0.0.1:${listening.port}/socket`,
    /** The server's side of the next connection. */
    accept: () => new Promise<Transport & AsyncDisposable>((resolve) => (arrived.length > 0 ? resolve(arrived.shift() as Transport & AsyncDisposable) : waiting.push(resolve))),
    async [Symbol.asyncDispose]() {
      // Cut first: a test may leave a socket that answers nothing.
      const gone = listening.close();
      await door.close();
      await gone;
    },
  };
}

/** The far side of a transport under test, in the words that all kinds of socket share. */
export interface Peer {
  send(data: string | Uint8Array): void;
  close(code: number, reason: string): void;
  /** Ends the connection without a handshake. */
  vanish(): void;
  /** From now on nothing is read and nothing answered. */
  freeze(): void;
  /** Whether it has sent more than the other side takes: what is on the way no longer moves. */
  readonly isHeldBack: boolean;
  /** The next message that arrived at the far side. */
  receive(): Promise<string | Uint8Array>;
  /** How the far side saw the end. */
  readonly closed: Promise<{ code: number; reason: string }>;
}

export interface SocketUnderTest extends AsyncDisposable {
  readonly transport: Transport;
  readonly peer: Peer;
  readonly clock: ManualClock;
}

/** Collects what a transport reports. */
export function listenTo(transport: Transport) {
  const messages: (string | Uint8Array)[] = [];
  const log: string[] = [];
  let closes = 0;
  const waiters: { count: number; resolve: () => void }[] = [];
  let confirm: (close: TransportClose) => void = () => {};
  const closed = new Promise<TransportClose>((resolve) => (confirm = resolve));
  transport.listen({
    onMessage(data) {
      messages.push(data);
      log.push('message');
      for (const waiter of waiters) if (messages.length >= waiter.count) waiter.resolve();
    },
    onClose(close) {
      closes += 1;
      log.push('close');
      confirm(close);
    },
  });
  return {
    messages,
    log,
    closed,
    get closes() {
      return closes;
    },
    count: (count: number) => new Promise<void>((resolve) => (messages.length >= count ? resolve() : waiters.push({ count, resolve }))),
  };
}

function peerOfTransport(transport: Transport): Peer {
  const queue: (string | Uint8Array)[] = [];
  const waiting: ((data: string | Uint8Array) => void)[] = [];
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    transport.listen({
      onMessage(data) {
        const take = waiting.shift();
        if (take === undefined) queue.push(data);
        else take(data);
      },
      onClose: ({ code, reason }) => resolve({ code, reason }),
    });
  });
  return {
    send: (data) => transport.send(data),
    close: (code, reason) => void transport.close(code, reason),
    vanish: () => transport.destroy(),
    freeze: () => transport.pause(),
    get isHeldBack() {
      return transport.bufferedBytes >= 2 * 1024 * 1024;
    },
    receive: () => new Promise((resolve) => (queue.length > 0 ? resolve(queue.shift() as string | Uint8Array) : waiting.push(resolve))),
    closed,
  };
}

/** In memory. */
export function scriptedUnderTest(): Promise<SocketUnderTest> {
  const clock = new ManualClock();
  let answers = true;
  const { transport, far } = scriptedTransport({
    clock,
    get answersClose() {
      return answers;
    },
  });
  let taken = 0;
  let farClosed: { code: number; reason: string } | undefined;
  const until = async <T>(look: () => T | undefined): Promise<T> => {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return Promise.resolve({
    transport,
    clock,
    peer: {
      send: (data) => far.deliver(data),
      close(code, reason) {
        farClosed = { code, reason };
        far.close(code, reason);
      },
      vanish: () => far.lose(),
      freeze: () => (answers = false),
      get isHeldBack() {
        return !far.reading;
      },
      receive: async () => {
        const data = await until(() => far.sent[taken]);
        taken += 1;
        return data;
      },
      get closed() {
        return until(() => far.nearClosed ?? farClosed);
      },
    },
    [Symbol.asyncDispose]: () => Promise.resolve(transport.destroy()),
  });
}

async function realPair(underTest: 'client' | 'server' | 'browser'): Promise<SocketUnderTest> {
  const clock = new ManualClock();
  const host = await openDoor(underTest === 'server' ? { clock } : {});
  const connecting =
    underTest === 'browser'
      ? connectBrowserSocket(host.url, { clock, webSocket: WebSocket as unknown as StandardWebSocketConstructor })
      : connectWebSocket(host.url, underTest === 'client' ? { clock } : {});
  const [client, server] = await Promise.all([connecting, host.accept()]);
  const [transport, peer] = underTest === 'server' ? [server, client] : [client, server];
  return {
    transport,
    clock,
    peer: peerOfTransport(peer),
    async [Symbol.asyncDispose]() {
      peer.destroy();
      transport.destroy();
      await host[Symbol.asyncDispose]();
    },
  };
}

export const wsClientUnderTest = (): Promise<SocketUnderTest> => realPair('client');
export const wsServerUnderTest = (): Promise<SocketUnderTest> => realPair('server');
export const browserSocketUnderTest = (): Promise<SocketUnderTest> => realPair('browser');
