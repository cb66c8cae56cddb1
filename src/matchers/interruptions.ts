import { EnergyVad } from '../../audio/index.js';
import type { CallEvent, CallTrack, FinishedCall } from '../caller/index.js';
import { heardSound, holds } from './heard-sound.js';
import type { ItemSound } from './heard-sound.js';

/** What the agent did when the caller spoke over it, or the application interrupted it. */
export interface Interruption {
  /** When it began: see {@link interruptions}. */
  readonly fromMs: number;
  /** When the player was silent. */
  readonly silentMs: number;
  readonly tookMs: number;
  /** `cut`: the sound was stopped. `talked_over`: it went on to its end. */
  readonly outcome: 'cut' | 'talked_over';
  readonly heardText: string;
}

/** A report is carried on by so much at most; see the playback ledger. */
const CARRIED_MS = 250;
/** How far the model's word for the beginning of speech may lie before the speech itself. */
const ONSET_SLACK_MS = 500;

/**
 * Every interruption of a call. It begins where the session was told of the caller's speech while the agent was heard; for `onset` where the speech
 * itself began in the microphone's sound; and where the application (or a typed message) interrupted, at that moment. It ends when the player was
 * silent: at `audio_interrupted`, or at `audio_paused` before it where the sound was held, and as much later as the listener reported to have
 * played on. Speech that the session took for none (`audio_resumed`) is not among them.
 */
export function interruptions(call: FinishedCall, from: 'detected' | 'onset' = 'detected'): readonly Interruption[] {
  const sounds = [...heardSound(call).values()];
  const held = holds(call.events);
  const onset = from === 'onset' ? onsets(call.said) : (detectedMs: number): number => detectedMs;
  const found: Interruption[] = [];
  let spoken: { readonly atMs: number; readonly overAgent: boolean } | undefined;
  const settle = (): void => {
    if (spoken?.overAgent === true) {
      const silentMs = endOfSound(sounds, spoken.atMs);
      found.push({ ...timed(onset(spoken.atMs), silentMs), outcome: 'talked_over', heardText: '' });
    }
    spoken = undefined;
  };
  for (const event of call.events) {
    const nowMs = event.info.timestamp;
    if (event.type === 'input_speech_started') {
      settle();
      spoken = { atMs: nowMs, overAgent: soundsAt(sounds, nowMs) };
    } else if (event.type === 'audio_resumed') {
      spoken = undefined;
    } else if (event.type === 'audio_interrupted' && event.itemId !== undefined) {
      const bySpeech = spoken !== undefined && (spoken.overAgent || spoken.atMs === nowMs);
      const stopMs = held.find(({ untilMs, fromMs }) => untilMs === nowMs && fromMs <= nowMs)?.fromMs ?? nowMs;
      const silentMs = stopMs + playedOn(call, event, stopMs);
      found.push({ ...timed(bySpeech && spoken !== undefined ? onset(spoken.atMs) : nowMs, silentMs), outcome: 'cut', heardText: event.heardText });
      spoken = undefined;
    }
  }
  settle();
  return found;
}

function timed(fromMs: number, silentMs: number): { fromMs: number; silentMs: number; tookMs: number } {
  return { fromMs, silentMs, tookMs: Math.max(0, silentMs - fromMs) };
}

/** How long the listener went on after it was to stop, by its own reports. */
function playedOn({ played }: FinishedCall, event: Extract<CallEvent, { type: 'audio_interrupted' }>, stopMs: number): number {
  const marks = played.filter(({ itemId, contentIndex }) => itemId === event.itemId && contentIndex === (event.contentIndex ?? 0));
  const last = marks.findLast(({ atMs }) => atMs <= stopMs);
  const carriedMs = last === undefined ? 0 : last.heardMs + Math.min(stopMs - last.atMs, CARRIED_MS);
  const finalMs = Math.max(0, ...marks.map(({ heardMs }) => heardMs));
  return Math.max(0, finalMs - carriedMs);
}

function soundsAt(sounds: readonly ItemSound[], ms: number): boolean {
  return sounds.some(({ spans }) => spans.some(({ fromMs, untilMs }) => fromMs < ms && ms <= untilMs));
}

/** When the answer that is heard at `ms` was over. */
function endOfSound(sounds: readonly ItemSound[], ms: number): number {
  const heard = sounds.find(({ spans }) => spans.some(({ fromMs, untilMs }) => fromMs < ms && ms <= untilMs));
  const answer = sounds.filter((sound) => sound === heard || (sound.responseId !== undefined && sound.responseId === heard?.responseId));
  return Math.max(ms, ...answer.flatMap(({ spans }) => spans.map(({ untilMs }) => untilMs)));
}

/** Where speech that was noticed at a moment began in the sound itself. */
function onsets(said: CallTrack | undefined): (detectedMs: number) => number {
  if (said === undefined || said.samples.length === 0) throw new TypeError('The call does not have what the microphone heard, so that the onset of speech is not known: measure from "detected".');
  const { startMs, sampleRate, samples } = said;
  const starts = new EnergyVad({ sampleRate }).push(samples).flatMap(({ type, sample }) => (type === 'start' ? [startMs + (sample * 1000) / sampleRate] : []));
  return (detectedMs) => starts.findLast((ms) => ms <= detectedMs + ONSET_SLACK_MS && ms <= detectedMs) ?? detectedMs;
}
