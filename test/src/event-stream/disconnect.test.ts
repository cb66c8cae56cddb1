/** A reader that goes, at any moment, on real sockets: the work is told, the source let go of once, and nothing is left behind. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { streamToResponse } from '../../../src/event-stream/index.js';
import type { EventStreamOptions, EventStreamEnd } from '../../../src/event-stream/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { listenHttp } from '../../../src/transport/listen-http.js';
import { settle } from '../../helpers/settle.js';
import { SseConnection, readSse } from '../../helpers/sse-client.js';
import { connections, serveRuns } from './served-runs.js';

/** What a source saw of its own life. */
interface Life {
  asked: number;
  aborted: number;
  finished: number;
}

/** A server whose every answer is a stream of its own; `before` runs first, as a framework that reads the body or looks something up would. */
async function serveStreams(body: (life: Life, signal: AbortSignal) => AsyncGenerator<{ type: string }>, options: EventStreamOptions<{ type: string }> & { before?: (request: IncomingMessage) => Promise<void> } = {}) {
  const { before, ...streamOptions } = options;
  const clock = new ManualClock();
  const life: Life = { asked: 0, aborted: 0, finished: 0 };
  const ends: EventStreamEnd[] = [];
  const news = new Set<() => void>();
  let last: ServerResponse | undefined;
  const server = createServer((request, response) => {
    last = response;
    const answer = async (): Promise<void> => {
      await before?.(request);
      const end = await streamToResponse(
        response,
        (signal) => {
          signal.addEventListener('abort', () => (life.aborted += 1));
          return body(life, signal);
        },
        { clock, ...streamOptions },
      );
      ends.push(end);
      for (const wake of news) wake();
    };
    void answer();
  });
  const listening = await listenHttp(server, { host: '127.0.0.1', port: 0 });
  return {
    ...{ clock, life, ends, server, url: `http://127.0.0.1:${listening.port}/` },
    get response(): ServerResponse | undefined {
      return last;
    },
    async ended(count: number): Promise<readonly EventStreamEnd[]> {
      while (ends.length < count) await new Promise<void>((resolve) => news.add(resolve));
      return ends;
    },
    /** The system takes what fits into its buffers; then nothing moves any more. Gives how often the source was asked. */
    async blocked(): Promise<number> {
      for (let still = 0, asked = -1; still < 50; still += 1) {
        if (asked !== life.asked || last?.writableNeedDrain !== true) still = 0;
        asked = life.asked;
        await settle();
      }
      return life.asked;
    },
    async nothingLeft(): Promise<void> {
      while ((await connections(server)) > 0) await settle();
      expect(clock.pendingTimers).toBe(0);
      expect(last?.listenerCount('drain')).toBe(0);
    },
    [Symbol.asyncDispose]: () => listening.close(),
  };
}

/** Gives one event and then waits for ever, except for its signal. */
async function* oneThenIdle(life: Life, signal: AbortSignal): AsyncGenerator<{ type: string }> {
  try {
    life.asked += 1;
    yield { type: 'first' };
    life.asked += 1;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  } finally {
    life.finished += 1;
  }
}

/** Never waits; each event is 64 KiB. */
async function* flood(life: Life): AsyncGenerator<{ type: string }> {
  try {
    for (;;) {
      life.asked += 1;
      yield { type: 'flood', text: 'x'.repeat(65_536) } as { type: string };
    }
  } finally {
    life.finished += 1;
  }
}

