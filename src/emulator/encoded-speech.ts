import { bytesPerMs, encodeSpeech } from './speech.js';
import type { Speech } from './speech.js';
import type { WireFormat } from './wire.js';

/** What is cut from a speech, and its base64 once somebody has heard it. */
export interface SpeechPiece {
  readonly bytes: Uint8Array;
  readonly base64: () => string;
}

/** A speech in one of the formats of the wire. Many callers hear the same sentences, so that each is encoded once for all of them. */
export class EncodedSpeech {
  static readonly #made = new WeakMap<Speech, Map<WireFormat['type'], EncodedSpeech>>();
  readonly #bytes: Uint8Array;
  readonly #perMs: number;
  readonly #pieces = new Map<number, SpeechPiece>();

  private constructor(speech: Speech, format: WireFormat) {
    this.#bytes = encodeSpeech(speech.samples, format);
    this.#perMs = bytesPerMs(format);
  }

  static of(speech: Speech, format: WireFormat): EncodedSpeech {
    let formats = this.#made.get(speech);
    if (formats === undefined) this.#made.set(speech, (formats = new Map()));
    let encoded = formats.get(format.type);
    if (encoded === undefined) formats.set(format.type, (encoded = new EncodedSpeech(speech, format)));
    return encoded;
  }

  get durationMs(): number {
    return this.#bytes.length / this.#perMs;
  }

  /** The bytes are shared: not to be written to. Pieces that begin at the same place are the same. */
  piece(fromMs: number, toMs: number): SpeechPiece {
    const from = Math.round(fromMs * this.#perMs);
    let piece = this.#pieces.get(from);
    if (piece === undefined) {
      const bytes = this.#bytes.subarray(from, Math.round(toMs * this.#perMs));
      let text: string | undefined;
      piece = { bytes, base64: () => (text ??= Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')) };
      this.#pieces.set(from, piece);
    }
    return piece;
  }
}
