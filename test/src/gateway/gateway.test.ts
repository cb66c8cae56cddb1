import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RealtimeAgent } from '../../../session/index.js';
import type { RealtimeModel } from '../../../session/index.js';
import { startGateway } from '../../../src/gateway/index.js';
import type { Gateway, GatewayOptions } from '../../../src/gateway/index.js';
import { scriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import { knock, openVoiceSocket } from './voice-socket.js';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** A model that any number of callers may have at once. */
const manyModels: RealtimeModel = { label: 'scripted model', connect: (options) => scriptedModel().connect(options) };
const agent = new RealtimeAgent({ name: 'Ava', instructions: 'Be brief.' });

async function start(options: Partial<GatewayOptions> = {}): Promise<Gateway> {
  const gateway = await startGateway({ port: 0, model: manyModels, agent, ...options });
  open.push(gateway);
  return gateway;
}

function get(gateway: Gateway, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: gateway.address.host, port: gateway.address.port, path, method, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(parts).toString() }));
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('the address', () => {
  it('is told with the real port, and is free again after close, which may be called twice', async () => {
    const gateway = await start();
    expect(gateway.url).toBe(`http://127.0.0.1:${gateway.address.port}`);
    expect(gateway.socketUrl).toBe(`ws://127.0.0.1:${gateway.address.port}/v1/voice`);
    await Promise.all([gateway.close(), gateway.close()]);
    const again = await start({ port: gateway.address.port });
    expect(again.address.port).toBe(gateway.address.port);
  });

  it('refuses a network address without a token before it listens', async () => {
    for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
      await expect(startGateway({ host, port: 0, model: manyModels, agent })).rejects.toMatchObject({ code: 'TOKEN_REQUIRED', hint: expect.stringContaining('--token') as string });
    }
    const gateway = await start({ host: '0.0.0.0', token: 't' });
    expect(gateway.url).toBe(`http://127.0.0.1:${gateway.address.port}`);
    expect((await knock({ ...gateway, address: { host: '127.0.0.1', port: gateway.address.port } }, { Authorization: 'Bearer t' })).status).toBe(101);
  });

  it('says that a port is in use', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    open.push({ close: () => new Promise((resolve) => other.close(resolve)) });
    const { port } = other.address() as AddressInfo;
    await expect(startGateway({ port, model: manyModels, agent })).rejects.toMatchObject({ code: 'PORT_IN_USE', message: expect.stringContaining(String(port)) as string });
  });

  it.each(['', 'two words', 'comma,', 'quote"', 'ü'])('refuses the token %j, which no browser could send', async (token) => {
    await expect(startGateway({ port: 0, token, model: manyModels, agent })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('refuses a limit that is not a number above zero', async () => {
    await expect(startGateway({ port: 0, model: manyModels, agent, limits: { maxSessions: 0 } })).rejects.toThrow(RangeError);
  });
});

describe('doors, on a real socket', () => {
  it.each([
    ['our own origin', {}, 101],
    ['another path', { path: '/v1/other' }, 404],
    ['a foreign origin', { Origin: 'https://evil.example' }, 403],
    ['the null origin', { Origin: 'null' }, 403],
    ['a rebound host name', { Host: 'evil.example' }, 403],
    ['no subprotocol of ours', { 'Sec-WebSocket-Protocol': 'other' }, 426],
  ])('%s', async (_name, { path, ...headers }: Record<string, string>, status) => {
    const gateway = await start();
    expect((await knock(gateway, headers as Record<string, string>, path)).status).toBe(status);
  });

  it('asks for the token, by header or subprotocol', async () => {
    const gateway = await start({ token: 's3cret' });
    expect((await knock(gateway)).status).toBe(401);
    expect((await knock(gateway, { Authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await knock(gateway, { Authorization: 'Bearer s3cret' })).status).toBe(101);
    const socket = await openVoiceSocket(gateway, 's3cret');
    socket.send({ type: 'start', client: 'test', audio: false });
    expect(await socket.next('ready')).toMatchObject({ agent: 'Ava' });
    await socket.close();
  });

  it('lets allowed origins and hosts in', async () => {
    const gateway = await start({ allowedOrigins: ['https://app.example'], allowedHosts: ['voice.example'] });
    expect((await knock(gateway, { Host: 'voice.example', Origin: 'https://app.example' })).status).toBe(101);
    expect((await knock(gateway, { Host: 'voice.example', Origin: 'https://voice.example' })).status).toBe(101);
  });

  it('takes as many callers as allowed and turns the next one away until one has left', async () => {
    const gateway = await start({ limits: { maxSessions: 2 } });
    const first = await openVoiceSocket(gateway);
    await openVoiceSocket(gateway);
    expect(gateway.sessions).toBe(2);
    const full = await knock(gateway);
    expect(full.status).toBe(503);
    expect(Number(full.headers['retry-after'])).toBeGreaterThan(0);
    await first.close();
    await expect.poll(() => gateway.sessions).toBe(1);
    expect((await knock(gateway)).status).toBe(101);
  });
});

describe('plain HTTP', () => {
  it('tells its health', async () => {
    const gateway = await start({ limits: { maxSessions: 7 } });
    const { status, text, headers } = await get(gateway, '/healthz');
    expect(status).toBe(200);
    expect(headers['content-type']).toContain('json');
    expect(JSON.parse(text)).toEqual({ status: 'ok', sessions: 0, maxSessions: 7, model: 'scripted model' });
  });

  it('without a page has a short text at /, and 404 elsewhere', async () => {
    const gateway = await start();
    expect(await get(gateway, '/')).toMatchObject({ status: 200, text: expect.stringContaining('/v1/voice') as string });
    expect((await get(gateway, '/index.html')).status).toBe(404);
    expect((await get(gateway, '/', {}, 'POST')).status).toBe(405);
    expect((await get(gateway, '/', { Host: 'evil.example' })).status).toBe(403);
  });

  it('serves the page and nothing above or beside it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'voicewire-page-'));
    open.push({ close: () => rm(folder, { recursive: true, force: true }) });
    const pageDir = join(folder, 'page');
    await mkdir(join(pageDir, 'assets'), { recursive: true });
    await writeFile(join(pageDir, 'index.html'), '<!doctype html><title>voicewire</title>');
    await writeFile(join(pageDir, 'assets', 'main.js'), 'export {};');
    await writeFile(join(folder, 'secret.txt'), 'secret');
    await writeFile(join(pageDir, '.env'), 'secret');
    const gateway = await start({ pageDir });
    const page = await get(gateway, '/?token=t');
    expect(page).toMatchObject({ status: 200, text: '<!doctype html><title>voicewire</title>' });
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`connect-src 'self' ws://127.0.0.1:${gateway.address.port} wss://127.0.0.1:${gateway.address.port}`);
    expect(page.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer' });
    expect((await get(gateway, '/assets/main.js')).headers['content-type']).toContain('javascript');
    for (const path of ['/../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/.env', '/%', '//', '/assets/../../secret.txt', '/constructor', '/__proto__']) {
      const answer = await get(gateway, path);
      expect([400, 404], path).toContain(answer.status);
      expect(answer.text).not.toContain('secret');
    }
  });

  it.each(['bytes=9-2', 'bytes=-0', 'bytes=99999-', 'bytes=a-b', 'nonsense'])('survives the range %s', async (range) => {
    const folder = await mkdtemp(join(tmpdir(), 'voicewire-page-'));
    open.push({ close: () => rm(folder, { recursive: true, force: true }) });
    await writeFile(join(folder, 'index.html'), 'a page of some length');
    const gateway = await start({ pageDir: folder });
    expect(await get(gateway, '/', { Range: range })).toMatchObject({ status: 200, text: 'a page of some length' });
  });

  it('goes on serving the page when its folder is built anew, and tells a browser what it has already', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'voicewire-page-'));
    await mkdir(join(folder, 'assets'));
    await writeFile(join(folder, 'index.html'), 'the page');
    await writeFile(join(folder, 'assets', 'main.js'), 'export {};');
    const gateway = await start({ pageDir: folder });
    await rm(folder, { recursive: true });
    const page = await get(gateway, '/');
    expect(page).toMatchObject({ status: 200, text: 'the page' });
    expect(await get(gateway, '/', { 'If-None-Match': String(page.headers['etag']) })).toMatchObject({ status: 304, text: '' });
    expect(await get(gateway, '/', {}, 'HEAD')).toMatchObject({ status: 200, text: '', headers: { 'content-length': '8' } });
    expect((await get(gateway, '/assets/main.js')).headers['cache-control']).toContain('immutable');
    expect(page.headers['cache-control']).toBe('no-cache');
  });

  it('says when the page that was asked for is not built', async () => {
    await expect(startGateway({ port: 0, model: manyModels, agent, pageDir: join(tmpdir(), 'no-such-page') })).rejects.toMatchObject({
      code: 'PAGE_NOT_BUILT',
      hint: expect.stringContaining('npm run build') as string,
    });
  });

  it('survives bytes that are no HTTP, and an upgrade that is cut off', async () => {
    const gateway = await start();
    for (const bytes of ['\x16\x03\x01\x00\xff', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 'GET /v1/voice HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', 'GET /v1/voice HTTP/1.1\r\nHost: \r\nUpgrade']) {
      const socket = connect(gateway.address.port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.end(bytes, 'latin1');
      socket.resume();
      await once(socket, 'close');
    }
    expect((await get(gateway, '/healthz')).status).toBe(200);
  });
});

it('goes away: every caller is told with 1001, and nobody comes in any more', async () => {
  const gateway = await startGateway({ port: 0, model: manyModels, agent });
  const talking = await openVoiceSocket(gateway);
  talking.send({ type: 'start', client: 'test', audio: true });
  await talking.next('ready');
  const waiting = await openVoiceSocket(gateway);
  await gateway.close();
  expect(await talking.closed).toMatchObject({ code: 1001, reason: 'GATEWAY_CLOSING' });
  expect(await talking.next('error')).toMatchObject({ code: 'GATEWAY_CLOSING' });
  expect(await waiting.closed).toMatchObject({ code: 1001 });
  expect(gateway.sessions).toBe(0);
  await expect(knock(gateway)).rejects.toThrow(/ECONNREFUSED/);
});
