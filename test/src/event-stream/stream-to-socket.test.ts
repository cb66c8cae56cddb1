/** Streams over message sockets: what a slow reader costs, and how each end is told. */
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { SocketFan, streamToSocket } from '../../../src/event-stream/index.js';
import type { SocketStreamOptions } from '../../../src/event-stream/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { standardTransport } from '../../../src/transport/browser-socket.js';
import { scriptedTransport } from '../../../src/transport/scripted.js';
import { connectWebSocket } from '../../../src/transport/ws-client.js';
import { heldBytes } from '../../helpers/heap.js';
import { settle } from '../../helpers/settle.js';
import { listenTo, openDoor } from '../../helpers/socket-pair.js';

interface Event {
  readonly type: string;
  readonly itemId?: string;
  readonly delta?: string;
  readonly n?: number;
}

/** A socket that takes nothing: what is handed to it stays in it, until the test lets it go. */
function stuckSocket() {
  const clock = new ManualClock();
  const { transport, far } = scriptedTransport({ clock });
  let bytes = 0;
  let peak = 0;
  const counting = {
    get protocol() {
      return transport.protocol;
    },
    get bufferedBytes() {
      return bytes;
    },
    listen: transport.listen.bind(transport),
    send(data: string | Uint8Array) {
      bytes += data.length;
      peak = Math.max(peak, bytes);
      transport.send(data);
    },
    pause() {},
    resume() {},
    close: transport.close.bind(transport),
    destroy: transport.destroy.bind(transport),
  };
  return { clock, transport: counting, far, reads: (count = Infinity) => (bytes = Math.max(0, bytes - count)), peak: () => peak, sent: () => far.sent.map((text) => JSON.parse(String(text)) as Event) };
}

function producer() {
  const counts = { asked: 0, finished: 0 };
  const waiting: ((event: Event) => void)[] = [];
  const ready: Event[] = [];
  async function* stream(): AsyncGenerator<Event> {
    try {
      for (;;) {
        const next = ready.shift() ?? (await new Promise<Event>((resolve) => waiting.push(resolve)));
        counts.asked += 1;
        if (next.type === 'stop') return;
        yield next;
      }
    } finally {
      counts.finished += 1;
    }
  }
  return { counts, stream: stream(), push: (event: Event) => (waiting.shift() ?? ((given: Event) => void ready.push(given)))(event) };
}

const delta = (text: string, itemId = 'm1'): Event => ({ type: 'response.text.delta', itemId, delta: text });

describe('a stream to one socket', () => {
  it('is a message for each value, and a polite end', async () => {
    const { clock, transport, sent, far } = stuckSocket();
    const end = await streamToSocket(transport, (async function* () {
      yield { type: 'a' };
      yield { type: 'b' };
    })(), { clock, windowBytes: 1_000 });
    expect(end).toEqual({ reason: 'done', sent: 2, coalesced: 0, replaced: 0, droppedAudioMs: 0 });
    expect([sent(), far.nearClosed, clock.pendingTimers]).toEqual([[{ type: 'a' }, { type: 'b' }], { code: 1000, reason: 'done' }, 0]);
  });

  it('that may wait asks for no value that cannot be sent', async () => {
    const { clock, transport, reads } = stuckSocket();
    const { counts, stream, push } = producer();
    for (let n = 0; n < 50; n += 1) push({ type: 'x', n });
    const ending = streamToSocket(transport, stream, { clock, windowBytes: 60 });
    await clock.run(1_000);
    const { asked } = counts;
    expect(asked).toBeLessThan(6);
    reads();
    await clock.run(20);
    expect(counts.asked).toBeGreaterThan(asked);
    expect(counts.asked).toBeLessThan(2 * 6);
    await transport.close();
    expect(await ending).toMatchObject({ reason: 'gone' });
  });

  it('that may not wait is not held: deltas grow together, control stays, and all of it arrives', async () => {
    const { clock, transport, reads, sent } = stuckSocket();
    const { counts, stream, push } = producer();
    let over = false;
    const ending = streamToSocket(transport, stream, { clock, whenSlow: 'shed', windowBytes: 10 }).finally(() => (over = true));
    push({ type: 'first' });
    for (let n = 0; n < 1_000; n += 1) push(delta(`${n} `));
    push({ type: 'run.done' });
    while (counts.asked < 1_002) await settle();
    await clock.run(1_000);
    expect(sent()).toEqual([{ type: 'first' }]);
    push({ type: 'stop' });
    while (!over) {
      reads();
      await clock.run(20);
    }
    expect(await ending).toMatchObject({ reason: 'done', sent: 3, coalesced: 999 });
    expect(sent()).toEqual([{ type: 'first' }, delta(Array.from({ length: 1_000 }, (_, n) => `${n} `).join('')), { type: 'run.done' }]);
  });

  it('holds what is allowed of 50 MB a second, and lets a reader go that takes nothing: 1013 with a reason', async () => {
    const { clock, transport, far, peak } = stuckSocket();
    let made = 0;
    const life = { finished: 0 };
    async function* flood(): AsyncGenerator<Event> {
      try {
        for (;;) {
          made += 50_000;
          yield delta('x'.repeat(50_000));
        }
      } finally {
        life.finished += 1;
      }
    }
    const before = await heldBytes();
    const end = await streamToSocket(transport, flood(), { clock, whenSlow: 'shed', maxUnreadBytes: 1_000_000, windowBytes: 64_000 });
    expect(end.reason).toBe('too_slow');
    expect(far.nearClosed).toEqual({ code: 1013, reason: 'CLIENT_TOO_SLOW' });
    expect(made).toBeLessThan(4_200_000);
    expect(peak()).toBeLessThanOrEqual(64_000);
    expect(life.finished).toBe(1);
    expect((await heldBytes()) - before).toBeLessThan(1_000_000);
  });

  it('lets a reader go that leaves more than its mark unread for 10 s', async () => {
    const { clock, transport, far } = stuckSocket();
    const { stream, push } = producer();
    const ending = streamToSocket(transport, stream, { clock, whenSlow: 'shed', maxUnreadBytes: 1_000, windowBytes: 500 });
    for (let n = 0; n < 20; n += 1) push({ type: 'control', delta: 'y'.repeat(60), n });
    await clock.run(9_900);
    expect(far.nearClosed).toBeUndefined();
    await clock.run(100);
    expect(await ending).toMatchObject({ reason: 'too_slow' });
    expect(clock.now()).toBe(10_000);
  });

  it('is let go of when the other side goes or the signal ends it, while a value is waited for', async () => {
    for (const how of ['gone', 'aborted'] as const) {
      const { clock, transport, far } = stuckSocket();
      const calls = { return: 0 };
      const silent: AsyncIterator<Event> = { next: () => new Promise(() => {}), return: () => ((calls.return += 1), Promise.resolve({ value: undefined, done: true })) };
      const life = new AbortController();
      const ending = streamToSocket(transport, { [Symbol.asyncIterator]: () => silent }, { clock, signal: life.signal });
      await settle();
      if (how === 'gone') far.lose();
      else life.abort();
      expect(await ending).toMatchObject({ reason: how, sent: 0 });
      expect([calls.return, clock.pendingTimers, far.nearClosed?.code]).toEqual([1, 0, how === 'gone' ? undefined : 1001]);
    }
  });

  it('that fails says so and closes with 1011', async () => {
    const { clock, transport, far, sent } = stuckSocket();
    const end = await streamToSocket(transport, (async function* (): AsyncGenerator<Event> {
      yield { type: 'a' };
      throw new Error('swordfish');
    })(), { clock });
    expect([end.reason, far.nearClosed?.code, sent()]).toEqual(['failed', 1011, [{ type: 'a' }, expect.objectContaining({ type: 'run.error' })]]);
    expect(JSON.stringify(sent())).not.toContain('swordfish');
  });

  it('goes over a socket of any make', async () => {
    await using host = await openDoor();
    const peer = host.accept();
    const socket = new WebSocket(host.url);
    await new Promise((resolve) => socket.once('open', resolve));
    const seen = listenTo(await peer);
    await streamToSocket(standardTransport(socket as never, { anyCode: true }), (async function* () {
      yield { type: 'hello' };
    })());
    expect(await seen.closed).toMatchObject({ code: 1000, reason: 'done' });
    expect(seen.messages).toEqual(['{"type":"hello"}']);
  });
});

