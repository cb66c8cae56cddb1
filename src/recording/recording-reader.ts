import { existsSync, readFileSync } from 'node:fs';
import { parseWavHeader, silenceByte } from '../../audio/index.js';
import type { AudioFormat } from '../../audio/index.js';
import { HostError } from '../host/errors.js';
import { cannotRead } from '../host/file-errors.js';
import { FORMAT, FORMAT_VERSION, isLineType } from './format.js';
import type { AudioRef, RecordingHeader, RecordingLine, TrackLine } from './format.js';
import { decode } from './plain-data.js';
import { trackPath } from './recording-store.js';

/** A recording that was read. */
export interface Recording {
  /** Where it was read from, for messages. */
  readonly path: string;
  readonly header: RecordingHeader;
  /** Every line but the header, as JSON. Line `n` of this list is line `n + 2` of the file. */
  readonly lines: readonly RecordingLine[];
  /** Whether its writer came to the end; if not, it died, and what is here is the call up to then. */
  readonly complete: boolean;
  readonly tracks: ReadonlyMap<string, TrackLine>;
  /** The audio of a track, in its format; empty where only hashes are kept. */
  trackBytes(track: string): Uint8Array;
  /**
   * A value as it was: bytes, maps and errors again. Audio that is not kept, or that a crash has taken, is silence of the same length. Bytes are
   * the receiver's.
   */
  value(written: unknown): unknown;
  /** Where bytes that {@link Recording.value} gave stand in the recording. */
  placeOf(bytes: Uint8Array): AudioRef | undefined;
}

const HINT = 'Give a file that "voicewire record", "voicewire serve --record" or recordSession() has written; its name ends in .vw.jsonl.';

/**
 * Reads a recording and checks each line's frame. Throws `HostError`: `FILE_NOT_FOUND`, `RECORDING_INVALID` with the number of the line,
 * `RECORDING_VERSION`, `RECORDING_AUDIO_MISSING`.
 */
export function readRecording(path: string): Recording {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw cannotRead(path, HINT, cause);
  }
  return parseRecording(text, path, (track) => readTrack(path, track));
}

/** Reads the text of a recording. `readAudio` gives the audio of a track, without its header. */
export function parseRecording(text: string, path: string, readAudio: (track: string) => Uint8Array | undefined = () => undefined): Recording {
  const rows = text.split('\n');
  // A line that a crash has torn has no line end; whatever it holds, it was not finished.
  rows.pop();
  const [first, ...rest] = rows;
  const header = readHeader(first, path);
  const lines = rest.map((row, index) => readLine(row, path, index + 2));
  const tracks = new Map(lines.flatMap((line) => (line.type === 'track' ? [[line.track, line] as const] : [])));
  const audio = new Map<string, Uint8Array>();
  const trackBytes = (track: string): Uint8Array => {
    const known = audio.get(track);
    if (known !== undefined) return known;
    const bytes = header.audio.keep === 'files' ? readAudio(track) : new Uint8Array(0);
    if (bytes === undefined) {
      throw new HostError('RECORDING_AUDIO_MISSING', `${path} speaks of audio, and ${trackPath(path, track)} is not there.`, { hint: 'Keep the WAV files beside the recording; they have its name.' });
    }
    audio.set(track, bytes);
    return bytes;
  };
  const places = new WeakMap<Uint8Array, AudioRef>();
  const decoding = {
    audio(ref: Readonly<Record<string, unknown>>) {
      const bytes = audioOf(ref, tracks, trackBytes);
      places.set(bytes, ref as unknown as AudioRef);
      return bytes;
    },
  };
  return { path, header, lines, complete: lines.at(-1)?.type === 'end', tracks, trackBytes, value: (written) => decode(written, decoding), placeOf: (bytes) => places.get(bytes) };
}

