import { errorFields, silentLogger } from '../../session/index.js';
import type { Clock, Logger } from '../../session/index.js';
import { systemClock } from '../host/system-clock.js';
import type { Transport } from '../transport/transport.js';
import type { OutboxCounts, OutboxPolicy, OutboxRule } from './outbox.js';
import { orAborted, readUntil } from './read-until.js';
import type { EventStream } from './read-until.js';
import { SocketOutbox } from './socket-outbox.js';
import { failedEvent } from './terminal-event.js';

export interface SocketStreamOptions<T> {
  /** What becomes of a value that waits. Default: {@link runEventRule}. */
  readonly classify?: (value: T) => OutboxRule;
  /** A delta with other text. Default: the value with its `delta` changed. */
  readonly withText?: (value: T, text: string) => T;
  /** Default: JSON. */
  readonly encode?: (value: T) => string | Uint8Array;
  /** `wait`: the stream is asked for the next value when nothing waits. `shed`: it is not held, and what waits follows its class. Default `wait`. */
  readonly whenSlow?: 'wait' | 'shed';
  /** Sound that waits beyond this is dropped, the oldest first. Default 1 s. */
  readonly maxAudioMs?: number;
  /** What is handed to the socket ahead of what it has sent. Default 64 KiB. */
  readonly windowBytes?: number;
  /** What a reader may leave unread for `stuckMs`; at more it is let go with 1013, at four times as much at once. Default 1 MiB. */
  readonly maxUnreadBytes?: number;
  /** Default 10 s. */
  readonly stuckMs?: number;
  /** What the other side sends. Default: it is read over. */
  readonly onMessage?: (data: string | Uint8Array) => void;
  /** Ends the stream; the socket closes with 1001. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** How a stream to one socket ended, and what it came to. */
export interface SocketEnd extends OutboxCounts {
  readonly reason: 'done' | 'gone' | 'too_slow' | 'aborted' | 'failed';
  /** Messages handed to the socket. */
  readonly sent: number;
}

/**
 * Sends a stream over a message socket, one message a value, and closes it: 1000 at the end, 1013 when the reader is too slow, 1011 after `run.error` when the
 * stream throws. Takes the socket over. When the other side goes, the stream is let go of, also while a value is waited for. Never rejects.
 */
export async function streamToSocket<T>(transport: Transport, stream: EventStream<T>, options: SocketStreamOptions<T> = {}): Promise<SocketEnd> {
  const reader = new SocketReader<T>(transport, options);
  const logger = options.logger ?? silentLogger;
  try {
    await readUntil(stream, {
      signal: reader.over,
      each: (value) => {
        reader.push(value);
        return options.whenSlow === 'shed' ? undefined : reader.drained();
      },
      onLetGoError: (error) => logger.warn('A stream that was let go failed.', errorFields(error)),
    });
  } catch (error) {
    logger.warn('A stream to a socket failed.', errorFields(error));
    return reader.fail(error);
  }
  return reader.finish();
}

/** One socket that a stream goes to: its outbox, and the one reason why it ends. */
export class SocketReader<T> {
  readonly #transport: Transport;
  readonly #outbox: SocketOutbox<T>;
  readonly #life = new AbortController();
  #reason: SocketEnd['reason'] = 'done';

  /** Takes the socket over. */
  constructor(transport: Transport, options: SocketStreamOptions<T>) {
    const { maxUnreadBytes = 1024 * 1024, windowBytes = 64 * 1024, stuckMs = 10_000, signal, clock = systemClock } = options;
    this.#transport = transport;
    this.#outbox = new SocketOutbox(transport, {
      ...{ policy: policyOf(options), windowBytes, maxUnreadBytes, slowReaderMs: stuckMs, clock },
      onTooSlow: () => this.#end('too_slow', 1013, 'CLIENT_TOO_SLOW'),
    });
    const onAbort = (): void => this.#end('aborted', 1001, 'the stream was ended');
    signal?.addEventListener('abort', onAbort, { once: true });
    transport.listen({
      onMessage: (data) => options.onMessage?.(data),
      onClose: () => {
        signal?.removeEventListener('abort', onAbort);
        this.#end('gone');
      },
    });
    if (signal?.aborted === true) onAbort();
  }

  /** Aborts when nothing more can be sent. */
  get over(): AbortSignal {
    return this.#life.signal;
  }

  push(value: T): void {
    this.#outbox.push(value);
  }

  async drained(): Promise<void> {
    await orAborted(this.#outbox.drained(), this.over);
  }

  /** Sends what waits and closes. */
  async finish(): Promise<SocketEnd> {
    await this.drained();
    this.#end('done', 1000, 'done');
    return this.#result();
  }

  /** Sends what waits, then what the other side may know of the error, and closes. */
  async fail(error: unknown): Promise<SocketEnd> {
    await this.drained();
    if (!this.over.aborted) this.#transport.send(JSON.stringify(failedEvent(error)));
    this.#end('failed', 1011, 'RUN_FAILED');
    return this.#result();
  }

  /** The first reason counts. */
  #end(reason: SocketEnd['reason'], closeCode?: number, words?: string): void {
    if (this.over.aborted) return;
    this.#reason = reason;
    this.#outbox.close();
    this.#life.abort(new DOMException(`The stream to a socket is over: ${reason}.`, 'AbortError'));
    if (closeCode !== undefined) void this.#transport.close(closeCode, words);
  }

  #result(): SocketEnd {
    return { reason: this.#reason, sent: this.#outbox.sent, ...this.#outbox.counts };
  }
}

/** The deltas of a run's flat events are coalesced by what they belong to; everything else is control. */
export function runEventRule(value: unknown): OutboxRule {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('delta' in value)) return { class: 'control' };
  const { type, delta } = value;
  if (typeof type !== 'string' || typeof delta !== 'string') return { class: 'control' };
  const part = 'itemId' in value ? value.itemId : 'callId' in value ? value.callId : '';
  return { class: 'delta', key: `${type}/${String(part)}`, text: delta };
}

function policyOf<T>({ classify, withText, encode, maxAudioMs }: SocketStreamOptions<T>): OutboxPolicy<T> {
  return {
    classify: classify ?? runEventRule,
    withText: withText ?? ((value, text) => ({ ...value, delta: text })),
    encode: encode ?? ((value) => JSON.stringify(value) ?? 'null'),
    maxAudioMs: maxAudioMs ?? 1_000,
  };
}
