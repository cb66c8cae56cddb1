import type { WebSocket } from 'ws';
import { ProtocolError, TransportError } from '../../session/index.js';
import type { Clock } from '../../session/index.js';
import { SocketTransport } from './socket-transport.js';
import type { SocketDriver, UndecodedText } from './socket-transport.js';

/** The close codes with which `ws` answers a broken frame by itself; every other of its frame errors is a 1002. */
const FRAME_ERROR_CODES = new Map([
  ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 1009],
  ['WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH', 1009],
  ['WS_ERR_TOO_MANY_BUFFERED_PARTS', 1008],
  ['WS_ERR_INVALID_UTF8', 1007],
]);

export interface WsTransportOptions {
  readonly clock: Clock;
  /** How often a ping is sent; a peer that has not answered by the next one is cut off. Absent: never. */
  readonly pingIntervalMs?: number | undefined;
}

/** Wraps a socket of the `ws` package, open or about to open; the transport owns it from here on. */
export function wsTransport(socket: WebSocket, { clock, pingIntervalMs }: WsTransportOptions): SocketTransport {
  const transport = new SocketTransport(new WsDriver(socket), clock);
  const heard = pingIntervalMs === undefined ? undefined : keepAlive(socket, transport, clock, pingIntervalMs);
  socket.on('message', (data: Buffer, isBinary) => {
    heard?.();
    transport.socketReceived(isBinary ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new WsText(data));
  });
  socket.on('error', (error: Error & { code?: string }) => {
    if (error.code?.startsWith('WS_ERR_')) {
      transport.socketFailed(new ProtocolError('PROTOCOL_BAD_FRAME', `The peer sent a bad frame: ${error.message}.`, { cause: error }), FRAME_ERROR_CODES.get(error.code) ?? 1002);
    } else {
      transport.socketFailed(new TransportError('MODEL_CONNECTION_LOST', `The connection broke: ${error.code ?? error.message}.`, { cause: error, retryable: true, closeCode: 1006 }));
    }
  });
  socket.on('close', (code, reason) => transport.socketEnded(code, reason.toString('utf8'), code !== 1006));
  return transport;
}

class WsDriver implements SocketDriver {
  readonly canPause = true;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  send(data: string | Uint8Array): void {
    // ws writes bytes out later without copying them on the server's side.
    this.#socket.send(typeof data === 'string' ? data : data.slice());
  }

  setReading(reading: boolean): void {
    if (reading !== this.#socket.isPaused) return;
    if (reading) this.#socket.resume();
    else this.#socket.pause();
  }

  startClose(code: number, reason: string): number {
    this.#socket.close(code, reason);
    return code;
  }

  cut(): void {
    this.#socket.terminate();
  }
}

/** `ws` has made sure that the bytes are UTF-8. */
class WsText implements UndecodedText {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get length(): number {
    return this.bytes.length;
  }

  decode(): string {
    return this.bytes.toString('utf8');
  }
}

/** RFC 6455 section 5.5.2: a peer must answer each ping. A connection that died without a word is found this way, and no other. Returns what to call when a message has come. */
function keepAlive(socket: WebSocket, transport: SocketTransport, clock: Clock, intervalMs: number): () => void {
  let answered = true;
  const tick = (): void => {
    // What is not read cannot be seen to answer: a reader that pauses must not lose its socket for it.
    if (!answered && transport.isReading) {
      transport.destroy(new TransportError('MODEL_CONNECTION_LOST', `The peer did not answer a ping within ${intervalMs} ms.`, { retryable: true, closeCode: 1006 }));
      return;
    }
    if (socket.readyState === socket.OPEN) {
      answered = false;
      socket.ping();
    }
    timer = clock.after(intervalMs, tick);
  };
  let timer = clock.after(intervalMs, tick);
  const heard = (): void => void (answered = true);
  socket.on('pong', heard);
  socket.on('close', () => timer.cancel());
  return heard;
}
