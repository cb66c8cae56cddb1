import { AudioError } from '../errors.js';

/** How a WAV file writes its samples; all become PCM16 when they are read. */
export type WavEncoding = 'pcm8' | 'pcm16' | 'pcm24' | 'pcm32' | 'float32' | 'float64' | 'mulaw' | 'alaw';

export interface WavHeader {
  readonly encoding: WavEncoding;
  /** 1..384 000 */
  readonly sampleRate: number;
  /** 1..8, interleaved. */
  readonly channels: number;
  /** A RIFX file: sizes and samples have their high byte first. */
  readonly bigEndian: boolean;
  /** Bytes of one sample of all channels. */
  readonly blockBytes: number;
  /** Where the audio begins, in bytes from the start of the file. */
  readonly dataOffset: number;
  /** Bytes of audio that the header announces; `undefined` when it does not know, and the audio then runs to the end of the file. */
  readonly dataBytes: number | undefined;
}

/** The smallest and the largest fmt chunk that is believed; the format's own largest is 40, and memory is not asked for beyond that. */
const FMT_MIN_BYTES = 16;
const FMT_MAX_BYTES = 1024;
const FMT_READ_BYTES = 40;
/** riffSize, dataSize and sampleCount, 64 bits each, and the length of a table (EBU Tech 3306). */
const DS64_BYTES = 28;
/**
 * Announced sizes from here on mean "written to a pipe, length unknown": espeak-ng writes 0x7ffff000, ffmpeg 0xffffffff, the `wav` package
 * 0xffffff9b. 0 means it too: the file's writer ended before it could come back to the header.
 */
const UNKNOWN_FROM_BYTES = 0x7ffff000;
/** How much may stand before the audio (tags, cover pictures, padding to a sector). Beyond this the header is not a recorder's work. */
const MAX_SKIPPED_BYTES = 64 * 1024 * 1024;

/**
 * Reads the header at the start of `bytes`; `undefined` means that it is not complete yet and more bytes are needed from the start on.
 * Throws `AudioError` `WAV_INVALID` or `WAV_UNSUPPORTED`. Audio that comes in pieces is read with `WavReader`.
 */
export function parseWavHeader(bytes: Uint8Array): WavHeader | undefined {
  const parser = new WavHeaderParser();
  parser.push(bytes);
  return parser.header;
}

/*
 *      riff --12 bytes--> chunk <--------------------.
 *                           |--'fmt '--> fmt --------|
 *                           |--'ds64'--> ds64 -------|
 *                           |--other---> skip -------'
 *                           '--'data'--> (header is complete)
 *
 * A chunk is an id of 4 characters, a size of 4 bytes, `size` bytes, and a pad byte when the size is odd.
 */
type ParserState =
  | { readonly name: 'riff' }
  | { readonly name: 'chunk' }
  | { readonly name: 'fmt'; readonly chunkBytes: number; readonly wanted: number }
  | { readonly name: 'ds64'; readonly chunkBytes: number }
  | { readonly name: 'skip'; readonly bytes: number };

type Format = Pick<WavHeader, 'encoding' | 'sampleRate' | 'channels' | 'blockBytes'>;

/** Walks the chunks in front of the audio, whatever pieces the file comes in. Keeps no more than 40 bytes of it. */
export class WavHeaderParser {
  #state: ParserState = { name: 'riff' };
  readonly #scratch = new Uint8Array(FMT_READ_BYTES);
  #filled = 0;
  #offset = 0;
  #skipped = 0;
  #bigEndian = false;
  #format: Format | undefined;
  #dataBytes64: number | undefined;
  #header: WavHeader | undefined;

  /** Known as soon as the byte before the audio has been pushed. */
  get header(): WavHeader | undefined {
    return this.#header;
  }

