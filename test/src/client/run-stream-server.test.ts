import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { resumeRun, streamRun } from '../../../src/client/run-stream.js';
import type { RunStream, RunStreamEvent } from '../../../src/client/run-stream.js';
import { MemoryRunStore } from '../../../src/event-stream/index.js';
import { faucet, serveRuns } from '../event-stream/served-runs.js';

/** A line between a client and a server that can be cut, or break by itself after a number of bytes for each connection. */
async function breakableLine(port: number) {
  const sockets = new Set<Socket>();
  const breakAfterBytes: number[] = [];
  let connections = 0;
  const server = createServer((near) => {
    connections += 1;
    let left = breakAfterBytes.shift() ?? Infinity;
    const far = connect(port, '127.0.0.1');
    const cut = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.on('error', cut).on('close', cut);
    near.pipe(far);
    far.on('data', (bytes) => {
      near.write(bytes.subarray(0, left));
      left -= bytes.length;
      if (left <= 0) near.end();
      if (left <= 0) far.destroy();
    });
    sockets.add(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/chat/stream`,
    breakAfterBytes,
    connections: () => connections,
    cut: () => sockets.forEach((socket) => socket.destroy()),
    async [Symbol.asyncDispose]() {
      sockets.forEach((socket) => socket.destroy());
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function collect(stream: RunStream): Promise<RunStreamEvent[]> {
  const events: RunStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

const own = (events: readonly RunStreamEvent[]): readonly RunStreamEvent[] => events.filter(({ type }) => type !== 'connection');
const done = { type: 'run.done', runId: 'x', text: '', end: 'completed' } as const;
const delta = (text: string) => ({ type: 'response.text.delta', runId: 'x', itemId: 'm', delta: text }) as const;
const fast = { retryMs: 50 };

describe('the client and the server of runs', () => {
  it('give a run whole over a line that breaks again and again', async () => {
    const source = faucet();
    await using served = await serveRuns(source.chat, { stream: { retryMs: 50 } });
    await using line = await breakableLine(Number(new URL(served.url).port));
    line.breakAfterBytes.push(500, 700, 900, 400, 1_500);
    const expected = Array.from({ length: 60 }, (_each, index) => delta(`word ${index} `));
    source.push(...expected, done);
    const stream = streamRun(line.url, { input: 'Hi', maxTries: 20, ...fast });
    const events = await collect(stream);
    expect(own(events)).toEqual([...expected, done]);
    expect(line.connections()).toBe(6);
    expect(stream.position).toBe(61);
  });

  it('stop a run, and the end still comes', async () => {
    const source = faucet();
    await using served = await serveRuns(source.chat);
    source.push(delta('one'));
    const stream = streamRun(`${served.url}/chat/stream`, { input: 'Hi', ...fast });
    const events: RunStreamEvent[] = [];
    for await (const event of stream) {
      events.push(event);
      if (event.type === 'response.text.delta') await stream.stop();
    }
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'stopped' });
    await expect.poll(() => source.counts).toMatchObject({ aborted: 1, finished: 1 });
  });

  it('agree on what a run that is over, unknown or refused is', async () => {
    const source = faucet();
    await using served = await serveRuns(source.chat, { maxRuns: 1 });
    const url = `${served.url}/chat/stream`;
    source.push(delta('one'), done);
    const first = streamRun(url, { input: 'Hi', ...fast });
    await collect(first);
    const runId = first.runId as string;
    expect(own(await collect(resumeRun(url, { runId })))).toEqual([delta('one'), done]);
    expect(await collect(resumeRun(url, { runId, after: 2 }))).toEqual([]);
    await expect(collect(resumeRun(url, { runId: 'run_nobody' }))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND', hint: expect.any(String) });
    await expect(collect(resumeRun(url, { runId, headers: { 'x-user': 'eve' } }))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    await expect(collect(streamRun(url, { input: '', ...fast }))).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    const busy = streamRun(url, { input: 'Hi', ...fast });
    await busy.next();
    await expect(collect(streamRun(url, { input: 'Hi', maxTries: 0 }))).rejects.toMatchObject({ code: 'RUN_STREAM_LOST', cause: { code: 'RUNS_FULL' } });
    await busy.stop();
    await busy.return();
  });

  it('tell of what the server has forgotten', async () => {
    const source = faucet();
    await using served = await serveRuns(source.chat, { onDisconnect: 'continue', graceMs: 1, store: new MemoryRunStore({ maxEvents: 20 }) });
    const url = `${served.url}/chat/stream`;
    const first = streamRun(url, { input: 'Hi', ...fast });
    source.push(...Array.from({ length: 200 }, (_each, index) => delta(`${index}`)), done);
    await first.next();
    await first.next();
    const runId = first.runId as string;
    await first.return();
    await expect.poll(() => source.counts.finished).toBe(1);
    const events = await collect(resumeRun(url, { runId, after: 1 }));
    expect(own(events)[0]).toEqual({ type: 'gap', from: 2, to: 181 });
    expect(events.filter(({ type }) => type === 'gap')).toHaveLength(1);
    expect(events.at(-1)).toEqual(done);
  });
});
