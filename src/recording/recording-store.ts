import { closeSync, openSync, write } from 'node:fs';
import { wavHeader } from '../../audio/index.js';
import type { AudioFormat } from '../../audio/index.js';
import { HostError } from '../host/errors.js';
import { cannotWrite } from '../host/file-errors.js';

/** Where the lines and the audio of a recording go. Nothing here waits: what cannot be written is told once, and the call goes on. */
export interface RecordingStore {
  /** A whole line, without its line end. */
  line(text: string): void;
  openTrack(track: string, format: AudioFormat): void;
  /** The bytes are copied. */
  audio(track: string, bytes: Uint8Array): void;
  /** Writes what is left. Rejects with `HostError` `FILE_NOT_WRITABLE` when the recording lacks something. */
  close(): Promise<void>;
}

/** What may wait for the disk. A disk slower than that loses the recording, not the call. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

interface OutputFile {
  readonly path: string;
  readonly fd: number;
  readonly format: AudioFormat | undefined;
  waiting: Uint8Array[];
  writtenBytes: number;
}

/**
 * A recording in files. It is appended to and never rewritten, but for the sizes in the headers of its tracks at the end; of what was taken together the
 * audio is written first, so that a line never speaks of audio that a crash has taken.
 */
export class RecordingFiles implements RecordingStore {
  readonly path: string;
  readonly #lines: OutputFile;
  readonly #tracks = new Map<string, OutputFile>();
  readonly #onFailure: (error: HostError) => void;
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #failure: HostError | undefined;
  #closing: Promise<void> | undefined;

  /** `path` ends in `.vw.jsonl`. Creates or empties the file. Throws `HostError` `FILE_NOT_WRITABLE`, or `USAGE` for another ending. */
  constructor(path: string, onFailure: (error: HostError) => void = () => {}) {
    if (!path.endsWith(RECORDING_ENDING)) throw new HostError('USAGE', `A recording's name ends in ${RECORDING_ENDING}, unlike ${JSON.stringify(path)}.`, { hint: `Call it call${RECORDING_ENDING}.` });
    this.path = path;
    this.#onFailure = onFailure;
    this.#lines = openOutput(path, undefined);
  }

  line(text: string): void {
    this.#take(this.#lines, Buffer.from(`${text}\n`));
  }

  openTrack(track: string, format: AudioFormat): void {
    if (this.#tracks.has(track) || this.#closing !== undefined) return;
    try {
      const file = openOutput(trackPath(this.path, track), format);
      this.#tracks.set(track, file);
      this.#take(file, wavHeader(format));
    } catch (error) {
      this.#fail(error as HostError);
    }
  }

  audio(track: string, bytes: Uint8Array): void {
    const file = this.#tracks.get(track);
    if (file !== undefined) this.#take(file, bytes.slice());
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  #take(file: OutputFile, bytes: Uint8Array): void {
    if (this.#failure !== undefined || this.#closing !== undefined) return;
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > MAX_WAITING_BYTES) {
      return this.#fail(new HostError('FILE_NOT_WRITABLE', `Cannot write ${this.path} any more: the disk takes the recording slower than the call makes it.`, { hint: 'Record to a local disk; the file holds the call up to here.' }));
    }
    file.waiting.push(bytes);
    this.#writing ??= this.#drain().finally(() => (this.#writing = undefined));
  }

  async #drain(): Promise<void> {
    try {
      // What is taken in one turn of the event loop goes out in one piece.
      await Promise.resolve();
      while (this.#waitingBytes > 0) {
        this.#waitingBytes = 0;
        const pieces = [...this.#tracks.values(), this.#lines].map((file) => [file, Buffer.concat(file.waiting.splice(0))] as const);
        for (const [file, bytes] of pieces) {
          await writeAll(file, bytes, file.writtenBytes);
          file.writtenBytes += bytes.length;
        }
      }
    } catch (cause) {
      this.#fail(notWritable(this.path, cause));
    }
  }

  #fail(error: HostError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#onFailure(error);
  }

  async #finish(): Promise<void> {
    await this.#writing;
    try {
      for (const file of this.#tracks.values()) if (this.#failure === undefined && file.format !== undefined) await completeHeader(file, file.format);
    } catch (cause) {
      this.#fail(notWritable(this.path, cause));
    }
    for (const { fd } of [this.#lines, ...this.#tracks.values()]) closeSync(fd);
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** A recording in memory: to compare it, or to hand it on. */
export class RecordingMemory implements RecordingStore {
  readonly lines: string[] = [];
  readonly tracks = new Map<string, Uint8Array[]>();

  line(text: string): void {
    this.lines.push(text);
  }

  openTrack(track: string): void {
    this.tracks.set(track, []);
  }

  audio(track: string, bytes: Uint8Array): void {
    this.tracks.get(track)?.push(bytes.slice());
  }

  async close(): Promise<void> {}
}

export const RECORDING_ENDING = '.vw.jsonl';

/** `call.vw.jsonl`, `caller` → `call.caller.wav`. */
export function trackPath(recordingPath: string, track: string): string {
  return `${recordingPath.slice(0, -RECORDING_ENDING.length)}.${track}.wav`;
}

function openOutput(path: string, format: AudioFormat | undefined): OutputFile {
  try {
    return { path, fd: openSync(path, 'w'), format, waiting: [], writtenBytes: 0 };
  } catch (cause) {
    throw notWritable(path, cause);
  }
}

/** The true sizes in place of "until the end", and the pad byte that an odd length asks for. A file of 4 GiB keeps its first header, which stays true. */
async function completeHeader(file: OutputFile, format: AudioFormat): Promise<void> {
  const headerBytes = wavHeader(format).length;
  const dataBytes = file.writtenBytes - headerBytes;
  if (dataBytes > 0xffff_ff00) return;
  if (dataBytes % 2 === 1) await writeAll(file, new Uint8Array(1), file.writtenBytes);
  await writeAll(file, wavHeader({ ...format, dataBytes }), 0);
}

function writeAll({ fd }: OutputFile, bytes: Uint8Array, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const more = (offset: number): void => {
      if (offset >= bytes.length) return resolve();
      write(fd, bytes, offset, bytes.length - offset, position + offset, (error, written) => (error === null ? more(offset + written) : reject(error)));
    };
    more(0);
  });
}

function notWritable(path: string, cause: unknown): HostError {
  return cannotWrite(path, 'Choose a path in a folder that exists, that you may write to, and that has room.', cause);
}
