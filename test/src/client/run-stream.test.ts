import { describe, expect, it } from 'vitest';
import type { RunDialects } from '../../../src/client/run-stream-event.js';
import { resumeRun, streamRun } from '../../../src/client/run-stream.js';
import type { RunConnectionOptions, RunStream, RunStreamEvent } from '../../../src/client/run-stream.js';
import { ManualClock } from '../../../src/testing.js';
import { random } from '../../helpers/random.js';
import { RunServer, errorAnswer, shortRun } from '../../helpers/run-server.js';
import type { ServedRun } from '../../helpers/run-server.js';
import { settle } from '../../helpers/settle.js';

const URL = 'https://app.example.com/api/chat/stream';
const ADDRESS = 'https://app.example.com/chat/stream';

interface Reader {
  readonly events: RunStreamEvent[];
  /** The run's own events. */
  readonly run: () => RunDialects['flat'][];
  readonly text: () => string;
  /** Resolves when the loop has ended; never rejects. */
  readonly done: Promise<unknown>;
  error: unknown;
}

function isOwn(event: RunStreamEvent): event is RunDialects['flat'] {
  return event.type !== 'gap' && event.type !== 'connection';
}

function read(stream: RunStream): Reader {
  const events: RunStreamEvent[] = [];
  const loop = async (): Promise<void> => {
    for await (const event of stream) events.push(event);
  };
  const reader: Reader = {
    events,
    run: () => events.filter(isOwn),
    text: () => events.map((event) => (event.type === 'response.text.delta' ? event.delta : '')).join(''),
    done: loop().catch((error: unknown) => (reader.error = error)),
    error: undefined,
  };
  return reader;
}

interface Setup {
  readonly server: RunServer;
  readonly clock: ManualClock;
  readonly options: RunConnectionOptions;
  begin(options?: RunConnectionOptions): RunStream;
}

function setup(onRun: (run: ServedRun) => void = () => {}): Setup {
  const server = new RunServer();
  server.onRun = onRun;
  const clock = new ManualClock();
  const options = { fetch: server.fetch, clock, random: () => 0 };
  return { server, clock, options, begin: (more = {}) => streamRun(ADDRESS, { input: 'Hi', ...options, ...more }) };
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await settle();
};

