import { createSessionState, step } from '../../session/index.js';
import type { EventInfo, SessionEffect, SessionEvent, SessionInput, SessionState } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import type { EventLine, RecordingLine, StartLine } from './format.js';
import { recordSessionTo } from './record-session.js';
import type { Recording } from './recording-reader.js';
import { parseRecording } from './recording-reader.js';
import { RecordingMemory } from './recording-store.js';
import { firstDifference } from './trace-difference.js';
import type { Difference } from './trace-difference.js';

/** What a session did when it was told again what it was told. */
export interface SessionReplay {
  /** Its events, as they were told the first time if `difference` is absent. */
  readonly events: readonly SessionEvent[];
  /** The recording of the replay, line by line, without the header. */
  readonly lines: readonly RecordingLine[];
  /** The first place where the replay went another way. */
  readonly difference?: Difference;
  /** Of the call, in ms. */
  readonly durationMs: number;
}

/**
 * Gives a session's recorded inputs to `step` again, each at its time, and compares what it does with what it did. No sockets, no timers and no
 * clock: half an hour takes less than a second, and the result is the same on any machine. Throws `HostError` `RECORDING_INVALID` for a recording
 * that is not of a session.
 */
export function replaySession(recording: Recording): SessionReplay {
  const start = recording.lines.find((line): line is StartLine => line.type === 'start');
  if (start === undefined || recording.header.level !== 'session') {
    throw new HostError('RECORDING_INVALID', `${recording.path} is not the recording of a session.`, { hint: 'A recording of level "wire" is replayed as a model, a client or a server.' });
  }
  const memory = new RecordingMemory();
  const { rules } = recording.header.redaction;
  const recorder = recordSessionTo(memory, { audio: recording.header.audio.keep, redact: { keys: rules.includes('keys'), numbers: rules.includes('numbers') } });
  const events: SessionEvent[] = [];
  let state = withNewMembers(recording.value(start.state) as SessionState);
  let { agentName } = start;
  const { sessionId = '' } = recording.header;
  const info = (timestamp: number, name: string): EventInfo => ({ sessionId, agentName: name, timestamp, ...(start.metadata === undefined ? {} : { metadata: start.metadata }) });
  recorder.onStart({ sessionId, agentName, ...(start.metadata === undefined ? {} : { metadata: start.metadata }), model: recording.header.peers['model'] ?? '', state, nowMs: start.at });

  const perform = (effect: SessionEffect, nowMs: number): void => {
    if (effect.type === 'send') recorder.onCommand(effect.command, effect.attemptId, nowMs);
    if (effect.type === 'use_agent' && state.agent.agentId === effect.agentId) agentName = state.agent.name;
    if (effect.type !== 'emit') return;
    const event = { ...effect.event, info: info(nowMs, effect.agentName ?? agentName) } as SessionEvent;
    recorder.onEvent(event, true);
    events.push(event);
  };
  for (const line of recording.lines) {
    if (line.type === 'event' && line.by === 'runtime') {
      const event = recording.value(line.event) as SessionEvent;
      recorder.onEvent(event, false);
      events.push(event);
    }
    if (line.type !== 'input') continue;
    const input = recording.value(line.input) as SessionInput;
    recorder.onInput(input, line.at);
    const next = step(state, input, line.at);
    state = next.state;
    for (const effect of next.effects) perform(effect, line.at);
  }
  const endMs = recording.lines.at(-1)?.at ?? start.at;
  recorder.onEnd(endMs);
  const { lines } = parseRecording(`${memory.lines.join('\n')}\n`, 'the replay');
  const difference = firstDifference(recording.lines, lines, recording.complete);
  return { events, lines, durationMs: endMs - start.at, ...(difference === undefined ? {} : { difference }) };
}

/** The state at the start of a session that an older version recorded: what has been added to the state since is as it is in a new one. */
function withNewMembers(recorded: SessionState): SessionState {
  return filled(recorded, createSessionState(recorded.config, 'clock', { agent: recorded.agent }));
}

function filled<T extends object>(value: T, defaults: T): T {
  const missing = Object.entries(defaults).filter(([name, fresh]) => fresh !== undefined && !(name in value));
  for (const [name, fresh] of Object.entries(defaults)) {
    const own: unknown = value[name as keyof T];
    if (isPlain(fresh) && isPlain(own)) filled(own, fresh);
  }
  return Object.assign(value, Object.fromEntries(missing));
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Events as they stand in a recording. */
export function eventLines(recording: { readonly lines: readonly RecordingLine[] }): readonly EventLine[] {
  return recording.lines.filter((line): line is EventLine => line.type === 'event');
}
