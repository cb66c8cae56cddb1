/** Who leaves a run leaves nothing running: from the reader at one end to the socket of the model's server at the other. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Agent, tool } from '../../session/index.js';
import type { StreamedRun } from '../../session/index.js';
import { streamRun } from '../../src/client/run-stream.js';
import { streamToSocket } from '../../src/event-stream/index.js';
import { runStreamed } from '../../src/host/run.js';
import { openaiText } from '../../src/provider/openai/openai-text.js';
import { connectWebSocket } from '../../src/transport/ws-client.js';
import { OpenaiTestServer, chatChunks, functionCall, message, responseEvents, sse } from '../helpers/openai-server/index.js';
import type { Answer } from '../helpers/openai-server/index.js';
import { openDoor } from '../helpers/socket-pair.js';
import { connections, serveRuns } from '../src/event-stream/served-runs.js';

const NEVER = new Promise<void>(() => {});

/** Where the model's server stands still when the reader leaves. */
const MOMENTS: Readonly<Record<string, { readonly answer: Answer; readonly until?: string }>> = {
  'before the head of the answer': { answer: { before: NEVER, parts: [] }, until: 'run.agent' },
  'after its first event': { answer: { parts: [sse(responseEvents([message('Hello')]).slice(0, 1)), NEVER] }, until: 'run.agent' },
  'in the middle of a word': { answer: { parts: [sse(responseEvents([message('Hello there, how are you?')]).slice(0, 6)), NEVER] }, until: 'response.text.delta' },
};

const model = (server: OpenaiTestServer, api: 'responses' | 'chat' = 'responses') => openaiText({ model: 'gpt-test', baseUrl: server.baseUrl, api });

/** Timers that keep the process. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

describe.each(Object.entries(MOMENTS))('a reader that leaves %s', (_name, { answer, until = '' }) => {
  it('over server-sent events closes the connection to the model', async () => {
    await using server = await OpenaiTestServer.start();
    server.answer(answer);
    const runs: StreamedRun[] = [];
    await using served = await serveRuns(({ runId, signal, input }) => {
      const run = runStreamed(new Agent({ name: 'Ava' }), input, { model: model(server), runId, signal });
      runs.push(run);
      return run.flatEvents();
    }, { graceMs: 1 });
    const before = timers();
    const client = served.post({ input: 'Hi' });
    await client.until((events) => events.some(({ event }) => event === until));
    const request = await server.taken();
    client.destroy();
    expect(await request.over).toBe(true);
    expect(await runs[0]?.end).toEqual({ status: 'cancelled', by: 'caller' });
    await client.over;
    while ((await connections(served.server)) > 0) await new Promise((resolve) => setImmediate(resolve));
    await served.desk.close();
    expect(served.desk.running).toBe(0);
    expect(timers()).toBeLessThanOrEqual(before);
  });

  it('by a break of its loop, over a WebSocket, and through the client of runs, closes it as well', async () => {
    await using server = await OpenaiTestServer.start();
    server.answer(answer, answer, answer);
    const begin = (signal?: AbortSignal): StreamedRun => runStreamed(new Agent({ name: 'Ava' }), 'Hi', { model: model(server), ...(signal === undefined ? {} : { signal }) });

    const looped = begin();
    const first = server.taken();
    for await (const event of looped.flatEvents()) {
      if (event.type !== until) continue;
      await first;
      break;
    }
    expect([await (await first).over, await looped.end]).toEqual([true, { status: 'cancelled', by: 'reader' }]);

    await using door = await openDoor();
    const accepted = door.accept();
    const socket = await connectWebSocket(door.url);
    const sending = streamToSocket(await accepted, (signal) => begin(signal).flatEvents());
    const second = await server.taken();
    socket.destroy();
    expect((await sending).reason).toBe('gone');
    expect(await second.over).toBe(true);

    await using served = await serveRuns(({ signal }) => begin(signal).flatEvents());
    const stream = streamRun(`${served.url}/chat/stream`, { input: 'Hi' });
    for await (const event of stream) if (event.type === until) break;
    const third = await server.taken();
    expect(served.desk.running).toBe(1);
    await served.desk.close();
    expect(await third.over).toBe(true);
  });
});

describe('a reader that leaves while a tool works', () => {
  it('ends the tool, and nothing more is asked of the model', async () => {
    let aborted = false;
    const slow = tool({
      name: 'slow',
      description: 'Takes for ever.',
      parameters: z.object({}),
      execute: (_args, { signal, progress }) => {
        progress('begun');
        return new Promise<string>((_, reject) => signal.addEventListener('abort', () => ((aborted = true), reject(signal.reason as Error)), { once: true }));
      },
    });
    await using server = await OpenaiTestServer.start();
    server.answer({ parts: [sse(responseEvents([functionCall('slow', {}, 'c1')]))] });
    await using served = await serveRuns(({ signal, input }) => runStreamed(new Agent({ name: 'Ava', tools: [slow] }), input, { model: model(server), signal }).flatEvents(), { graceMs: 1 });
    const client = served.post({ input: 'Hi' });
    await client.until((events) => events.some(({ event }) => event === 'response.function_call.progress'));
    client.destroy();
    while (served.desk.running > 0) await new Promise((resolve) => setImmediate(resolve));
    expect([aborted, server.requests.length]).toEqual([true, 1]);
  });
});

describe('the ends of a run over a model on a socket are told apart', () => {
  const text = sse(chatChunks({ text: 'Hello there' }).slice(0, 3));
  it('break, abort, time-out, a throwing reader, cancel()', async () => {
    await using server = await OpenaiTestServer.start();
    const begin = (options: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {}): StreamedRun => {
      server.answer({ parts: [text, NEVER] });
      return runStreamed(new Agent({ name: 'Ava' }), 'Hi', { model: model(server, 'chat'), ...options });
    };
    const ends: unknown[] = [];
    const read = async (run: StreamedRun, onDelta: () => void | 'leave'): Promise<unknown> => {
      try {
        for await (const piece of run.toTextStream()) if (piece !== '' && onDelta() === 'leave') break;
        return 'read';
      } catch (error) {
        return error;
      } finally {
        ends.push(await run.end);
      }
    };
    const reason = new Error('hung up');
    const hangup = new AbortController();
    expect(await read(begin(), () => 'leave')).toBe('read');
    expect(await read(begin({ signal: hangup.signal }), () => hangup.abort(reason))).toBe(reason);
    expect(await read(begin({ timeoutMs: 50 }), () => undefined)).toMatchObject({ code: 'RUN_TIMEOUT' });
    const bug = new TypeError('a bug in the loop');
    expect(await read(begin(), () => { throw bug; })).toBe(bug);
    const cancelled = begin();
    expect(await read(cancelled, () => cancelled.cancel())).toBe('read');
    expect(ends).toEqual([
      { status: 'cancelled', by: 'reader' },
      { status: 'cancelled', by: 'caller' },
      { status: 'cancelled', by: 'timeout' },
      { status: 'cancelled', by: 'reader' },
      { status: 'cancelled', by: 'caller' },
    ]);
    for (const request of server.requests) expect(await request.over).toBe(true);
    expect(server.requests.length).toBe(5);
  });
});
