/**
 * Voice that the model does not react to. Whether there is a voice is the model's judgement, so this measures carefully: only what stands well out of
 * the room counts, a second of it in all, while the agent is silent (its echo is no voice), and steady noise becomes the room within seconds.
 */
import { bytesToMs, isPlaying, movementDb } from '../../audio/index.js';
import { ProviderError } from '../errors.js';
import { noteSound } from './speech-watch.js';
import type { StepContext } from './step-context.js';
import { emit } from './step-context.js';
import { expectBy } from './watch-timer.js';

/** Speech is detected within some hundred ms; after this long the model is deaf. */
export const DEAF_MS = 4_000;
/** So much of it must be voice: coughs and doors are none. */
const VOICED_MS = 1_000;
/** Voice that pauses for longer was over, and the model was right not to care. */
const PAUSE_MS = 1_500;
const VOICE_OVER_ROOM_DB = 12;
const QUIETEST_VOICE_DB = -45;
/** Voice moves, noise stays: what is louder than the room becomes the room at this pace. */
const ROOM_RISE_DB_PER_MS = 0.01;
const QUIETEST_ROOM_DB = -70;

/** Microphone audio was sent to a model that detects speech. */
export function watchVoice(context: StepContext, bytes: Uint8Array): void {
  const { state, nowMs } = context;
  const { watch, config } = state;
  if (config.turnDetection === null || (watch.deaf && watch.speech === undefined)) return;
  const ms = bytesToMs(config.inputFormat, bytes.length);
  const levelDb = movementDb(config.inputFormat, bytes);
  watch.roomDb = Math.max(QUIETEST_ROOM_DB, Math.min(levelDb, watch.roomDb + ROOM_RISE_DB_PER_MS * ms));
  if (watch.speech !== undefined) noteSound(watch.speech, levelDb - watch.roomDb, nowMs);
  if (watch.deaf) return;
  const { voice } = watch;
  if (state.userSpeaking || isPlaying(state.ledger, nowMs)) {
    delete watch.voice;
    return;
  }
  if (voice !== undefined && nowMs - voice.lastMs > PAUSE_MS) delete watch.voice;
  if (levelDb < QUIETEST_VOICE_DB || levelDb < watch.roomDb + VOICE_OVER_ROOM_DB) return;
  if (watch.voice === undefined) {
    watch.voice = { sinceMs: nowMs, lastMs: nowMs, voicedMs: ms };
    return expectBy(context, nowMs + DEAF_MS);
  }
  watch.voice.lastMs = nowMs;
  watch.voice.voicedMs += ms;
}

/** The model hears: whatever was said before is dealt with. */
export function voiceHeard({ state }: StepContext): void {
  delete state.watch.voice;
  state.watch.deaf = false;
}

export function checkVoice(context: StepContext): void {
  const { watch } = context.state;
  const { voice } = watch;
  if (voice === undefined) return;
  if (context.nowMs - voice.sinceMs < DEAF_MS) return expectBy(context, voice.sinceMs + DEAF_MS);
  if (context.nowMs - voice.lastMs > PAUSE_MS) {
    delete watch.voice;
    return;
  }
  // Not enough of it yet: looked at again with what comes.
  if (voice.voicedMs < VOICED_MS) return expectBy(context, context.nowMs + VOICED_MS);
  delete watch.voice;
  watch.deaf = true;
  emit(context, {
    type: 'error',
    error: new ProviderError('SPEECH_UNANSWERED', `The user has been speaking for ${DEAF_MS / 1000} s and the model has not noticed.`, {
      stage: 'audio',
      retryable: true,
      hint: 'A new connection is usually the cure; if it happens in each call, compare the audio format that is sent with the one that is configured.',
    }),
  });
  context.effects.push({ type: 'recover_connection', reason: 'speech_unanswered' });
}