describe('streamRun', () => {
  it('asks for nothing before the first next()', async () => {
    const { server, clock, begin } = setup();
    const stream = begin();
    await settle();
    expect([server.requests.length, clock.pendingTimers, stream.status]).toEqual([0, 0, 'idle']);
  });

  it('posts the input and gives the events of the run, up to the last', async () => {
    const { server, begin } = setup((run) => run.say(...shortRun('Hello there.')));
    const stream = begin({ headers: { authorization: 'Bearer t' } });
    const reader = read(stream);
    await reader.done;
    expect(reader.error).toBeUndefined();
    expect(reader.text()).toBe('Hello there.');
    expect(reader.events.map(({ type }) => type)).toEqual(['connection', 'run.start', 'response.text.delta', 'response.text.delta', 'run.step.done', 'run.done']);
    expect([stream.status, stream.runId, stream.position]).toEqual(['ended', 'r1', 5]);
    const [request] = server.requests;
    expect([request?.method, JSON.parse(request?.body ?? ''), request?.headers.get('authorization'), request?.headers.get('accept')]).toEqual(['POST', { input: 'Hi', dialect: 'flat' }, 'Bearer t', 'text/event-stream']);
  });

  it('asks for headers before each request, so that a token may be a new one', async () => {
    const { server, clock, begin } = setup((run) => run.say({ type: 'run.start', agentName: 'Ava' }));
    let asked = 0;
    const reader = read(begin({ headers: () => Promise.resolve({ 'x-token': String((asked += 1)) }) }));
    await settled();
    server.lastRun.cut();
    await clock.run(1_000);
    await settled();
    server.lastRun.say({ type: 'run.done', text: '', end: 'completed' });
    await reader.done;
    expect(server.requests.map(({ headers }) => headers.get('x-token'))).toEqual(['1', '2']);
  });

  it('takes up a lost connection where it broke off, and tells of it', async () => {
    const { server, clock, begin } = setup((run) => run.say(...shortRun('Hello there.').slice(0, 2)));
    const stream = begin();
    const reader = read(stream);
    await settled();
    expect([reader.text(), stream.status]).toEqual(['Hello ', 'open']);
    server.lastRun.cut();
    await settled();
    expect(stream.status).toBe('reconnecting');
    expect(reader.events.at(-1)).toMatchObject({ type: 'connection', state: 'reconnecting', attempt: 1, error: { code: 'CONNECTION_LOST' } });
    server.lastRun.say(...shortRun('Hello there.').slice(2));
    await clock.run(1_000);
    await reader.done;
    expect([reader.text(), reader.error]).toEqual(['Hello there.', undefined]);
    expect([server.requests[1]?.path, server.requests[1]?.headers.get('last-event-id')]).toEqual(['/runs/r1/events', 'r1:2']);
  });

  it('gives the same events when the stream is cut at any byte', async () => {
    const events = shortRun('äöü €');
    const whole = await (async () => {
      const { begin } = setup((run) => run.say(...events));
      const reader = read(begin());
      await reader.done;
      return reader.run();
    })();
    let breaks = 0;
    for (let at = 1; ; at += 1) {
      const { server, clock, begin } = setup((run) => run.say(...events));
      server.breakAfterBytes.push(at);
      const reader = read(begin());
      for (let turn = 0; turn < 40 && server.requests.length < 2 && reader.run().length < whole.length; turn += 1) await settle();
      await clock.run(1_000);
      await reader.done;
      expect([reader.run(), reader.error], `cut after ${at} bytes`).toEqual([whole, undefined]);
      if (server.requests.length === 1) break;
      breaks += 1;
    }
    expect(breaks).toBeGreaterThan(300);
  });

  it('gives the same events over many random breaks, also before the first event', async () => {
    const dice = random();
    console.log(`seed ${dice.seed}`);
    const events = shortRun('one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen');
    for (let round = 0; round < 60; round += 1) {
      const { server, clock, begin } = setup((run) => run.say(...events));
      for (let each = 0; each < 12; each += 1) server.breakAfterBytes.push(dice.int(1, 500));
      const reader = read(begin({ maxTries: 20 }));
      let over = false;
      void reader.done.then(() => (over = true));
      while (!over) await clock.run(20_000, settled);
      expect([reader.run().map(({ type }) => type), reader.error]).toEqual([events.map(({ type }) => type), undefined]);
      expect(reader.text()).toBe('one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen');
      expect(server.runs).toHaveLength(1);
    }
  });

  it('drops what comes twice', async () => {
    const { server, begin } = setup((run) => run.say(...shortRun('Hello there.').slice(0, 3)));
    const stream = begin();
    const reader = read(stream);
    await settled();
    server.lastRun.raw('id: r1:2\nevent: response.text.delta\ndata: {"type":"response.text.delta","runId":"r1","itemId":"m1","delta":"Hello "}\n\n');
    server.lastRun.say(...shortRun('Hello there.').slice(3));
    await reader.done;
    expect([reader.text(), stream.duplicates]).toEqual(['Hello there.', 1]);
  });

  it('tells of events that the server has forgotten', async () => {
    const { server, clock, begin } = setup((run) => run.say(...shortRun('Hello there.').slice(0, 2)));
    const stream = begin();
    const reader = read(stream);
    await settled();
    server.lastRun.cut();
    server.lastRun.say(...shortRun('Hello there.').slice(2));
    server.lastRun.forget(4);
    await settled();
    await clock.run(1_000);
    await reader.done;
    expect(reader.events.filter(({ type }) => type === 'gap')).toEqual([{ type: 'gap', from: 3, to: 4 }]);
    expect([reader.run().at(-1)?.type, stream.position]).toEqual(['run.done', 5]);
  });

  it('tells of a hole in the numbers as of any other loss', async () => {
    const { server, begin } = setup((run) => run.say({ type: 'run.start', agentName: 'Ava' }));
    const reader = read(begin());
    await settled();
    server.lastRun.raw('id: r1:5\nevent: run.done\ndata: {"type":"run.done","runId":"r1","text":"","end":"completed"}\n\n');
    await reader.done;
    expect(reader.events.slice(-2)).toEqual([{ type: 'gap', from: 2, to: 4 }, { type: 'run.done', runId: 'r1', text: '', end: 'completed' }]);
  });

  it('connects again when nothing comes for 2.5 heartbeats, and not while pings or comments come', async () => {
    const { server, clock, begin } = setup((run) => run.say({ type: 'run.start', agentName: 'Ava' }));
    const reader = read(begin());
    await settled();
    for (const beat of [': heartbeat\n\n', 'event: ping\ndata: {}\n\n']) {
      await clock.run(37_000, settled);
      server.lastRun.raw(beat);
      await settled();
    }
    await clock.run(37_499, settled);
    expect(server.requests).toHaveLength(1);
    await clock.run(1, settled);
    expect(reader.events.at(-1)).toMatchObject({ state: 'reconnecting', error: { code: 'CONNECTION_LOST', message: expect.stringContaining('heartbeat') } });
    expect(server.lastRun.connections).toBe(0);
    await clock.run(1_000, settled);
    server.lastRun.say({ type: 'run.done', text: '', end: 'completed' });
    await reader.done;
    expect([server.requests.length, reader.error]).toEqual([2, undefined]);
  });

  it('does not take its own slowness for silence, and holds a bounded number of events', async () => {
    const { server, clock, begin } = setup((run) => run.say({ type: 'run.start', agentName: 'Ava' }, ...Array.from({ length: 2_000 }, (_each, index) => ({ type: 'response.text.delta', itemId: 'm1', delta: `${index} ` }) as const), { type: 'run.done', text: '', end: 'completed' }));
    const stream = begin();
    await stream.next();
    await settled();
    expect(stream.position).toBeLessThan(300);
    await clock.run(600_000, settled);
    expect(server.requests).toHaveLength(1);
    const reader = read(stream);
    await reader.done;
    expect([reader.run().length, reader.error]).toEqual([2_002, undefined]);
  });

  it('lengthens its pauses up to the limit, begins with the one that the server asks for, and gives up after the last try', async () => {
    const { server, clock, begin } = setup();
    server.retryMs = 2_000;
    const reader = read(begin({ maxTries: 5, maxRetryMs: 20_000, random: () => 0.5 }));
    await settled();
    server.instead.push(...Array.from({ length: 5 }, () => new TypeError('fetch failed')));
    server.lastRun.cut();
    await clock.run(200_000, settled);
    await reader.done;
    const delays = reader.events.flatMap((event) => (event.type === 'connection' && event.state === 'reconnecting' ? [event.delayMs] : []));
    expect(delays).toEqual([2_500, 5_000, 10_000, 20_000, 25_000]);
    expect(reader.error).toMatchObject({ name: 'HostError', code: 'RUN_STREAM_LOST', cause: { code: 'GATEWAY_UNREACHABLE' }, hint: expect.any(String) });
    expect(server.requests).toHaveLength(6);
  });

  it('starts to count tries anew when something has come', async () => {
    const { server, clock, begin } = setup((run) => run.say({ type: 'run.start', agentName: 'Ava' }));
    const reader = read(begin({ maxTries: 1 }));
    for (let round = 0; round < 4; round += 1) {
      await settled();
      server.lastRun.raw('event: ping\ndata: {}\n\n');
      await settled();
      server.lastRun.cut();
      await clock.run(1_000, settled);
    }
    expect([server.requests.length, reader.error]).toEqual([5, undefined]);
    // A connection that opens and brings nothing is no progress.
    server.lastRun.cut();
    await clock.run(1_000, settled);
    server.lastRun.cut();
    await clock.run(1_000, settled);
    await reader.done;
    expect(reader.error).toMatchObject({ code: 'RUN_STREAM_LOST' });
  });

  it('never asks twice for a run that may have been begun', async () => {
    for (const failure of [new TypeError('fetch failed'), 'silence', errorAnswer(504, 'PROXY', 'Timed out.')] as const) {
      const { server, clock, begin } = setup();
      server.instead.push(failure);
      const reader = read(begin());
      await clock.run(100_000, settled);
      await reader.done;
      expect([server.requests.length, reader.error]).toEqual([1, expect.objectContaining({ code: failure instanceof TypeError || failure === 'silence' ? 'GATEWAY_UNREACHABLE' : 'PROXY', retryable: true })]);
      expect(clock.pendingTimers).toBe(0);
    }
  });

  it('asks again where the server is full and says when, and gives up at once when that is far off', async () => {
    const { server, clock, begin } = setup((run) => run.say(...shortRun()));
    server.instead.push(errorAnswer(429, 'RATE_LIMITED', 'Slow down.', { 'retry-after': '7' }), errorAnswer(503, 'GATEWAY_FULL', 'Full.'));
    const reader = read(begin());
    await clock.run(6_999, settled);
    expect(server.requests).toHaveLength(1);
    await clock.run(3_001, settled);
    await reader.done;
    expect([server.requests.length, reader.error, reader.run().length]).toEqual([3, undefined, shortRun().length]);

    const far = setup();
    far.server.instead.push(errorAnswer(429, 'RATE_LIMITED', 'Tomorrow.', { 'retry-after': '86400' }));
    const turnedAway = read(far.begin());
    await turnedAway.done;
    expect(turnedAway.error).toMatchObject({ code: 'RATE_LIMITED', message: 'Tomorrow.', hint: 'A hint.' });
  });

  it('passes on why the server says no, in its own words or in ours', async () => {
    const cases = [
      [errorAnswer(401, 'UNAUTHORIZED', 'Who are you?'), { name: 'VoicewireError', code: 'UNAUTHORIZED', message: 'Who are you?', hint: 'A hint.', retryable: false }],
      [{ status: 404, body: '<html>nothing</html>' }, { code: 'GATEWAY_REFUSED', message: expect.stringContaining('404') }],
      [{ status: 405, body: 'Only GET.' }, { code: 'GATEWAY_REFUSED', hint: 'This server has no runs at this address.' }],
      [{ status: 500, body: 'x'.repeat(100_000) }, { code: 'GATEWAY_REFUSED' }],
      [{ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }, { code: 'GATEWAY_REFUSED', message: expect.stringContaining('text/html') }],
    ] as const;
    for (const [answer, expected] of cases) {
      const { server, begin } = setup();
      server.instead.push(answer);
      const reader = read(begin());
      await reader.done;
      expect(reader.error).toMatchObject(expected);
    }
  });

  it('ends with the server’s word when a run is not there any more', async () => {
    const { server, clock, begin } = setup((run) => run.say({ type: 'run.start', agentName: 'Ava' }));
    const reader = read(begin());
    await settled();
    server.lastRun.cut();
    server.runs.length = 0;
    await clock.run(1_000, settled);
    await reader.done;
    expect(reader.error).toMatchObject({ code: 'RUN_NOT_FOUND' });
  });

  it('says so when the run is over and its end never came', async () => {
    const { server, clock, begin } = setup((run) => run.say({ type: 'run.start', agentName: 'Ava' }));
    const reader = read(begin());
    await settled();
    server.instead.push({ status: 204 });
    server.lastRun.cut();
    await clock.run(1_000, settled);
    await reader.done;
    expect(reader.error).toMatchObject({ code: 'RUN_STREAM_LOST' });
  });

  it.each([
    ['what is no JSON', 'id: r1:2\nevent: response.text.delta\ndata: {"type":\n\n', 'PROTOCOL_BAD_EVENT'],
    ['what is no object', 'id: r1:2\nevent: response.text.delta\ndata: [1]\n\n', 'PROTOCOL_BAD_EVENT'],
    ['a member of another type', 'id: r1:2\nevent: response.text.delta\ndata: {"type":"response.text.delta","itemId":"m","delta":7}\n\n', 'PROTOCOL_BAD_EVENT'],
    ['two types', 'id: r1:2\nevent: run.done\ndata: {"type":"run.error"}\n\n', 'PROTOCOL_BAD_EVENT'],
    ['an id without a run', 'id: 2\nevent: run.done\ndata: {"type":"run.done","text":"","end":"completed"}\n\n', 'PROTOCOL_BAD_EVENT'],
    ['an event of another run', 'id: r9:2\nevent: run.done\ndata: {"type":"run.done","text":"","end":"completed"}\n\n', 'PROTOCOL_BAD_EVENT'],
    ['a gap that ends before it begins', 'event: gap\ndata: {"from":3,"to":2}\n\n', 'PROTOCOL_BAD_EVENT'],
    ['a line without end', `data: ${'x'.repeat(2_000)}`, 'PROTOCOL_BAD_FRAME'],
  ])('reports %s and asks for no more of it', async (_what, raw, code) => {
    const { server, clock, begin } = setup((run) => run.say({ type: 'run.start', agentName: 'Ava' }));
    const reader = read(begin({ maxEventBytes: 1_000 }));
    await settled();
    server.lastRun.raw(raw);
    await reader.done;
    expect([reader.error, reader.run().length, clock.pendingTimers]).toEqual([expect.objectContaining({ name: 'ProtocolError', code }), 1, 0]);
    await clock.run(100_000, settled);
    expect(server.requests).toHaveLength(1);
  });

  it('reads over events that a newer server has, and counts them', async () => {
    const { server, begin } = setup((run) => run.say({ type: 'run.start', agentName: 'Ava' }));
    const stream = begin();
    const reader = read(stream);
    await settled();
    server.lastRun.raw('id: r1:2\nevent: response.smell.delta\ndata: {"type":"response.smell.delta"}\n\nid: r1:3\nevent: run.done\ndata: {"type":"run.done","runId":"r1","text":"","end":"completed"}\n\n');
    await reader.done;
    expect([reader.events.map(({ type }) => type), stream.position]).toEqual([['connection', 'run.start', 'run.done'], 3]);
  });

  it('ends with the server’s word where the run gave none', async () => {
    const { server, begin } = setup((run) => run.say({ type: 'run.start', agentName: 'Ava' }));
    const stream = begin();
    const reader = read(stream);
    await settled();
    server.lastRun.raw('id: r1:2\nevent: end\ndata: {"type":"end","runId":"r1","reason":"disconnected"}\n\n');
    await reader.done;
    expect([reader.events.at(-1), reader.error, stream.status]).toEqual([{ type: 'end', runId: 'r1', reason: 'disconnected' }, undefined, 'ended']);
    await stream.stop();
    expect(server.requests).toHaveLength(1);
  });

  it('never sends what looks like the key of a provider', async () => {
    const { server, begin } = setup();
    const reader = read(begin({ headers: { authorization: 'Bearer sk-proj-0123456789abcdef0123' } }));
    await reader.done;
    expect([reader.error, server.requests.length]).toEqual([expect.objectContaining({ code: 'USAGE' }), 0]);
  });
});

