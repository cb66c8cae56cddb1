/**
 * The end of the user's speech is owed. The model says when it begins and when it ends; while it goes on, nobody answers, so an end that never comes
 * silences the call for good: the model is stuck, a line that hums is taken for a voice, or the microphone was turned off in the middle of a word.
 *
 * Nobody may be cut short: a person may talk for minutes. So it is the microphone that is asked. Speech moves, 6 dB and more over what is quietest,
 * several times a second; noise does not. When nothing has moved for clearly longer than the model takes to call a silence the end of a turn,
 * the turn is ended by hand. That is a question as well: a model that does not answer it is not there any more.
 */
import { bytesToMs } from '../../audio/index.js';
import { ProviderError } from '../errors.js';
import { dropSpeech } from './history.js';
import { refused } from './outbox.js';
import { answersByItself, requestNext, want } from './responses.js';
import type { SessionState } from './session-state.js';
import type { StepContext } from './step-context.js';
import { emit, forgive, newId, send } from './step-context.js';
import { beginSpokenTurn } from './turn-marks.js';
import { onSpeechDropped } from './two-stage.js';
import type { SpeechWatch } from './watch-state.js';
import { expectBy } from './watch-timer.js';

/** Beyond the silence that ends a turn: the way to the model and back, and a model that is slow. */
const LATE_MS = 3_000;
/** How long semantic turn detection waits at most, by its eagerness; it is certain by then. */
const SEMANTIC_MS = { low: 8_000, medium: 4_000, auto: 4_000, high: 2_000 } as const;
const SEMANTIC_LATE_MS = 1_000;
/** A commit is confirmed within a tenth of a second. */
const COMMIT_MS = 2_000;
/** Longer than anybody talks without a pause; a television in the room does not stop by itself. */
const LONGEST_MS = 10 * 60_000;
const MOVES_DB = 6;

/** The model hears the user begin to speak. */
export function watchSpeech(context: StepContext): void {
  const { state, nowMs } = context;
  state.watch.speech = { sinceMs: nowMs, soundMs: nowMs };
  expectBy(context, nowMs + dueAfterMs(state));
}

/** The microphone during the speech: `overRoomDb` over the quietest of late. */
export function noteSound(speech: SpeechWatch, overRoomDb: number, nowMs: number): void {
  if (overRoomDb >= MOVES_DB) speech.soundMs = nowMs;
}

/** It has ended, one way or another. Gives whether we ended it: then the model answers nothing by itself. */
export function speechEnded({ state: { watch } }: StepContext): boolean {
  const byHand = watch.speech?.asked !== undefined;
  watch.speechLost = false;
  delete watch.speech;
  return byHand;
}

/** Nothing more will be heard of it here. Another connection hears the speech again and finds its end itself: our commit is not repeated there. */
export function forgetSpeech({ state }: StepContext): void {
  const { speech } = state.watch;
  if (speech?.asked !== undefined) refused(state, speech.asked.eventId);
  delete state.watch.speech;
}

/** A turn that was ended by hand is answered like any other. */
export function answerEnded(context: StepContext, byHand: boolean): void {
  if (!byHand || !answersByItself(context.state)) return;
  delete context.state.turnEndedMs;
  want(context, { request: {}, origin: 'turn' });
}

export function checkSpeech(context: StepContext): void {
  const { state, nowMs } = context;
  const { speech } = state.watch;
  if (speech === undefined) return;
  if (speech.asked !== undefined) {
    const { atMs } = speech.asked;
    return nowMs - atMs < COMMIT_MS ? expectBy(context, atMs + COMMIT_MS) : giveUp(context, state.watch.modelMs <= atMs);
  }
  const dueMs = Math.min(speech.sinceMs + LONGEST_MS, quietSinceMs(state, speech) + dueAfterMs(state));
  if (nowMs < dueMs) return expectBy(context, dueMs);
  const quietMs = nowMs - speech.soundMs;
  const told = nowMs - speech.sinceMs < LONGEST_MS ? `The microphone has been quiet for ${(quietMs / 1000).toFixed(1)} s` : `The user has been speaking for ${LONGEST_MS / 60_000} minutes`;
  emit(context, {
    type: 'error',
    error: new ProviderError('SPEECH_NOT_ENDED', `${told}, and the model has not ended the turn; it is ended by hand.`, {
      stage: 'audio',
      retryable: true,
      hint: 'Send silence while the microphone is off: a model that gets no audio hears no end. Where a room is loud, look at the turn detection.',
    }),
  });
  const eventId = newId(state, 'evt');
  // The model may end the turn in this very moment: then there is nothing left to commit.
  forgive(state, eventId);
  speech.asked = { eventId, atMs: nowMs };
  send(context, { type: 'commit_audio', eventId });
  if (state.bargeIn.phase.name === 'calm') beginSpokenTurn(context, bytesToMs(state.config.inputFormat, state.microphone.sentBytes));
  expectBy(context, nowMs + COMMIT_MS);
}

/** What comes over another way than ours (a call that the provider carries) cannot be measured. */
function quietSinceMs({ microphone }: SessionState, { soundMs }: SpeechWatch): number {
  return microphone.sentBytes === 0 ? Infinity : soundMs;
}

function dueAfterMs({ config, silenceMs }: SessionState): number {
  const { turnDetection } = config;
  return turnDetection?.type === 'semantic_vad' ? SEMANTIC_MS[turnDetection.eagerness ?? 'auto'] + SEMANTIC_LATE_MS : silenceMs + LATE_MS;
}

/** Nobody has taken the commit: the next connection hears the speech again; a model that is there has nothing to commit. */
function giveUp(context: StepContext, mute: boolean): void {
  const { state } = context;
  forgetSpeech(context);
  if (mute && !state.watch.speechLost && state.link.policy.reconnect) {
    state.watch.speechLost = true;
    return void context.effects.push({ type: 'recover_connection', reason: 'speech_not_ended' });
  }
  state.userSpeaking = false;
  onSpeechDropped(context);
  dropSpeech(context);
  requestNext(context);
}
