/** The same addresses for servers of the Fetch standard, and a body that is no further than its reader. */
import { describe, expect, it } from 'vitest';
import { RunDesk, eventResponse, runHandler } from '../../../src/event-stream/index.js';
import type { RunRoutesOptions, EventStreamEnd } from '../../../src/event-stream/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { settle } from '../../helpers/settle.js';
import { readSse } from '../../helpers/sse-client.js';
import { done, faucet, words } from './served-runs.js';

function handler(options: Partial<RunRoutesOptions<Request>> = {}) {
  const clock = new ManualClock();
  const source = faucet();
  const desk = new RunDesk({ clock, newRunId: () => 'r1' });
  const handle = runHandler({ desk, chat: source.chat, owner: (request) => request.headers.get('x-user') ?? 'ann', clock, ...options });
  const ask = async (path: string, init?: RequestInit): Promise<Response> => {
    const response = await handle(new Request(`http://x${path}`, init));
    if (response === undefined) throw new Error('not ours');
    return response;
  };
  const post = (body: unknown): Promise<Response> => ask('/chat/stream', { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
  return { clock, source, desk, handle, ask, post };
}

const decoder = new TextDecoder();
const readPart = async (reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> => decoder.decode((await reader.read()).value);

describe('the addresses of runs for Fetch servers', () => {
  it('start, resume and stop a run', async () => {
    const { source, ask, post } = handler();
    const response = await post({ input: 'hi' });
    expect([response.status, response.headers.get('x-run-id'), response.headers.get('content-type')]).toEqual([200, 'r1', 'text/event-stream; charset=utf-8']);
    source.push(...words('r1', 'a', 'b'));
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    while (readSse(text).events.length < 2) text += await readPart(reader);
    const resumed = await ask('/runs/r1/events', { headers: { 'last-event-id': 'r1:1' } });
    const rest = resumed.text();
    const stop = await ask('/runs/r1/stop', { method: 'POST' });
    expect([stop.status, await stop.json()]).toEqual([200, { stopped: true }]);
    expect(readSse(await rest).events.map(({ id, event }) => [id, event])).toEqual([['r1:2', 'response.text.delta'], ['r1:3', 'end']]);
    expect((await ask('/runs/r1/events?after=3')).status).toBe(204);
    expect((await ask('/runs/r1/events', { headers: { 'x-user': 'eve' } })).status).toBe(404);
    expect((await ask('/runs/r1/stop')).status).toBe(405);
  });

  it('refuse what they do not take, and leave other addresses alone', async () => {
    const { clock, post, handle } = handler({ maxBodyBytes: 50, bodyTimeoutMs: 1_000 });
    const codeOf = async (response: Response): Promise<unknown> => [response.status, ((await response.json()) as { error: { code: string } }).error.code];
    expect(await codeOf(await post('{'))).toEqual([400, 'REQUEST_INVALID']);
    expect(await codeOf(await post({ input: 'x'.repeat(50) }))).toEqual([413, 'REQUEST_TOO_LARGE']);
    expect(handle(new Request('http://x/'))).toBeUndefined();
    let cancelled = false;
    const never = new ReadableStream({ cancel: () => void (cancelled = true) });
    const late = handle(new Request('http://x/chat/stream', { method: 'POST', body: never, duplex: 'half' } as RequestInit)) as Promise<Response>;
    await settle();
    clock.advance(1_000);
    expect(await codeOf(await late)).toEqual([408, 'REQUEST_TIMEOUT']);
    expect([cancelled, clock.pendingTimers]).toEqual([true, 0]);
  });

  it('answer what goes wrong inside with 500 and no word of it', async () => {
    const { ask } = handler({ owner: () => Promise.reject(new Error('swordfish')) });
    const response = await ask('/runs/r1/events');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('swordfish');
  });
});

describe('a response whose body is a stream', () => {
  function counted() {
    const counts = { asked: 0, finished: 0 };
    async function* stream(): AsyncGenerator<{ type: string }> {
      try {
        for (; counts.asked < 100; ) {
          counts.asked += 1;
          yield { type: 'tick' };
        }
      } finally {
        counts.finished += 1;
      }
    }
    return { counts, stream };
  }

  it('asks for nothing before it is read, and is one event ahead then', async () => {
    const { counts, stream } = counted();
    const clock = new ManualClock();
    const response = eventResponse(stream(), { clock });
    await settle();
    expect([counts.asked, clock.pendingTimers]).toEqual([0, 0]);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    expect(await readPart(reader)).toContain('retry: 2000');
    for (let read = 1; read < 20; read += 1) {
      await readPart(reader);
      await settle();
      expect(counts.asked).toBeLessThanOrEqual(read + 1);
    }
    await reader.cancel();
  });

  it('lets go of the stream when it is cancelled, also while a value is waited for', async () => {
    const ends: EventStreamEnd[] = [];
    const calls = { next: 0, return: 0 };
    const silent: AsyncIterator<{ type: string }> = { next: () => ((calls.next += 1), new Promise(() => {})), return: () => ((calls.return += 1), Promise.resolve({ value: undefined, done: true })) };
    const clock = new ManualClock();
    const response = eventResponse({ [Symbol.asyncIterator]: () => silent }, { clock, onEnd: (end) => ends.push(end) });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    void reader.read();
    await settle();
    await reader.cancel();
    await settle();
    expect([calls, ends, clock.pendingTimers]).toEqual([{ next: 1, return: 1 }, [{ reason: 'gone', events: 0 }], 0]);
  });

  it('cuts a reader off that takes nothing for 30 s', async () => {
    const { counts, stream } = counted();
    const clock = new ManualClock();
    const ends: EventStreamEnd[] = [];
    const response = eventResponse(stream(), { clock, onEnd: (end) => ends.push(end) });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await clock.run(30_000);
    expect(ends).toMatchObject([{ reason: 'stuck' }]);
    expect(counts.finished).toBe(1);
    await expect(reader.closed).rejects.toThrow('took nothing');
  });

  it('is whole to the last event', async () => {
    const text = await eventResponse((async function* () {
      yield* words('r', 'a', 'b');
      yield done('r', 'ab');
    })()).text();
    expect(readSse(text).events.map(({ event }) => event)).toEqual(['response.text.delta', 'response.text.delta', 'run.done']);
  });
});
