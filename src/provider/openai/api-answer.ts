import { ProviderError, TransportError, VoicewireError } from '../../../session/index.js';
import type { Clock, Timer } from '../../../session/index.js';

/** How long and how far the end of an answer is waited for after its last message, so that the connection can be used again. */
const DRAIN_MS = 1_000;
const DRAIN_BYTES = 64 * 1024;

export interface ApiAnswerOptions {
  /** For people. */
  readonly host: string;
  /** Ends the request. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** The answer to one request, read piece by piece as it comes. */
export class ApiAnswer {
  readonly #options: ApiAnswerOptions;
  readonly #life = new AbortController();
  readonly #aborted: Promise<never>;
  #timer: Timer | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #contentType = '';
  #declaredRate: number | undefined;
  #secrets: readonly string[] = [];
  #begun = false;

  constructor(options: ApiAnswerOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#aborted = new Promise((_, reject) => this.#life.signal.addEventListener('abort', () => reject(this.#life.signal.reason as Error), { once: true }));
    // It is a reason only for those who wait for it.
    this.#aborted.catch(() => {});
    this.#timer = options.clock.after(options.firstByteTimeoutMs, () => this.stop(this.#late('did not begin to answer', options.firstByteTimeoutMs)));
  }

  /** Of the request itself: aborted by whoever asked, or by a time-out. */
  get signal(): AbortSignal {
    return this.#life.signal;
  }

  /** Lower case, without parameters; empty where the server names none. */
  get contentType(): string {
    return this.#contentType;
  }

  /** Of sound in Hz, where the server writes it into the type (`audio/pcm;rate=16000`). */
  get declaredRate(): number | undefined {
    return this.#declaredRate;
  }

  get host(): string {
    return this.#options.host;
  }

  /** What was sent and must not stand in an error, though the server may repeat it. */
  get secrets(): readonly string[] {
    return this.#secrets;
  }

  /** Waits for the head of the answer, no longer than the request lives: between its attempts the package takes no notice of an abort. */
  async open(response: Promise<Response>, secrets: readonly string[]): Promise<void> {
    this.#secrets = secrets;
    const arrived = response.then((each) => {
      if (this.#life.signal.aborted) void each.body?.cancel().catch(() => {});
      return each;
    });
    const { headers, body } = await Promise.race([arrived, this.#aborted]);
    const type = headers.get('content-type')?.toLowerCase() ?? '';
    this.#contentType = type.split(';')[0]?.trim() ?? '';
    const rate = /;\s*rate="?(\d{1,7})/.exec(type)?.[1];
    this.#declaredRate = rate === undefined ? undefined : Number(rate);
    // An abort ends a read that waits, whatever the client makes of the signal.
    this.#reader = body?.getReader();
    this.#life.signal.addEventListener('abort', () => void this.#reader?.cancel().catch(() => {}), { once: true });
  }

  /** The next piece, or undefined at a good end. Rejects with `MODEL_CONNECTION_LOST` for a bad one, with `RESPONSE_TIMEOUT`, or with the signal's reason. */
  async read(): Promise<Uint8Array | undefined> {
    const { clock, idleTimeoutMs } = this.#options;
    if (this.#begun) this.#timer = clock.after(idleTimeoutMs, () => this.stop(this.#late('has said nothing more', idleTimeoutMs)));
    try {
      for (;;) {
        const piece = await this.#reader?.read();
        if (this.#life.signal.aborted) throw this.#life.signal.reason;
        if (piece === undefined || piece.done) return undefined;
        if (piece.value.length > 0) return piece.value;
      }
    } catch (error) {
      const why = this.#life.signal.aborted ? this.#life.signal.reason : this.brokenOff(error);
      this.stop(why);
      throw why;
    } finally {
      this.#begun = true;
      this.#timer?.cancel();
    }
  }

  /** All that is left, as text. Throws `RangeError` for more than `maxBytes`. */
  async text(maxBytes: number, first?: Uint8Array): Promise<string> {
    const decoder = new TextDecoder();
    let text = '';
    for (let bytes = 0, piece = first ?? (await this.read()); piece !== undefined; piece = await this.read()) {
      bytes += piece.length;
      if (bytes > maxBytes) throw new RangeError(`The answer of ${this.host} is larger than ${maxBytes} bytes.`);
      text += decoder.decode(piece, { stream: true });
    }
    this.finish();
    return text + decoder.decode();
  }

  /** The answer was not whole. */
  brokenOff(cause?: unknown): TransportError {
    return new TransportError('MODEL_CONNECTION_LOST', `${this.#options.host} broke off in the middle of an answer.`, {
      retryable: true,
      hint: 'Ask again; if it happens each time, look into the log of the server, or of the proxy before it.',
      ...(cause === undefined ? {} : { cause }),
    });
  }

  /** All that was wanted is there. What may still come, which is little, is read away: an aborted request would take its connection with it. */
  finish(): void {
    this.#letGo();
    const reader = this.#reader;
    if (reader === undefined || this.#life.signal.aborted) return;
    const timer = this.#options.clock.after(DRAIN_MS, () => this.stop(new DOMException('The answer does not end.', 'AbortError')));
    const drain = async (): Promise<void> => {
      for (let bytes = 0; bytes < DRAIN_BYTES; ) {
        const { done, value } = await reader.read();
        if (done) return;
        bytes += value.length;
      }
      this.stop(new DOMException('The answer does not end.', 'AbortError'));
    };
    // How it ends does not matter to anyone any more.
    void drain().catch(() => {}).finally(() => timer.cancel());
  }

  /** Ends the request now. */
  stop(reason: unknown): void {
    this.#letGo();
    this.#life.abort(reason);
  }

  readonly #onAbort = (): void => this.stop(this.#options.signal.reason);

  #letGo(): void {
    this.#timer?.cancel();
    this.#options.signal.removeEventListener('abort', this.#onAbort);
  }

  #late(what: string, ms: number): VoicewireError {
    return new ProviderError('RESPONSE_TIMEOUT', `${this.#options.host} ${what} for ${ms} ms.`, {
      retryable: true,
      hint: 'Ask again; a server that loads its model, or a model that reasons unseen, needs a longer firstByteTimeoutMs or idleTimeoutMs.',
    });
  }
}
