import { audiblePart, isPlaying, unheardMs } from '../../audio/index.js';
import { interrupt } from './barge-in.js';
import type { Doubt } from './barge-in-state.js';
import { isMoreThanEcho } from './echo-guard.js';
import { holdSound, letPlayOn } from './held-sound.js';
import { textOf } from './history.js';
import { measureVoice } from './microphone-gate.js';
import { onTurnEnded, requestNext, want } from './responses.js';
import { dropOldest, put } from './sparse.js';
import { echoes, holdsPhrase, onlyPhrases, wordsOf } from './spoken-words.js';
import type { StepContext } from './step-context.js';
import { beginSpokenTurn, markCommitted } from './turn-marks.js';

/** What the user says while so little is left to hear answers it: nobody says "go on" to somebody who has finished. */
const NEAR_END_MS = 700;
/** Voice that answers at the end of what was said, where no words will tell. */
const ANSWER_MS = 200;
/** Items of the user within one doubt, of which the words are kept. */
const MAX_ITEMS = 8;
/** Padding before a voice in the model's marks, where the configuration leaves it to the model. */
const PADDING_MS = 300;

/** The model hears speech. */
export function onSpeechStarted(context: StepContext, itemId: string, audioStartMs: number): void {
  const { state, nowMs } = context;
  const { mode, policy, phase } = state.bargeIn;
  const generates = isGenerating(context);
  const isOver = generates || isPlaying(state.ledger, nowMs);
  if (isOver || phase.name === 'held') noteOverSound(context, itemId);
  if (mode === 'immediate' || mode === 'half-duplex') {
    // A mode that was chosen by a test found a model that was told not to stop by itself.
    if (policy.mode === 'auto') interrupt(context, false);
    else if (state.config.turnDetection?.interruptResponse !== false) interrupt(context, true);
    return;
  }
  const markedMs = -(audioStartMs + paddingMs(context));
  if (phase.name === 'held') {
    const { doubt } = phase;
    doubt.texts.set(itemId, '');
    dropOldest(doubt.texts, MAX_ITEMS);
    Object.assign(doubt, { speaking: true, committed: false, judged: false, markedMs: doubt.markedMs + markedMs });
    return;
  }
  state.bargeIn.phase = { name: 'calm' };
  if (!isOver) return;
  const doubt: Doubt = {
    texts: new Map([[itemId, '']]),
    sinceMs: nowMs,
    nearEnd: !generates && unheardMs(state.ledger, nowMs) <= NEAR_END_MS,
    belowEcho: mode === 'two-stage' && !isMoreThanEcho(state),
    ...{ speaking: true, markedMs, committed: false, judged: false },
    voice: { heard: false, voicedMs: 0, sinceLoudMs: undefined },
  };
  if (doubt.belowEcho) state.bargeIn.counts.belowEcho += 1;
  if (mode === 'off' || doubt.belowEcho) {
    state.bargeIn.phase = { name: 'playing_on', doubt };
    return;
  }
  holdSound(context, doubt);
  decide(context);
}

/** It hears it no more: a turn begins, unless it may be none. */
export function onSpeechStopped(context: StepContext, itemId: string, audioEndMs: number): void {
  const doubt = doubtAbout(context, itemId);
  if (doubt === undefined) return beginSpokenTurn(context, audioEndMs);
  doubt.speaking = false;
  doubt.audioEndMs = audioEndMs;
  doubt.markedMs += audioEndMs - context.state.silenceMs;
  decide(context);
}

/** The model was told to forget what it heard of the user: there is nothing left to be in doubt about. */
export function onSpeechDropped(context: StepContext): void {
  const { bargeIn } = context.state;
  if (bargeIn.phase.name === 'held') playOn(context);
  bargeIn.phase = { name: 'calm' };
}

/** The user's turn is over at the model: it is answered, unless it may be none. */
export function onTurnCommitted(context: StepContext, itemId: string): void {
  const { state } = context;
  const doubt = doubtAbout(context, itemId);
  if (doubt !== undefined) {
    doubt.committed = true;
    doubt.speaking = false;
    decide(context);
    forget(context, doubt);
    // Where speech never interrupts, it is a turn all the same.
    return state.bargeIn.mode === 'off' && state.bargeIn.policy.sessionAnswers ? answer(context) : requestNext(context);
  }
  markCommitted(context);
  if (state.bargeIn.policy.sessionAnswers) return answer(context);
  onTurnEnded(context);
}

