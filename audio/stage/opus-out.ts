import type { OpusEncoder } from '../codec/opus-codec.js';
import type { AudioEncoder } from './audio-encoder.js';
import type { AudioStage } from './audio-stage.js';
import { resampleStage } from './resample-stage.js';
import { through } from './through.js';

export interface OpusOutOptions {
  /** Of the samples that are pushed, in Hz. Default: the rate of the encoder. Another rate takes a mono encoder. */
  readonly inputRate?: number;
  /** 2.5, 5, 10, 20, 40 or 60; default 20, which is what phones, browsers and Discord expect. */
  readonly frameMs?: 2.5 | 5 | 10 | 20 | 40 | 60;
}

/**
 * A stream of PCM16 as Opus packets of one length, each a piece of its own. At the end the last frame is filled up with silence, and as much follows as
 * the codec is late: no sound is left in it.
 */
export class OpusOut implements AudioEncoder {
  readonly #encoder: OpusEncoder;
  readonly #rate: AudioStage;
  readonly #frame: Int16Array;
  #filled = 0;
  #begun = false;

  /** The encoder belongs to the stream until it has ended. Throws `RangeError` for a frame length that Opus does not have, and rates that do not fit. */
  constructor(encoder: OpusEncoder, options: OpusOutOptions = {}) {
    const { inputRate = encoder.sampleRate, frameMs = 20 } = options;
    if (![2.5, 5, 10, 20, 40, 60].includes(frameMs)) throw new RangeError(`A frame of Opus lasts 2.5, 5, 10, 20, 40 or 60 ms, not ${String(frameMs)}.`);
    if (inputRate !== encoder.sampleRate && encoder.channels !== 1) throw new RangeError('Only mono can be brought to another rate.');
    this.#encoder = encoder;
    this.#rate = resampleStage(inputRate, encoder.sampleRate);
    this.#frame = new Int16Array((frameMs * encoder.sampleRate * encoder.channels) / 1000);
  }

  push(samples: Int16Array): readonly Uint8Array[] {
    return this.#encode(this.#rate.push(samples));
  }

  flush(): readonly Uint8Array[] {
    const packets = this.#encode(this.#rate.flush());
    if (!this.#begun) return packets;
    const late = this.#filled + this.#encoder.lookaheadSamples * this.#encoder.channels;
    packets.push(...this.#encode(new Int16Array(Math.ceil(late / this.#frame.length) * this.#frame.length - this.#filled)));
    this.#encoder.reset();
    this.#begun = false;
    return packets;
  }

  #encode(samples: Int16Array): Uint8Array[] {
    const packets: Uint8Array[] = [];
    for (let at = 0; at < samples.length; ) {
      const count = Math.min(this.#frame.length - this.#filled, samples.length - at);
      this.#frame.set(samples.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      this.#begun = true;
      if (this.#filled < this.#frame.length) break;
      this.#filled = 0;
      packets.push(this.#encoder.encode(this.#frame));
    }
    return packets;
  }
}

/** {@link OpusOut} for a stream that is read in a loop: samples in, packets out. */
export function opusOut(samples: AsyncIterable<Int16Array>, encoder: OpusEncoder, options: OpusOutOptions = {}): AsyncIterableIterator<Uint8Array, undefined> {
  return through(samples, new OpusOut(encoder, options));
}
