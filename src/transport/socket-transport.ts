import { TransportError } from '../../session/index.js';
import type { Clock, Timer } from '../../session/index.js';
import type { Transport, TransportClose, TransportHandlers } from './transport.js';

/** Messages held for a listener that has not come, or that has paused: from here on the socket is not read. */
const HOLD_BYTES = 1024 * 1024;
/** A socket that cannot stop reading is cut at this many held bytes: eight times the mark at which any other would have been paused. */
const CUT_BYTES = 8 * HOLD_BYTES;
/** RFC 6455 section 5.5: a control frame has 125 bytes at most, two of which are the code. */
const REASON_BYTES = 123;
const CLOSE_TIMEOUT_MS = 2000;

/** What a kind of socket must be able to do; {@link SocketTransport} does the rest. */
export interface SocketDriver {
  readonly protocol: string;
  readonly bufferedBytes: number;
  /** False as soon as either end has begun to close. */
  readonly isOpen: boolean;
  /** Whether reading can be stopped. */
  readonly canPause: boolean;
  /** Must not keep the bytes after it returns. */
  send(data: string | Uint8Array): void;
  setReading(reading: boolean): void;
  /** Starts the closing handshake; returns the code that is really sent, where this kind of socket does not allow every one. */
  startClose(code: number, reason: string): number;
  /** Ends the connection without a handshake; `socketEnded` must follow. */
  cut(): void;
}

/** A text message that is not decoded yet. */
export interface UndecodedText {
  readonly bytes: Uint8Array;
  /** In bytes. */
  readonly length: number;
  decode(): string;
}

type Message = string | Uint8Array | UndecodedText;

/**
 * The behaviour that all message sockets share: messages before the listener, pausing, one orderly end.
 *
 *     open ──close()──> closing ──peer answers, or 2 s──> ended
 *       └──destroy(), peer closes, connection lost───────> ended
 *
 * After `close()` or `destroy()` no further message is delivered. When the peer closes, what was received before still is, paused or not.
 */
export class SocketTransport implements Transport, AsyncDisposable {
  readonly #driver: SocketDriver;
  readonly #clock: Clock;
  readonly #ended: Promise<TransportClose>;
  #confirmEnded: (close: TransportClose) => void = () => {};
  #handlers: TransportHandlers | undefined;
  #held: Message[] = [];
  #heldBytes = 0;
  #paused = false;
  #draining = false;
  /** What we closed with; set means that the end is our doing. `settled`: the end is called so even when the peer does not answer. */
  #ours: { readonly code: number; readonly reason: string; readonly settled: boolean } | undefined;
  #error: Error | undefined;
  #closeTimer: Timer | undefined;
  #end: TransportClose | undefined;
  #reported = false;

  constructor(driver: SocketDriver, clock: Clock) {
    this.#driver = driver;
    this.#clock = clock;
    this.#ended = new Promise((resolve) => (this.#confirmEnded = resolve));
  }

  get protocol(): string {
    return this.#driver.protocol;
  }

  get bufferedBytes(): number {
    return this.#driver.bufferedBytes;
  }

  /** Whether the listener takes messages now; a socket that is not read answers no ping. */
  get isReading(): boolean {
    return !this.#paused && this.#heldBytes < HOLD_BYTES;
  }

  /** Resolves with the end of the connection, whoever causes it. */
  get ended(): Promise<TransportClose> {
    return this.#ended;
  }