function readHeader(row: string | undefined, path: string): RecordingHeader {
  const header = row === undefined ? undefined : json(row);
  if (header === undefined || header['format'] !== FORMAT) throw new HostError('RECORDING_INVALID', `${path} is not a recording: its first line is not a header.`, { hint: HINT });
  const { version } = header;
  if (typeof version !== 'number') throw invalid(path, 1, 'has no version');
  if (version > FORMAT_VERSION) {
    throw new HostError('RECORDING_VERSION', `${path} is of version ${version}; this program reads up to version ${FORMAT_VERSION}.`, { hint: 'Read it with the version of voicewire that wrote it, or a newer one.' });
  }
  const audio = header['audio'] as Partial<RecordingHeader['audio']> | undefined;
  const known = (header['level'] === 'session' || header['level'] === 'wire') && (audio?.keep === 'files' || audio?.keep === 'hash') && isFormat(audio.input) && isFormat(audio.output) && Number.isFinite(header['clockMs']);
  if (!known) throw invalid(path, 1, 'lacks level, clockMs or audio');
  return header as unknown as RecordingHeader;
}

function readLine(row: string, path: string, number: number): RecordingLine {
  const line = json(row);
  if (line === undefined) throw invalid(path, number, 'is not a JSON object');
  if (!Number.isFinite(line['at'])) throw invalid(path, number, 'has no time "at"');
  if (line['dir'] !== 'in' && line['dir'] !== 'out') throw invalid(path, number, 'has no "dir"');
  if (!isLineType(line['type'])) throw invalid(path, number, `has a type that is not known: ${JSON.stringify(line['type'])}`);
  const missing = NEEDED[line['type']].find((field) => line[field] === undefined);
  if (missing !== undefined) throw invalid(path, number, `has no "${missing}"`);
  if (line['type'] === 'track' && !isFormat(line as Partial<AudioFormat>)) throw invalid(path, number, 'has no format of audio');
  return line as unknown as RecordingLine;
}

const NEEDED: { readonly [Type in RecordingLine['type']]: readonly string[] } = {
  start: ['agentName', 'state'],
  input: ['input'],
  command: ['command'],
  event: ['event'],
  open: ['connection', 'url'],
  message: ['connection'],
  close: ['connection', 'code'],
  refused: ['connection'],
  track: ['track'],
  end: ['lines'],
};

function isFormat(value: Partial<AudioFormat> | undefined): value is AudioFormat {
  const { encoding, sampleRate, channels } = value ?? {};
  return (encoding === 'pcm16' || encoding === 'mulaw' || encoding === 'alaw') && Number.isInteger(sampleRate) && Number(sampleRate) > 0 && Number.isInteger(channels) && Number(channels) > 0;
}

function json(row: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(row);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function invalid(path: string, line: number, why: string): HostError {
  return new HostError('RECORDING_INVALID', `Line ${line} of ${path} ${why}.`, { hint: 'docs/recording-format.md tells what stands in a line. A torn last line is no error; this one is whole.' });
}

/** The audio after the header, to the end of the file, or as far as the header says. */
function readTrack(path: string, track: string): Uint8Array | undefined {
  const file = trackPath(path, track);
  if (!/^[\w-]+$/.test(track) || !existsSync(file)) return undefined;
  const bytes = readFileSync(file);
  const header = parseWavHeader(bytes);
  if (header === undefined) return new Uint8Array(0);
  return bytes.subarray(header.dataOffset, header.dataBytes === undefined ? bytes.length : header.dataOffset + header.dataBytes);
}

function audioOf(ref: Readonly<Record<string, unknown>>, tracks: ReadonlyMap<string, TrackLine>, trackBytes: (track: string) => Uint8Array): Uint8Array {
  const name = String(ref['$audio']);
  const [at, length] = [Number(ref['at'] ?? 0), Number(ref['bytes'])];
  const track = tracks.get(name);
  const kept = track === undefined ? undefined : trackBytes(name).subarray(at, at + length);
  if (kept?.length === length) return new Uint8Array(kept);
  const bytes = new Uint8Array(length).fill(silenceByte(track?.encoding ?? 'pcm16'));
  if (kept !== undefined) bytes.set(kept);
  return bytes;
}
