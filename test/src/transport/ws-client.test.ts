import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { listenHttp } from '../../../src/transport/listen-http.js';
import { connectWebSocket } from '../../../src/transport/ws-client.js';
import type { ConnectWebSocketOptions } from '../../../src/transport/ws-client.js';
import { listenTo, openDoor } from '../../helpers/socket-pair.js';

const KEY = 'sk-very-secret-0123456789';

/** The rejection of a connect; fails the test when it succeeds. */
async function failureOf(url: string, options: ConnectWebSocketOptions = {}): Promise<Error & { code: string; hint: string }> {
  const connecting = connectWebSocket(url, { headers: { Authorization: `Bearer ${KEY}` }, ...options });
  const error = await connecting.then(
    () => expect.fail('the connect succeeded'),
    (reason: unknown) => reason as Error & { code: string; hint: string },
  );
  expect(`${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}`).not.toContain(KEY);
  return error;
}

/** A TCP server that does as told with each connection. */
async function tcpServer(onSocket: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

test('sends its headers and subprotocols, and learns the one that was chosen', async () => {
  await using host = await openDoor({ protocols: (offered) => (offered.has('b') ? 'b' : false) });
  await using transport = await connectWebSocket(host.url, { headers: { Authorization: `Bearer ${KEY}` }, protocols: ['a', 'b'] });
  await host.accept();
  expect(transport.protocol).toBe('b');
  expect(host.requests[0]?.headers).toMatchObject({ authorization: `Bearer ${KEY}`, 'sec-websocket-protocol': 'a,b' });
  expect(host.requests[0]?.headers['sec-websocket-extensions']).toBeUndefined();
});

test.each([
  [401, 'MODEL_UNAUTHORIZED', false],
  [403, 'MODEL_UNAUTHORIZED', false],
  [404, 'MODEL_NOT_FOUND', false],
  [302, 'MODEL_REFUSED', false],
  [429, 'MODEL_REFUSED', true],
  [500, 'MODEL_REFUSED', true],
])('a server that answers %i gives %s', async (status, code, retryable) => {
  await using host = await openDoor({ verify: () => ({ ok: false, status, headers: { Location: '/elsewhere' }, body: `no ${KEY}` }) });
  const error = await failureOf(host.url);
  expect(error).toMatchObject({ code, retryable, status, stage: 'connect' });
  expect(error.message).toContain(`HTTP ${status}`);
  expect(error.hint).not.toBe('');
  expect(host.requests).toEqual([]);
});

test('a port where nothing listens, and a host that is none, say so', async () => {
  const { port } = await (async () => {
    await using free = await tcpServer(() => {});
    return free;
  })();
  const refused = await failureOf(`ws://127.0.0.1:${port}/`);
  expect(refused).toMatchObject({ code: 'MODEL_UNREACHABLE', retryable: true });
  expect(refused.message).toContain('nothing listens there (ECONNREFUSED)');
  expect(await failureOf('ws://no-such-host.invalid/')).toMatchObject({ code: 'MODEL_UNREACHABLE' });
});

test('a server that hangs up, speaks no HTTP, or no TLS, is unreachable', async () => {
  await using hangsUp = await tcpServer((socket) => socket.destroy());
  expect((await failureOf(`ws://127.0.0.1:${hangsUp.port}/`)).code).toBe('MODEL_UNREACHABLE');
  await using noHttp = await tcpServer((socket) => socket.end('220 mail ready\r\n'));
  expect((await failureOf(`ws://127.0.0.1:${noHttp.port}/`)).code).toBe('MODEL_UNREACHABLE');
  expect((await failureOf(`wss://127.0.0.1:${noHttp.port}/`)).code).toBe('MODEL_UNREACHABLE');
});

test('a web server that is no WebSocket server is not found', async () => {
  const server = createHttpServer((_request, response) => response.writeHead(404).end());
  const web = await listenHttp(server, { host: '127.0.0.1', port: 0 });
  expect((await failureOf(`ws://127.0.0.1:${web.port}/`)).code).toBe('MODEL_NOT_FOUND');
  await web.close();
});

test.each([`not a url ${KEY}`, `http//${KEY}`, `ftp://example.org/?key=${KEY}`])('a wrong address is named as such, without what it holds', async (url) => {
  expect(await failureOf(url)).toMatchObject({ code: 'MODEL_UNREACHABLE', message: 'The WebSocket cannot be opened: the address is not a ws: or wss: URL.' });
});

test('a header that HTTP does not allow is named, not shown', async () => {
  const error = await failureOf('ws://127.0.0.1:1/', { headers: { Authorization: `Bearer ${KEY}\n` } });
  expect(error).toMatchObject({ code: 'MODEL_UNREACHABLE', message: expect.stringContaining('a header holds a character') as string });
});

test('a server that never answers times out', async () => {
  const clock = new ManualClock();
  let confirm = (): void => {};
  const reached = new Promise<void>((resolve) => (confirm = resolve));
  await using silent = await tcpServer(() => confirm());
  const failing = failureOf(`ws://127.0.0.1:${silent.port}/`, { clock, connectTimeoutMs: 700 });
  await reached;
  clock.advance(699);
  clock.advance(1);
  expect(await failing).toMatchObject({ code: 'CONNECT_TIMEOUT', retryable: true, message: expect.stringContaining('700 ms') as string });
  expect(clock.pendingTimers).toBe(0);
});

test('an abort ends a connect with its own reason, before and during', async () => {
  const reason = new Error('changed my mind');
  await expect(connectWebSocket('ws://127.0.0.1:1/', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const controller = new AbortController();
  await using silent = await tcpServer(() => controller.abort(reason));
  await expect(connectWebSocket(`ws://127.0.0.1:${silent.port}/`, { signal: controller.signal })).rejects.toBe(reason);
});

test('an abort closes an open socket', async () => {
  await using host = await openDoor();
  const controller = new AbortController();
  const transport = await connectWebSocket(host.url, { signal: controller.signal });
  const far = listenTo(await host.accept());
  controller.abort();
  expect(await far.closed).toMatchObject({ code: 1000, reason: 'aborted' });
  expect(await transport.close()).toMatchObject({ byUs: true });
});

test('a message that is too long closes the socket with 1009', async () => {
  await using host = await openDoor();
  const transport = await connectWebSocket(host.url, { maxPayloadBytes: 1000 });
  const near = listenTo(transport);
  const server = await host.accept();
  const far = listenTo(server);
  server.send('x'.repeat(1000));
  server.send('x'.repeat(1001));
  expect((await far.closed).code).toBe(1009);
  expect(await near.closed).toMatchObject({ code: 1009, byUs: true, error: { code: 'PROTOCOL_BAD_FRAME' } });
  expect(near.messages).toHaveLength(1);
});