  /** Takes the next bytes and says how many of them belonged to the header; what is left is audio. `bytes` is not kept. */
  push(bytes: Uint8Array): number {
    let at = 0;
    while (this.#header === undefined) {
      const state = this.#state;
      if (state.name === 'skip') {
        const count = Math.min(state.bytes, bytes.length - at);
        at += count;
        this.#offset += count;
        if (count < state.bytes) {
          this.#state = { name: 'skip', bytes: state.bytes - count };
          return at;
        }
        this.#state = { name: 'chunk' };
        continue;
      }
      const wanted = wantedBytes(state);
      const count = Math.min(wanted - this.#filled, bytes.length - at);
      this.#scratch.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      this.#offset += count;
      if (this.#filled < wanted) return at;
      this.#filled = 0;
      this.#state = this.#read(state, this.#scratch.subarray(0, wanted));
    }
    return at;
  }

  /** Says that the file has ended: throws when there was no whole header in it. */
  end(): void {
    if (this.#header !== undefined) return;
    if (this.#offset === 0) throw invalid('The WAV file is empty: it has 0 bytes.');
    if (this.#state.name === 'riff') {
      const start = this.#scratch.subarray(0, this.#filled);
      if (isRiffStart(start)) throw invalid(`The WAV file is cut off: it ends after ${this.#offset} bytes, within its first header.`);
      throw notWav(start);
    }
    const missing = this.#format === undefined ? "its format ('fmt ' chunk)" : "its audio ('data' chunk)";
    throw invalid(`The WAV file is cut off: it ends after ${this.#offset} bytes, before ${missing}.`);
  }

  #read(state: Exclude<ParserState, { name: 'skip' }>, bytes: Uint8Array): ParserState {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    switch (state.name) {
      case 'riff':
        return this.#readRiff(bytes);
      case 'chunk':
        return this.#readChunk(ascii(bytes, 0), view.getUint32(4, !this.#bigEndian));
      case 'fmt':
        this.#format = readFormat(view, !this.#bigEndian);
        return this.#skip('fmt ', state.chunkBytes + (state.chunkBytes % 2) - state.wanted);
      case 'ds64':
        this.#dataBytes64 = Number(view.getBigUint64(8, !this.#bigEndian));
        return this.#skip('ds64', state.chunkBytes + (state.chunkBytes % 2) - DS64_BYTES);
    }
  }

  #readRiff(bytes: Uint8Array): ParserState {
    if (!isRiffStart(bytes)) throw notWav(bytes);
    const kind = ascii(bytes, 8);
    if (kind !== 'WAVE') throw invalid(`This is a RIFF file of kind ${quoted(kind)} and not a WAV file.`);
    this.#bigEndian = ascii(bytes, 0) === 'RIFX';
    return { name: 'chunk' };
  }

  #readChunk(id: string, size: number): ParserState {
    if (!/^[\x20-\x7e]{4}$/.test(id)) {
      throw invalid(`The WAV header is damaged: at byte ${this.#offset - 8} a chunk name was expected, but ${quoted(id)} stands there.`);
    }
    if (id === 'data') return this.#finish(size);
    if (id === 'fmt ') {
      if (this.#format !== undefined) throw invalid("The WAV header contradicts itself: it has two 'fmt ' chunks.");
      if (size < FMT_MIN_BYTES || size > FMT_MAX_BYTES) {
        throw invalid(`The WAV header is damaged: its 'fmt ' chunk says ${size} bytes, and ${FMT_MIN_BYTES} to ${FMT_MAX_BYTES} are possible.`);
      }
      return { name: 'fmt', chunkBytes: size, wanted: Math.min(size, FMT_READ_BYTES) };
    }
    if (id === 'ds64' && size >= DS64_BYTES && size <= MAX_SKIPPED_BYTES) return { name: 'ds64', chunkBytes: size };
    return this.#skip(id, size + (size % 2));
  }

  #skip(id: string, bytes: number): ParserState {
    this.#skipped += bytes + 8;
    if (this.#skipped > MAX_SKIPPED_BYTES) {
      throw invalid(`The WAV header is damaged: with its ${quoted(id)} chunk more than 64 MiB would stand before the audio.`);
    }
    return { name: 'skip', bytes };
  }

  #finish(announced: number): ParserState {
    if (this.#format === undefined) throw invalid("The WAV header is damaged: its audio ('data') comes before its format ('fmt ').");
    const size = announced === 0xffffffff && this.#dataBytes64 !== undefined ? this.#dataBytes64 : announced;
    const unknown = size === 0 || (size === announced && size >= UNKNOWN_FROM_BYTES) || size > Number.MAX_SAFE_INTEGER;
    this.#header = { ...this.#format, bigEndian: this.#bigEndian, dataOffset: this.#offset, dataBytes: unknown ? undefined : size };
    return { name: 'chunk' };
  }
}

function wantedBytes(state: Exclude<ParserState, { name: 'skip' }>): number {
  switch (state.name) {
    case 'riff':
      return 12;
    case 'chunk':
      return 8;
    case 'fmt':
      return state.wanted;
    case 'ds64':
      return DS64_BYTES;
  }
}

/*
 *   0 tag  2 channels  4 sampleRate  8 bytesPerSecond  12 blockAlign  14 bits | 16 extra size | 18 valid bits  20 speakers  24 SubFormat (16)
 */
function readFormat(view: DataView, littleEndian: boolean): Format {
  let tag = view.getUint16(0, littleEndian);
  const channels = view.getUint16(2, littleEndian);
  const sampleRate = view.getUint32(4, littleEndian);
  const blockAlign = view.getUint16(12, littleEndian);
  const bits = view.getUint16(14, littleEndian);
  if (tag === 0xfffe) tag = readSubFormat(view, littleEndian);
  if (channels === 0) throw invalid('The WAV header is damaged: it says 0 channels.');
  if (sampleRate === 0) throw invalid('The WAV header is damaged: it says a sample rate of 0 Hz.');
  if (channels > 8) throw unsupported(`The WAV file has ${channels} channels, and up to 8 are read; mix it down first.`);
  if (sampleRate > 384_000) throw unsupported(`The WAV file says ${sampleRate} samples a second, and up to 384000 are read.`);
  const encoding = encodingOf(tag, bits);
  const blockBytes = channels * wavSampleBytes(encoding);
  if (blockAlign !== blockBytes) {
    throw invalid(`The WAV header contradicts itself: ${channels} channels of ${bits} bits take ${blockBytes} bytes a block, but it says ${blockAlign}.`);
  }
  return { encoding, sampleRate, channels, blockBytes };
}

