import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Channel } from '../../session/index.js';
import type { FlatRunEvent } from '../../session/index.js';

type Told<E> = E extends FlatRunEvent ? Omit<E, 'runId'> : never;
/** An event of a run, to which the run adds its id. */
export type ToldEvent = Told<FlatRunEvent>;

interface Sink {
  write(bytes: Uint8Array): void;
  end(): void;
  /** The connection breaks. */
  cut(): void;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Called with the open stream; gives back what is to be called when the client has gone. */
  readonly stream?: (sink: Sink) => (() => void) | undefined;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** What there is at a path. */
export type ServedFiles = (path: string) => { readonly type: string; readonly body: string | Uint8Array } | undefined;

const encoder = new TextEncoder();
const streamHeaders = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store, no-transform' };

/** A run that says what a test tells it to, on every connection that listens, and keeps it for those that come later. */
export class ServedRun {
  readonly runId: string;
  readonly body: unknown;
  readonly #server: RunServer;
  readonly #log: string[] = [];
  readonly #sinks = new Set<Sink>();
  #forgotten = 0;
  #ended = false;

  constructor(runId: string, body: unknown, server: RunServer) {
    this.runId = runId;
    this.body = body;
    this.#server = server;
  }

  get connections(): number {
    return this.#sinks.size;
  }

