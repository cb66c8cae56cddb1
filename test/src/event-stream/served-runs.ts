import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { RunDesk, runRoutes } from '../../../src/event-stream/index.js';
import type { Chat, RunDeskOptions, RunRoutesOptions, TypedEvent } from '../../../src/event-stream/index.js';
import { listenHttp } from '../../../src/transport/listen-http.js';
import { SseConnection } from '../../helpers/sse-client.js';
import type { SseRequest } from '../../helpers/sse-client.js';

/** A Node server with the three addresses of runs; whoever asks is the one that `x-user` names. */
export async function serveRuns(chat: Chat, options: RunDeskOptions & Partial<Pick<RunRoutesOptions, 'stream' | 'maxBodyBytes' | 'bodyTimeoutMs' | 'owner'>> = {}) {
  const { stream, maxBodyBytes, bodyTimeoutMs, owner, ...deskOptions } = options;
  const desk = new RunDesk(deskOptions);
  const routes = runRoutes({
    ...{ desk, chat, owner: owner ?? ((request) => String(request.headers['x-user'] ?? 'ann')) },
    ...(stream === undefined ? {} : { stream }),
    ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }),
    ...(bodyTimeoutMs === undefined ? {} : { bodyTimeoutMs }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
    ...(options.logger === undefined ? {} : { logger: options.logger }),
  });
  const server = createServer((request, response) => {
    if (!routes(request, response)) response.writeHead(404).end();
  });
  const listening = await listenHttp(server, { host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${listening.port}`;
  return {
    desk,
    server,
    url,
    connect: (path: string, request?: SseRequest) => new SseConnection(`${url}${path}`, request),
    post: (body: unknown, headers: Readonly<Record<string, string>> = {}) => new SseConnection(`${url}/chat/stream`, { method: 'POST', body, headers }),
    async [Symbol.asyncDispose]() {
      await listening.close();
      await desk.close();
    },
  };
}

/** How many connections a server has. */
export function connections(server: Server): Promise<number> {
  return new Promise((resolve, reject) => server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))));
}

export interface Faucet {
  /** How often the stream was asked for, let go of, and told to stop. */
  readonly counts: { asked: number; finished: number; aborted: number };
  /** Lets events through; they come one for each `next()`. */
  push(...events: readonly TypedEvent[]): void;
  end(): void;
  fail(error: unknown): void;
  readonly chat: Chat;
}

/** A source under the test's hand: a plain generator that waits for what the test pushes, and ends when it is told to stop. */
export function faucet(): Faucet {
  const queue: (() => TypedEvent | undefined)[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const resume of [...waiting]) resume();
    waiting.clear();
  };
  const counts = { asked: 0, finished: 0, aborted: 0 };
  const put = (give: () => TypedEvent | undefined): void => {
    queue.push(give);
    wake();
  };
  async function* stream(signal: AbortSignal): AsyncGenerator<TypedEvent> {
    signal.addEventListener('abort', () => {
      counts.aborted += 1;
      wake();
    });
    try {
      for (;;) {
        while (queue.length === 0 && !signal.aborted) await new Promise<void>((resolve) => waiting.add(resolve));
        if (signal.aborted) return;
        const event = (queue.shift() as () => TypedEvent | undefined)();
        if (event === undefined) return;
        counts.asked += 1;
        yield event;
      }
    } finally {
      counts.finished += 1;
    }
  }
  return {
    counts,
    push: (...events) => events.forEach((event) => put(() => event)),
    end: () => put(() => undefined),
    fail: (error) =>
      put(() => {
        throw error as Error;
      }),
    chat: ({ signal }) => stream(signal),
  };
}

/** The events of a short run. */
export function words(runId: string, ...deltas: readonly string[]): TypedEvent[] {
  return deltas.map((delta) => ({ type: 'response.text.delta', runId, itemId: 'm1', delta }) as TypedEvent);
}

export function done(runId: string, text: string): TypedEvent {
  return { type: 'run.done', runId, text, end: 'completed' } as TypedEvent;
}