/** WAVEFORMATEXTENSIBLE: the tag is the front of a GUID whose rest is always 0000-0010-8000-00AA00389B71. */
function readSubFormat(view: DataView, littleEndian: boolean): number {
  if (view.byteLength < 40) throw invalid(`The WAV header is damaged: its extensible 'fmt ' chunk has ${view.byteLength} bytes of 40.`);
  const tag = view.getUint32(24, littleEndian);
  const rest = [view.getUint16(28, littleEndian), view.getUint16(30, littleEndian), view.getUint32(32), view.getUint32(36)];
  if (tag > 0xffff || rest.join() !== [0x0000, 0x0010, 0x800000aa, 0x00389b71].join()) {
    throw unsupported('The WAV file has an unknown sample format (the SubFormat of its extensible header). Convert it to 16-bit PCM.');
  }
  return tag;
}

function encodingOf(tag: number, bits: number): WavEncoding {
  if (tag === 1) {
    // Widths between whole bytes fill the container from the top, so the container's width is what counts.
    if (bits >= 1 && bits <= 8) return 'pcm8';
    if (bits > 8 && bits <= 16) return 'pcm16';
    if (bits > 16 && bits <= 24) return 'pcm24';
    if (bits > 24 && bits <= 32) return 'pcm32';
  }
  if (tag === 3 && bits === 32) return 'float32';
  if (tag === 3 && bits === 64) return 'float64';
  if (tag === 6 && bits === 8) return 'alaw';
  if (tag === 7 && bits === 8) return 'mulaw';
  const name = KNOWN_TAGS[tag] ?? `format tag 0x${tag.toString(16).padStart(4, '0')}`;
  throw unsupported(
    `The WAV file holds ${name} with ${bits} bits. PCM (8 to 32 bits), float (32, 64), µ-law and A-law are read; convert it to 16-bit PCM.`,
  );
}

/** Other things found in WAV files, for the message (RFC 2361). */
const KNOWN_TAGS: Readonly<Record<number, string>> = {
  1: 'PCM',
  2: 'Microsoft ADPCM',
  3: 'floating point',
  6: 'A-law',
  7: 'µ-law',
  0x11: 'IMA ADPCM',
  0x31: 'GSM 6.10',
  0x50: 'MPEG audio',
  0x55: 'MP3 audio',
  0xff: 'AAC audio',
};

/** Bytes of one sample of one channel. */
export function wavSampleBytes(encoding: WavEncoding): number {
  switch (encoding) {
    case 'pcm8':
    case 'mulaw':
    case 'alaw':
      return 1;
    case 'pcm16':
      return 2;
    case 'pcm24':
      return 3;
    case 'pcm32':
    case 'float32':
      return 4;
    case 'float64':
      return 8;
  }
}

function isRiffStart(bytes: Uint8Array): boolean {
  const start = ascii(bytes, 0);
  return ['RIFF', 'RIFX', 'RF64', 'BW64'].some((id) => start !== '' && id.startsWith(start));
}

/** Says what the bytes are instead, since the usual reason is a wrong file and not a damaged one. */
function notWav(bytes: Uint8Array): AudioError {
  const start = ascii(bytes, 0);
  const [first = 0, second = 0] = bytes;
  let found: string;
  if (start.startsWith('ID3') || (first === 0xff && (second & 0xe0) === 0xe0)) found = 'an MP3 or AAC file';
  else if (start === 'OggS') found = 'an Ogg file';
  else if (start === 'fLaC') found = 'a FLAC file';
  else if (start === 'FORM') found = 'an AIFF file';
  else if (start === '.snd') found = 'a Sun AU file';
  else if (start === 'caff') found = 'a Core Audio file';
  else if (start.startsWith('#!AM')) found = 'an AMR file';
  else if (ascii(bytes, 4) === 'ftyp') found = 'an MP4 or M4A file';
  else if (first === 0x1a && second === 0x45) found = 'a WebM or Matroska file';
  else if (start.startsWith('PK')) found = 'a ZIP file';
  else if (start.trimStart().startsWith('<')) found = 'an HTML or XML page';
  else if (start.trimStart().startsWith('{')) found = 'JSON text';
  else found = `something that begins with the bytes ${Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join(' ')}`;
  return invalid(`This is not a WAV file: it is ${found}. Convert it, for example with: ffmpeg -i input -ac 1 -c:a pcm_s16le output.wav`);
}

/** Up to four characters; anything that is not ASCII shows as it is in Latin-1. */
function ascii(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

function quoted(id: string): string {
  return JSON.stringify(id).replace(/[^\x20-\x7e]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function invalid(message: string): AudioError {
  return new AudioError('WAV_INVALID', message);
}

function unsupported(message: string): AudioError {
  return new AudioError('WAV_UNSUPPORTED', message);
}