  say(...events: readonly ToldEvent[]): void {
    for (const event of events) {
      const text = `id: ${this.runId}:${this.#log.length + 1}\nevent: ${event.type}\ndata: ${JSON.stringify({ ...event, runId: this.runId })}\n\n`;
      this.#log.push(text);
      this.raw(text);
      if (event.type !== 'run.done' && event.type !== 'run.error') continue;
      this.#ended = true;
      for (const sink of this.#sinks) sink.end();
      this.#sinks.clear();
    }
  }

  /** Bytes that are in no history: comments, pings, or what a broken server sends. */
  raw(text: string): void {
    for (const sink of this.#sinks) sink.write(encoder.encode(text));
  }

  /** Every connection breaks. */
  cut(): void {
    for (const sink of this.#sinks) sink.cut();
    this.#sinks.clear();
  }

  /** The history up to this event is gone. */
  forget(upTo: number): void {
    this.#forgotten = upTo;
  }

  answer(after: number): Answer {
    if (this.#ended && after >= this.#log.length) return { status: 204 };
    return {
      status: 200,
      headers: { ...streamHeaders, 'x-run-id': this.runId },
      stream: (whole) => {
        const sink = this.#server.limited(whole, () => this.#sinks.delete(sink));
        this.#sinks.add(sink);
        sink.write(encoder.encode(`retry: ${this.#server.retryMs}\n\n`));
        if (after < this.#forgotten) sink.write(encoder.encode(`event: gap\ndata: {"from":${after + 1},"to":${this.#forgotten}}\n\n`));
        for (const text of this.#log.slice(Math.max(after, this.#forgotten))) sink.write(encoder.encode(text));
        const leave = (): void => void this.#sinks.delete(sink);
        if (!this.#ended) return leave;
        sink.end();
        leave();
        return undefined;
      },
    };
  }
}

/**
 * The wire contract of streamed runs with a test in the place of the model: `POST /chat/stream`, `GET /runs/:id/events`, `POST /runs/:id/stop`. Reached by
 * `fetch` without a socket, or by `listen` with one.
 */
export class RunServer {
  readonly runs: ServedRun[] = [];
  readonly requests: SeenRequest[] = [];
  /** Called with each run that is begun. */
  onRun: (run: ServedRun) => void = () => {};
  /** Called when a run is to be stopped; by default it ends as cancelled. */
  onStop: (run: ServedRun) => Answer | undefined = (run) => void run.say({ type: 'run.done', text: '', end: 'cancelled' });
  /** Takes the place of the answers, one for each request, `undefined` for the usual one. An error is a network that does not work. */
  readonly instead: (Answer | Error | undefined | 'silence')[] = [];
  /** So many bytes go out on a connection before it breaks, one number for each connection. */
  readonly breakAfterBytes: number[] = [];
  retryMs = 10;
  readonly #waiters: { readonly count: number; readonly resolve: () => void }[] = [];

  get lastRun(): ServedRun {
    return this.runs.at(-1) as ServedRun;
  }

  /** Resolves when so many requests have come. */
  async requested(count: number): Promise<void> {
    if (this.requests.length < count) await new Promise<void>((resolve) => this.#waiters.push({ count, resolve }));
  }

  readonly fetch = async (url: string, init: { readonly method: string; readonly headers: Headers; readonly body?: string; readonly signal: AbortSignal }): Promise<Response> => {
    const { pathname, search } = new URL(url);
    const answer = this.#answer({ method: init.method, path: pathname + search, headers: init.headers, body: init.body ?? '' });
    if (answer instanceof Error) throw answer;
    if (answer === 'silence') return new Promise((_resolve, reject) => init.signal.addEventListener('abort', () => reject(init.signal.reason as Error), { once: true }));
    if (answer.stream === undefined) return new Response(answer.body ?? null, { status: answer.status, headers: answer.headers ?? {} });
    // What was sent before a break still arrives.
    const sent = new Channel<Uint8Array>({ capacity: 10_000, whenFull: 'fail' });
    const body = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const { value, done } = await sent.next();
          if (done === true) controller.close();
          else controller.enqueue(value);
        },
        cancel: () => {
          leave?.();
          void sent.return();
        },
      },
      { highWaterMark: 0 },
    );
    const leave = answer.stream({ write: (bytes) => void sent.push(bytes), end: () => sent.close(), cut: () => sent.fail(new TypeError('terminated')) });
    return new Response(body, { status: answer.status, headers: answer.headers ?? {} });
  };

  /** Serves on a free port, and what `files` has at a path too. */
  async listen(files: ServedFiles = () => undefined): Promise<{ readonly url: string; close(): Promise<void> }> {
    const server = createServer((request, response) => void this.#onRequest(request, response, files));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const close = (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
  }

  /** A sink that breaks after the next number of bytes, if there is one. */
  limited(sink: Sink, onBreak: () => void): Sink {
    let left = this.breakAfterBytes.shift() ?? Infinity;
    return {
      ...sink,
      write(bytes) {
        if (left === 0) return;
        const fits = bytes.subarray(0, left);
        left -= fits.length;
        if (fits.length > 0) sink.write(fits);
        if (left > 0) return;
        onBreak();
        sink.cut();
      },
      end: () => left > 0 && sink.end(),
      cut: () => left > 0 && sink.cut(),
    };
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse, files: ServedFiles): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk as Uint8Array);
    const path = request.url ?? '/';
    const file = files((path.split('?')[0] as string).replace(/\/$/, '/index.html'));
    if (file !== undefined) return void response.writeHead(200, { 'content-type': file.type }).end(file.body);
    if (path === '/favicon.ico') return void response.writeHead(204).end();
    const headers = new Headers(Object.entries(request.headers).map(([name, value]): [string, string] => [name, String(value)]));
    const answer = this.#answer({ method: request.method ?? '', path, headers, body: Buffer.concat(chunks).toString() });
    if (answer instanceof Error) return void request.socket.destroy();
    if (answer === 'silence') return;
    response.writeHead(answer.status, answer.headers ?? {});
    if (answer.stream === undefined) return void response.end(answer.body);
    response.flushHeaders();
    const leave = answer.stream({ write: (bytes) => response.write(bytes), end: () => response.end(), cut: () => response.socket?.destroy() });
    response.on('close', () => leave?.());
  }

  #answer(request: SeenRequest): Answer | Error | 'silence' {
    this.requests.push(request);
    for (const waiter of this.#waiters) if (this.requests.length >= waiter.count) waiter.resolve();
    return this.instead.shift() ?? this.#usualAnswer(request);
  }

  #usualAnswer({ method, path, headers, body }: SeenRequest): Answer {
    if (method === 'POST' && path === '/chat/stream') {
      const run = new ServedRun(`r${this.runs.length + 1}`, JSON.parse(body), this);
      this.runs.push(run);
      // What a test says of a new run comes after its answer, as it does on a real server.
      const answer = run.answer(0);
      const stream: Answer['stream'] = (sink) => {
        const leave = answer.stream?.(sink);
        this.onRun(run);
        return leave;
      };
      return { ...answer, stream };
    }
    const [, id, what, after] = /^\/runs\/([^/]+)\/(events|stop)(?:\?after=(\d+))?$/.exec(path) ?? [];
    const run = this.runs.find(({ runId }) => runId === id);
    if (run === undefined) return errorAnswer(404, 'RUN_NOT_FOUND', 'There is no such run.');
    if (what === 'events') return run.answer(Number(headers.get('last-event-id')?.split(':').at(-1) ?? after ?? 0));
    return this.onStop(run) ?? { status: 200, headers: { 'content-type': 'application/json' }, body: '{ "stopped": true }' };
  }
}

export function errorAnswer(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ error: { code, message, hint: 'A hint.' } }) };
}

/** A short run: some text in pieces, then the end. */
export function shortRun(text = 'Hello, how are you?'): ToldEvent[] {
  const deltas = (text.match(/\S+\s*/g) ?? []).map((delta): ToldEvent => ({ type: 'response.text.delta', itemId: 'm1', delta }));
  return [{ type: 'run.start', agentName: 'Ava' }, ...deltas, { type: 'run.step.done', step: 1, text }, { type: 'run.done', text, end: 'completed' }];
}