  listen(handlers: TransportHandlers): void {
    if (this.#handlers !== undefined) throw new TypeError('listen() was called before: a transport has one listener.');
    this.#handlers = handlers;
    this.#drain();
  }

  send(data: string | Uint8Array): void {
    if (this.#ours === undefined && this.#end === undefined && this.#driver.isOpen) this.#driver.send(data);
  }

  pause(): void {
    this.#paused = true;
    // While we close, the answer must be seen.
    if (this.#end === undefined && this.#ours === undefined) this.#driver.setReading(false);
  }

  resume(): void {
    this.#paused = false;
    this.#drain();
  }

  close(code = 1000, reason = ''): Promise<TransportClose> {
    this.#beginClose(code, reason);
    return this.#ended;
  }

  destroy(error?: Error): void {
    if (this.#end !== undefined) return;
    this.#error ??= error;
    this.#ours = { code: 1006, reason: '', settled: true };
    this.#dropHeld();
    this.#driver.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // ---- called by whoever owns the socket ----

  /** A message came in. */
  socketReceived(message: Message): void {
    if (this.#ours !== undefined || this.#end !== undefined) return;
    const handlers = this.#handlers;
    if (handlers !== undefined && this.#held.length === 0 && !this.#paused && !this.#draining) {
      // The usual case: somebody listens and nothing waits, so that nothing need be queued.
      this.#draining = true;
      this.#deliver(handlers, message);
      this.#draining = false;
    } else {
      this.#held.push(message);
      this.#heldBytes += message.length;
    }
    this.#drain();
    if (this.#heldBytes < HOLD_BYTES) return;
    if (this.#driver.canPause) this.#driver.setReading(false);
    else if (this.#heldBytes >= CUT_BYTES) {
      this.destroy(new TransportError('TRANSPORT_CLOSED', `The socket was cut: ${this.#heldBytes} bytes of messages waited to be read.`, { hint: 'Resume reading sooner.' }));
    }
  }

  /** The socket met an error; its end follows. `ownCode` is the code with which the socket itself has begun to close, if it has. */
  socketFailed(error: Error, ownCode?: number): void {
    this.#error ??= error;
    if (ownCode === undefined || this.#ours !== undefined || this.#end !== undefined) return;
    this.#ours = { code: ownCode, reason: '', settled: true };
    this.#armCloseTimer();
  }

  /** The connection is gone; `clean` when both ends have said so. */
  socketEnded(code: number, reason: string, clean: boolean): void {
    if (this.#end !== undefined) return;
    this.#closeTimer?.cancel();
    const ours = this.#ours;
    const said = ours !== undefined && (clean || ours.settled) ? ours : { code, reason };
    this.#end = { code: said.code, reason: said.reason, byUs: ours !== undefined, ...(this.#error === undefined ? {} : { error: this.#error }) };
    this.#drain();
    this.#confirmEnded(this.#end);
  }

  // ---- helpers ----

  #beginClose(code: number, reason: string): void {
    if (this.#ours !== undefined || this.#end !== undefined) return;
    if (!isSendable(code)) throw new RangeError(`${code} is not a close code that may be sent (RFC 6455 section 7.4).`);
    // The peer was first: its close is on the way to us, and stays its doing.
    if (!this.#driver.isOpen) return this.#armCloseTimer();
    const fitting = fitReason(reason);
    this.#ours = { code, reason: fitting, settled: false };
    this.#dropHeld();
    this.#armCloseTimer();
    // The answer cannot be seen on a socket that is not read.
    this.#driver.setReading(true);
    this.#ours = { code: this.#driver.startClose(code, fitting), reason: fitting, settled: false };
  }

  #armCloseTimer(): void {
    this.#closeTimer ??= this.#clock.after(CLOSE_TIMEOUT_MS, () => this.#driver.cut());
  }

  #dropHeld(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }

  /** Hands over what is held, one by one; the handler may pause, close or send meanwhile. */
  #drain(): void {
    const handlers = this.#handlers;
    if (handlers === undefined || this.#draining) return;
    this.#draining = true;
    // A queue read by index: shifting a long array costs its length each time.
    let next = 0;
    let queue = this.#held;
    while (next < queue.length && (!this.#paused || this.#end !== undefined)) {
      const message = queue[next] as Message;
      next += 1;
      this.#heldBytes -= message.length;
      this.#deliver(handlers, message);
      if (this.#held !== queue) {
        queue = this.#held;
        next = 0;
      }
    }
    if (next > 0) this.#held = queue.slice(next);
    this.#draining = false;
    if (this.#end !== undefined) this.#reportEnd(handlers, this.#end);
    else if (!this.#paused && this.#ours === undefined) this.#driver.setReading(true);
  }

  #deliver(handlers: TransportHandlers, message: Message): void {
    try {
      if (typeof message === 'string' || message instanceof Uint8Array) handlers.onMessage(message);
      else if (handlers.onTextBytes !== undefined) handlers.onTextBytes(message.bytes);
      else handlers.onMessage(message.decode());
    } catch (thrown) {
      this.#error ??= thrown instanceof Error ? thrown : new Error('A message handler threw something that is not an Error.', { cause: thrown });
      this.#dropHeld();
      this.#beginClose(1011, 'internal error');
      if (this.#end !== undefined) this.#end = { ...this.#end, error: this.#error };
    }
  }

  #reportEnd(handlers: TransportHandlers, end: TransportClose): void {
    if (this.#reported) return;
    this.#reported = true;
    try {
      handlers.onClose(end);
    } catch {
      // The socket is gone and nobody is left to tell; a handler of its owner must not end the process.
    }
  }
}

/** RFC 6455 section 7.4: 1004, 1005, 1006 and 1015 stand for something and never travel. */
function isSendable(code: number): boolean {
  return Number.isInteger(code) && ((code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999));
}

/** The longest beginning of `reason` that fits a close frame in UTF-8. */
function fitReason(reason: string): string {
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(REASON_BYTES));
  return reason.slice(0, read);
}

/** The signal of a connection is for the whole life of its socket. */
export function closeOnAbort(transport: SocketTransport, signal: AbortSignal): void {
  const onAbort = (): void => void transport.close(1000, 'aborted');
  if (signal.aborted) return onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  void transport.ended.then(() => signal.removeEventListener('abort', onAbort));
}
