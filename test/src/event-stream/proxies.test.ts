/** Event streams through proxies of the kinds that are met: each event arrives at once, and what a proxy breaks is whole when it is resumed. */
import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createGzip, createGunzip } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { listenHttp } from '../../../src/transport/listen-http.js';
import { settle } from '../../helpers/settle.js';
import { SseConnection, readSse } from '../../helpers/sse-client.js';
import type { SseEvent } from '../../helpers/sse-client.js';
import { connections, done, faucet, serveRuns, words } from './served-runs.js';

type PassOn = (upstream: IncomingMessage, response: ServerResponse) => void;

/** A proxy in front of a server; `passOn` does to the answer what this kind of proxy does. */
async function proxyTo(target: string, passOn: PassOn, { strip = [], swallowsEnd = false }: { strip?: readonly string[]; swallowsEnd?: boolean } = {}) {
  let seen = '';
  const server = createServer((incoming, response) => {
    const asked = request(`${target}${incoming.url ?? ''}`, { method: incoming.method ?? 'GET', headers: incoming.headers, agent: false }, (upstream) => {
      upstream.on('data', (data: Buffer) => (seen += data.toString()));
      for (const [name, value] of Object.entries(upstream.headers)) if (value !== undefined && !strip.includes(name)) response.setHeader(name, value);
      for (const name of strip) delete upstream.headers[name];
      passOn(upstream, response);
    });
    asked.on('error', () => response.destroy());
    if (!swallowsEnd) response.on('close', () => asked.destroy());
    incoming.pipe(asked);
  });
  const listening = await listenHttp(server, { host: '127.0.0.1', port: 0 });
  return {
    url: `http://127.0.0.1:${listening.port}`,
    /** What came from the server so far. */
    async hasSeen(words: string): Promise<void> {
      while (!seen.includes(words)) await settle();
    },
    [Symbol.asyncDispose]: () => listening.close(),
  };
}

/** As nginx does: 4 KiB are gathered before anything goes on, unless the answer says no. `deaf` ones do not listen. */
const buffering =
  (deaf = false): PassOn =>
  (upstream, response) => {
    response.writeHead(upstream.statusCode ?? 502);
    const holds = deaf || upstream.headers['x-accel-buffering'] !== 'no';
    if (!holds) response.flushHeaders();
    let held: Buffer[] = [];
    upstream.on('data', (data: Buffer) => {
      held.push(data);
      if (holds && held.reduce((sum, part) => sum + part.length, 0) < 4_096) return;
      response.write(Buffer.concat(held));
      held = [];
    });
    upstream.on('end', () => response.end(Buffer.concat(held)));
    upstream.on('error', () => response.destroy());
  };

/** Compresses what may be transformed and is not encoded already, a whole block at a time. */
const compressing: PassOn = (upstream, response) => {
  const encoding = upstream.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity' || /no-transform/.test(upstream.headers['cache-control'] ?? '')) {
    response.writeHead(upstream.statusCode ?? 502);
    response.flushHeaders();
    upstream.pipe(response);
    return;
  }
  response.setHeader('content-encoding', 'gzip');
  response.writeHead(upstream.statusCode ?? 502);
  upstream.pipe(createGzip()).pipe(response);
};

/** Ends each answer after so long, whatever is in it. */
const cuttingAfter =
  (clock: Clock, ms: number): PassOn =>
  (upstream, response) => {
    response.writeHead(upstream.statusCode ?? 502);
    response.flushHeaders();
    upstream.pipe(response);
    const timer = clock.after(ms, () => response.destroy());
    response.on('close', () => timer.cancel());
  };

/** Ends an answer in which nothing has come for so long. */
const cuttingIdle =
  (clock: Clock, ms: number): PassOn =>
  (upstream, response) => {
    response.writeHead(upstream.statusCode ?? 502);
    response.flushHeaders();
    const arm = () => clock.after(ms, () => response.destroy());
    let timer = arm();
    upstream.on('data', (data: Buffer) => {
      timer.cancel();
      timer = arm();
      response.write(data);
    });
    upstream.on('end', () => response.end());
    response.on('close', () => timer.cancel());
  };

