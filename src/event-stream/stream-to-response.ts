import type { ServerResponse } from 'node:http';
import type { EventSink } from './event-sink.js';
import { pumpEvents } from './pump-events.js';
import type { EventStreamOptions, EventStreamEnd } from './pump-events.js';
import type { EventStream } from './read-until.js';
import { SSE_HEADERS } from './sse-headers.js';

export interface ResponseStreamOptions<T> extends EventStreamOptions<T> {
  /** More headers, over ours. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Answers a request of a Node server with a stream of events: headers and a first line at once, then each value as it comes, no faster than the reader
 * takes them. When the reader goes, the stream is let go of, also while a value is waited for. Works after the body of a POST was read, and below a
 * framework that lends its response. The response is ours from here on. Never rejects.
 */
export function streamToResponse<T>(response: ServerResponse, stream: EventStream<T>, options: ResponseStreamOptions<T> = {}): Promise<EventStreamEnd> {
  const sink = new ResponseSink(response);
  if (!sink.gone.aborted) {
    // What is said of the connection is Node's to say: it knows the version of HTTP and what the client wishes.
    response.writeHead(200, { ...SSE_HEADERS, ...options.headers });
    response.flushHeaders();
  }
  return pumpEvents(stream, sink, options);
}

class ResponseSink implements EventSink {
  readonly #response: Flushable;
  readonly #gone = new AbortController();
  #finished = false;

  constructor(response: Flushable) {
    this.#response = response;
    // What a peer does to its connection is told by `close`; without this its reset would end the process.
    response.on('error', () => {});
    // HTTP/2 says `finish` of what was broken off as well.
    response.once('finish', () => (this.#finished = response.writableEnded));
    // Not the request's `close`: that one comes as soon as a body has been read, and does not come again. And not `writableFinished`: that one is true as well
    // of what was cut off after its end was asked for.
    response.once('close', () => {
      if (!this.#finished) this.#gone.abort();
    });
    if (response.destroyed || response.writableEnded) this.#gone.abort();
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  write(text: string): boolean {
    if (this.#response.writableEnded) return true;
    const room = this.#response.write(text);
    // A compressing middleware holds text back and lends this method to let it go.
    this.#response.flush?.();
    return room;
  }

  room(): Promise<void> {
    return this.#until('drain');
  }

  end(): Promise<void> {
    this.#response.end();
    return this.#finished ? Promise.resolve() : this.#until('finish');
  }

  destroy(): void {
    this.#gone.abort();
    this.#response.destroy();
  }

  #until(event: 'drain' | 'finish'): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#response.off(event, settle);
        this.gone.removeEventListener('abort', settle);
        resolve();
      };
      if (this.gone.aborted) return resolve();
      this.#response.once(event, settle);
      this.gone.addEventListener('abort', settle, { once: true });
    });
  }
}

type Flushable = ServerResponse & { flush?: () => void };
