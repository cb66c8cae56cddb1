/** Real sockets through a proxy that stops passing anything, in either direction, and closes nothing. Time is the test's own. */
import { once } from 'node:events';
import { createServer, connect as connectTcp } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { RealtimeAgent, RealtimeSession } from '../../../session/index.js';
import type { SessionEventMap } from '../../../session/index.js';
import { startEmulator } from '../../../src/emulator/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { openaiRealtime } from '../../../src/provider/openai/openai-realtime.js';

interface Proxy extends AsyncDisposable {
  readonly url: string;
  /** What is open now passes nothing any more; what is opened later does. */
  freeze(): void;
}

async function startProxy(target: URL): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connectTcp(Number(target.port), target.hostname);
    pairs.add([near, far]);
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.pipe(far);
    far.pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    freeze: () => {
      for (const [near, far] of pairs) {
        near.unpipe(far);
        far.unpipe(near);
        near.pause();
        far.pause();
      }
    },
    async [Symbol.asyncDispose]() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function next<Type extends keyof SessionEventMap>(session: RealtimeSession, type: Type, which: (event: SessionEventMap[Type]) => boolean = () => true): Promise<SessionEventMap[Type]> {
  return new Promise((resolve) => {
    const off = session.on(type, (event) => {
      if (!which(event)) return;
      off();
      resolve(event);
    });
  });
}

describe('a half-open socket', () => {
  it.each([
    ['is noticed and replaced 5 s after something is owed', (session: RealtimeSession) => void session.respond(), [5_000], 'response_not_begun'],
    ['is found by pings when nothing is', () => undefined, [30_000, 30_000], 'close code 1006'],
  ])('%s', async (_what, owe, passes, reason) => {
    await using emulator = await startEmulator();
    await using proxy = await startProxy(new URL(emulator.url));
    const clock = new ManualClock(1_000);
    await using session = new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model: openaiRealtime({ url: proxy.url, clock }), clock, reconnect: { baseDelayMs: 0 } });
    await session.connect();
    proxy.freeze();
    owe(session);
    const lost = next(session, 'connection', ({ connection }) => connection.state === 'reconnecting');
    const resumed = next(session, 'connection', ({ connection }) => connection.state === 'resumed');
    for (const ms of passes) clock.advance(ms);
    expect(await lost).toMatchObject({ info: { timestamp: 1_000 + passes.reduce((a, b) => a + b, 0) }, connection: { reason } });
    await resumed;
    const answered = next(session, 'agent_end');
    session.sendMessage('Hello?');
    expect(await answered).toMatchObject({ outcome: 'completed' });
    // The old socket's peer does not answer the close: it is cut.
    clock.advance(2_000);
  });
});