describe('an abort', () => {
  it('ends everything at once, in each state', async () => {
    const states: [string, (setup: Setup) => Promise<void>][] = [
      ['connecting', async ({ server }) => void server.requests],
      ['open', settled],
      ['reconnecting', async ({ server }) => (await settled(), server.lastRun.cut(), await settled())],
    ];
    for (const [name, reach] of states) {
      const each = setup((run) => run.say({ type: 'run.start', agentName: 'Ava' }));
      if (name === 'connecting') each.server.instead.push('silence');
      const controller = new AbortController();
      const stream = each.begin({ signal: controller.signal });
      const reader = read(stream);
      await reach(each);
      expect(stream.status).toBe(name);
      const reason = new Error('enough');
      controller.abort(reason);
      await reader.done;
      expect([reader.error, stream.status, each.clock.pendingTimers], name).toEqual([reason, 'ended', 0]);
      await each.clock.run(100_000, settled);
      expect(each.server.requests).toHaveLength(1);
    }
  });

  it('is looked at first, and drops what has not been read', async () => {
    const { server, begin } = setup((run) => run.say(...shortRun()));
    await expect(begin({ signal: AbortSignal.abort(new Error('before')) }).next()).rejects.toThrow('before');
    expect(server.requests).toHaveLength(0);
    const controller = new AbortController();
    const stream = begin({ signal: controller.signal });
    await stream.next();
    await settled();
    controller.abort(new Error('enough'));
    await expect(stream.next()).rejects.toThrow('enough');
    await expect(stream.stop()).rejects.toThrow('enough');
  });
});

