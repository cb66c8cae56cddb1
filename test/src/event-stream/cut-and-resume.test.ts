/** A stream that is cut anywhere and resumed is the stream that was never cut. */
import { createServer, connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { random } from '../../helpers/random.js';
import { SseConnection, readSse } from '../../helpers/sse-client.js';
import type { SseEvent } from '../../helpers/sse-client.js';
import type { TypedEvent } from '../../../src/event-stream/index.js';
import { done, faucet, serveRuns, words } from './served-runs.js';

/** Passes so many bytes of the server's answer on, and then breaks the connection. */
async function cuttingProxy(target: string) {
  const { port } = new URL(target);
  let cutAt = Infinity;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    let left = cutAt;
    const far = connect(Number(port), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {}).on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    far.on('data', (bytes: Buffer) => {
      const part = bytes.subarray(0, left);
      left -= part.length;
      // What was passed on must arrive: a reset would take it back.
      if (left > 0) near.write(part);
      else near.end(part);
    });
    far.on('end', () => near.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutAfter: (bytes: number) => void (cutAt = bytes),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What a client does: reads until it breaks, comes back with the last id that it had, until the stream is over. `cuts` are the bytes of each attempt. */
async function readThrough(proxy: { url: string; cutAfter(bytes: number): void }, path: string, cuts: readonly number[]): Promise<SseEvent[]> {
  const got: SseEvent[] = [];
  let lastId = '';
  for (let attempt = 0; attempt <= cuts.length; attempt += 1) {
    proxy.cutAfter(cuts[attempt] ?? Infinity);
    const reader = new SseConnection(`${proxy.url}${path}`, lastId === '' ? {} : { headers: { 'last-event-id': lastId } });
    const whole = await reader.over;
    const read = readSse(reader.text);
    got.push(...read.events.filter(({ event }) => event !== 'ping'));
    if (read.lastId !== '') lastId = read.lastId;
    if (whole) return got;
  }
  throw new Error('The stream did not end.');
}

async function finishedRun() {
  const source = faucet();
  const server = await serveRuns(source.chat, { newRunId: () => 'r1' });
  const reader = server.post({ input: 'x' });
  await reader.response;
  const event = (type: string, text: string): TypedEvent => ({ type, text }) as TypedEvent;
  source.push(event('d', 'Göd'), event('d', '😀\n'), event('d', ''), event('end', 'x'));
  await reader.over;
  return { server, uncut: reader.events };
}

describe('a stream of events that is cut', () => {
  it('at any byte, and once more before the first id comes again, goes on without a gap and without an event twice', async () => {
    const { server, uncut } = await finishedRun();
    await using _ = server;
    expect(uncut.map(({ id }) => id)).toEqual(['r1:1', 'r1:2', 'r1:3', 'r1:4']);
    const whole = Buffer.from(await textOf(server.connect('/runs/r1/events')));
    expect(whole.length).toBeGreaterThan(200);
    for (let at = 0; at <= whole.length; at += 1) {
      const first = readSse(whole.subarray(0, at).toString());
      const from = (lastId: string) => textOf(server.connect('/runs/r1/events', lastId === '' ? {} : { headers: { 'last-event-id': lastId } }));
      // The second answer breaks as well, before its first id is whole in most cases.
      const second = readSse((await from(first.lastId)).slice(0, at % 90));
      const rest = readSse(await from(second.lastId === '' ? first.lastId : second.lastId));
      const got = [...first.events, ...second.events, ...rest.events];
      if (JSON.stringify(got) !== JSON.stringify(uncut)) expect(got, `cut at byte ${at}`).toEqual(uncut);
    }
  });

  it('by a proxy, in the head or in the stream, and once more in the next head, is whole', async () => {
    const { server, uncut } = await finishedRun();
    await using _ = server;
    await using proxy = await cuttingProxy(server.url);
    const { bytes, headBytes } = await answerOf(`${server.url}/runs/r1/events`);
    for (let at = 0; at <= bytes; at += 23) expect(await readThrough(proxy, '/runs/r1/events', [at, at % headBytes]), `cut at byte ${at}`).toEqual(uncut);
  });

  it('again and again while it runs, is whole', async () => {
    const { seed, int } = random();
    const source = faucet();
    await using server = await serveRuns(source.chat, { newRunId: () => 'r1' });
    await using proxy = await cuttingProxy(server.url);
    const first = server.post({ input: 'x' });
    await first.response;
    const reading = readThrough(proxy, '/runs/r1/events', Array.from({ length: 30 }, () => int(0, 2500)));
    for (let n = 1; n < 100; n += 1) {
      source.push(...words('r1', `word ${n} `));
      await first.count(n);
    }
    source.push(done('r1', ''));
    await first.over;
    expect(await reading, `seed ${seed}`).toEqual(first.events);
    expect(first.events).toHaveLength(100);
  });
});

async function textOf(reader: SseConnection): Promise<string> {
  await reader.over;
  return reader.text;
}

/** How long a whole answer is, and the head of it. */
function answerOf(url: string): Promise<{ readonly bytes: number; readonly headBytes: number }> {
  const { port, pathname } = new URL(url);
  return new Promise((resolve) => {
    let answer = Buffer.alloc(0);
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('data', (data: Buffer) => (answer = Buffer.concat([answer, data]))).on('close', () => resolve({ bytes: answer.length, headBytes: answer.indexOf('\r\n\r\n') + 4 }));
    socket.write(`GET ${pathname} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  });
}