/** Words of the user have been written down: some more, or all so far. */
export function onUserWords(context: StepContext, itemId: string, words: { readonly delta: string } | { readonly text: string; readonly final: boolean }): void {
  const { state } = context;
  const { overSound, policy } = state.bargeIn;
  // Words of speech over silence stop nothing: what sounds by now may be the answer to them.
  const over = overSound.get(itemId);
  if (over === undefined) return;
  const text = 'text' in words ? words.text : textOf(state.history, itemId);
  const isFinal = 'final' in words && words.final;
  const doubt = doubtAbout(context, itemId);
  const isSafety = holdsPhrase(wordsOf(text), policy.safetyPhrases);
  if (isFinal || isSafety) overSound.delete(itemId);
  if (doubt === undefined) {
    // Whatever was decided about the speech before, or was not to be decided.
    if (isSafety && isStillThere(context, over)) interrupt(context, false);
    return;
  }
  doubt.texts.set(itemId, text);
  if (wordsInterrupt(context, doubt)) return confirm(context, doubt);
  if (!isFinal) return;
  // All its words are known and mean nothing: there is nothing more to wait for.
  doubt.judged = true;
  if (state.bargeIn.phase.name === 'held') playOn(context);
  forget(context, doubt);
}

/** Microphone audio was sent. It is measured only where the level decides something. */
export function onVoice(context: StepContext, bytes: Uint8Array): void {
  const { state } = context;
  if (state.bargeIn.mode !== 'two-stage') return;
  measureVoice(context, bytes);
  const { phase } = state.bargeIn;
  if (phase.name === 'playing_on' && phase.doubt.belowEcho && phase.doubt.speaking && isMoreThanEcho(state)) return onStoodOut(context, phase.doubt);
  if (phase.name === 'held' && voiceInterrupts(context, phase.doubt, context.nowMs - phase.doubt.sinceMs)) confirm(context, phase.doubt);
}

/** Something was learned of the sound that is held, or time has passed. */
export function decide(context: StepContext): void {
  const { state, nowMs, effects } = context;
  const { phase, policy } = state.bargeIn;
  if (phase.name !== 'held') return;
  const { doubt } = phase;
  const elapsedMs = nowMs - doubt.sinceMs;
  if (voiceInterrupts(context, doubt, elapsedMs)) return confirm(context, doubt);
  if (!doubt.speaking && !wordsAreToCome(context)) return playOn(context);
  if (elapsedMs >= policy.decideWithinMs) return playOn(context);
  // Without a microphone to measure, speech that goes on is known by the end that does not come.
  const certainMs = doubt.voice.heard ? policy.decideWithinMs : Math.min(policy.decideWithinMs, policy.confirmMs + state.silenceMs);
  effects.push({ type: 'arm_timer', timer: 'barge_in', delayMs: (elapsedMs < certainMs ? certainMs : policy.decideWithinMs) - elapsedMs });
}

// ---- helpers, in the order of their use ----

function isGenerating({ state }: StepContext): boolean {
  return (state.request.name === 'requested' && !state.request.interrupted) || [...state.live.values()].some((response) => !response.interrupted);
}

function paddingMs({ state }: StepContext): number {
  const { turnDetection } = state.config;
  return (turnDetection?.type === 'server_vad' ? turnDetection.prefixPaddingMs : undefined) ?? PADDING_MS;
}

function doubtAbout({ state }: StepContext, itemId: string): Doubt | undefined {
  const { phase } = state.bargeIn;
  return phase.name !== 'calm' && phase.doubt.texts.has(itemId) ? phase.doubt : undefined;
}

