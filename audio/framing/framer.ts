import { samplesToBytes, msToSamples } from '../format/audio-format.js';
import type { AudioFormat } from '../format/audio-format.js';
import { silenceByte } from '../format/silence.js';

/** How long a frame is: in ms (a whole number of samples), or in samples per channel. */
export type FramerOptions = { readonly frameMs: number } | { readonly frameSamples: number };

/** Cuts a stream of bytes into frames of one length. Chunks may have any size and end within a sample; no byte is lost or added. */
export class Framer {
  readonly format: AudioFormat;
  readonly frameSamples: number;
  readonly frameBytes: number;
  #frame: Uint8Array;
  #filled = 0;

  /** Throws `RangeError` for a frame that is not a positive whole number of samples, or is longer than 10 s. */
  constructor(format: AudioFormat, options: FramerOptions) {
    const frameSamples = 'frameMs' in options ? msToSamples(format, options.frameMs) : options.frameSamples;
    const isWhole = !('frameMs' in options) || Math.abs((options.frameMs * format.sampleRate) / 1000 - frameSamples) < 1e-6;
    if (!isWhole || !Number.isInteger(frameSamples) || frameSamples < 1 || frameSamples > format.sampleRate * 10) {
      const asked = 'frameMs' in options ? `${options.frameMs} ms at ${format.sampleRate} Hz` : `${options.frameSamples} samples`;
      throw new RangeError(`A frame must be a whole number of samples and at most 10 s long, not ${asked}.`);
    }
    this.format = format;
    this.frameSamples = frameSamples;
    this.frameBytes = samplesToBytes(format, frameSamples);
    this.#frame = new Uint8Array(this.frameBytes);
  }

  /** Bytes that wait for the rest of their frame. */
  get pendingBytes(): number {
    return this.#filled;
  }

  /** The frames that are complete now, maybe none; each is memory of its own. `bytes` is borrowed until the call returns. */
  push(bytes: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(this.frameBytes - this.#filled, bytes.length - at);
      this.#frame.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === this.frameBytes) frames.push(this.#takeFrame());
    }
    return frames;
  }

  /**
   * Ends the stream: the last frame, filled up with the silence of its encoding, or as short as it is with `pad: false`; `undefined` when no
   * byte is left. `bytes` in front of the padding are as they came, half a sample included. The framer can be used again.
   */
  flush(options: { readonly pad?: boolean } = {}): Uint8Array | undefined {
    if (this.#filled === 0) return undefined;
    const filled = this.#filled;
    const frame = this.#takeFrame();
    return options.pad === false ? frame.slice(0, filled) : frame.fill(silenceByte(this.format.encoding), filled);
  }

  #takeFrame(): Uint8Array {
    const frame = this.#frame;
    this.#frame = new Uint8Array(this.frameBytes);
    this.#filled = 0;
    return frame;
  }
}
