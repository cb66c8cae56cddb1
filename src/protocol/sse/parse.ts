import { ProtocolError } from '../../../session/index.js';

/** One event of a `text/event-stream`. */
export interface ServerSentEvent {
  /** `message` where the stream names none. */
  readonly type: string;
  /** The event's `data` lines, joined by a line feed. */
  readonly data: string;
  /** The id of this event, or of the last one before it that had one; empty before the first. */
  readonly lastEventId: string;
}

export interface EventStreamParserOptions {
  /** Bytes of one line at most, and of all `data` lines of one event together. Default 1 MiB. */
  readonly maxEventBytes?: number;
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const DEFAULT_MAX_EVENT_BYTES = 1024 * 1024;
/** A buffer that one long line has made larger than this is given back after it. */
const HELD_BYTES_KEPT = 64 * 1024;

/**
 * Reads an event stream (WHATWG HTML, section 9.2.6) from bytes that were cut anywhere. Each byte is looked at once, and what is held is the line that
 * has begun and the data of the event that has begun; an event whose blank line has not come is never given.
 */
export class EventStreamParser {
  readonly #maxEventBytes: number;
  /** A byte order mark is part of the first line, and nowhere else a mark. A line ends where no character is cut, so each is decoded by itself. */
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #firstLine = true;
  #afterCr = false;
  #held = new Uint8Array(256);
  #heldBytes = 0;
  #type = '';
  #data: string[] = [];
  #dataBytes = 0;
  /** The id that the next blank line makes the last one. */
  #nextId = '';
  #lastEventId = '';
  #retryMs: number | undefined;
  #failure: ProtocolError | undefined;

  constructor(options: EventStreamParserOptions = {}) {
    const { maxEventBytes = DEFAULT_MAX_EVENT_BYTES } = options;
    if (!Number.isInteger(maxEventBytes) || maxEventBytes < 1) throw new RangeError(`maxEventBytes is a whole number from 1, not ${maxEventBytes}.`);
    this.#maxEventBytes = maxEventBytes;
  }

  /** Of the last event that was whole: what a client that connects again names in `Last-Event-ID`. Empty before the first id. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /** How long the server wants a client to wait before it connects again, in ms; the last `retry` field that came. */
  get retryMs(): number | undefined {
    return this.#retryMs;
  }

  /**
   * Takes bytes, which are borrowed until the loop over the result has ended, and gives the events that are whole with them; read it to its end. Throws
   * `ProtocolError` `PROTOCOL_BAD_FRAME` for a line or an event that is too long, after the events before it, and from then on at once.
   */
  *push(bytes: Uint8Array): Generator<ServerSentEvent, void, undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    let from = 0;
    let cr = bytes.indexOf(CR);
    let lf = bytes.indexOf(LF);
    for (;;) {
      // Each is looked for again only when it has been passed: a chunk without CR is searched for one once, not once a line.
      if (cr !== -1 && cr < from) cr = bytes.indexOf(CR, from);
      if (lf !== -1 && lf < from) lf = bytes.indexOf(LF, from);
      const end = cr === -1 || (lf !== -1 && lf < cr) ? lf : cr;
      if (end === -1) break;
      const secondHalf = this.#afterCr && end === lf && end === from && this.#heldBytes === 0;
      const line = bytes.subarray(from, end);
      this.#afterCr = end === cr;
      from = end + 1;
      if (secondHalf) continue;
      const event = this.#onLine(line);
      if (event !== undefined) yield event;
    }
    if (from < bytes.length) this.#hold(bytes.subarray(from));
  }

  #hold(bytes: Uint8Array): void {
    const total = this.#heldBytes + bytes.length;
    if (total > this.#maxEventBytes) throw this.#fail('A line');
    if (total > this.#held.length) {
      const larger = new Uint8Array(Math.max(total, this.#held.length * 2));
      larger.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = larger;
    }
    this.#held.set(bytes, this.#heldBytes);
    this.#heldBytes = total;
  }

  /** `rest`: what of the line was not held already. */
  #onLine(rest: Uint8Array): ServerSentEvent | undefined {
    if (this.#heldBytes === 0) {
      if (rest.length > this.#maxEventBytes) throw this.#fail('A line');
      return this.#onWholeLine(rest);
    }
    this.#hold(rest);
    const line = this.#held.subarray(0, this.#heldBytes);
    this.#heldBytes = 0;
    const event = this.#onWholeLine(line);
    if (this.#held.length > HELD_BYTES_KEPT) this.#held = new Uint8Array(256);
    return event;
  }

  #onWholeLine(line: Uint8Array): ServerSentEvent | undefined {
    if (line.length === 0) {
      this.#firstLine = false;
      return this.#onBlankLine();
    }
    // Heartbeats are comments; nobody reads their words.
    if (line[0] !== COLON) return this.#onText(this.#decoder.decode(line), line.length);
    this.#firstLine = false;
    return undefined;
  }

  #onText(decoded: string, bytes: number): ServerSentEvent | undefined {
    const text = this.#firstLine && decoded.startsWith('\uFEFF') ? decoded.slice(1) : decoded;
    this.#firstLine = false;
    if (text === '') return this.#onBlankLine();
    const colon = text.indexOf(':');
    const field = colon === -1 ? text : text.slice(0, colon);
    const value = colon === -1 ? '' : text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1);
    switch (field) {
      case 'event':
        this.#type = value;
        return undefined;
      case 'data':
        // With its line end, so that lines without a value count as well.
        this.#dataBytes += bytes + 1;
        if (this.#dataBytes > this.#maxEventBytes) throw this.#fail('The data of an event');
        this.#data.push(value);
        return undefined;
      case 'id':
        if (!value.includes('\0')) this.#nextId = value;
        return undefined;
      case 'retry':
        if (/^[0-9]+$/.test(value)) this.#retryMs = Number(value);
        return undefined;
      default:
        return undefined;
    }
  }

  #onBlankLine(): ServerSentEvent | undefined {
    this.#lastEventId = this.#nextId;
    const [type, data] = [this.#type, this.#data];
    this.#type = '';
    if (data.length === 0) return undefined;
    this.#data = [];
    this.#dataBytes = 0;
    return { type: type === '' ? 'message' : type, data: data.join('\n'), lastEventId: this.#lastEventId };
  }

  #fail(what: string): ProtocolError {
    this.#held = new Uint8Array(0);
    this.#heldBytes = 0;
    this.#data = [];
    this.#failure = new ProtocolError('PROTOCOL_BAD_FRAME', `${what} of the event stream has more than ${this.#maxEventBytes} bytes.`, {
      hint: 'Check that the address is that of an event stream; if its events are meant to be so long, raise maxEventBytes.',
    });
    return this.#failure;
  }
}
