import { encodeAlaw, encodeMulaw, samplesToPcm16 } from '../../audio/index.js';
import { bytesPerMs } from './speech.js';
import type { HeardAudio } from './speech.js';
import type { WireFormat } from './wire.js';

const BETA_NAMES = { 'audio/pcm': 'pcm16', 'audio/pcmu': 'g711_ulaw', 'audio/pcma': 'g711_alaw' } as const;

/** The sound of an item, for those who retrieve it. */
export class ItemSound {
  readonly #format: WireFormat;
  readonly #chunks: Uint8Array[] = [];
  /** What the user said is written in its format when it is wanted, which is hardly ever. */
  #heard: HeardAudio | undefined;

  constructor(format: WireFormat, heard?: HeardAudio) {
    this.#format = format;
    this.#heard = heard;
  }

  get durationMs(): number {
    if (this.#heard !== undefined) return (this.#heard.samples.length * 1000) / this.#heard.sampleRate;
    return this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0) / bytesPerMs(this.#format);
  }

  /** The bytes are kept as they are, and not written to. */
  push(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
  }

  /** Lets go of what is beyond `durationMs`. */
  cut(durationMs: number): void {
    let left = Math.floor(durationMs) * bytesPerMs(this.#format);
    const kept = this.#chunks.splice(0);
    for (const chunk of kept) {
      if (left <= 0) break;
      this.#chunks.push(chunk.subarray(0, left));
      left -= chunk.length;
    }
  }

  /** As the content part of a retrieved item has it. */
  asPart(): { readonly audio: string; readonly format: string } {
    if (this.#heard !== undefined) {
      const { samples } = this.#heard;
      this.#chunks.push(this.#format.type === 'audio/pcm' ? samplesToPcm16(samples) : this.#format.type === 'audio/pcmu' ? encodeMulaw(samples) : encodeAlaw(samples));
      this.#heard = undefined;
    }
    return { audio: Buffer.concat(this.#chunks).toString('base64'), format: BETA_NAMES[this.#format.type] };
  }
}