describe('a reader that goes', () => {
  it('while it is idle', async () => {
    await using server = await serveStreams(oneThenIdle);
    const reader = new SseConnection(server.url);
    await reader.count(1);
    reader.destroy();
    expect(await server.ended(1)).toEqual([{ reason: 'gone', events: 1 }]);
    await settle();
    expect(server.life).toEqual({ asked: 2, aborted: 1, finished: 1 });
    await server.nothingLeft();
  });

  it('in the middle of an event', async () => {
    await using server = await serveStreams(flood);
    const reader = new SseConnection(server.url);
    await reader.until((_, text) => text.length > 1000);
    reader.destroy();
    expect((await server.ended(1))[0]).toMatchObject({ reason: 'gone' });
    await settle();
    expect(server.life).toMatchObject({ aborted: 1, finished: 1 });
    await server.nothingLeft();
  });

  it('while the server waits for it to take what was sent', async () => {
    await using server = await serveStreams(flood);
    const reader = new SseConnection(server.url);
    (await reader.response).pause();
    const asked = await server.blocked();
    reader.destroy();
    expect((await server.ended(1))[0]).toMatchObject({ reason: 'gone', events: asked });
    await settle();
    expect(server.life).toEqual({ asked, aborted: 1, finished: 1 });
    await server.nothingLeft();
  });

  it('before the headers, while the server still looks something up', async () => {
    let release = (): void => {};
    const looked = new Promise<void>((resolve) => (release = resolve));
    await using server = await serveStreams(oneThenIdle, { before: () => looked });
    const reader = new SseConnection(server.url);
    reader.response.catch(() => {});
    while (server.response === undefined) await settle();
    const closed = new Promise((resolve) => server.response?.once('close', resolve));
    reader.destroy();
    await closed;
    release();
    expect(await server.ended(1)).toEqual([{ reason: 'gone', events: 0 }]);
    expect(server.life.asked).toBe(0);
    await server.nothingLeft();
  });

  it('after the body of its POST was read', async () => {
    const before = async (request: IncomingMessage): Promise<void> => {
      for await (const _ of request);
    };
    await using server = await serveStreams(oneThenIdle, { before });
    const reader = new SseConnection(server.url, { method: 'POST', body: { input: 'hello' } });
    await reader.count(1);
    expect(server.ends).toEqual([]);
    reader.destroy();
    expect(await server.ended(1)).toEqual([{ reason: 'gone', events: 1 }]);
    await settle();
    expect(server.life).toEqual({ asked: 2, aborted: 1, finished: 1 });
    await server.nothingLeft();
  });

  it('when all is said: nothing is left to be told', async () => {
    await using server = await serveStreams(async function* (life) {
      yield { type: 'run.done' };
      life.finished += 1;
    });
    await new SseConnection(server.url).over;
    expect(await server.ended(1)).toEqual([{ reason: 'done', events: 1 }]);
    expect(server.life.aborted).toBe(0);
  });
});

describe('over HTTP/2', () => {
  it('a stream comes whole, and one whose reader breaks off is let go of', async () => {
    const life: Life = { asked: 0, aborted: 0, finished: 0 };
    const ends: EventStreamEnd[] = [];
    const server = createHttp2Server((request, response) => {
      const stream = (signal: AbortSignal) => (request.url === '/whole' ? finite() : oneThenIdle(life, signal));
      void streamToResponse(response as unknown as ServerResponse, stream).then((end) => ends.push(end));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const whole = session.request({ ':path': '/whole' }).setEncoding('utf8');
    expect(readSse((await whole.toArray()).join('')).events.map(({ event }) => event)).toEqual(['first', 'end']);
    const broken = session.request({ ':path': '/broken' });
    await once(broken, 'data');
    broken.close();
    while (ends.length < 2) await settle();
    await settle();
    expect(ends).toEqual([{ reason: 'done', events: 1 }, { reason: 'gone', events: 1 }]);
    expect(life.finished).toBe(1);
    session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});

async function* finite(): AsyncGenerator<{ type: string }> {
  yield { type: 'first' };
}

describe('a reader that stays and takes nothing', () => {
  it('is cut off after 30 s', async () => {
    await using server = await serveStreams(flood);
    const reader = new SseConnection(server.url);
    (await reader.response).pause();
    await server.blocked();
    server.clock.advance(29_999);
    await settle();
    expect(server.ends).toEqual([]);
    server.clock.advance(1);
    expect((await server.ended(1))[0]).toMatchObject({ reason: 'stuck' });
    await settle();
    expect(server.life.finished).toBe(1);
    await server.nothingLeft();
    reader.destroy();
  });
});

describe('a run whose readers have gone', () => {
  it('is cancelled when the time of grace is over, and frees all that it had, a hundred times', async () => {
    const clock = new ManualClock();
    const life: Life = { asked: 0, aborted: 0, finished: 0 };
    await using server = await serveRuns(({ signal }) => oneThenIdle(life, signal), { clock, graceMs: 5_000, maxRunsPerOwner: 100 });
    for (let round = 0; round < 100; round += 1) {
      const reader = server.post({ input: 'x' });
      // Each is killed at another moment: before the answer, at its head, after an event.
      if (round % 3 > 0) await reader.response;
      if (round % 3 > 1) await reader.count(1);
      reader.response.catch(() => {});
      reader.destroy();
    }
    while ((await connections(server.server)) > 0) await settle();
    const begun = server.desk.running;
    expect(begun).toBeGreaterThanOrEqual(66);
    clock.advance(5_000);
    while (server.desk.running > 0) await settle();
    expect(life.finished).toBe(life.asked / 2);
    expect(life.finished).toBeGreaterThanOrEqual(begun);
    expect(clock.pendingTimers).toBe(begun);
  });
});