async function begin(passOn: PassOn, options: Parameters<typeof proxyTo>[2] & Parameters<typeof serveRuns>[1] = {}) {
  const source = faucet();
  const server = await serveRuns(source.chat, { newRunId: () => 'r1', ...options });
  const proxy = await proxyTo(server.url, passOn, options);
  const reader = new SseConnection(`${proxy.url}/chat/stream`, { method: 'POST', body: { input: 'x' } });
  return {
    ...{ source, server, proxy, reader },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe('behind a proxy that gathers 4 KiB', () => {
  it('the first event comes while nothing follows it', async () => {
    await using line = await begin(buffering());
    await line.reader.response;
    line.source.push(...words('r1', 'first'));
    expect(await line.reader.count(1)).toMatchObject([{ id: 'r1:1' }]);
  });

  it('it is held where the answer does not say no', async () => {
    await using line = await begin(buffering(), { strip: ['x-accel-buffering'] });
    line.source.push(...words('r1', 'first'));
    await line.proxy.hasSeen('first');
    for (let turn = 0; turn < 20; turn += 1) await settle();
    expect(line.reader.text).toBe('');
    line.source.push(done('r1', ''));
    expect((await line.reader.count(2)).map(({ id }) => id)).toEqual(['r1:1', 'r1:2']);
  });

  it('and does not listen, padding gets each event through', async () => {
    await using line = await begin(buffering(true), { stream: { paddingBytes: 4_096 } });
    for (const [index, word] of ['one', 'two', 'three'].entries()) {
      line.source.push(...words('r1', word));
      expect(await line.reader.count(index + 1)).toHaveLength(index + 1);
    }
  });
});

describe('behind a proxy that compresses', () => {
  it('the first event comes while nothing follows it', async () => {
    await using line = await begin(compressing);
    expect((await line.reader.response).headers['content-encoding']).toBe('identity');
    line.source.push(...words('r1', 'first'));
    expect(await line.reader.count(1)).toMatchObject([{ id: 'r1:1' }]);
  });

  it('it is held where the answer does not forbid it', async () => {
    await using line = await begin(compressing, { strip: ['cache-control', 'content-encoding'] });
    line.source.push(...words('r1', 'first'));
    await line.proxy.hasSeen('first');
    const response = await line.reader.response;
    expect(response.headers['content-encoding']).toBe('gzip');
    const inside = response.pipe(createGunzip());
    let text = '';
    inside.on('data', (data: Buffer) => (text += data.toString())).on('error', () => {});
    for (let turn = 0; turn < 50; turn += 1) await settle();
    expect(text).toBe('');
  });
});

describe('behind a proxy that ends each answer after 60 s', () => {
  it('no event of a run of ten minutes is lost or comes twice', async () => {
    const clock = new ManualClock();
    const source = faucet();
    await using server = await serveRuns(source.chat, { newRunId: () => 'r1', clock, maxRunMs: 3_600_000 });
    await using proxy = await proxyTo(server.url, cuttingAfter(clock, 60_000));
    const got: SseEvent[] = [];
    let reader = new SseConnection(`${proxy.url}/chat/stream`, { method: 'POST', body: { input: 'x' } });
    let resumes = 0;
    const take = async (): Promise<void> => {
      const { events, lastId } = readSse(reader.text);
      got.push(...events.filter(({ event }) => event !== 'ping'));
      resumes += 1;
      reader = new SseConnection(`${proxy.url}/runs/r1/events`, { headers: { 'last-event-id': lastId } });
      await reader.response;
    };
    await reader.response;
    for (let second = 1; second <= 600; second += 1) {
      source.push(...words('r1', `${second}`));
      await reader.until((_, text) => text.includes(`id: r1:${second}\n`));
      clock.advance(1_000);
      if (second % 60 === 0 && second < 600) {
        await reader.over;
        await take();
      }
    }
    source.push(done('r1', ''));
    await take();
    await reader.over;
    got.push(...reader.events);
    expect(resumes).toBe(10);
    expect(got.map(({ id }) => id)).toEqual(Array.from({ length: 601 }, (_, index) => `r1:${index + 1}`));
  });

  it('an answer in which nothing is said stays open where silence alone is cut', async () => {
    const clock = new ManualClock();
    await using line = await begin(cuttingIdle(clock, 60_000), { clock, maxRunMs: 3_600_000, stream: { random: () => 0 } });
    await line.reader.response;
    for (let beat = 1; beat <= 40; beat += 1) {
      clock.advance(15_000);
      await line.reader.until((_, text) => readSse(text).events.length === beat);
    }
    line.source.push(...words('r1', 'still here'));
    expect(await line.reader.count(1)).toMatchObject([{ id: 'r1:1' }]);
  });
});

describe('behind a proxy that does not tell that the reader has gone', () => {
  it('a reader is let go of after the longest response, and the run then as well', async () => {
    const clock = new ManualClock();
    const pass: PassOn = (upstream, response) => {
      response.writeHead(200);
      response.flushHeaders();
      upstream.on('data', (data: Buffer) => response.write(data));
    };
    await using line = await begin(pass, { clock, swallowsEnd: true, graceMs: 10_000, stream: { maxStreamMs: 900_000 }, maxRunMs: 3_600_000 });
    await line.reader.response;
    line.reader.destroy();
    await clock.run(899_000);
    expect([line.server.desk.running, await connections(line.server.server)]).toEqual([1, 1]);
    await clock.run(1_000);
    while ((await connections(line.server.server)) > 0) await settle();
    await clock.run(10_000);
    expect([line.server.desk.running, line.source.counts]).toEqual([0, { asked: 0, finished: 1, aborted: 1 }]);
  });
});
