/** The three addresses of runs on a real server: start, resume, stop, and what is refused. */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { SseConnection, readSse } from '../../helpers/sse-client.js';
import { done, faucet, serveRuns, words } from './served-runs.js';

describe('POST /chat/stream', () => {
  it('answers at once with the id of the run and a first line, then with each event as it comes, and ends after the terminal one', async () => {
    const source = faucet();
    await using server = await serveRuns(source.chat);
    const reader = server.post({ input: 'hello' });
    const response = await reader.response;
    await reader.until((_, text) => text.includes('\n\n'));
    expect(reader.text).toBe(': events follow\nretry: 2000\n\n');
    expect(response.headers).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no', 'content-encoding': 'identity' });
    expect(response.headers['content-length']).toBeUndefined();
    const runId = String(response.headers['x-run-id']);
    expect(runId).toMatch(/^run_[\w-]{36}$/);
    source.push(...words(runId, 'Hi'));
    expect(await reader.count(1)).toEqual([{ event: 'response.text.delta', id: `${runId}:1`, data: JSON.stringify(words(runId, 'Hi')[0]) }]);
    source.push(done(runId, 'Hi'));
    expect((await reader.count(2))[1]).toMatchObject({ event: 'run.done', id: `${runId}:2` });
    expect(await reader.over).toBe(true);
    expect(source.counts.finished).toBe(1);
  });

  it('hands the words, the conversation and the wish for events to the chat', async () => {
    const asked: object[] = [];
    await using server = await serveRuns(async function* ({ signal: _, ...request }) {
      asked.push(request);
      yield done('r', '');
    });
    for (const body of [{ input: 'a', conversationId: 'c-1' }, { input: 'b', dialect: 'run' }, { input: 'c', dialect: 'steps', extra: 1 }]) {
      await server.post(body, { 'x-user': 'bob' }).over;
    }
    expect(asked).toMatchObject([
      { owner: 'bob', input: 'a', conversationId: 'c-1', view: 'flat' },
      { owner: 'bob', input: 'b', view: 'run' },
      { owner: 'bob', input: 'c', view: 'flat' },
    ]);
  });

  it('ends a run with an end event when its source gives none, and with run.error when it throws', async () => {
    await using server = await serveRuns(async function* ({ input }) {
      yield { type: 'agent_updated_stream_event' };
      if (input === 'throw') throw new Error('the password is swordfish');
    });
    const whole = server.post({ input: 'x' });
    await whole.over;
    expect(whole.events.map(({ event }) => event)).toEqual(['agent_updated_stream_event', 'end']);
    expect(JSON.parse(whole.events[1]?.data ?? '')).toMatchObject({ type: 'end', reason: 'done' });
    const broken = server.post({ input: 'throw' });
    await broken.over;
    expect(broken.events.map(({ event }) => event)).toEqual(['agent_updated_stream_event', 'run.error']);
    expect(JSON.parse(broken.events[1]?.data ?? '')).toMatchObject({ type: 'run.error', error: { code: 'RUN_FAILED' } });
    expect(broken.text).not.toContain('swordfish');
  });

  it.each([
    ['{', 400, 'REQUEST_INVALID'],
    ['null', 400, 'REQUEST_INVALID'],
    [{ input: '' }, 400, 'REQUEST_INVALID'],
    [{ input: 7 }, 400, 'REQUEST_INVALID'],
    [{ input: 'x', dialect: 'klingon' }, 400, 'REQUEST_INVALID'],
    [{ input: 'x', conversationId: '../../etc' }, 400, 'REQUEST_INVALID'],
    [{ input: 'x'.repeat(2000) }, 413, 'REQUEST_TOO_LARGE'],
  ])('refuses %.60j with %i and the code %s', async (body, status, code) => {
    const source = faucet();
    await using server = await serveRuns(source.chat, { maxBodyBytes: 1000 });
    const reader = server.post(body);
    expect((await reader.response).statusCode).toBe(status);
    await reader.over;
    expect(JSON.parse(reader.text)).toMatchObject({ error: { code, message: expect.any(String), hint: expect.any(String) } });
    expect(server.desk.running).toBe(0);
  });

  it('waits so long for a body and no longer', async () => {
    const clock = new ManualClock();
    await using server = await serveRuns(faucet().chat, { clock, bodyTimeoutMs: 5_000 });
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write('POST /chat/stream HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"inp');
    while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve));
    let answer = '';
    const closed = new Promise((resolve) => socket.on('data', (data: Buffer) => (answer += data.toString())).on('close', resolve));
    clock.advance(5_000);
    await closed;
    expect(answer).toMatch(/^HTTP\/1.1 408 [\s\S]*"REQUEST_TIMEOUT"/);
    expect(clock.pendingTimers).toBe(0);
  });

  it('refuses one run more than may be, of one owner with 429 and of all with 503', async () => {
    const source = faucet();
    await using server = await serveRuns(source.chat, { maxRuns: 3, maxRunsPerOwner: 2 });
    const post = async (user: string) => {
      const reader = server.post({ input: 'x' }, { 'x-user': user });
      const { statusCode, headers } = await reader.response;
      if (statusCode === 200) return 200;
      await reader.over;
      return [statusCode, headers['retry-after'], (JSON.parse(reader.text) as { error: { code: string } }).error.code];
    };
    expect([await post('ann'), await post('ann'), await post('ann')]).toEqual([200, 200, [429, '5', 'TOO_MANY_RUNS']]);
    expect([await post('bob'), await post('bob')]).toEqual([200, [503, '5', 'RUNS_FULL']]);
  });

  it('is a POST', async () => {
    await using server = await serveRuns(faucet().chat);
    const response = await server.connect('/chat/stream').response;
    expect([response.statusCode, response.headers.allow]).toEqual([405, 'POST']);
    expect((await server.connect('/chat').response).statusCode).toBe(404);
  });
});

