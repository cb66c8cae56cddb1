/** A socket that a worker's `fetch` opens; here a `fetch` that gives one of the `ws` package for an upgrade. That a worker's own does the same is tried in test/interop. */
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { connectByFetch } from '../../../src/transport/fetch-socket.js';
import { listenTo, openDoor } from '../../helpers/socket-pair.js';

interface Asked {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Opens what it is asked for, and says what that was. */
function upgrading(asked: Asked[] = []): typeof globalThis.fetch {
  return async (url, init) => {
    const headers = init?.headers as Record<string, string>;
    asked.push({ url: String(url), headers });
    const socket = new WebSocket(String(url).replace(/^http/, 'ws'), { headers });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return Object.assign(new Response(null), { webSocket: Object.assign(socket, { accept() {} }) });
  };
}

const hanging: typeof globalThis.fetch = (_url, init) => new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error)));
const answering = (status: number): typeof globalThis.fetch => () => Promise.resolve(new Response('No.', { status }));

describe('a socket that was opened by fetch', () => {
  test('carries its headers and messages, and ends with the code of the server', async () => {
    await using host = await openDoor();
    const asked: Asked[] = [];
    const transport = await connectByFetch(host.url, { headers: { Authorization: 'Bearer x' }, fetch: upgrading(asked) });
    const near = listenTo(transport);
    const far = await host.accept();
    const there = listenTo(far);
    transport.send('hello');
    far.send(Uint8Array.of(1, 2, 3));
    await there.count(1);
    await near.count(1);
    await far.close(1001, 'going');
    expect(asked).toEqual([{ url: host.url.replace('ws:', 'http:'), headers: { Authorization: 'Bearer x', Upgrade: 'websocket' } }]);
    expect([there.messages, near.messages]).toEqual([['hello'], [Uint8Array.of(1, 2, 3)]]);
    expect(await near.closed).toMatchObject({ code: 1001, reason: 'going', byUs: false });
  });

  test('is closed by its signal, which is for its whole life', async () => {
    await using host = await openDoor();
    const hangUp = new AbortController();
    const near = listenTo(await connectByFetch(host.url, { signal: hangUp.signal, fetch: upgrading() }));
    const far = listenTo(await host.accept());
    hangUp.abort();
    expect(await near.closed).toMatchObject({ code: 1000, byUs: true });
    expect(await far.closed).toMatchObject({ code: 1000, reason: 'aborted' });
  });

  test('is given up when its time is over, or its signal says so, and leaves no timer', async () => {
    const clock = new ManualClock();
    const late = connectByFetch('wss://model.example/v1', { clock, connectTimeoutMs: 3_000, fetch: hanging });
    clock.advance(3_000);
    await expect(late).rejects.toMatchObject({ name: 'TransportError', code: 'CONNECT_TIMEOUT', retryable: true });
    const hangUp = new AbortController();
    const unwanted = connectByFetch('wss://model.example/v1', { clock, signal: hangUp.signal, fetch: hanging });
    const reason = new Error('not any more');
    hangUp.abort(reason);
    await expect(unwanted).rejects.toBe(reason);
    await expect(connectByFetch('wss://model.example/v1', { clock, signal: hangUp.signal, fetch: hanging })).rejects.toBe(reason);
    expect(clock.pendingTimers).toBe(0);
  });

  test.each([
    [401, 'MODEL_UNAUTHORIZED', false],
    [404, 'MODEL_NOT_FOUND', false],
    [302, 'MODEL_REFUSED', false],
    [200, 'MODEL_REFUSED', false],
    [503, 'MODEL_REFUSED', true],
  ])('that the server answers with %i is %s', async (status, code, retryable) => {
    await expect(connectByFetch('wss://model.example/v1', { fetch: answering(status) })).rejects.toMatchObject({ name: 'TransportError', code, retryable, status });
  });

  test('to a server that is not there is unreachable', async () => {
    const cause = new TypeError('Network connection lost.');
    await expect(connectByFetch('wss://model.example/v1', { fetch: () => Promise.reject(cause) })).rejects.toMatchObject({ code: 'MODEL_UNREACHABLE', retryable: true, cause });
  });
});
