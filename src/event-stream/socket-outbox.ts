import type { Clock, Timer } from '../../session/index.js';
import type { Transport } from '../transport/transport.js';
import { UnreadWatch } from '../transport/unread-watch.js';
import type { UnreadLimits } from '../transport/unread-watch.js';
import { Outbox } from './outbox.js';
import type { OutboxCounts, OutboxPolicy } from './outbox.js';

export interface SocketOutboxOptions<T> extends UnreadLimits {
  readonly policy: OutboxPolicy<T>;
  /** What is handed to the socket ahead of what it has sent, in bytes: beyond it nothing can be coalesced or dropped any more. */
  readonly windowBytes: number;
  readonly clock: Clock;
  /** Once: the reader left too much unread for too long. Nothing is sent after it. */
  readonly onTooSlow: () => void;
}

/** No socket tells when it has room, so it is looked at: about as often as a frame of sound comes. */
const LOOK_EVERY_MS = 20;

/** The outbox of one socket: hands over what the socket has room for, the rest waits in an {@link Outbox} and follows its rules. */
export class SocketOutbox<T> {
  readonly #transport: Transport;
  readonly #options: SocketOutboxOptions<T>;
  readonly #outbox: Outbox<T>;
  readonly #watch: UnreadWatch;
  #look: Timer | undefined;
  #closed = false;
  #empty: (() => void)[] = [];
  #sent = 0;

  constructor(transport: Transport, options: SocketOutboxOptions<T>) {
    this.#transport = transport;
    this.#options = options;
    this.#outbox = new Outbox(options.policy);
    this.#watch = new UnreadWatch(options);
  }

  /** Bytes that the reader has not taken: those that wait here, and those that wait in the socket. */
  get unreadBytes(): number {
    return this.#outbox.bytes + this.#transport.bufferedBytes;
  }

  /** Messages handed to the socket. */
  get sent(): number {
    return this.#sent;
  }

  get counts(): OutboxCounts {
    return this.#outbox.counts;
  }

  push(value: T): void {
    if (this.#closed) return;
    this.#outbox.push(value);
    this.#handOver();
  }

  /** Resolves when nothing waits here any more; what the socket has is its own matter. Also at the end. */
  async drained(): Promise<void> {
    if (!this.#closed && this.#outbox.size > 0) await new Promise<void>((resolve) => this.#empty.push(resolve));
  }

  /** Drops what waits. May be called twice. */
  close(): void {
    this.#closed = true;
    this.#outbox.clear();
    this.#look?.cancel();
    this.#look = undefined;
    this.#confirmEmpty();
  }

  #handOver(): void {
    for (;;) {
      const { bufferedBytes } = this.#transport;
      // Counted before it is sent: a message that does not fit waits, unless the socket is empty and it never would.
      const message = this.#outbox.take(bufferedBytes === 0 ? Infinity : this.#options.windowBytes - bufferedBytes);
      if (message === undefined) break;
      this.#transport.send(message);
      this.#sent += 1;
    }
    if (this.#watch.isTooSlow(this.unreadBytes, this.#options.clock.now())) {
      this.close();
      return this.#options.onTooSlow();
    }
    if (this.#outbox.size === 0) return this.#confirmEmpty();
    this.#look ??= this.#options.clock.after(LOOK_EVERY_MS, () => {
      this.#look = undefined;
      this.#handOver();
    });
  }

  #confirmEmpty(): void {
    for (const resolve of this.#empty.splice(0)) resolve();
  }
}
