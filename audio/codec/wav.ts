/**
 * WAV files, read and written without a file system: in a browser, from a socket, or from a file someone else opened.
 *
 * Reading is forgiving where recorders differ (chunks in any order and number, pad bytes, unknown lengths, every usual encoding) and strict
 * where a header contradicts itself: no file is silently empty.
 */
import { encodeSamples } from './encoding.js';
import { WavHeaderParser } from './wav-header.js';
import type { WavEncoding, WavHeader } from './wav-header.js';
import { wavBytesToSamples } from './wav-samples.js';

/** A WAV file as PCM16, channels interleaved; what it was before stands beside it. */
export interface DecodedWav {
  readonly sampleRate: number;
  readonly channels: number;
  /** PCM16, channels interleaved; memory of its own. */
  readonly samples: Int16Array;
  /** What the file held before it became PCM16. */
  readonly sourceEncoding: WavEncoding;
}

/**
 * Reads a whole WAV file. Audio that is cut off at the end is read as far as it goes. Throws `AudioError` `WAV_INVALID` for what is not a
 * WAV file or has a damaged header, `WAV_UNSUPPORTED` for one whose encoding or channel count is not read.
 */
export function decodeWav(bytes: Uint8Array): DecodedWav {
  const reader = new WavReader();
  const samples = reader.push(bytes);
  const { header } = reader.flush();
  return {
    sampleRate: header.sampleRate,
    channels: header.channels,
    samples: samples.buffer === bytes.buffer ? samples.slice() : samples,
    sourceEncoding: header.encoding,
  };
}

/** Reads a WAV file that arrives in pieces of any size. Keeps less than one block of audio, whatever the header claims. */
export class WavReader {
  readonly #parser = new WavHeaderParser();
  /** Bytes of a block that is not complete yet. */
  #partial: Uint8Array = new Uint8Array(0);
  #remainingBytes = Infinity;

  /** Known from the moment on that the audio begins. */
  get header(): WavHeader | undefined {
    return this.#parser.header;
  }

