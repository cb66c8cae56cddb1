import type { Clock, RealtimeSession, ResponseHandle, SessionInput, Timer } from '../../session/index.js';
import { systemClock } from '../host/system-clock.js';
import type { InputLine } from './format.js';
import { readRecording } from './recording-reader.js';
import type { Recording } from './recording-reader.js';
import { checkSpeed } from './replay-model.js';

export interface ReplayCallerOptions {
  /** Recorded ms to a ms of the clock; default 1. */
  readonly speed?: number;
  /** The session's own clock. Default: the machine's. */
  readonly clock?: Clock;
}

/**
 * Gives a session what the recorded caller and application gave theirs, each at its time after `connect()`: the microphone, messages, commits,
 * interruptions, reports of what was heard. Call it when `connect()` has resolved; the session may have any model and any agent. Resolves when
 * the recorded call is at its end or the session is over. Hand-offs that the application made are not repeated: agents are not in a recording.
 */
export async function replayCaller(source: string | Recording, session: RealtimeSession, options: ReplayCallerOptions = {}): Promise<void> {
  const recording = typeof source === 'string' ? readRecording(source) : source;
  const { speed = 1, clock = systemClock } = options;
  checkSpeed(speed);
  const inputs = recording.lines.filter((line): line is InputLine => line.type === 'input' && line.leg === 'client' && line.input.type !== 'connect');
  const openedAt = firstOpen(recording) ?? inputs[0]?.at ?? 0;
  const caller = new RecordedCaller(recording, session);
  const startedMs = clock.now();
  const dueMs = (at: number): number => (speed === 1 ? at + (startedMs - openedAt) : startedMs + (at - openedAt) / speed);
  await new Promise<void>((resolve) => {
    let timer: Timer | undefined;
    const next = (index: number): void => {
      const line = inputs[index];
      if (session.state === 'closed') return resolve();
      if (line === undefined) {
        timer = clock.after(Math.max(0, dueMs(recording.lines.at(-1)?.at ?? openedAt) - clock.now()), resolve);
        return;
      }
      timer = clock.after(Math.max(0, dueMs(line.at) - clock.now()), () => {
        if (session.state !== 'closed') caller.say(recording.value(line.input) as SessionInput);
        next(index + 1);
      });
    };
    session.on('connection', ({ connection }) => {
      if (connection.state !== 'closed') return;
      timer?.cancel();
      resolve();
    });
    next(0);
  });
}

/** When the recorded session became usable. */
function firstOpen(recording: Recording): number | undefined {
  for (const line of recording.lines) {
    const { connection } = (line.type === 'event' ? line.event : {}) as { connection?: { state?: string } };
    if (connection?.state === 'open') return line.at;
  }
  return undefined;
}

/** Items that sound, by the order in which they began: the recorded one is the live one of the same number. */
class RecordedCaller {
  readonly #session: RealtimeSession;
  readonly #handles = new Map<string, ResponseHandle>();
  readonly #recordedItems: readonly string[];
  readonly #liveItems: string[] = [];
  readonly #recordedCalls: readonly string[];
  readonly #liveCalls: string[] = [];

  constructor(recording: Recording, session: RealtimeSession) {
    this.#session = session;
    const events = recording.lines.flatMap((line) => (line.type === 'event' ? [line.event as { type: string; itemId?: string; callId?: string }] : []));
    this.#recordedItems = [...new Set(events.flatMap(({ type, itemId }) => (type === 'audio' && itemId !== undefined ? [itemId] : [])))];
    this.#recordedCalls = [...new Set(events.flatMap(({ type, callId }) => (type === 'tool_start' && callId !== undefined ? [callId] : [])))];
    session.on('audio', ({ itemId }) => void (this.#liveItems.at(-1) !== itemId && !this.#liveItems.includes(itemId) && this.#liveItems.push(itemId)));
    session.on('tool_start', ({ callId }) => void this.#liveCalls.push(callId));
  }

  say(input: SessionInput): void {
    const session = this.#session;
    switch (input.type) {
      case 'microphone':
        return session.sendAudio(input.bytes);
      case 'playback': {
        const itemId = named(input.report.itemId, this.#recordedItems, this.#liveItems);
        return session.reportPlayback({ ...input.report, itemId });
      }
      case 'interrupt':
        return session.interrupt();
      case 'message': {
        const text = input.content.flatMap((part) => (part.type === 'input_text' ? [part.text] : [])).join('\n');
        const images = input.content.flatMap((part) => (part.type === 'input_image' && part.url !== undefined ? [{ url: part.url, ...(part.detail === undefined ? {} : { detail: part.detail }) }] : []));
        return this.#keep(input.handleId, session.sendMessage(text, { images, respond: input.respond }));
      }
      case 'commit':
        return this.#keep(input.handleId, session.commit());
      case 'respond':
        return this.#keep(input.handleId, session.respond(input.request, input.priority === undefined ? {} : { priority: input.priority }));
      case 'withdraw':
        return void this.#handles.get(input.handleId)?.cancel();
      case 'tool_decision': {
        const callId = named(input.callId, this.#recordedCalls, this.#liveCalls);
        if (input.approve) return session.approve(callId, { always: input.always });
        return session.reject(callId, { always: input.always, ...(input.reason === undefined ? {} : { reason: input.reason }) });
      }
      case 'set_context':
        return session.setContext(input.key, input.text);
      case 'update_history':
        return session.updateHistory(input.items);
      case 'pin':
        return session.pin(input.itemId, input.pinned);
      case 'close':
        return void session.close(input.reason);
      default:
        return;
    }
  }

  #keep(handleId: string | undefined, handle: ResponseHandle): void {
    if (handleId !== undefined) this.#handles.set(handleId, handle);
  }
}

function named(recorded: string, recordedNames: readonly string[], liveNames: readonly string[]): string {
  return liveNames[recordedNames.indexOf(recorded)] ?? recorded;
}