describe('a stream to many sockets', () => {
  const options: SocketStreamOptions<Event> = { maxUnreadBytes: 10_000, windowBytes: 1_000 };

  it('reaches each of them, and one that takes nothing is let go without the others noticing', async () => {
    const clock = new ManualClock();
    const { stream, push, counts } = producer();
    const fan = new SocketFan(stream, { ...options, clock });
    const [stuck, quick] = [stuckSocket(), stuckSocket()];
    expect(counts.asked).toBe(0);
    const ends = [fan.add(stuck.transport), fan.add(quick.transport)];
    for (let n = 0; n < 1_000; n += 1) {
      push({ type: 'control', n });
      // Without the other one it comes as soon.
      while (quick.far.sent.length <= n) await settle();
      quick.reads();
      clock.advance(1);
    }
    await clock.run(10_000);
    expect(await ends[0]).toMatchObject({ reason: 'too_slow' });
    expect(stuck.far.nearClosed?.code).toBe(1013);
    expect(fan.size).toBe(1);
    push({ type: 'stop' });
    expect(await ends[1]).toMatchObject({ reason: 'done', sent: 1_000 });
    expect(counts.finished).toBe(1);
  });

  it('lets go of the stream when it is closed', async () => {
    const { stream, push, counts } = producer();
    const fan = new SocketFan(stream, options);
    const socket = stuckSocket();
    const end = fan.add(socket.transport);
    push({ type: 'a' });
    await settle();
    await Promise.all([fan.close(), fan.close()]);
    expect(await end).toMatchObject({ reason: 'done', sent: 1 });
    push({ type: 'b' });
    await settle();
    expect([counts.finished, socket.far.nearClosed?.code]).toEqual([1, 1000]);
  });

  it('on real sockets holds no more than it may for one that does not read, and the others get all', async () => {
    await using host = await openDoor();
    const { stream, push } = producer();
    const clock = new ManualClock();
    const fan = new SocketFan(stream, { clock, maxUnreadBytes: 500_000, windowBytes: 64_000 });
    const [stuck, quick] = [await connectWebSocket(host.url), await connectWebSocket(host.url)];
    stuck.pause();
    const ends = [fan.add(await host.accept()), fan.add(await host.accept())];
    const seen = listenTo(quick);
    stuck.listen({ onMessage: () => {}, onClose: () => {} });
    let over = false;
    void ends[0]?.then(() => (over = true));
    let count = 0;
    // The system's own buffers take some megabytes first.
    for (; !over && count < 1_000; count += 1) {
      push({ type: 'control', n: count, delta: 'z'.repeat(60_000) } as Event);
      for (let turn = 0; turn < 20 && seen.messages.length <= count; turn += 1) {
        clock.advance(20);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    }
    expect(await ends[0]).toMatchObject({ reason: 'too_slow' });
    await fan.close();
    expect(seen.messages.length).toBeGreaterThanOrEqual(count - 1);
    stuck.destroy();
    quick.destroy();
  });
});
