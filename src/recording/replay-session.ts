import { step } from '../../session/index.js';
import type { EventInfo, ModelCommand, SessionEvent, SessionInput, SessionRecorder, SessionState } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import type { CommandLine, EventLine, RecordingLine, StartLine } from './format.js';
import { encode } from './plain-data.js';
import { withNewMembers } from './recorded-state.js';
import { recordSessionTo } from './record-session.js';
import type { Recording } from './recording-reader.js';
import { audioCopy } from './recording-writer.js';
import type { RecordingStore } from './recording-store.js';
import { Redaction } from './redaction.js';
import { difference } from './trace-difference.js';
import type { Difference } from './trace-difference.js';

/** What a session did when it was told again what it was told. */
export interface SessionReplay {
  readonly events: readonly SessionEvent[];
  /** Commands to the model. */
  readonly commands: number;
  /** The first place where the replay went another way; absent when every event and every command was the same. */
  readonly difference?: Difference;
  /** Of the call, in ms. */
  readonly durationMs: number;
}

/**
 * Gives a session's recorded inputs to `step` again, each at its time, and compares what it does with what it did. No sockets, no timers and no
 * clock: half an hour takes a second or two, and the result is the same on any machine. Throws `HostError` `RECORDING_INVALID` for a recording that
 * is not of a session.
 */
export function replaySession(recording: Recording): SessionReplay {
  const comparison = new Comparison(recording);
  const events: SessionEvent[] = [];
  let commands = 0;
  const durationMs = runAgain(recording, {
    onStart() {},
    onInput: () => comparison.onInput(),
    onCommand(command, attemptId) {
      commands += 1;
      comparison.compare('command', command, attemptId);
    },
    onEvent(event, decided) {
      events.push(event);
      if (decided) comparison.compare('event', event, undefined);
    },
    onEnd: () => comparison.onInput(),
  });
  const { found } = comparison;
  return { events, commands, durationMs, ...(found === undefined ? {} : { difference: found }) };
}

/**
 * The same, recorded anew: when nothing differs, the files are the same to the byte. What was cut by patterns or as a known secret is cut already.
 */
export async function recordAgain(recording: Recording, store: RecordingStore): Promise<void> {
  const { rules } = recording.header.redaction;
  const recorder = recordSessionTo(store, { audio: recording.header.audio.keep, redact: { keys: rules.includes('keys'), numbers: rules.includes('numbers') }, header: recording.header });
  runAgain(recording, recorder);
  await recorder.done;
}

/** Events as they stand in a recording. */
export function eventLines(recording: { readonly lines: readonly RecordingLine[] }): readonly EventLine[] {
  return recording.lines.filter((line): line is EventLine => line.type === 'event');
}

/** Gives the length of the call. `recorder` sees what it would see of a session. */
function runAgain(recording: Recording, recorder: SessionRecorder): number {
  const start = recording.lines.find((line): line is StartLine => line.type === 'start');
  if (recording.header.level !== 'session') {
    throw new HostError('RECORDING_INVALID', `${recording.path} is not the recording of a session.`, { hint: 'A recording of level "wire" is replayed as a model, a client or a server.' });
  }
  if (start === undefined) {
    throw new HostError('RECORDING_INVALID', `${recording.path} ends before the session has begun: there is nothing to play.`, { hint: 'Its writer died, or the file was cut. Take a whole copy.' });
  }
  let { agentName } = start;
  const { sessionId = '', startedAt } = recording.header;
  const metadata = start.metadata === undefined ? {} : { metadata: start.metadata };
  const written = recording.value(start.state) as SessionState;
  recorder.onStart({ sessionId, agentName, ...metadata, model: recording.header.peers['model'] ?? '', state: written, nowMs: start.at, ...(startedAt === undefined ? {} : { unixMs: Date.parse(startedAt) }) });
  let state = withNewMembers(written);
  for (const line of recording.lines) {
    if (line.type === 'event' && line.by === 'runtime') recorder.onEvent(recording.value(line.event) as SessionEvent, false);
    if (line.type !== 'input') continue;
    const input = recording.value(line.input) as SessionInput;
    recorder.onInput(input, line.at);
    const next = step(state, input, line.at);
    state = next.state;
    for (const effect of next.effects) {
      if (effect.type === 'send') recorder.onCommand(effect.command, effect.attemptId, line.at);
      else if (effect.type === 'use_agent') agentName = state.agent.agentId === effect.agentId ? state.agent.name : agentName;
      else if (effect.type === 'emit') {
        const info: EventInfo = { sessionId, agentName: effect.agentName ?? agentName, timestamp: line.at, ...metadata };
        recorder.onEvent(Object.assign(effect.event, { info }) as SessionEvent, true);
      }
    }
  }
  const endMs = recording.lines.at(-1)?.at ?? start.at;
  recorder.onEnd(endMs);
  return endMs - start.at;
}

/** Each event and command beside the one that stands in the recording at its place. */
class Comparison {
  readonly #recording: Recording;
  readonly #redaction: Redaction;
  readonly #encoding: { readonly bytes: (bytes: Uint8Array) => object };
  #next = 0;
  found: Difference | undefined;

  constructor(recording: Recording) {
    this.#recording = recording;
    const { rules } = recording.header.redaction;
    this.#redaction = new Redaction({ keys: rules.includes('keys'), numbers: rules.includes('numbers') });
    const keepsSound = recording.header.audio.keep === 'files';
    this.#encoding = { bytes: (bytes) => recording.placeOf(bytes) ?? audioCopy(bytes, keepsSound) };
  }

  /** What was said and told up to here must have been said and told again. */
  onInput(): void {
    if (this.found !== undefined) return;
    const line = this.#upcoming();
    if (line !== undefined && isOutput(line)) this.found = { line: this.#next + 2, at: line.at, path: '', recorded: line, replayed: undefined };
    this.#next += 1;
  }

  compare(type: 'command' | 'event', value: ModelCommand | SessionEvent, attemptId: number | undefined): void {
    if (this.found !== undefined) return;
    const line = this.#upcoming();
    // The writer died here.
    if (line === undefined && !this.#recording.complete) return;
    const number = this.#next + 2;
    if (line === undefined || line.type !== type) {
      this.found = { line: number, at: line?.at ?? 0, path: '', recorded: line, replayed: { type, [type]: encode(value, this.#encoding) } };
      return;
    }
    const written = encode(value, this.#encoding);
    const before: unknown = line.type === 'command' ? line.command : line.event;
    // What the replay says may have to be cut as well; that is looked at only when it must be.
    const found = difference(before, written, type) && difference(before, this.#redaction.tree(written), type);
    const other = line.type === 'command' && line.attemptId !== attemptId ? { path: 'attemptId', recorded: line.attemptId, replayed: attemptId } : undefined;
    if (found !== undefined || other !== undefined) this.found = { line: number, at: line.at, ...(found ?? (other as NonNullable<typeof other>)) };
    this.#next += 1;
  }

  /** The next line of the recording that says something about what a session did. */
  #upcoming(): RecordingLine | undefined {
    const { lines } = this.#recording;
    for (let line = lines[this.#next]; line !== undefined; line = lines[this.#next]) {
      if (line.type === 'input' || isOutput(line)) return line;
      this.#next += 1;
    }
    return undefined;
  }
}

function isOutput(line: RecordingLine): line is CommandLine | EventLine {
  return line.type === 'command' || (line.type === 'event' && line.by === undefined);
}
