import { errorFields, silentLogger } from '../../session/index.js';
import type { Transport } from '../transport/transport.js';
import { orAborted, readUntil } from './read-until.js';
import type { EventStream } from './read-until.js';
import { SocketReader } from './stream-to-socket.js';
import type { SocketEnd, SocketStreamOptions } from './stream-to-socket.js';

/**
 * One stream to any number of sockets. Each has an outbox of its own, so a slow one does not hold the others; one that is added later gets what comes from then
 * on. The stream is asked for when the first socket is added, and let go of by {@link SocketFan.close}.
 */
export class SocketFan<T> implements AsyncDisposable {
  readonly #stream: EventStream<T>;
  readonly #options: Omit<SocketStreamOptions<T>, 'whenSlow'>;
  readonly #readers = new Set<SocketReader<T>>();
  readonly #life = new AbortController();
  #finish: ((reader: SocketReader<T>) => Promise<SocketEnd>) | undefined;
  #over: Promise<void> | undefined;

  constructor(stream: EventStream<T>, options: Omit<SocketStreamOptions<T>, 'whenSlow'> = {}) {
    this.#stream = stream;
    this.#options = options;
  }

  /** Open sockets. */
  get size(): number {
    return this.#readers.size;
  }

  /** Takes a socket over; resolves with how it ended. */
  async add(transport: Transport): Promise<SocketEnd> {
    const reader = new SocketReader<T>(transport, this.#options);
    this.#readers.add(reader);
    this.#over ??= this.#run();
    await orAborted(this.#over, reader.over);
    const end = await (this.#finish ?? ((left) => left.finish()))(reader);
    this.#readers.delete(reader);
    return end;
  }

  /** Lets go of the stream; what waits is sent, and every socket closed. May be called twice. */
  async close(): Promise<void> {
    this.#life.abort();
    await this.#over;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    const logger = this.#options.logger ?? silentLogger;
    try {
      await readUntil(this.#stream, {
        signal: this.#life.signal,
        each: (value) => {
          for (const reader of this.#readers) reader.push(value);
        },
        onLetGoError: (error) => logger.warn('A stream that was let go failed.', errorFields(error)),
      });
    } catch (error) {
      logger.warn('A stream to sockets failed.', errorFields(error));
      this.#finish = (reader) => reader.fail(error);
    }
  }
}