  /**
   * Takes the next bytes of the file and gives the samples (PCM16, channels interleaved, whole blocks) that are complete with them, maybe
   * none. They may share the memory of `bytes`. Throws `AudioError` for a header that cannot be used.
   */
  push(bytes: Uint8Array): Int16Array {
    let audio = bytes;
    let header = this.header;
    if (header === undefined) {
      audio = bytes.subarray(this.#parser.push(bytes));
      header = this.header;
      if (header === undefined) return new Int16Array(0);
      this.#remainingBytes = header.dataBytes ?? Infinity;
    }
    // What follows the audio are tags.
    if (audio.length > this.#remainingBytes) audio = audio.subarray(0, this.#remainingBytes);
    this.#remainingBytes -= audio.length;
    if (this.#partial.length > 0) audio = joined(this.#partial, audio);
    const whole = audio.length - (audio.length % header.blockBytes);
    this.#partial = audio.slice(whole);
    return wavBytesToSamples(audio.subarray(0, whole), header.encoding, header.bigEndian);
  }

  /**
   * Says that the file has ended. Throws `AudioError` `WAV_INVALID` when it ended before its audio began. `droppedBytes` is what was left of
   * a last block that was cut off, `missingBytes` what the header had announced and did not come.
   */
  flush(): { readonly header: WavHeader; readonly droppedBytes: number; readonly missingBytes: number } {
    this.#parser.end();
    const header = this.#parser.header;
    if (header === undefined) throw new Error('unreachable: the parser throws at the end of an incomplete header');
    const droppedBytes = this.#partial.length;
    this.#partial = new Uint8Array(0);
    return { header, droppedBytes, missingBytes: Number.isFinite(this.#remainingBytes) ? this.#remainingBytes : 0 };
  }
}

/** What a WAV file is to be: Hz, and channels interleaved. */
export interface WavFormat {
  /** 1..384 000 */
  readonly sampleRate: number;
  /** 1..8, interleaved. */
  readonly channels: number;
  /** Default `pcm16`. */
  readonly encoding?: 'pcm16' | 'mulaw' | 'alaw';
}

/** A whole WAV file from PCM16 samples, channels interleaved. Throws `RangeError` for a format that a WAV file cannot have. */
export function encodeWav(samples: Int16Array, format: WavFormat): Uint8Array {
  const { encoding = 'pcm16' } = format;
  const data = encodeSamples(encoding, samples);
  const header = wavHeader({ ...format, dataBytes: data.length });
  // The pad byte of an odd-sized chunk is the last byte of the file and stays 0.
  const file = new Uint8Array(header.length + data.length + (data.length % 2));
  file.set(header);
  file.set(data, header.length);
  return file;
}

/**
 * The header that stands before the audio: 44 bytes for PCM16, 58 for the companded encodings, the same length whether `dataBytes` is known
 * or not. So a recorder writes it first without `dataBytes` (all sizes are 0xFFFFFFFF then, which readers take as "until the end": the file
 * is good even if the writer dies), and writes it again at offset 0 with `dataBytes` when it closes. After an odd number of audio bytes the
 * writer adds one 0 byte. Throws `RangeError` for a format that a WAV file cannot have, or more audio than 4 GiB.
 */
export function wavHeader(options: WavFormat & { readonly dataBytes?: number }): Uint8Array {
  const { sampleRate, channels, encoding = 'pcm16', dataBytes } = options;
  if (!Number.isInteger(sampleRate) || sampleRate < 1 || sampleRate > 384_000) {
    throw new RangeError(`The sample rate must be a whole number from 1 to 384000, not ${sampleRate}.`);
  }
  if (!Number.isInteger(channels) || channels < 1 || channels > 8) {
    throw new RangeError(`The channel count must be a whole number from 1 to 8, not ${channels}.`);
  }
  const sampleBytes = encoding === 'pcm16' ? 2 : 1;
  const isPcm = encoding === 'pcm16';
  // Other encodings need the size of an (empty) extension, and a fact chunk with the number of samples.
  const fmtBytes = isPcm ? 16 : 18;
  const headerBytes = isPcm ? 44 : 58;
  if (dataBytes !== undefined && (!Number.isInteger(dataBytes) || dataBytes < 0 || dataBytes > 0xfffffffe - headerBytes)) {
    throw new RangeError(`A WAV file holds up to ${0xfffffffe - headerBytes} bytes of audio, not ${dataBytes}.`);
  }
  const header = new Uint8Array(headerBytes);
  const view = new DataView(header.buffer);
  writeAscii(header, 0, 'RIFF');
  view.setUint32(4, dataBytes === undefined ? 0xffffffff : headerBytes - 8 + dataBytes + (dataBytes % 2), true);
  writeAscii(header, 8, 'WAVEfmt ');
  view.setUint32(16, fmtBytes, true);
  view.setUint16(20, isPcm ? 1 : encoding === 'alaw' ? 6 : 7, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * channels * sampleBytes, true);
  view.setUint16(32, channels * sampleBytes, true);
  view.setUint16(34, sampleBytes * 8, true);
  if (!isPcm) {
    writeAscii(header, 38, 'fact');
    view.setUint32(42, 4, true);
    view.setUint32(46, dataBytes === undefined ? 0xffffffff : Math.floor(dataBytes / channels), true);
  }
  writeAscii(header, headerBytes - 8, 'data');
  view.setUint32(headerBytes - 4, dataBytes ?? 0xffffffff, true);
  return header;
}

/** The average of the channels, rounded. With one channel it returns the array it was given. `samples` must be whole blocks. */
export function mixToMono(samples: Int16Array, channels: number): Int16Array {
  if (!Number.isInteger(channels) || channels < 1 || samples.length % channels !== 0) {
    throw new RangeError(`${samples.length} samples are not whole blocks of ${channels} channels.`);
  }
  if (channels === 1) return samples;
  const mono = new Int16Array(samples.length / channels);
  for (let i = 0; i < mono.length; i++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += samples[i * channels + channel] ?? 0;
    mono[i] = Math.round(sum / channels);
  }
  return mono;
}

function writeAscii(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
