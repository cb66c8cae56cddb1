import type { EventSink } from './event-sink.js';
import { pumpEvents } from './pump-events.js';
import type { EventStreamOptions, EventStreamEnd } from './pump-events.js';
import type { EventStream } from './read-until.js';
import { SSE_HEADERS } from './sse-headers.js';

export interface EventResponseOptions<T> extends EventStreamOptions<T> {
  /** More headers, over ours. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Told once how the stream ended, when its body was read. */
  readonly onEnd?: (end: EventStreamEnd) => void;
}

/**
 * A response of the Fetch standard whose body is a stream of events: for Hono, Next, Deno, Bun and workers. Nothing is asked of the stream before the body is
 * read, and then it is one event ahead at most; when the reader cancels, it is let go of.
 */
export function eventResponse<T>(stream: EventStream<T>, options: EventResponseOptions<T> = {}): Response {
  const sink = new StreamSink(() => {
    pumpEvents(stream, sink, options).then(
      (end) => options.onEnd?.(end),
      () => {},
    );
  });
  return new Response(sink.body, { status: 200, headers: { ...SSE_HEADERS, ...options.headers } });
}

/** The body of a response: each piece is handed over when somebody reads, so that nothing piles up here. */
class StreamSink implements EventSink {
  readonly body: ReadableStream<Uint8Array>;
  readonly #gone = new AbortController();
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #wake: (() => void) | undefined;
  #started = false;

  constructor(onFirstRead: () => void) {
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => {
          if (!this.#started) onFirstRead();
          this.#started = true;
          this.#wake?.();
        },
        cancel: () => this.#gone.abort(),
      },
      // Reading is what makes room: with a queue of its own the body would run ahead of its reader.
      { highWaterMark: 0 },
    );
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  write(text: string): boolean {
    if (this.gone.aborted) return true;
    this.#controller?.enqueue(this.#encoder.encode(text));
    return (this.#controller?.desiredSize ?? 0) > 0;
  }

  room(): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        this.gone.removeEventListener('abort', settle);
        this.#wake = undefined;
        resolve();
      };
      if (this.gone.aborted) return resolve();
      this.#wake = settle;
      this.gone.addEventListener('abort', settle, { once: true });
    });
  }

  end(): Promise<void> {
    if (!this.gone.aborted) this.#controller?.close();
    return Promise.resolve();
  }

  destroy(): void {
    if (this.gone.aborted) return;
    this.#gone.abort();
    this.#controller?.error(new Error('The reader of the events took nothing for too long.'));
  }
}
