import type { Clock } from '../../session/index.js';
import { systemClock } from '../host/system-clock.js';
import { SocketTransport } from './socket-transport.js';
import type { Transport } from './transport.js';

export interface ScriptedTransportOptions {
  readonly protocol?: string;
  /** Whether the far end answers a close (default true); with false the 2 s limit fires. */
  readonly answersClose?: boolean;
  readonly clock?: Clock;
}

/** What a test does as the other side of a {@link scriptedTransport}. */
export interface FarEnd {
  /** What arrived here, in order; bytes are copies. */
  readonly sent: readonly (string | Uint8Array)[];
  /** What `transport.bufferedBytes` says. */
  bufferedBytes: number;
  /** False while the near side does not read. What is delivered then is held, as in a socket's buffers, until it reads again. */
  readonly reading: boolean;
  /** How the near side has ended the connection, as far as this end can tell: 1006 after a `destroy`. */
  readonly nearClosed: { readonly code: number; readonly reason: string } | undefined;
  deliver(data: string | Uint8Array): void;
  /** Closes with a handshake. */
  close(code?: number, reason?: string): void;
  /** Loses the connection without one. */
  lose(error?: Error): void;
}

/** An open transport without a socket, for tests: `far` is the other side. */
export function scriptedTransport(options: ScriptedTransportOptions = {}): { transport: Transport & AsyncDisposable; far: FarEnd } {
  const { protocol = '', clock = systemClock } = options;
  const sent: (string | Uint8Array)[] = [];
  let onTheWay: (string | Uint8Array)[] = [];
  let open = true;
  let reading = true;
  let nearClosed: { code: number; reason: string } | undefined;

  function flush(): void {
    while (reading && onTheWay.length > 0) transport.socketReceived(onTheWay.shift() as string | Uint8Array);
  }

  function end(code: number, reason: string, clean: boolean): void {
    const rest = onTheWay;
    onTheWay = [];
    for (const data of rest) transport.socketReceived(data);
    transport.socketEnded(code, reason, clean);
  }

  const transport: SocketTransport = new SocketTransport(
    {
      protocol,
      canPause: true,
      get bufferedBytes() {
        return far.bufferedBytes;
      },
      get isOpen() {
        return open;
      },
      send: (data) => sent.push(typeof data === 'string' ? data : data.slice()),
      setReading(next) {
        if (reading === next) return;
        reading = next;
        if (reading) queueMicrotask(flush);
      },
      startClose(code, reason) {
        open = false;
        nearClosed = { code, reason };
        if (options.answersClose ?? true) queueMicrotask(() => end(code, reason, true));
        return code;
      },
      cut() {
        open = false;
        nearClosed ??= { code: 1006, reason: '' };
        queueMicrotask(() => end(1006, '', false));
      },
    },
    clock,
  );

  const far: FarEnd = {
    sent,
    bufferedBytes: 0,
    get reading() {
      return reading;
    },
    get nearClosed() {
      return nearClosed;
    },
    deliver(data) {
      onTheWay.push(typeof data === 'string' ? data : data.slice());
      flush();
    },
    close(code = 1000, reason = '') {
      if (!open) return;
      open = false;
      end(code, reason, true);
    },
    lose(error) {
      if (!open) return;
      open = false;
      if (error !== undefined) transport.socketFailed(error);
      end(1006, '', false);
    },
  };
  return { transport, far };
}