/** Speech that was no more than the echo is more than that now. Where the agent has finished meanwhile, it is a turn like any other. */
function onStoodOut(context: StepContext, doubt: Doubt): void {
  const { state, nowMs } = context;
  const generates = isGenerating(context);
  if (!generates && !isPlaying(state.ledger, nowMs)) {
    state.bargeIn.phase = { name: 'calm' };
    return;
  }
  Object.assign(doubt, { belowEcho: false, sinceMs: nowMs, nearEnd: !generates && unheardMs(state.ledger, nowMs) <= NEAR_END_MS });
  holdSound(context, doubt);
  decide(context);
}

function noteOverSound({ state }: StepContext, itemId: string): void {
  const live = [...state.live.values()].flatMap(({ responseId, interrupted }) => (interrupted ? [] : [responseId]));
  put(state.bargeIn, 'overSound', itemId, [...live, ...state.ledger.entries.map(({ responseId }) => responseId)], MAX_ITEMS);
}

/** Whether what sounds, or is being made, is one of those responses: what came after them may be the answer to the words. */
function isStillThere({ state, nowMs }: StepContext, responses: readonly string[]): boolean {
  const audible = audiblePart(state.ledger, nowMs);
  return audible === undefined ? responses.some((responseId) => state.live.has(responseId)) : responses.includes(audible.entry.responseId);
}

function answer(context: StepContext): void {
  want(context, { request: {}, origin: 'turn' });
}

function wordsInterrupt({ state }: StepContext, doubt: Doubt): boolean {
  const { minWords, backChannels, safetyPhrases } = state.bargeIn.policy;
  const words = [...doubt.texts.values()].flatMap(wordsOf);
  if (holdsPhrase(words, safetyPhrases)) return true;
  if (state.bargeIn.mode === 'off') return false;
  if (doubt.belowEcho && echoes(words, state.ledger.entries.flatMap(({ itemId }) => wordsOf(textOf(state.history, itemId))))) return false;
  if (doubt.nearEnd) return words.length > 0;
  return words.length >= minWords && !onlyPhrases(words, backChannels);
}

function voiceInterrupts({ state }: StepContext, doubt: Doubt, elapsedMs: number): boolean {
  const { confirmMs, decideWithinMs, pause } = state.bargeIn.policy;
  const neededMs = doubt.nearEnd && !doubt.speaking ? Math.min(ANSWER_MS, confirmMs) : confirmMs;
  if (doubt.voice.heard && doubt.voice.voicedMs >= neededMs) return true;
  if (!doubt.speaking) return !doubt.voice.heard && doubt.markedMs >= neededMs;
  if (!doubt.voice.heard) return elapsedMs >= Math.min(confirmMs + state.silenceMs, decideWithinMs);
  // A pause has no echo: what the model still hears at its end was said into the silence. A ducked sound may be what it hears.
  return pause === 'pause' && elapsedMs >= decideWithinMs;
}

function wordsAreToCome({ state }: StepContext): boolean {
  return state.config.transcription !== undefined && state.config.transcription !== null;
}

/** It is an interruption: the one way to stop, and the turn is one. */
function confirm(context: StepContext, doubt: Doubt): void {
  const { state } = context;
  state.bargeIn.counts.confirmed += 1;
  interrupt(context, false);
  if (doubt.audioEndMs !== undefined) beginSpokenTurn(context, doubt.audioEndMs);
  if (!doubt.committed) return;
  markCommitted(context);
  if (state.bargeIn.policy.sessionAnswers) answer(context);
  else requestNext(context);
}

/** It is none, as far as can be known now; words that are still being written down may say otherwise. */
function playOn(context: StepContext): void {
  const { state } = context;
  const { phase } = state.bargeIn;
  if (phase.name !== 'held') return;
  state.bargeIn.counts.resumed += 1;
  letPlayOn(context);
  state.bargeIn.phase = { name: 'playing_on', doubt: phase.doubt };
  forget(context, phase.doubt);
  requestNext(context);
}

/** A turn that was none is remembered until the model has closed it, or it would be answered, and until its words are known. */
function forget(context: StepContext, doubt: Doubt): void {
  const { bargeIn } = context.state;
  if (bargeIn.phase.name === 'playing_on' && doubt.committed && (doubt.judged || !wordsAreToCome(context))) bargeIn.phase = { name: 'calm' };
}
