/**
 * Writes PCM16 to a WAV file while the audio is still being made, so that the file can be played at any moment, also when the process dies.
 *
 * The stream and its header come from the `wav` package's Writer; three things it leaves open are done here. The sizes in its first header are
 * a guess near 4 GB: they become 0xFFFFFFFF, which readers take as "until the end of the file", and then the truth once a second and at
 * the end. Its header buffer is changed again later, so it is copied before it is written. Its FileWriter opens the file by itself and may
 * write before it is open; here the file is open before the first byte is taken.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import wav from 'wav';
import { samplesToPcm16 } from '../../audio/index.js';
import type { Clock } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import { cannotWrite } from '../host/file-errors.js';
import { systemClock } from '../host/system-clock.js';

/** RIFF header, `fmt ` chunk of 16 bytes, `data` chunk header. */
const HEADER_BYTES = 44;
const RIFF_SIZE_AT = 4;
const DATA_SIZE_AT = 40;
const UNKNOWN_SIZE = 0xffffffff;
const PATCH_EVERY_MS = 1000;

export interface WavFileOptions {
  /** Samples per second and channel. */
  readonly sampleRate: number;
  /** 1 is mono; 2 is left and right, interleaved. */
  readonly channels: 1 | 2;
  /** Paces the patching of the sizes. */
  readonly clock?: Clock;
}

/** A WAV file that is being written; what has reached the disk stays readable after a crash. */
export interface WavFileWriter extends AsyncDisposable {
  readonly path: string;
  /** Samples per channel taken so far. */
  readonly samplesPerChannel: number;
  /**
   * Appends samples, interleaved when there are two channels; they are copied before the call returns. Resolves when there is room for more.
   * Rejects with `HostError` `FILE_NOT_WRITABLE` when the disk refuses, from then on always.
   */
  write(samples: Int16Array): Promise<void>;
  /** Writes what is left and the final sizes. The same promise for every caller. Rejects when something could not be written. */
  close(): Promise<void>;
}

/** Creates the file or empties it. Throws `HostError` `FILE_NOT_WRITABLE` when the path cannot be written. */
export async function openWavFile(path: string, options: WavFileOptions): Promise<WavFileWriter> {
  if (!Number.isInteger(options.sampleRate) || options.sampleRate < 1 || options.sampleRate > 384_000) {
    throw new RangeError(`The sample rate must be a whole number from 1 to 384000, not ${options.sampleRate}.`);
  }
  if (options.channels !== 1 && options.channels !== 2) throw new RangeError(`A recording has 1 or 2 channels, not ${String(options.channels)}.`);
  let file: FileHandle;
  try {
    file = await open(path, 'w');
  } catch (cause) {
    throw notWritable(path, cause);
  }
  return new OpenWavFile(path, file, options.sampleRate, options.channels, options.clock ?? systemClock);
}

class OpenWavFile implements WavFileWriter {
  readonly path: string;
  readonly #channels: number;
  readonly #writer: wav.Writer;
  readonly #sink: SizePatchingSink;
  readonly #done: Promise<void>;
  #failure: HostError | undefined;
  #samplesPerChannel = 0;
  #closing: Promise<void> | undefined;

  constructor(path: string, file: FileHandle, sampleRate: number, channels: number, clock: Clock) {
    this.path = path;
    this.#channels = channels;
    this.#writer = new wav.Writer({ sampleRate, channels, bitDepth: 16 });
    this.#sink = new SizePatchingSink(file, clock);
    this.#done = pipeline(this.#writer, this.#sink).catch((cause: unknown) => {
      this.#failure = notWritable(path, cause);
    });
  }

  get samplesPerChannel(): number {
    return this.#samplesPerChannel;
  }

  async write(samples: Int16Array): Promise<void> {
    if (this.#closing !== undefined) throw new TypeError(`The recording ${this.path} is closed.`);
    if (samples.length % this.#channels !== 0) throw new RangeError(`${samples.length} samples are no whole number of frames of ${this.#channels} channels.`);
    this.#assertSound();
    if (samples.length === 0) return;
    this.#samplesPerChannel += samples.length / this.#channels;
    const roomForMore = this.#writer.write(Buffer.from(samplesToPcm16(samples)));
    if (!roomForMore) await this.#drained();
    this.#assertSound();
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A disk that refused once refuses for good. */
  #assertSound(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #finish(): Promise<void> {
    this.#writer.end();
    await this.#done;
    try {
      await this.#sink.finish();
    } catch (cause) {
      this.#failure ??= notWritable(this.path, cause);
    }
    this.#assertWritable();
  }

  #assertWritable(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The writer has taken what it holds, or the file has failed and never will. */
  async #drained(): Promise<void> {
    let onDrain = (): void => {};
    const drained = new Promise<void>((resolve) => {
      onDrain = resolve;
      this.#writer.once('drain', onDrain);
    });
    await Promise.race([drained, this.#done]);
    this.#writer.off('drain', onDrain);
  }
}

/** Writes the stream to the file at its own positions, and the two sizes of the header again and again. */
class SizePatchingSink extends Writable {
  readonly #file: FileHandle;
  readonly #clock: Clock;
  #writtenBytes = 0;
  #patchedAtMs: number;

  constructor(file: FileHandle, clock: Clock) {
    super({ decodeStrings: false });
    this.#file = file;
    this.#clock = clock;
    this.#patchedAtMs = clock.now();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#append(chunk).then(() => done(), done);
  }

  /** Final sizes, and the file closed. Called once, after the stream has ended or failed. */
  async finish(): Promise<void> {
    try {
      if (this.#writtenBytes >= HEADER_BYTES) await this.#patch();
    } finally {
      await this.#file.close();
    }
  }

  async #append(chunk: Buffer): Promise<void> {
    const bytes = this.#writtenBytes === 0 ? withUnknownSizes(chunk) : chunk;
    await writeAll(this.#file, bytes, this.#writtenBytes);
    this.#writtenBytes += bytes.length;
    if (this.#clock.now() - this.#patchedAtMs >= PATCH_EVERY_MS) await this.#patch();
  }

  /** The data comes first and its size after it: the file never claims bytes that it does not have. */
  async #patch(): Promise<void> {
    this.#patchedAtMs = this.#clock.now();
    await writeAll(this.#file, uint32(this.#writtenBytes - 8), RIFF_SIZE_AT);
    await writeAll(this.#file, uint32(this.#writtenBytes - HEADER_BYTES), DATA_SIZE_AT);
  }
}

function withUnknownSizes(firstChunk: Buffer): Uint8Array {
  const copy = Uint8Array.from(firstChunk);
  copy.set(uint32(UNKNOWN_SIZE), RIFF_SIZE_AT);
  copy.set(uint32(UNKNOWN_SIZE), DATA_SIZE_AT);
  return copy;
}

/** A size past 4 GiB cannot be said in this format; 0xFFFFFFFF, "until the end", is then still true. */
function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, Math.min(value, UNKNOWN_SIZE), true);
  return bytes;
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, offset, bytes.length - offset, position + offset);
    offset += bytesWritten;
  }
}

function notWritable(path: string, cause: unknown): HostError {
  return cannotWrite(path, 'Choose a path in a folder that exists, that you may write to, and that has room.', cause);
}
