import { Server, WebSocket as MockWebSocket } from 'mock-socket';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { connectBrowserSocket } from '../../../src/transport/browser-socket.js';
import type { StandardWebSocketConstructor } from '../../../src/transport/browser-socket.js';
import { listenTo, openDoor } from '../../helpers/socket-pair.js';

const real = WebSocket as unknown as StandardWebSocketConstructor;
const mock = MockWebSocket as unknown as StandardWebSocketConstructor;

describe('over a WebSocket that behaves as in a browser', () => {
  let servers: Server[] = [];
  const serve = (url: string, onSocket: (socket: Parameters<Parameters<Server['on']>[1]>[0]) => void): Server => {
    const server = new Server(url);
    server.on('connection', onSocket);
    servers.push(server);
    return server;
  };
  afterEach(() => {
    for (const server of servers) server.stop();
    servers = [];
  });

  test('text and binary come in, in order, and the end of the server with its code', async () => {
    serve('ws://mock/one', (socket) => {
      socket.on('message', (data) => {
        socket.send(`heard ${String(data)}`);
        socket.send(Uint8Array.of(1, 2, 3).buffer);
        socket.close({ code: 4002, reason: 'enough', wasClean: true });
      });
    });
    const transport = await connectBrowserSocket('ws://mock/one', { webSocket: mock });
    const near = listenTo(transport);
    transport.send('hello');
    expect(await near.closed).toEqual({ code: 4002, reason: 'enough', byUs: false });
    expect(near.messages).toEqual(['heard hello', Uint8Array.of(1, 2, 3)]);
  });

  test('our close ends with our code', async () => {
    serve('ws://mock/two', () => {});
    const transport = await connectBrowserSocket('ws://mock/two', { webSocket: mock });
    expect(await transport.close(3003, 'done')).toEqual({ code: 3003, reason: 'done', byUs: true });
  });

  test('where nothing listens it is unreachable, with a hint', async () => {
    await expect(connectBrowserSocket('ws://mock/nobody', { webSocket: mock })).rejects.toMatchObject({ name: 'TransportError', code: 'MODEL_UNREACHABLE', retryable: true, hint: expect.any(String) as string });
  });
});

test('offers its subprotocols, and learns the one that was chosen', async () => {
  await using host = await openDoor({ protocols: () => 'voicewire.v1' });
  const transport = await connectBrowserSocket(host.url, { protocols: ['voicewire.v1', 'voicewire.token.x'], webSocket: real });
  expect(transport.protocol).toBe('voicewire.v1');
  expect(host.requests[0]?.headers['sec-websocket-protocol']).toBe('voicewire.v1,voicewire.token.x');
  await transport.close();
});

test('a refusal is an error, as far as a browser can tell', async () => {
  await using host = await openDoor({ verify: () => ({ ok: false, status: 401 }) });
  await expect(connectBrowserSocket(host.url, { webSocket: real })).rejects.toMatchObject({ code: 'MODEL_UNREACHABLE' });
});

test('an address or subprotocol that is not allowed is an error of the same kind', async () => {
  await expect(connectBrowserSocket('nonsense', { webSocket: real })).rejects.toMatchObject({ code: 'MODEL_UNREACHABLE' });
  await expect(connectBrowserSocket('ws://127.0.0.1:1/', { protocols: ['a b'], webSocket: real })).rejects.toMatchObject({ code: 'MODEL_UNREACHABLE' });
});

test.skipIf('WebSocket' in globalThis)('a host without a WebSocket needs to be given one (skipped where there is one)', async () => {
  await expect(connectBrowserSocket('ws://127.0.0.1:1/')).rejects.toThrow(/option webSocket/);
});

test('a server that does not answer in time, and an abort meanwhile', async () => {
  const clock = new ManualClock();
  let asked = (): void => {};
  const waiting = new Promise<void>((resolve) => (asked = resolve));
  let letGo = (): void => {};
  const held = new Promise<void>((resolve) => (letGo = resolve));
  await using host = await openDoor({
    async verify() {
      asked();
      await held;
      return { ok: false, status: 503 };
    },
  });
  const reason = new Error('never mind');
  const controller = new AbortController();
  const aborted = connectBrowserSocket(host.url, { webSocket: real, signal: controller.signal });
  const late = connectBrowserSocket(host.url, { webSocket: real, clock, connectTimeoutMs: 300 });
  await waiting;
  controller.abort(reason);
  await expect(aborted).rejects.toBe(reason);
  clock.advance(300);
  await expect(late).rejects.toMatchObject({ code: 'CONNECT_TIMEOUT' });
  await expect(connectBrowserSocket(host.url, { webSocket: real, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  letGo();
});

test('an abort closes an open socket', async () => {
  await using host = await openDoor();
  const controller = new AbortController();
  const transport = await connectBrowserSocket(host.url, { webSocket: real, signal: controller.signal });
  const far = listenTo(await host.accept());
  controller.abort();
  expect(await far.closed).toMatchObject({ code: 1000, reason: 'aborted' });
  expect(await transport.close()).toMatchObject({ byUs: true });
});
