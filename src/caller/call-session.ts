import { PCM16_24K, encodeSamples, resampleWhole } from '../../audio/index.js';
import type { AudioFormat } from '../../audio/index.js';
import { SESSION_EVENT_TYPES } from '../../session/index.js';
import type { Clock, RealtimeSession, SessionEvent, SessionRecorder } from '../../session/index.js';
import { ClockSpeaker, SLOT_MS } from '../client/index.js';
import { ManualClock } from '../host/manual-clock.js';
import { systemClock } from '../host/system-clock.js';
import { SAMPLE_RATE } from '../protocol/voicewire/index.js';
import { RecordingMemory, parseRecording, recordSessionTo } from '../recording/index.js';
import type { Recording } from '../recording/index.js';
import { prepareSteps } from './caller-steps.js';
import type { CallerStep } from './caller-steps.js';
import { Conversation } from './conversation.js';
import { monoSamples } from './finished-call.js';
import type { FinishedCall } from './finished-call.js';

/** What a session for a scripted call is made with. */
export interface CallLine {
  readonly clock: Clock;
  /** The session's option `recorder`: with it the finished call has a recording. */
  readonly recorder: SessionRecorder;
}

export interface CallSessionOptions {
  /**
   * The session's clock. On a `ManualClock` the call takes as long as its computing; whatever the session waits for must then be on the same clock, or
   * in promises. Default: a manual one for a session that is made for the call, the machine's for one that is given.
   */
  readonly clock?: Clock;
  /** The longest call. Default 300 000. */
  readonly maxMs?: number;
  /** What the application does when the session is open: asks for a greeting, say. */
  readonly onOpen?: (session: RealtimeSession) => void;
  /** Of the session's microphone, where it is not told by the recorder. Default: PCM16, mono, 24 kHz. */
  readonly inputFormat?: AudioFormat;
}

/** As much as any answer: a model sends faster than sound is heard. */
const CAPACITY_SAMPLES = 600 * SAMPLE_RATE;
/** A manual clock begins here, so that nothing happens at 0. */
const MANUAL_START_MS = 1_000;

/**
 * Lets a scripted caller talk to a session: opens it (unless it is open), is its microphone and its loudspeaker, reports what is heard, and closes it
 * when the script is at its end. Rejects with {@link CallerError} `CALLER_TIMEOUT` or `CALL_ENDED_EARLY`, and with what `connect()` rejects with.
 */
export async function callSession(steps: readonly CallerStep[], to: RealtimeSession | ((line: CallLine) => RealtimeSession), options: CallSessionOptions = {}): Promise<FinishedCall> {
  const prepared = await prepareSteps(steps);
  const clock = options.clock ?? (typeof to === 'function' ? new ManualClock(MANUAL_START_MS) : systemClock);
  const memory = new RecordingMemory();
  const recording = recordSessionTo(memory);
  let inputFormat = options.inputFormat ?? PCM16_24K;
  const recorder: SessionRecorder = {
    onStart(start) {
      inputFormat = start.state.config.inputFormat;
      recording.onStart(start);
    },
    onInput: (input, nowMs) => recording.onInput(input, nowMs),
    onCommand: (command, attemptId, nowMs) => recording.onCommand(command, attemptId, nowMs),
    onEvent: (event, decided) => recording.onEvent(event, decided),
    onEnd: (nowMs) => recording.onEnd(nowMs),
  };
  const session = typeof to === 'function' ? to({ clock, recorder }) : to;
  const originMs = clock.now();
  const conversation = new Conversation({ steps: prepared, clock, originMs, maxMs: options.maxMs ?? 300_000, keepAudio: true, onTyped: (text) => void session.sendMessage(text) });
  const speaker = new ClockSpeaker({ clock, originMs, sink: conversation.onHeard, capacitySamples: CAPACITY_SAMPLES });
  listen(session, speaker, conversation, clock);

  async function converse(): Promise<void> {
    try {
      if (session.state === 'idle') await session.connect();
      options.onOpen?.(session);
      conversation.start((samples) => {
        if (session.state === 'open') session.sendAudio(encoded(samples, inputFormat));
      });
      await conversation.over;
    } finally {
      conversation.close();
      speaker.close();
      await session.close();
    }
  }
  await (clock instanceof ManualClock ? untilOver(clock, converse()) : converse());
  if (memory.lines.length === 0) return conversation.call;
  await recording.done;
  return { ...conversation.call, recording: inMemory(memory) };
}

/** Moves a manual clock on until a promise has settled. */
async function untilOver<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  let over = false;
  const settled = promise.finally(() => (over = true));
  settled.catch(() => {});
  while (!over) await clock.run(SLOT_MS);
  return settled;
}

/** Joins a session to a loudspeaker: what it plays is reported, what is interrupted falls silent. */
function listen(session: RealtimeSession, speaker: ClockSpeaker, conversation: Conversation, clock: Clock): void {
  const parts: { readonly itemId: string; readonly contentIndex: number; readonly sampleRate: number }[] = [];
  const numberOf = (itemId: string, contentIndex: number): number => parts.findLastIndex((part) => part.itemId === itemId && part.contentIndex === contentIndex) + 1;
  const onEvent = (event: SessionEvent): void => {
    conversation.onEvent(event);
    switch (event.type) {
      case 'audio': {
        const { itemId, contentIndex, chunk, epoch } = event;
        const { sampleRate } = chunk.format;
        const item = numberOf(itemId, contentIndex) || parts.push({ itemId, contentIndex, sampleRate });
        const samples = monoSamples(chunk.bytes, chunk.format);
        const heard = sampleRate === SAMPLE_RATE ? samples.slice() : resampleWhole(samples, sampleRate, SAMPLE_RATE);
        return speaker.play({ epoch, item, firstSample: Math.round((chunk.firstSample * SAMPLE_RATE) / sampleRate), samples: heard });
      }
      case 'audio_end': {
        const item = numberOf(event.itemId, event.contentIndex);
        return item === 0 ? undefined : speaker.end(item, Math.floor((event.durationMs * SAMPLE_RATE) / 1000));
      }
      case 'audio_interrupted':
        return speaker.clear(event.epoch);
      case 'audio_paused':
        return speaker.pause(event.how);
      case 'audio_resumed':
        return speaker.resume();
      case 'connection':
        return event.connection.state === 'closed' ? conversation.onEnded(event.connection.reason === '' ? 'the session closed' : event.connection.reason) : undefined;
      default:
    }
  };
  for (const type of SESSION_EVENT_TYPES) session.on(type, onEvent);
  speaker.listen({
    onPlayed({ item, samples }) {
      const part = parts[item - 1];
      if (part === undefined) return;
      const { itemId, contentIndex, sampleRate } = part;
      conversation.ear.onPlayed({ atMs: clock.now(), itemId, contentIndex, heardMs: (samples * 1000) / SAMPLE_RATE });
      session.reportPlayback({ itemId, contentIndex, samples: Math.floor((samples * sampleRate) / SAMPLE_RATE) });
    },
    onLevel: () => {},
    onTrouble: () => {},
  });
}

function encoded(samples: Int16Array, { encoding, sampleRate }: AudioFormat): Uint8Array {
  const own = sampleRate === SAMPLE_RATE ? samples : resampleWhole(samples, SAMPLE_RATE, sampleRate);
  return encodeSamples(encoding, own);
}

function inMemory({ lines, tracks }: RecordingMemory): Recording {
  return parseRecording(lines.map((line) => `${line}\n`).join(''), 'the call', (track) => (tracks.has(track) ? Buffer.concat(tracks.get(track) ?? []) : undefined));
}
