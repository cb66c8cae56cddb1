import { decodeSamples, mixToMono } from '../../audio/index.js';
import type { AudioFormat } from '../../audio/index.js';
import type { SessionEvent, SessionInput } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import type { WireSessionEvent } from '../protocol/voicewire/index.js';
import { readRecording } from '../recording/index.js';
import type { InputLine, Recording } from '../recording/index.js';

/** An event of a session, or what a gateway tells its clients of one. */
export type CallEvent = SessionEvent | WireSessionEvent;

/** So much of a part had been heard by then. */
export interface PlayedMark {
  readonly atMs: number;
  readonly itemId: string;
  readonly contentIndex: number;
  readonly heardMs: number;
}

/** Mono sound on the call's clock: sample 0 was at `startMs`. */
export interface CallTrack {
  readonly startMs: number;
  readonly sampleRate: number;
  readonly samples: Int16Array;
}

/** A call that is over, as the matchers read it. All times are ms of the session's clock. */
export interface FinishedCall {
  readonly events: readonly CallEvent[];
  /** What the listener reported, in order. Empty: nobody did, and sound counts as played from the moment of its event on. */
  readonly played: readonly PlayedMark[];
  /** What the microphone heard, where it is known. */
  readonly said?: CallTrack;
  /** The agent as it was heard, where it is known. */
  readonly heard?: CallTrack;
  readonly recording?: Recording;
}

/** What a matcher takes: a finished call, a recording or the path of one, or the events of a call in their order. */
export type CallSource = FinishedCall | Recording | readonly CallEvent[] | string;

/**
 * Reads a call. Throws `TypeError` for something that is none, and as `readRecording` does; `HostError` `RECORDING_INVALID` for the recording of a
 * wire, which knows no session.
 */
export function finishedCall(source: unknown): FinishedCall {
  if (typeof source === 'string') return fromRecording(readRecording(source));
  if (Array.isArray(source) && source.length > 0 && source.every((event) => isEvent(event))) return { events: source as readonly CallEvent[], played: [] };
  if (typeof source === 'object' && source !== null) {
    if ('header' in source && 'lines' in source) return fromRecording(source as Recording);
    if ('events' in source && 'played' in source) return source as FinishedCall;
  }
  throw new TypeError('This is no call: give a finished call, a recording or its path, or the session events of one, which are not none.');
}

function isEvent(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'type' in value && 'info' in value;
}

function fromRecording(recording: Recording): FinishedCall {
  if (recording.header.level !== 'session') {
    throw new HostError('RECORDING_INVALID', `${recording.path} is the recording of a wire, which does not say what a session made of it.`, { hint: 'Record the session: recordSession() or "serve --record".' });
  }
  const events: CallEvent[] = [];
  const played: PlayedMark[] = [];
  const rates = new Map<string, number>();
  for (const line of recording.lines) {
    if (line.type === 'event') {
      const event = recording.value(line.event) as SessionEvent;
      events.push(event);
      if (event.type === 'audio') rates.set(event.itemId, event.chunk.format.sampleRate);
    }
    if (line.type !== 'input' || line.input.type !== 'playback') continue;
    const { report } = line.input as unknown as Extract<SessionInput, { type: 'playback' }>;
    const sampleRate = rates.get(report.itemId) ?? recording.header.audio.output.sampleRate;
    played.push({ atMs: line.at, itemId: report.itemId, contentIndex: report.contentIndex, heardMs: (report.samples * 1000) / sampleRate });
  }
  let said: CallTrack | undefined;
  return {
    events,
    played,
    recording,
    // Decoded when it is asked for: most matchers do not listen.
    get said() {
      return (said ??= microphoneTrack(recording));
    },
  };
}

/** What the recorded microphone heard, each chunk ending at the moment at which it came. */
export function microphoneTrack(recording: Recording): CallTrack {
  const format = recording.header.audio.input;
  const chunks: { startMs: number; samples: Int16Array }[] = [];
  let endMs = -Infinity;
  for (const line of recording.lines) {
    if (!isMicrophone(line)) continue;
    const { bytes } = recording.value(line.input) as Extract<SessionInput, { type: 'microphone' }>;
    const samples = monoSamples(bytes, format);
    const lengthMs = (samples.length * 1000) / format.sampleRate;
    // Chunks that came at once stand one after the other.
    const startMs = Math.max(endMs, line.at - lengthMs);
    endMs = startMs + lengthMs;
    chunks.push({ startMs, samples });
  }
  const startMs = chunks[0]?.startMs ?? recording.header.clockMs;
  const samples = new Int16Array(Math.max(0, Math.round(((endMs - startMs) * format.sampleRate) / 1000) || 0));
  for (const chunk of chunks) {
    const at = Math.round(((chunk.startMs - startMs) * format.sampleRate) / 1000);
    samples.set(chunk.samples.subarray(0, samples.length - at), at);
  }
  return { startMs, sampleRate: format.sampleRate, samples };
}

function isMicrophone(line: Recording['lines'][number]): line is InputLine {
  return line.type === 'input' && line.input.type === 'microphone';
}

/** Bytes of any format as mono samples of the same rate. */
export function monoSamples(bytes: Uint8Array, format: AudioFormat): Int16Array {
  return mixToMono(decodeSamples(format.encoding, bytes), format.channels);
}
