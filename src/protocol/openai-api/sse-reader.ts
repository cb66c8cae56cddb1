/** One event of an event stream. */
export interface SseMessage {
  /** Empty where the stream names none. */
  readonly event: string;
  readonly data: string;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/**
 * Reads an event stream (WHATWG HTML, section 9.2.6) that arrives in pieces cut anywhere, also within a letter or a line end. Lines that are none of
 * the format's are skipped, as it says. Keeps at most `maxBytes` of one event and throws `RangeError` beyond.
 */
export class SseReader {
  readonly #maxBytes: number;
  readonly #decoder = new TextDecoder();
  /** The pieces of a line that is not complete. */
  #line: Uint8Array[] = [];
  #heldBytes = 0;
  #endedWithReturn = false;
  #event = '';
  #data: string[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The events that are complete with these bytes. The bytes are borrowed until the call returns. An event whose blank line never comes is none. */
  push(bytes: Uint8Array): SseMessage[] {
    const messages: SseMessage[] = [];
    let start = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at];
      if (byte !== LINE_FEED && byte !== CARRIAGE_RETURN) {
        this.#endedWithReturn = false;
        continue;
      }
      if (byte === LINE_FEED && this.#endedWithReturn) {
        // The second half of CR LF: the line is over already.
        this.#endedWithReturn = false;
        start = at + 1;
        continue;
      }
      this.#endedWithReturn = byte === CARRIAGE_RETURN;
      const message = this.#onLine(this.#wholeLine(bytes.subarray(start, at)));
      if (message !== undefined) messages.push(message);
      start = at + 1;
    }
    if (start < bytes.length) {
      this.#hold(bytes.length - start);
      this.#line.push(bytes.slice(start));
    }
    return messages;
  }

  #wholeLine(last: Uint8Array): string {
    this.#hold(last.length);
    const text = this.#line.map((piece) => this.#decoder.decode(piece, { stream: true })).join('') + this.#decoder.decode(last);
    this.#line = [];
    return text;
  }

  #onLine(line: string): SseMessage | undefined {
    if (line === '') {
      const message = this.#data.length === 0 ? undefined : { event: this.#event, data: this.#data.join('\n') };
      this.#event = '';
      this.#data = [];
      this.#heldBytes = 0;
      return message;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data.push(value);
    return undefined;
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes;
    if (this.#heldBytes > this.#maxBytes) throw new RangeError(`An event of the stream is larger than ${this.#maxBytes} bytes.`);
  }
}
