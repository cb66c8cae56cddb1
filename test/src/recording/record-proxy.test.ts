import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { RecordingMemory } from '../../../src/recording/index.js';
import { startRecordProxy } from '../../../src/recording/record-proxy.js';
import type { RecordingOptions } from '../../../src/recording/index.js';
import { random } from '../../helpers/random.js';

const KEY = 'sk-proj-Zq81mLp0Yt62VbN4c7Kd93';

/** A service behind the proxy, and what it saw. */
async function service(options: { protocols?: boolean } & RecordingOptions = {}) {
  const http = createServer((request, response) => {
    let body = '';
    request.on('data', (data: Buffer) => (body += data.toString()));
    request.on('end', () => response.end(JSON.stringify({ path: request.url, method: request.method, auth: request.headers.authorization, body })));
  });
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: false, handleProtocols: (offered) => (offered.has('realtime') ? 'realtime' : false), verifyClient: ({ req }, done) => done(req.headers['x-refuse'] === undefined, Number(req.headers['x-refuse'])) });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  const memory = new RecordingMemory();
  const proxy = await startRecordProxy({ to: `ws://127.0.0.1:${port}/v1/realtime`, store: memory, ...options });
  return {
    proxy,
    memory,
    /** The service's side of the next socket. */
    accept: () => once(sockets, 'connection').then(([socket, request]) => ({ socket: socket as WebSocket, request: request as { url: string; headers: Record<string, string> } })),
    async [Symbol.asyncDispose]() {
      await proxy.close();
      for (const socket of sockets.clients) socket.terminate();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

type Service = Awaited<ReturnType<typeof service>>;

async function joined({ proxy, accept }: Service, headers: Record<string, string> = {}, protocols: string[] = ['realtime']) {
  const accepted = accept();
  const near = new WebSocket(`${proxy.url}?model=m-1`, protocols, { headers, perMessageDeflate: false });
  const [{ socket: far, request }] = await Promise.all([accepted, once(near, 'open')]);
  return { near, far, request };
}

async function refusalOf(url: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  const near = new WebSocket(url, ['realtime'], { headers });
  near.on('error', () => {});
  const [, response] = (await once(near, 'unexpected-response')) as [unknown, { statusCode?: number }];
  near.terminate();
  return response.statusCode;
}

function messages(socket: WebSocket, count: number): Promise<{ data: Buffer; isBinary: boolean }[]> {
  const got: { data: Buffer; isBinary: boolean }[] = [];
  return new Promise((resolve) => socket.on('message', (data: Buffer, isBinary) => got.push({ data, isBinary }) === count && resolve(got)));
}

describe('the recording proxy', () => {
  it('passes every message on byte for byte, in both directions, text and binary', async () => {
    await using own = await service();
    const { near, far } = await joined(own);
    const rng = random();
    const sent = Array.from({ length: 60 }, (_, index) => {
      if (index % 5 === 4) return Buffer.from(Array.from({ length: rng.int(0, 3_000) }, () => rng.int(0, 256)));
      return rng.pick([`{ "type" : "x",  "n":1.0e0, "é":"\\u00e9😀", "id":${index}}`, 'no json at all', '{"type":"input_audio_buffer.append","audio":"AAEC AwQ="}', `{"type":"response.output_audio.delta","delta":"${Buffer.alloc(rng.int(0, 4_000), index).toString('base64')}"}`, '']);
    });
    for (const [from, to] of [[near, far], [far, near]] as const) {
      const arrived = messages(to, sent.length);
      for (const message of sent) from.send(message);
      const got = await arrived;
      expect(got.map(({ data, isBinary }) => (isBinary ? data : data.toString())), `seed ${rng.seed}`).toEqual(sent);
    }
  });

  it('passes on path, query, headers and subprotocol, and writes no credential', async () => {
    await using own = await service();
    const { near, request } = await joined(own, { Authorization: `Bearer ${KEY}`, 'OpenAI-Organization': 'org-7', 'X-Api-Key': 'plain-looking-secret' }, ['realtime', `openai-insecure-api-key.${KEY}`]);
    expect(request.url).toBe('/v1/realtime?model=m-1');
    expect(request.headers['authorization']).toBe(`Bearer ${KEY}`);
    expect(request.headers['openai-organization']).toBe('org-7');
    expect(request.headers['sec-websocket-protocol']).toContain(KEY);
    expect(near.protocol).toBe('realtime');
    near.send(JSON.stringify({ type: 'conversation.item.create', item: { note: `my key is ${KEY} and plain-looking-secret` } }));
    near.close();
    await once(near, 'close');
    await own.proxy.close();
    const written = own.memory.lines.join('\n');
    expect(written).toContain('openai-organization');
    expect(written).toContain('my key is');
    for (const secret of [KEY, 'plain-looking-secret', KEY.slice(3, 20)]) expect(written).not.toContain(secret);
  });

  it.each([
    ['client', 4001, 'bye'],
    ['service', 4321, 'session over'],
    ['service', 1011, ''],
    ['client', 1000, 'done'],
  ] as const)('passes on the close of the %s: %i %s', async (who, code, reason) => {
    await using own = await service();
    const { near, far } = await joined(own);
    const [from, to] = who === 'client' ? [near, far] : [far, near];
    const closed = once(to, 'close');
    from.close(code, reason);
    const [gotCode, gotReason] = (await closed) as [number, Buffer];
    expect([gotCode, gotReason.toString()]).toEqual([code, reason]);
    await own.proxy.close();
    const line = own.memory.lines.map((text) => JSON.parse(text) as { type?: string; dir?: string; code?: number; reason?: string }).find(({ type }) => type === 'close');
    expect(line).toMatchObject({ dir: who === 'client' ? 'out' : 'in', code, reason });
  });

  it('passes on a loss as a loss', async () => {
    await using own = await service();
    const { near, far } = await joined(own);
    const closed = once(near, 'close');
    far.terminate();
    expect((await closed)[0]).toBe(1006);
  });

  it.each([401, 403, 404, 429, 500, 503])('refuses a client that the service refuses with %i as the service did, and writes that down', async (status) => {
    await using own = await service();
    expect(await refusalOf(own.proxy.url, { 'x-refuse': String(status) })).toBe(status);
    await own.proxy.close();
    const line = own.memory.lines.map((text) => JSON.parse(text) as { type?: string; status?: number }).find(({ type }) => type === 'refused');
    expect(line?.status).toBe(status);
  });

  it('answers 502 for a service that is not there, and 504 for one that does not answer', async () => {
    const silent = createServer();
    const clock = new ManualClock();
    silent.on('upgrade', (_request, socket) => {
      clock.advance(10_000);
      socket.destroy();
    });
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const to = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    const waits = await startRecordProxy({ to, store: new RecordingMemory(), clock });
    expect(await refusalOf(waits.url)).toBe(504);
    await waits.close();
    await new Promise((resolve) => silent.close(resolve));
    await using nobody = await startRecordProxy({ to, store: new RecordingMemory() });
    expect(await refusalOf(nobody.url)).toBe(502);
  });

  it('does not read a side faster than the other side takes it', async () => {
    await using own = await service();
    const { near, far } = await joined(own);
    const messageBytes = 256 * 1024;
    near.pause();
    let taken = 0;
    const flood = (): void => {
      if (far.bufferedAmount > 0) return;
      far.send('x'.repeat(messageBytes), (error) => {
        if (error === undefined || error === null) taken += 1;
      });
    };
    // As long as the far side gets rid of its bytes it sends more; when nothing moves any more, everybody waits for the near side.
    let still = 0;
    for (let before = -1; still < 20; before = taken) {
      flood();
      await new Promise((resolve) => setTimeout(resolve, 15));
      still = taken === before ? still + 1 : 0;
      expect(taken * messageBytes).toBeLessThan(64 * 1024 * 1024);
    }
    const arrived = messages(near, taken);
    near.resume();
    expect((await arrived).every(({ data }) => data.length === messageBytes)).toBe(true);
  });

  it('passes on what it cannot write down', async () => {
    await using own = await service();
    const { near, far } = await joined(own);
    const deep = `{"type":"x","deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    const arrived = messages(far, 2);
    near.send(deep);
    near.send('{"type":"y"}');
    expect((await arrived).map(({ data }) => data.toString())).toEqual([deep, '{"type":"y"}']);
  });

  it('writes no number that comes in pieces, and no key that comes in base64', async () => {
    await using own = await service();
    const { near, far } = await joined(own);
    const pieces = ['Call ', '+1 55', '5 01', '2 3456', ' now'];
    const arrived = messages(near, pieces.length + 1);
    for (const delta of pieces) far.send(JSON.stringify({ type: 'response.output_audio_transcript.delta', response_id: 'r', item_id: 'i', content_index: 0, delta }));
    far.send(JSON.stringify({ type: 'response.output_text.done', response_id: 'r', item_id: 'i', text: `data:text/plain;base64,${Buffer.from(`the key ${KEY} in here`).toString('base64')}` }));
    await arrived;
    near.close();
    await once(near, 'close');
    await own.proxy.close();
    const deltas = own.memory.lines.flatMap((line) => (JSON.parse(line) as { message?: { delta?: string } }).message?.delta ?? []);
    expect(deltas).toEqual(['Call ', '+9 99', '9 99', '9 9999', ' now']);
    expect(own.memory.lines.join('')).not.toContain(Buffer.from(KEY).toString('base64').slice(4, 24));
    expect(own.memory.lines.join('')).toContain('data:text/plain;base64,xxx');
  });

  it('passes plain HTTP requests on and writes nothing of them', async () => {
    await using own = await service();
    const answer = await fetch(`http://127.0.0.1:${own.proxy.port}/v1/realtime/client_secrets?x=1`, { method: 'POST', headers: { Authorization: `Bearer ${KEY}` }, body: '{"session":{}}' });
    expect(await answer.json()).toEqual({ path: '/v1/realtime/client_secrets?x=1', method: 'POST', auth: `Bearer ${KEY}`, body: '{"session":{}}' });
    expect(own.memory.lines).toHaveLength(1);
  });
});
