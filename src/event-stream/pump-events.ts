import { errorFields, silentLogger } from '../../session/index.js';
import type { Clock, Logger, Timer } from '../../session/index.js';
import { systemClock } from '../host/system-clock.js';
import { encodeSse } from '../protocol/sse/encode.js';
import type { SseMessage } from '../protocol/sse/encode.js';
import type { EventSink } from './event-sink.js';
import { orAborted, readUntil } from './read-until.js';
import type { EventStream } from './read-until.js';
import { failedEvent, isTerminal } from './terminal-event.js';
import type { TerminalEndEvent, TerminalErrorEvent } from './terminal-event.js';

export interface EventStreamOptions<T> {
  /** How a value becomes an event. Default: its `type`, if it has one, as the name, and the value's JSON as data. */
  readonly encode?: (value: T) => SseMessage;
  /** Ends the stream; the reader is let go. */
  readonly signal?: AbortSignal;
  /** The longest silence before a sign of life: a comment and an `event: ping`. Each pause is up to a fifth shorter. Default 15 s. */
  readonly heartbeatMs?: number;
  /** How long a reader may take nothing of what waits for it before it is cut off. Default 30 s. */
  readonly stuckMs?: number;
  /** How long one response lasts; the reader comes back for the rest. Finds readers that have gone without a word. Default: without limit. */
  readonly maxStreamMs?: number;
  /** What the reader is told to wait before it comes back. Default 2 s. */
  readonly retryMs?: number;
  /** Fills each piece up to this size with a comment, for a proxy that holds back less. Default 0. */
  readonly paddingBytes?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** 0 <= x < 1; shortens the pauses between signs of life. Default `Math.random`. */
  readonly random?: () => number;
}

/** How a stream to one reader ended, and what it came to. */
export interface EventStreamEnd {
  /** `done`: everything was taken. `rotated`: `maxStreamMs` passed. `failed`: the stream threw; the reader was told. */
  readonly reason: 'done' | 'gone' | 'stuck' | 'aborted' | 'rotated' | 'failed';
  readonly events: number;
}

const PING = encodeSse({ comment: 'still here', event: 'ping', data: '{}' });

/**
 * Writes a stream to a sink: one value is asked for when the last one is taken. The last event is a terminal one, also when the stream gives none; when
 * the reader goes, the stream is let go of at once. Never rejects.
 */
export async function pumpEvents<T>(stream: EventStream<T>, sink: EventSink, options: EventStreamOptions<T>): Promise<EventStreamEnd> {
  return new EventPump(sink, options).run(stream);
}

class EventPump<T> {
  readonly #sink: EventSink;
  readonly #options: EventStreamOptions<T>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #life = new AbortController();
  #reason: EventStreamEnd['reason'] = 'done';
  #heartbeat: Timer | undefined;
  #rotation: Timer | undefined;
  /** Set while the reader takes nothing. */
  #blocked: Promise<void> | undefined;
  #events = 0;
  #terminal = false;

  constructor(sink: EventSink, options: EventStreamOptions<T>) {
    this.#sink = sink;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
  }

  async run(stream: EventStream<T>): Promise<EventStreamEnd> {
    const { signal, maxStreamMs } = this.#options;
    const onGone = (): void => this.#finish('gone');
    const onAbort = (): void => this.#finish('aborted');
    this.#sink.gone.addEventListener('abort', onGone, { once: true });
    signal?.addEventListener('abort', onAbort, { once: true });
    if (this.#sink.gone.aborted) onGone();
    if (signal?.aborted === true) onAbort();
    if (maxStreamMs !== undefined) this.#rotation = this.#clock.after(maxStreamMs, () => this.#finish('rotated'));
    this.#write({ retryMs: this.#options.retryMs ?? 2000, comment: 'events follow' });
    this.#beat();
    try {
      await this.#writeAll(stream);
    } catch (error) {
      this.#logger.warn('A stream of events failed.', errorFields(error));
      this.#writeLast(failedEvent(error));
      this.#finish('failed');
    }
    this.#heartbeat?.cancel();
    this.#rotation?.cancel();
    if (!this.#sink.gone.aborted) await this.#guarded(this.#sink.end());
    this.#sink.gone.removeEventListener('abort', onGone);
    signal?.removeEventListener('abort', onAbort);
    if (this.#reason !== 'done') this.#logger.info('A reader of events was let go.', { reason: this.#reason, events: this.#events });
    return { reason: this.#reason, events: this.#events };
  }

  async #writeAll(stream: EventStream<T>): Promise<void> {
    const how = await readUntil(stream, {
      signal: this.#life.signal,
      each: (value) => this.#writeValue(value),
      onLetGoError: (error) => this.#logger.warn('A stream that was let go failed.', errorFields(error)),
    });
    if (how === 'ended') this.#writeLast({ type: 'end', reason: 'done' });
  }

  /** Settles when the next value may be asked for; false after the last one. */
  async #writeValue(value: T): Promise<boolean> {
    const message = (this.#options.encode ?? plainEvent)(value);
    this.#write(message);
    this.#terminal = isTerminal(message.event);
    this.#events += 1;
    while (this.#blocked !== undefined) await this.#blocked;
    return !this.#terminal;
  }

  #writeLast(event: TerminalEndEvent | TerminalErrorEvent): void {
    if (this.#terminal) return;
    this.#terminal = true;
    this.#write({ event: event.type, data: JSON.stringify(event) });
  }

  #write(message: SseMessage): void {
    this.#send(encodeSse(message));
  }

  #send(text: string): void {
    if (this.#sink.gone.aborted) return;
    if (this.#sink.write(padded(text, this.#options.paddingBytes ?? 0)) || this.#blocked !== undefined) return;
    this.#blocked = this.#guarded(orAborted(this.#sink.room(), this.#life.signal)).then(() => (this.#blocked = undefined));
  }

  /** Waits for the reader, for `stuckMs` at most: then it is cut off, and the wait is over as well. */
  async #guarded(wait: Promise<unknown>): Promise<void> {
    const timer = this.#clock.after(this.#options.stuckMs ?? 30_000, () => {
      this.#finish('stuck');
      this.#sink.destroy();
    });
    await wait;
    timer.cancel();
  }

  /** A reader that takes nothing is not sent more: it has enough to show that we live. */
  #beat(): void {
    const { heartbeatMs = 15_000, random = Math.random } = this.#options;
    this.#heartbeat = this.#clock.after(heartbeatMs * (1 - random() / 5), () => {
      if (this.#life.signal.aborted) return;
      if (this.#blocked === undefined) this.#send(PING);
      this.#beat();
    });
  }

  /** The first reason counts. */
  #finish(reason: EventStreamEnd['reason']): void {
    if (this.#life.signal.aborted) return;
    this.#reason = reason;
    this.#life.abort(new DOMException(`The stream to a reader is over: ${reason}.`, 'AbortError'));
  }
}

function plainEvent(value: unknown): SseMessage {
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
  const data = JSON.stringify(value) ?? 'null';
  return typeof type === 'string' ? { event: type, data } : { data };
}

/** `: ` and two line ends are 4 bytes; text beyond ASCII only makes the piece longer. */
function padded(text: string, toBytes: number): string {
  const missing = toBytes - text.length;
  return missing <= 0 ? text : text + encodeSse({ comment: '.'.repeat(Math.max(0, missing - 4)) });
}
