import type { AudioFormat } from '../../audio/index.js';
import type { SessionEvent, SessionInput } from '../../session/index.js';

/** The name and the version of the format; docs/recording-format.md tells all of it. */
export const FORMAT = 'voicewire-recording';
export const FORMAT_VERSION = 1;

/** Who is on the other side of a line. */
export type Leg = 'client' | 'model' | 'carrier' | 'internal';
/** `session`: what a session was told and told. `wire`: the messages of a realtime socket. */
export type RecordingLevel = 'session' | 'wire';
/** `files`: in WAV files beside the text. `hash`: lengths and hashes only. */
export type AudioKeeping = 'files' | 'hash';

export interface RecordingHeader {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly level: RecordingLevel;
  readonly sessionId?: string;
  /** The writer's clock at the start, of which every `at` is. */
  readonly clockMs: number;
  /** ISO 8601, where the wall's time is known. */
  readonly startedAt?: string;
  readonly peers: Readonly<Record<string, string>>;
  readonly audio: { readonly keep: AudioKeeping; readonly input: AudioFormat; readonly output: AudioFormat };
  readonly redaction: { readonly rules: readonly string[]; readonly patterns: number; readonly secrets: number };
}

/** Bytes of a track, or (`copy`) bytes that were made out of others and are not kept. */
export interface AudioRef {
  readonly $audio: string;
  /** The first byte, within the track's audio. */
  readonly at?: number;
  readonly bytes: number;
  /** With `hash`: the first 16 digits. */
  readonly sha256?: string;
  readonly crc32?: string;
}

/** What a value looks like in a file: JSON, with the words of the format's own for what JSON cannot say. */
export type Written = unknown;

interface At<Dir extends 'in' | 'out', On extends Leg> {
  /** Ms of the recorded clock. */
  readonly at: number;
  readonly dir: Dir;
  readonly leg: On;
}

export type StartLine = At<'in', 'internal'> & { readonly type: 'start'; readonly agentName: string; readonly metadata?: Readonly<Record<string, string>>; readonly state: Written };
export type InputLine = At<'in', Leg> & { readonly type: 'input'; readonly input: Written & { readonly type: SessionInput['type'] } };
export type CommandLine = At<'out', 'model'> & { readonly type: 'command'; readonly attemptId?: number; readonly command: Written };
export type EventLine = At<'out', 'client'> & { readonly type: 'event'; readonly by?: 'runtime'; readonly event: Written & { readonly type: SessionEvent['type'] } };
export type OpenLine = At<'out', 'model'> & {
  readonly type: 'open';
  readonly connection: number;
  readonly url: string;
  readonly protocol: string;
  readonly headerNames: readonly string[];
};
/** Exactly one of `message` (it was JSON), `text` (it was not) and `binary`. */
export type MessageLine = At<'in' | 'out', 'model'> & { readonly type: 'message'; readonly connection: number; readonly message?: Written; readonly text?: string; readonly binary?: Written };
/** `in`: the model closed, or the network did. */
export type CloseLine = At<'in' | 'out', 'model'> & { readonly type: 'close'; readonly connection: number; readonly code: number; readonly reason: string };
export type RefusedLine = At<'in', 'model'> & { readonly type: 'refused'; readonly connection: number; readonly status: number; readonly reason: string };
export type TrackLine = At<'in', 'internal'> & { readonly type: 'track'; readonly track: string } & AudioFormat;
export type EndLine = At<'in', 'internal'> & { readonly type: 'end'; readonly lines: number };

/** Every line but the first. */
export type RecordingLine = StartLine | InputLine | CommandLine | EventLine | OpenLine | MessageLine | CloseLine | RefusedLine | TrackLine | EndLine;

/** A record, so that the compiler asks for each new member of the union. */
const types: { readonly [Type in RecordingLine['type']]: true } = {
  start: true,
  input: true,
  command: true,
  event: true,
  open: true,
  message: true,
  close: true,
  refused: true,
  track: true,
  end: true,
};

export function isLineType(value: unknown): value is RecordingLine['type'] {
  return typeof value === 'string' && Object.hasOwn(types, value);
}

/** Who says a kind of input. */
export function legOf(input: SessionInput): Leg {
  switch (input.type) {
    case 'connect':
    case 'microphone':
    case 'commit':
    case 'message':
    case 'respond':
    case 'withdraw':
    case 'interrupt':
    case 'playback':
    case 'handoff':
    case 'update_history':
    case 'set_context':
    case 'pin':
    case 'tool_decision':
    case 'close':
      return 'client';
    case 'recover':
    case 'tool_prepared':
    case 'tool_progress':
    case 'tool_settled':
    case 'tool_late':
    case 'verdict':
    case 'summarised':
    case 'timer':
      return 'internal';
    default:
      return 'model';
  }
}