describe('leaving the loop', () => {
  it('lets go of the connection, also while a next() is pending', async () => {
    const { server, clock, begin } = setup((run) => run.say({ type: 'run.start', agentName: 'Ava' }));
    const stream = begin();
    await stream.next();
    await stream.next();
    const pending = stream.next();
    await stream.return();
    expect(await pending).toEqual({ value: undefined, done: true });
    expect([stream.status, clock.pendingTimers]).toEqual(['ended', 0]);
    await clock.run(100_000, settled);
    expect(server.requests).toHaveLength(1);
  });
});

describe('stop()', () => {
  it('asks the server to stop, and the last event still comes', async () => {
    const { server, begin } = setup((run) => run.say(...shortRun().slice(0, 3)));
    const stream = begin({ headers: { authorization: 'Bearer t' } });
    const reader = read(stream);
    await settled();
    await stream.stop();
    await reader.done;
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['POST /chat/stream', 'POST /runs/r1/stop']);
    expect(server.requests[1]?.headers.get('authorization')).toBe('Bearer t');
    expect(reader.run().at(-1)).toMatchObject({ type: 'run.done', end: 'cancelled' });
    await stream.stop();
    expect(server.requests).toHaveLength(2);
  });

  it('works while the connection is lost, and after the loop was left', async () => {
    const { server, begin } = setup((run) => run.say(...shortRun().slice(0, 3)));
    const lost = begin();
    const reader = read(lost);
    await settled();
    server.lastRun.cut();
    await settled();
    expect(lost.status).toBe('reconnecting');
    await lost.stop();
    expect(server.requests.at(-1)?.path).toBe('/runs/r1/stop');
    await lost.return();
    await reader.done;

    const left = begin();
    await left.next();
    await left.return();
    await left.stop();
    expect(server.requests.at(-1)?.path).toBe('/runs/r2/stop');
  });

  it('waits for the id of a run that is being begun', async () => {
    const { server, begin } = setup();
    const stream = begin();
    const reader = read(stream);
    await stream.stop();
    await reader.done;
    expect(server.requests.map(({ path }) => path)).toEqual(['/chat/stream', '/runs/r1/stop']);
  });

  it('says when it has failed, and may be tried again', async () => {
    const { server, begin } = setup((run) => run.say(...shortRun().slice(0, 3)));
    const stream = begin();
    const reader = read(stream);
    await settled();
    for (const answer of [new TypeError('fetch failed'), errorAnswer(404, 'RUN_NOT_FOUND', 'There is no such run.'), { status: 200, body: '{ "stopped": false }' }, { status: 200, body: 'OK' }]) {
      server.instead.push(answer);
      await expect(stream.stop()).rejects.toMatchObject({ name: 'HostError', code: 'RUN_STOP_FAILED', hint: expect.any(String) });
    }
    await stream.stop();
    await reader.done;
    expect(reader.run().at(-1)?.type).toBe('run.done');
  });

  it('fails when the server does not answer, and when nobody knows the id', async () => {
    const { server, clock, begin } = setup();
    const stream = begin();
    const reader = read(stream);
    await settled();
    server.instead.push('silence');
    const stopped = stream.stop().catch((error: unknown) => error);
    await clock.run(15_000, settled);
    expect(await stopped).toMatchObject({ code: 'RUN_STOP_FAILED', cause: { code: 'GATEWAY_UNREACHABLE' } });
    await stream.return();
    await reader.done;

    server.instead.push('silence');
    const nameless = begin();
    const namelessReader = read(nameless);
    const failed = nameless.stop().catch((error: unknown) => error);
    await clock.run(15_000, settled);
    expect(await failed).toMatchObject({ code: 'RUN_STOP_FAILED' });
    await namelessReader.done;
  });

  it('asks nobody where nothing was begun', async () => {
    const { server, begin } = setup();
    const stream = begin();
    await stream.stop();
    expect([server.requests.length, (await stream.next()).done]).toEqual([0, true]);
  });
});