describe('GET /runs/:id/events', () => {
  async function run() {
    const source = faucet();
    const server = await serveRuns(source.chat);
    const first = server.post({ input: 'x' });
    const runId = String((await first.response).headers['x-run-id']);
    return { source, server, first, runId, path: `/runs/${runId}/events` };
  }

  it('goes on after the event that the header names, or else the address', async () => {
    const { source, server, first, runId, path } = await run();
    await using _ = server;
    source.push(...words(runId, 'a', 'b', 'c'));
    await first.count(3);
    const ids = async (reader: SseConnection, count: number) => (await reader.count(count)).map(({ id }) => id.split(':')[1]);
    expect(await ids(server.connect(path), 3)).toEqual(['1', '2', '3']);
    expect(await ids(server.connect(`${path}?after=2`), 1)).toEqual(['3']);
    const resumed = server.connect(`${path}?after=2`, { headers: { 'last-event-id': `${runId}:1` } });
    expect(await ids(resumed, 2)).toEqual(['2', '3']);
    source.push(done(runId, 'abc'));
    expect(await ids(resumed, 3)).toEqual(['2', '3', '4']);
    expect(await resumed.over).toBe(true);
  });

  it('answers 204 to who has had all of a run that is over, and its end to who has not', async () => {
    const { source, server, first, runId, path } = await run();
    await using _ = server;
    source.push(...words(runId, 'a'), done(runId, 'a'));
    await first.over;
    const whole = server.connect(path, { headers: { 'last-event-id': `${runId}:2` } });
    expect((await whole.response).statusCode).toBe(204);
    const late = server.connect(`${path}?after=1`);
    await late.over;
    expect(late.events.map(({ event, id }) => [event, id])).toEqual([['run.done', `${runId}:2`]]);
  });

  it('answers 404 to another owner, and for a run that is not there, in the same words', async () => {
    const { server, path } = await run();
    await using _ = server;
    const [other, unknown] = [server.connect(path, { headers: { 'x-user': 'eve' } }), server.connect('/runs/run_none/events')];
    expect([(await other.response).statusCode, (await unknown.response).statusCode]).toEqual([404, 404]);
    await Promise.all([other.over, unknown.over]);
    expect(other.text).toBe(unknown.text);
    expect(JSON.parse(other.text)).toMatchObject({ error: { code: 'RUN_NOT_FOUND' } });
  });

  it.each([
    ['', { 'last-event-id': 'run_other:1' }],
    ['', { 'last-event-id': 'nonsense' }],
    ['?after=-1', {}],
    ['?after=1e3', {}],
    ['?after=7', {}],
  ])('refuses a place that is none: %j %j', async (query, headers) => {
    const { server, path } = await run();
    await using _ = server;
    const reader = server.connect(`${path}${query}`, { headers });
    expect((await reader.response).statusCode).toBe(400);
    await reader.over;
    expect(JSON.parse(reader.text)).toMatchObject({ error: { code: 'REQUEST_INVALID' } });
  });
});

describe('POST /runs/:id/stop', () => {
  it('stops the run, whoever reads it, and may be asked again', async () => {
    const source = faucet();
    await using server = await serveRuns(source.chat);
    const reader = server.post({ input: 'x' });
    const runId = String((await reader.response).headers['x-run-id']);
    source.push(...words(runId, 'a'));
    await reader.count(1);
    for (let time = 0; time < 2; time += 1) {
      const stop = server.connect(`/runs/${runId}/stop`, { method: 'POST' });
      expect((await stop.response).statusCode).toBe(200);
      await stop.over;
      expect(JSON.parse(stop.text)).toEqual({ stopped: true });
    }
    expect(await reader.over).toBe(true);
    expect(readSse(reader.text).events.map(({ event }) => event)).toEqual(['response.text.delta', 'end']);
    expect(JSON.parse(reader.events[1]?.data ?? '')).toMatchObject({ reason: 'stopped' });
    expect(source.counts).toEqual({ asked: 1, finished: 1, aborted: 1 });
    expect((await server.connect(`/runs/${runId}/stop`, { method: 'POST', headers: { 'x-user': 'eve' } }).response).statusCode).toBe(404);
    expect((await server.connect('/runs/run_none/stop', { method: 'POST' }).response).statusCode).toBe(404);
  });
});
