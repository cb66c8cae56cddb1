import { clipToInt16 } from '../format/clip-to-int16.js';

/**
 * PCM16 between bytes and samples: the one place that knows about byte order, alignment and the odd last byte.
 *
 * Sharing: on a little-endian host (every host that Node and browsers run on today) the functions return views on the memory they were
 * given wherever alignment allows it. Read the result before the source is written again, or take a `.slice()`.
 */

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

export interface Pcm16Options {
  /** Bytes have the high byte first, as RIFX files and RTP's L16 have. Default false: little-endian, what the realtime model speaks. */
  readonly bigEndian?: boolean;
}

/**
 * Reads bytes as samples. Without a copy when the bytes begin at an even offset of their buffer and have the host's byte order (the result
 * then shares their memory), with one copy otherwise.
 *
 * Throws `RangeError` for an odd number of bytes: half a sample means that a stream was cut in the middle, and reading on would turn speech
 * into noise. Bytes that arrive in pieces of any size, or from a peer, go through {@link Pcm16Assembler}, which never throws.
 */
export function pcm16ToSamples(bytes: Uint8Array, options: Pcm16Options = {}): Int16Array {
  if (bytes.byteLength % 2 !== 0) {
    throw new RangeError(`PCM16 has two bytes a sample, but ${bytes.byteLength} bytes came; cut streams go through Pcm16Assembler.`);
  }
  const bigEndian = options.bigEndian ?? false;
  if (bigEndian !== HOST_IS_LITTLE_ENDIAN && bytes.byteOffset % 2 === 0) {
    return new Int16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  }
  const samples = new Int16Array(bytes.byteLength / 2);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < samples.length; i++) samples[i] = view.getInt16(i * 2, !bigEndian);
  return samples;
}

/** Writes samples as bytes. Without a copy when the host has the wanted byte order: the result then shares the samples' memory. */
export function samplesToPcm16(samples: Int16Array, options: Pcm16Options = {}): Uint8Array {
  const bigEndian = options.bigEndian ?? false;
  if (bigEndian !== HOST_IS_LITTLE_ENDIAN) return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  const bytes = new Uint8Array(samples.byteLength);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < samples.length; i++) view.setInt16(i * 2, samples[i] ?? 0, !bigEndian);
  return bytes;
}

/** Puts a byte stream that was cut anywhere back together: an odd last byte waits for the next chunk. */
export class Pcm16Assembler {
  readonly #bigEndian: boolean;
  /** The low (or first) byte of a sample whose other byte has not come yet. */
  #carried: number | undefined;

  constructor(options: Pcm16Options = {}) {
    this.#bigEndian = options.bigEndian ?? false;
  }

  /** 1 while half a sample waits, else 0. */
  get carriedBytes(): 0 | 1 {
    return this.#carried === undefined ? 0 : 1;
  }

  /** The whole samples that are there now, maybe none. They may share the memory of `bytes`. */
  push(bytes: Uint8Array): Int16Array {
    if (bytes.byteLength === 0) return new Int16Array(0);
    let whole = bytes;
    if (this.#carried !== undefined) {
      whole = new Uint8Array(bytes.byteLength + 1);
      whole[0] = this.#carried;
      whole.set(bytes, 1);
      this.#carried = undefined;
    }
    if (whole.byteLength % 2 === 1) {
      this.#carried = whole[whole.byteLength - 1];
      whole = whole.subarray(0, whole.byteLength - 1);
    }
    return pcm16ToSamples(whole, { bigEndian: this.#bigEndian });
  }

  /** Ends the stream: says whether half a sample was left, which nobody can complete any more, and starts afresh. */
  flush(): { readonly droppedByte: number | undefined } {
    const droppedByte = this.#carried;
    this.#carried = undefined;
    return { droppedByte };
  }
}

/** Samples in -1..1 (as Web Audio has them) to PCM16: 1.0 and beyond is clipped to 32767, -1.0 and beyond to -32768, NaN is silence. */
export function floatToInt16(samples: Float32Array | Float64Array): Int16Array {
  const result = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i++) result[i] = clipToInt16((samples[i] ?? 0) * 32768);
  return result;
}

/** PCM16 to samples in -1..1: divided by 32768, so that {@link floatToInt16} gives the same PCM16 back. */
export function int16ToFloat(samples: Int16Array): Float32Array {
  const result = new Float32Array(samples.length);
  for (let i = 0; i < samples.length; i++) result[i] = (samples[i] ?? 0) / 32768;
  return result;
}
