/** How a socket ended: RFC 6455 section 7. `code` is 1006 when there was no closing handshake. */
export interface TransportClose {
  readonly code: number;
  readonly reason: string;
  /** Whether we closed it first. */
  readonly byUs: boolean;
  readonly error?: Error;
}

export interface TransportHandlers {
  /** A whole message. Bytes belong to the receiver; their offset within the underlying buffer may be odd. */
  onMessage(data: string | Uint8Array): void;
  /**
   * A text message as its UTF-8 bytes, for a listener that finds what it needs without a string of all of it. Where this handler is absent, or
   * the socket knows its messages only as strings (in browsers), text comes to {@link TransportHandlers.onMessage}. Bytes belong to the receiver.
   */
  onTextBytes?(bytes: Uint8Array): void;
  /** Exactly once, after the last message. */
  onClose(close: TransportClose): void;
}

/**
 * An open message socket, seen from either end. The factory that made it is its first owner; whoever calls {@link Transport.listen} takes it over.
 * A handler that throws closes the socket with 1011 and the error in {@link TransportClose}; it never ends the process.
 */
export interface Transport {
  /** The subprotocol that both sides agreed on, or ''. */
  readonly protocol: string;
  /** Bytes handed to `send` that the network has not taken yet. */
  readonly bufferedBytes: number;
  /** Attaches the one listener. Messages that came before are kept (at most 1 MiB, then reading pauses) and delivered first. Throws when called twice. */
  listen(handlers: TransportHandlers): void;
  /** Queues one message. After the close it does nothing. The bytes are borrowed until the call returns. */
  send(data: string | Uint8Array): void;
  /** Stops and restarts reading: back-pressure towards the peer. */
  pause(): void;
  resume(): void;
  /**
   * Polite close; the same promise for every caller. No message is delivered after it; a peer that does not answer is cut off after 2 s.
   * The reason is cut to 123 bytes of UTF-8. Throws `RangeError` for a code that never travels (RFC 6455 section 7.4).
   */
  close(code?: number, reason?: string): Promise<TransportClose>;
  /** Cuts the connection now; the peer sees 1006. */
  destroy(error?: Error): void;
}
