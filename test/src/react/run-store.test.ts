import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { RunStore, runText, useRun } from '../../../src/react/index.js';
import type { RunView } from '../../../src/react/index.js';
import { FrameStore } from '../../../src/react/frame-store.js';
import { ManualClock } from '../../../src/testing.js';
import { RunServer, errorAnswer, shortRun } from '../../helpers/run-server.js';
import type { ServedRun } from '../../helpers/run-server.js';
import { settle } from '../../helpers/settle.js';

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await settle();
};

/** Frames that come when a test says so. */
class Frames {
  readonly #waiting = new Set<() => void>();
  readonly request = (fire: () => void): (() => void) => {
    this.#waiting.add(fire);
    return () => this.#waiting.delete(fire);
  };

  get waiting(): number {
    return this.#waiting.size;
  }

  next(): void {
    const due = [...this.#waiting];
    this.#waiting.clear();
    for (const fire of due) fire();
  }
}

function setup(onRun: (run: ServedRun) => void = () => {}) {
  const server = new RunServer();
  server.onRun = onRun;
  const clock = new ManualClock();
  const frames = new Frames();
  const store = new RunStore({ url: 'https://app.example.com/chat/stream', fetch: server.fetch, clock, random: () => 0, requestFrame: frames.request });
  const shown: RunView[] = [];
  const unsubscribe = store.subscribe(() => shown.push(store.getSnapshot()));
  const frame = async (): Promise<RunView & { readonly text: string }> => {
    await settled();
    frames.next();
    return { ...store.getSnapshot(), text: runText(store.getSnapshot()) };
  };
  return { server, clock, frames, store, shown, unsubscribe, frame };
}

describe('FrameStore', () => {
  it('tells its readers once a frame, of the newest value', () => {
    const frames = new Frames();
    const store = new FrameStore(0, frames.request);
    let told = 0;
    const off = store.subscribe(() => (told += 1));
    for (let value = 1; value <= 100; value += 1) store.set(value);
    expect([told, store.getSnapshot(), store.value, frames.waiting]).toEqual([0, 0, 100, 1]);
    frames.next();
    expect([told, store.getSnapshot(), frames.waiting]).toEqual([1, 100, 0]);
    store.set(101);
    off();
    expect([frames.waiting, store.getSnapshot()]).toEqual([0, 101]);
    store.set(102);
    expect([told, store.getSnapshot(), frames.waiting]).toEqual([1, 102, 0]);
  });
});

describe('RunStore', () => {
  it('shows a run as it comes, at most once a frame', async () => {
    const { server, store, shown, frame } = setup((run) => run.say(...shortRun('one two three four').slice(0, 4)));
    expect(store.getSnapshot()).toMatchObject({ status: 'idle', parts: [] });
    expect(store.send('Hi')).toBe(true);
    expect(await frame()).toMatchObject({ status: 'running', text: 'one two three ', runId: 'r1', agentName: 'Ava' });
    server.lastRun.say(...shortRun('one two three four').slice(4));
    expect(await frame()).toMatchObject({ status: 'completed', text: 'one two three four' });
    expect(shown).toHaveLength(2);
  });

  it('begins one run at a time, and the next with an empty view', async () => {
    const { server, store, frame } = setup();
    store.send('One');
    await frame();
    expect([store.send('Two'), store.resume('r1'), server.runs.length]).toEqual([false, false, 1]);
    server.lastRun.say(...shortRun('Done.'));
    expect((await frame()).text).toBe('Done.');
    expect(store.send('Two')).toBe(true);
    expect(await frame()).toMatchObject({ status: 'running', text: '' });
    expect(server.runs.map(({ body }) => body)).toEqual([{ input: 'One', dialect: 'flat' }, { input: 'Two', dialect: 'flat' }]);
  });

  it('takes the options that count when a run begins', async () => {
    const { server, store, frame } = setup((run) => run.say(...shortRun()));
    store.configure({ url: 'https://app.example.com/chat/stream', fetch: server.fetch, conversationId: 'c7', headers: { 'x-token': 't' } });
    store.send('Hi');
    await frame();
    expect([server.lastRun.body, server.requests[0]?.headers.get('x-token')]).toEqual([{ input: 'Hi', dialect: 'flat', conversationId: 'c7' }, 't']);
  });

  it('tells of a lost connection, and goes on', async () => {
    const { server, clock, store, frame } = setup((run) => run.say(...shortRun('Hello there.').slice(0, 2)));
    store.send('Hi');
    await frame();
    server.lastRun.cut();
    expect(await frame()).toMatchObject({ status: 'reconnecting', text: 'Hello ' });
    server.lastRun.say(...shortRun('Hello there.').slice(2));
    await clock.run(1_000);
    expect(await frame()).toMatchObject({ status: 'completed', text: 'Hello there.' });
  });

  it('stops a run, and says so while it does', async () => {
    const { server, store, frame } = setup((run) => run.say(...shortRun().slice(0, 2)));
    server.onStop = () => undefined;
    store.send('Hi');
    await frame();
    const stopped = store.stop();
    expect(await frame()).toMatchObject({ status: 'stopping' });
    expect(await stopped).toBe(true);
    server.lastRun.say({ type: 'run.done', text: 'Hello, ', end: 'cancelled' });
    expect(await frame()).toMatchObject({ status: 'cancelled', text: 'Hello, ' });
    expect([await store.stop(), server.requests.length]).toEqual([true, 2]);
  });

  it('is honest about a stop that failed', async () => {
    const { server, store, frame } = setup((run) => run.say(...shortRun('Hello there.').slice(0, 2)));
    store.send('Hi');
    await frame();
    server.instead.push(errorAnswer(503, 'GATEWAY_CLOSING', 'Going.'));
    expect(await store.stop()).toBe(false);
    expect(await frame()).toMatchObject({ status: 'running', error: { code: 'RUN_STOP_FAILED' } });
    server.lastRun.say(...shortRun('Hello there.').slice(2));
    expect(await frame()).toMatchObject({ status: 'completed', text: 'Hello there.' });
  });

  it('stops a run that waits for a server that was full: nothing was begun', async () => {
    const { server, clock, store, frame } = setup();
    server.instead.push(errorAnswer(503, 'GATEWAY_FULL', 'Full.'));
    store.send('Hi');
    expect(await frame()).toMatchObject({ status: 'reconnecting' });
    expect(await store.stop()).toBe(true);
    expect(await frame()).toMatchObject({ status: 'cancelled' });
    await clock.run(100_000);
    expect(server.requests).toHaveLength(1);
  });

  it('shows why a run failed, of the run itself and of its connection', async () => {
    const { server, store, frame } = setup();
    server.instead.push(errorAnswer(401, 'UNAUTHORIZED', 'Who are you?'));
    store.send('Hi');
    expect(await frame()).toMatchObject({ status: 'failed', error: { code: 'UNAUTHORIZED', message: 'Who are you?', hint: 'A hint.' } });
    store.send('Hi');
    await settled();
    server.lastRun.say({ type: 'run.error', error: { code: 'MODEL_REFUSED', message: 'No.' } });
    expect(await frame()).toMatchObject({ status: 'failed', error: { code: 'MODEL_REFUSED' } });
  });

  it('shows a run again from its beginning', async () => {
    const { server, store, frame } = setup((run) => run.say(...shortRun('Hello there.')));
    store.send('Hi');
    await frame();
    expect(store.resume('r1')).toBe(true);
    expect(await frame()).toMatchObject({ status: 'completed', text: 'Hello there.', lostEvents: 0 });
    expect(server.runs).toHaveLength(1);
  });

  it('changes nothing after close, lets go of the connection, and can begin anew', async () => {
    const { server, clock, frames, store, shown, unsubscribe, frame } = setup((run) => run.say(...shortRun().slice(0, 2)));
    store.send('Hi');
    await frame();
    const before = shown.length;
    unsubscribe();
    store.close();
    store.close();
    await settled();
    expect([server.lastRun.connections, clock.pendingTimers]).toEqual([0, 0]);
    server.lastRun.say(...shortRun().slice(2));
    await settled();
    expect([shown.length, frames.waiting, clock.pendingTimers, store.getSnapshot().status, server.requests.length]).toEqual([before, 0, 0, 'idle', 1]);
    expect(store.send('Again')).toBe(true);
    await settled();
    expect(store.getSnapshot().status).toBe('running');
  });
});

describe('useRun', () => {
  it('renders on a server, where nothing runs', () => {
    const Shown = (): ReturnType<typeof createElement> => {
      const { status, text } = useRun({ url: '/chat/stream' });
      return createElement('p', null, `${status}:${text}`);
    };
    expect(renderToString(createElement(Shown))).toBe('<p>idle:</p>');
  });
});