describe('resumeRun', () => {
  it('takes up a run after the number that is given, and another stream of it is another reader', async () => {
    const { server, options, begin } = setup((run) => run.say(...shortRun('Hello there.').slice(0, 3)));
    const first = begin();
    await first.next();
    await first.next();
    await first.next();
    await settled();
    const reader = read(resumeRun(ADDRESS, { runId: 'r1', after: 2, ...options }));
    await settled();
    server.lastRun.say(...shortRun('Hello there.').slice(3));
    await reader.done;
    expect(reader.run().map(({ type }) => type)).toEqual(['response.text.delta', 'run.step.done', 'run.done']);
    await first.return();
  });

  it('ends quietly when everything was had before', async () => {
    const { server, options, begin } = setup((run) => run.say(...shortRun()));
    await read(begin()).done;
    const reader = read(resumeRun(ADDRESS, { runId: 'r1', after: shortRun().length, ...options }));
    await reader.done;
    expect([reader.events, reader.error, server.requests.at(-1)?.method]).toEqual([[], undefined, 'GET']);
  });

  it('finds runs beside the address, or where it is told', async () => {
    const seen: string[] = [];
    const fetch = (url: string): Promise<Response> => (seen.push(url), Promise.resolve(new Response(null, { status: 204 })));
    for (const runsUrl of [undefined, 'https://runs.example.com/v2/runs', 'https://runs.example.com/v2/runs/']) {
      await read(resumeRun(URL, { runId: 'a b', fetch, clock: new ManualClock(), ...(runsUrl === undefined ? {} : { runsUrl }) })).done;
    }
    expect(seen).toEqual(['https://app.example.com/api/runs/a%20b/events', 'https://runs.example.com/v2/runs/a%20b/events', 'https://runs.example.com/v2/runs/a%20b/events']);
  });
});
