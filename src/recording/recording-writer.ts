import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { AudioFormat } from '../../audio/index.js';
import { FORMAT, FORMAT_VERSION } from './format.js';
import type { AudioKeeping, AudioRef, RecordingHeader, RecordingLine } from './format.js';
import { LineQueue } from './line-queue.js';
import { encode } from './plain-data.js';
import type { RecordingStore } from './recording-store.js';
import { Redaction } from './redaction.js';
import type { RedactionOptions } from './redaction.js';

/** What of a recording its owner may choose. */
export interface RecordingOptions {
  /** What is cut while writing. Credentials always are. */
  readonly redact?: RedactionOptions;
  /** `hash` keeps no sound. Default `files`. */
  readonly audio?: AudioKeeping;
}

interface Track {
  readonly format: AudioFormat;
  bytes: number;
}

/**
 * Writes a recording: header, lines, audio. Values become JSON, secrets are cut, audio goes into its tracks and leaves a reference. Everything
 * happens before the call returns; the store writes it out when it can.
 */
export class RecordingWriter {
  readonly #store: RecordingStore;
  readonly #keep: AudioKeeping;
  readonly #redaction: Redaction;
  readonly #queue: LineQueue;
  readonly #tracks = new Map<string, Track>();
  /** Where bytes that were written stand, so that whoever hands the same ones on is not written as if they were others. */
  readonly #places = new WeakMap<Uint8Array, AudioRef>();
  readonly #encodeKnown = { bytes: (bytes: Uint8Array): AudioRef => this.#places.get(bytes) ?? this.#copy(bytes) };
  #lines = 0;
  #closing: Promise<void> | undefined;

  /** Takes the store over. Throws `RangeError` for secrets that are too short. */
  constructor(store: RecordingStore, options: RecordingOptions = {}) {
    this.#store = store;
    this.#keep = options.audio ?? 'files';
    this.#redaction = new Redaction(options.redact);
    this.#queue = new LineQueue(this.#redaction, (line) => {
      this.#lines += 1;
      store.line(JSON.stringify(line));
    });
  }

  /** From here on this text is not written, wherever it stands. One that is too short to be told from others is not looked for. */
  conceal(secret: string): void {
    this.#redaction.learn(secret);
  }

  /** Once, first. `again`: the header of the recording that this one is made of, whose peers and cuts are those of this one. */
  header(facts: Omit<RecordingHeader, 'format' | 'version' | 'audio' | 'redaction'> & { readonly input: AudioFormat; readonly output: AudioFormat }, again?: RecordingHeader): void {
    const { level, input, output, peers, ...rest } = facts;
    const audio = { keep: this.#keep, input: plainFormat(input), output: plainFormat(output) };
    this.#lines += 1;
    const header = { format: FORMAT, version: FORMAT_VERSION, level, ...rest, peers: { ...(again?.peers ?? peers) }, audio, redaction: again?.redaction ?? this.#redaction.summary };
    this.#store.line(JSON.stringify(this.#redaction.tree(header)));
  }

  /** A line whose values may be any plain data. `bytesOf` writes bytes; without it they are those of a track, or a copy. */
  write(line: RecordingLine, bytesOf: (bytes: Uint8Array) => object = this.#encodeKnown.bytes): void {
    if (this.#closing === undefined) this.#queue.push(encode(line, { bytes: bytesOf }) as { at: number });
  }

  /** Appends audio to a track, which begins with its first audio, and gives the place where it stands. The bytes are copied where they are kept. */
  audio(track: string, format: AudioFormat, bytes: Uint8Array, at: number): AudioRef {
    const own = this.#tracks.get(track) ?? this.#begin(track, format, at);
    const clean = this.#redaction.bytes(bytes);
    const place = { $audio: track, at: own.bytes, bytes: bytes.length };
    own.bytes += bytes.length;
    if (this.#keep === 'files') this.#store.audio(track, clean);
    const ref: AudioRef = this.#keep === 'files' ? place : { ...place, sha256: createHash('sha256').update(clean).digest('hex').slice(0, 16) };
    this.#places.set(bytes, ref);
    return ref;
  }

  /** Bytes that are no sound of this call. */
  inline(bytes: Uint8Array): object {
    return { $bytes: Buffer.from(this.#redaction.bytes(bytes)).toString('base64') };
  }

  /** Writes what waits and the last line. The same promise for every caller; rejects when the recording lacks something. */
  close(at: number): Promise<void> {
    if (this.#closing === undefined) {
      this.#queue.flush();
      // Without a header nothing was ever recorded.
      if (this.#lines > 0) this.#queue.push({ at, dir: 'in', leg: 'internal', type: 'end', lines: this.#lines });
      this.#closing = this.#store.close();
    }
    return this.#closing;
  }

  #begin(track: string, format: AudioFormat, at: number): Track {
    const own: Track = { format, bytes: 0 };
    this.#tracks.set(track, own);
    if (this.#keep === 'files') this.#store.openTrack(track, format);
    this.write({ at, dir: 'in', leg: 'internal', type: 'track', track, ...plainFormat(format) });
    return own;
  }

  #copy(bytes: Uint8Array): AudioRef {
    return audioCopy(bytes, this.#keep === 'files');
  }
}

/** How bytes are told apart that were made out of others. */
export function audioCopy(bytes: Uint8Array, keepsSound: boolean): AudioRef {
  return { $audio: 'copy', bytes: bytes.length, ...(keepsSound ? { crc32: crc32(bytes).toString(16).padStart(8, '0') } : {}) };
}

function plainFormat({ encoding, sampleRate, channels }: AudioFormat): AudioFormat {
  return { encoding, sampleRate, channels };
}
