import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { listenHttp } from '../../../src/transport/listen-http.js';
import { connectWebSocket } from '../../../src/transport/ws-client.js';
import { listenTo, openDoor } from '../../helpers/socket-pair.js';
import { settle } from '../../helpers/settle.js';

const UPGRADE = ['Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''].join('\r\n');

/** A client that writes bytes of its own making. */
async function rawClient(port: number, path = '/socket') {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`GET ${path} HTTP/1.1\r\n${UPGRADE}`);
  const [head] = (await once(socket, 'data')) as [Buffer];
  return { socket, head: head.toString('latin1') };
}

/** The code of the first close frame from a server, which does not mask. */
async function closeCodeFrom(socket: import('node:net').Socket): Promise<number> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  const bytes = Buffer.concat(chunks);
  const at = bytes.indexOf(0x88);
  return bytes.readUInt16BE(at + 2);
}

test('other paths are refused with 404, queries do not matter', async () => {
  await using host = await openDoor({ path: ['/socket', '/second'] });
  await expect(connectWebSocket(`ws://127.0.0.1:${host.port}/elsewhere`)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  await expect(connectWebSocket(`ws://127.0.0.1:${host.port}/socket/`)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  await using one = await connectWebSocket(`${host.url}?model=x`);
  await using two = await connectWebSocket(`ws://127.0.0.1:${host.port}/second`);
  expect([one.protocol, two.protocol]).toEqual(['', '']);
  expect(host.door.connections).toBe(2);
});

test('a refusal carries status, headers and body as plain HTTP', async () => {
  await using host = await openDoor({ verify: async () => Promise.resolve({ ok: false, status: 401, headers: { 'WWW-Authenticate': 'Bearer' }, body: 'who are you?' }) });
  const { head } = await rawClient(host.port);
  expect(head).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
  expect(head).toContain('WWW-Authenticate: Bearer\r\n');
  expect(head.endsWith('\r\n\r\nwho are you?')).toBe(true);
});

test('a check that throws refuses with 500 and lets the next one in', async () => {
  let calls = 0;
  await using host = await openDoor({
    verify() {
      calls += 1;
      if (calls === 1) throw new Error('a bug');
      return { ok: true };
    },
  });
  await expect(connectWebSocket(host.url)).rejects.toMatchObject({ code: 'MODEL_REFUSED', message: expect.stringContaining('HTTP 500') as string });
  await using transport = await connectWebSocket(host.url);
  expect(transport.protocol).toBe('');
});

test('a connection handler that throws closes that socket with 1011', async () => {
  await using host = await openDoor({
    onConnection() {
      throw new Error('a bug');
    },
  });
  const near = listenTo(await connectWebSocket(host.url));
  expect(await near.closed).toMatchObject({ code: 1011, byUs: false });
});

test('a message that is too long is a 1009, for that socket alone', async () => {
  await using host = await openDoor({ maxPayloadBytes: 1000 });
  await using other = await connectWebSocket(host.url);
  listenTo(await host.accept());
  const client = await connectWebSocket(host.url);
  const near = listenTo(client);
  const server = listenTo(await host.accept());
  client.send(new Uint8Array(1001));
  expect(await near.closed).toMatchObject({ code: 1009, byUs: false });
  expect(await server.closed).toMatchObject({ code: 1009, byUs: true, error: { code: 'PROTOCOL_BAD_FRAME' } });
  // The door counts a socket out in a turn of its own.
  await settle();
  expect(host.door.connections).toBe(1);
  other.send('still here');
});

test.each([
  ['bad UTF-8', [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], 1007],
  ['an unmasked frame', [0x81, 0x01, 0x41], 1002],
  ['a reserved opcode', [0x83, 0x80, 0, 0, 0, 0], 1002],
  ['a length beyond all measure', [0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], 1009],
])('%s closes with the right code', async (_name, frame, code) => {
  await using host = await openDoor();
  const { socket } = await rawClient(host.port);
  const server = listenTo(await host.accept());
  const answered = closeCodeFrom(socket);
  socket.write(Uint8Array.from(frame));
  expect(await answered).toBe(code);
  expect(await server.closed).toMatchObject({ code, byUs: true, error: { code: 'PROTOCOL_BAD_FRAME' } });
});

test.each([true, false])('a peer that resets while it is being checked ends nothing (let in: %s)', async (ok) => {
  let answer = (): void => {};
  const checked = new Promise<void>((resolve) => (answer = resolve));
  let asked = (): void => {};
  const waiting = new Promise<void>((resolve) => (asked = resolve));
  let first = true;
  await using host = await openDoor({
    async verify() {
      if (!first) return { ok: true };
      first = false;
      asked();
      await checked;
      return ok ? { ok } : { ok, status: 403 };
    },
  });
  const accepted = once(host.server, 'connection') as Promise<[import('node:net').Socket]>;
  const early = connect(host.port, '127.0.0.1');
  early.write(`GET /socket HTTP/1.1\r\n${UPGRADE}`);
  await waiting;
  const [serverSide] = await accepted;
  const gone = new Promise((resolve) => serverSide.once('close', resolve));
  early.resetAndDestroy();
  await once(early, 'close');
  answer();
  await gone;
  await using transport = await connectWebSocket(host.url);
  transport.send('fine');
  expect(host.door.connections).toBe(1);
});

test('what waits to be sent does not change when its sender uses the bytes again', async () => {
  await using host = await openDoor();
  const client = await connectWebSocket(host.url);
  const server = await host.accept();
  client.pause();
  const seen = listenTo(client);
  client.pause();
  const block = new Uint8Array(256 * 1024);
  let sent = 0;
  while (server.bufferedBytes < 4 * 1024 * 1024 && sent < 400) {
    server.send(block);
    sent += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const bytes = Uint8Array.of(1, 2, 3);
  server.send(bytes);
  bytes.fill(0);
  client.resume();
  await seen.count(sent + 1);
  expect(seen.messages.at(-1)).toEqual(Uint8Array.of(1, 2, 3));
});

test('a peer that stops answering pings is cut off; one that answers, or is not read, stays', async () => {
  const clock = new ManualClock();
  await using host = await openDoor({ clock, pingIntervalMs: 1000 });
  const alive = new WebSocket(host.url);
  const aliveSide = listenTo(await host.accept());
  const dead = new WebSocket(host.url, { autoPong: false });
  const deadSide = listenTo(await host.accept());
  const unread = new WebSocket(host.url, { autoPong: false });
  const unreadTransport = await host.accept();
  const unreadSide = listenTo(unreadTransport);
  unreadTransport.pause();
  const pinged = Promise.all([once(alive, 'ping'), once(dead, 'ping'), once(unread, 'ping')]);
  clock.advance(1000);
  await pinged;
  // A ping of our own travels behind the answer: when it has come back, the answer has arrived.
  const answered = async (): Promise<void> => {
    const back = once(alive, 'pong');
    alive.ping();
    await back;
  };
  await answered();
  const again = once(alive, 'ping');
  clock.advance(1000);
  expect(await deadSide.closed).toMatchObject({ code: 1006, byUs: true, error: { code: 'MODEL_CONNECTION_LOST' } });
  expect([aliveSide.closes, unreadSide.closes]).toEqual([0, 0]);
  await again;
  await answered();
  unreadTransport.resume();
  clock.advance(1000);
  expect(await unreadSide.closed).toMatchObject({ code: 1006 });
  expect(aliveSide.closes).toBe(0);
  expect(clock.pendingTimers, 'only the one that lives is still asked').toBe(1);
  alive.terminate();
  await aliveSide.closed;
  expect(clock.pendingTimers).toBe(0);
});

test('closing the door closes every socket, refuses new ones, and may be done twice', async () => {
  await using host = await openDoor();
  const sides = [];
  for (let index = 0; index < 3; index += 1) {
    sides.push(listenTo(await connectWebSocket(host.url)));
    listenTo(await host.accept());
  }
  const closing = host.door.close(1012, 'restarting');
  const late = connectWebSocket(host.url);
  await expect(late).rejects.toMatchObject({ code: expect.stringMatching(/MODEL_/) as string });
  await Promise.all([closing, host.door.close()]);
  for (const side of sides) expect(await side.closed).toEqual({ code: 1012, reason: 'restarting', byUs: false });
  expect(host.door.connections).toBe(0);
});

test('back-pressure reaches the sender: an unread socket fills its buffer, and empties again', async () => {
  await using host = await openDoor();
  const client = await connectWebSocket(host.url);
  const server = await host.accept();
  server.pause();
  const seen = listenTo(server);
  const block = new Uint8Array(256 * 1024);
  let sent = 0;
  // The kernel's own buffers take a few MiB; what is beyond them has to wait here.
  while (client.bufferedBytes < 4 * 1024 * 1024 && sent < 400) {
    client.send(block);
    sent += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(client.bufferedBytes).toBeGreaterThanOrEqual(4 * 1024 * 1024);
  expect(seen.messages).toEqual([]);
  server.resume();
  await seen.count(sent);
  while (client.bufferedBytes > 0) await new Promise((resolve) => setImmediate(resolve));
  expect(client.bufferedBytes).toBe(0);
  await client.close();
});

test('a port in use and an address that is not ours are explained', async () => {
  const first = await listenHttp(createServer(), { host: '127.0.0.1', port: 0 });
  await expect(listenHttp(createServer(), { host: '127.0.0.1', port: first.port })).rejects.toMatchObject({ name: 'HostError', code: 'PORT_IN_USE', hint: expect.any(String) as string });
  // 192.0.2.0/24 is set aside for documentation (RFC 5737): no machine has it.
  await expect(listenHttp(createServer(), { host: '192.0.2.1', port: 0 })).rejects.toMatchObject({ code: 'ADDRESS_UNAVAILABLE' });
  await Promise.all([first.close(), first.close()]);
  const again = await listenHttp(createServer(), { host: '127.0.0.1', port: first.port });
  expect(again.port).toBe(first.port);
  await again.close();
});
