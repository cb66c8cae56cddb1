import type { VadTransition } from '../../audio/index.js';
import { onlyPhrases, wordsOf } from '../state/spoken-words.js';
import { startAnswer } from './answering.js';
import { endTurn } from './ending.js';
import { emit, microphoneMs, microphoneSamples } from './pipeline-context.js';
import type { PipelineContext } from './pipeline-context.js';
import type { Hearing, PipelineState, Turn, Utterance } from './pipeline-state.js';
import { VAD_HANG_MS } from './turn-detection.js';

/** Voice that is judged by its length may have gaps as long as that: longer than between syllables, shorter than between two knocks. */
const JUDGED_GAP_MS = 250;
/** A source that has sent nothing for so long has stopped: jitter of a network is less. */
const SOURCE_STOPS_MS = 200;

type Voice = Extract<Hearing, { name: 'voice' }>;

/** The next samples of the microphone, and what the voice detector says of them. */
export function onAudio(context: PipelineContext, input: { readonly samples: number; readonly transitions: readonly VadTransition[] }): void {
  const { state, nowMs } = context;
  state.microphoneSamples += input.samples;
  state.lastAudioAtMs = nowMs;
  for (const { type, sample } of input.transitions) {
    if (type === 'start') voiceBegins(state, sample);
    else voicePauses(state, sample);
  }
  judge(context);
}

/** A front end gives the audio out, with what is known of it at this moment. */
export function onMicrophone(context: PipelineContext, { data, ofTurn }: { readonly data: Uint8Array; readonly ofTurn: boolean }): void {
  const { state } = context;
  const format = { encoding: 'pcm16', sampleRate: state.policy.microphoneRate, channels: 1 } as const;
  emit(context, { type: 'voice_stream_event_microphone', data, format, speech: ofTurn || state.turn.name === 'listening' });
}

/** The recogniser hears speech. Its words, or its length, tell whether it is any. */
export function onStreamSpeech(context: PipelineContext): void {
  voiceBegins(context.state, context.state.microphoneSamples);
  judge(context);
}

/** The words of a recogniser that finds the turns itself: whoever has words has spoken. */
export function onStreamWords(context: PipelineContext, text: string, final: boolean): void {
  const { state } = context;
  const { turn, hearing } = state;
  if (hearing.name === 'voice' && turn.name !== 'listening' && wordsCount(state, text)) beginSpeech(context, hearing);
  const utterance = utterancesOf(state.turn)?.at(-1);
  if (utterance !== undefined) setWords(context, utterance, text, final);
}

export function onStreamTurnEnded(context: PipelineContext): void {
  const { state } = context;
  const { turn } = state;
  state.hearing = { name: 'quiet' };
  const utterance = utterancesOf(turn)?.at(-1);
  if (utterance !== undefined) utterance.final = true;
  if (turn.name === 'listening') endSpeech(context, turn, state.microphoneSamples, false);
  else answerPerhaps(context);
}

/** The words of a stretch of speech. */
export function onWords(context: PipelineContext, input: { readonly utterance: number; readonly text: string; readonly final: boolean }): void {
  const utterance = utterancesOf(context.state.turn)?.find((each) => each.utterance === input.utterance);
  if (utterance === undefined || utterance.final) return;
  setWords(context, utterance, input.text, input.final);
}

/** The application says that the user begins to speak. */
export function onStartTurn(context: PipelineContext): void {
  const { state } = context;
  if (state.turn.name === 'listening') state.turn.by = 'hand';
  else beginSpeech(context, { name: 'voice', startSample: state.microphoneSamples, voicedUntil: state.microphoneSamples, voicedSamples: 0 }, 'hand');
}

/** The application says that the user has spoken. It is believed, whatever the detector hears. */
export function onEndTurn(context: PipelineContext): void {
  const { state } = context;
  if (state.turn.name !== 'listening' && state.hearing.name === 'voice') beginSpeech(context, state.hearing);
  if (state.turn.name === 'listening') endSpeech(context, state.turn, state.microphoneSamples, true);
}

/** There will be no more audio: what is being said has been said, and what was too short to judge is judged by what there is. */
export function onInputOver(context: PipelineContext): void {
  const { state } = context;
  state.inputOver = true;
  context.effects.push({ type: 'cancel_timer', timer: 'source' });
  const { hearing } = state;
  if (hearing.name === 'voice' && state.turn.name !== 'listening' && voicedSamples(hearing) >= neededSamples(state)) beginSpeech(context, hearing);
  if (state.turn.name === 'listening') endSpeech(context, state.turn, state.microphoneSamples, true);
  state.hearing = { name: 'quiet' };
}

/** While somebody speaks, a source that stops is given the silence that it left out: so the turn ends by the clock. */
export function onSourceTimer(context: PipelineContext): void {
  const { state, nowMs, effects } = context;
  const silentMs = nowMs - state.lastAudioAtMs;
  if (!isWatched(state)) return;
  if (silentMs >= SOURCE_STOPS_MS) effects.push({ type: 'give_silence', ms: silentMs });
  effects.push({ type: 'arm_timer', timer: 'source', delayMs: silentMs >= SOURCE_STOPS_MS ? SOURCE_STOPS_MS : SOURCE_STOPS_MS - silentMs });
}

// ---- helpers, in the order of their use ----

function voiceBegins(state: PipelineState, sample: number): void {
  const { hearing } = state;
  if (hearing.name === 'voice') {
    hearing.openSince = sample;
    hearing.voicedUntil = Math.max(sample, hearing.voicedUntil);
  } else {
    state.hearing = { name: 'voice', startSample: sample, voicedUntil: sample, voicedSamples: 0, openSince: sample };
  }
}

function voicePauses({ hearing }: PipelineState, sample: number): void {
  if (hearing.name !== 'voice' || hearing.openSince === undefined) return;
  hearing.voicedSamples += Math.max(0, sample - hearing.openSince);
  hearing.voicedUntil = sample;
  delete hearing.openSince;
}

/** What the voice so far is: a noise, the beginning of a turn, an interruption, the end of what was said. */
function judge(context: PipelineContext): void {
  const { state } = context;
  const { turn, hearing } = state;
  const nowSample = state.microphoneSamples;
  if (hearing.name === 'voice') {
    if (hearing.openSince !== undefined) hearing.voicedUntil = nowSample;
    watchSource(context);
  }
  if (turn.name === 'listening') {
    const voicedUntil = hearing.name === 'voice' ? hearing.voicedUntil : nowSample;
    const isSilent = state.policy.turns.by === 'voice' && turn.by === 'voice' && hearing.name === 'voice' && nowSample - voicedUntil >= microphoneSamples(state, state.policy.turns.silenceMs);
    const isTooLong = nowSample - turn.fromSample >= microphoneSamples(state, state.policy.turns.maxTurnMs);
    if (isSilent || isTooLong) endSpeech(context, turn, isSilent ? voicedUntil : nowSample, isTooLong);
    return;
  }
  if (hearing.name === 'quiet') return;
  if (certainSamples(state, hearing) >= neededSamples(state)) beginSpeech(context, hearing);
  else if (state.policy.turns.by === 'voice' && nowSample - hearing.voicedUntil >= microphoneSamples(state, JUDGED_GAP_MS)) state.hearing = { name: 'quiet' };
}

/** How much voice makes the next step of the conversation. */
function neededSamples(state: PipelineState): number {
  const { turn, policy } = state;
  const { minSpeechMs } = policy.turns;
  switch (turn.name) {
    case 'idle':
    case 'listening':
      return microphoneSamples(state, minSpeechMs);
    case 'recognising':
      return turn.byHand ? Infinity : microphoneSamples(state, minSpeechMs);
    case 'answering':
      return policy.confirmMs === undefined ? Infinity : microphoneSamples(state, Math.max(minSpeechMs, policy.confirmMs));
  }
}

function voicedSamples(hearing: Voice): number {
  return hearing.voicedSamples + (hearing.openSince === undefined ? 0 : hearing.voicedUntil - hearing.openSince);
}

/** Voice that is known for voice: the detector calls it that for a while after it has ended. */
function certainSamples(state: PipelineState, hearing: Voice): number {
  const hangMs = hearing.openSince === undefined || state.policy.turns.by !== 'voice' ? 0 : VAD_HANG_MS;
  return voicedSamples(hearing) - microphoneSamples(state, hangMs);
}

/** The user speaks: a turn begins, or goes on where it was not answered yet; an answer is interrupted. */
function beginSpeech(context: PipelineContext, voice: Voice, by: 'voice' | 'hand' = 'voice'): void {
  const { state, effects } = context;
  if (state.turn.name === 'answering') endTurn(context, 'interrupted');
  const before = state.turn;
  const goesOn = before.name === 'recognising';
  if (!goesOn) state.turns += 1;
  state.utterances += 1;
  const utterance: Utterance = { utterance: state.utterances, text: '', final: false };
  const fromSample = Math.max(0, voice.startSample - microphoneSamples(state, state.policy.turns.preRollMs));
  state.turn = {
    name: 'listening',
    turn: goesOn ? before.turn : state.turns,
    by,
    fromSample: voice.startSample,
    utterances: goesOn ? [...before.utterances, utterance] : [utterance],
  };
  if (!goesOn) emit(context, { type: 'voice_stream_event_lifecycle', event: 'turn_started' });
  emit(context, { type: 'voice_stream_event_speech', event: 'started', atMs: microphoneMs(state, voice.startSample) });
  effects.push({ type: 'start_recognition', utterance: utterance.utterance, fromSample });
}

function wordsCount(state: PipelineState, text: string): boolean {
  const words = wordsOf(text);
  if (words.length === 0 || neededSamples(state) === Infinity) return false;
  return state.turn.name !== 'answering' || !onlyPhrases(words, state.policy.backChannels);
}

function utterancesOf(turn: Turn): Utterance[] | undefined {
  return turn.name === 'listening' || turn.name === 'recognising' ? turn.utterances : undefined;
}

function setWords(context: PipelineContext, utterance: Utterance, text: string, final: boolean): void {
  const { state } = context;
  const isNew = text !== utterance.text;
  utterance.text = text;
  utterance.final = final;
  if (final && answerPerhaps(context)) return;
  const words = wordsSoFar(utterancesOf(state.turn) ?? []);
  if (isNew && words !== '') emit(context, { type: 'voice_stream_event_transcript', of: 'user', text: words, final: false });
}

function endSpeech(context: PipelineContext, turn: Extract<Turn, { name: 'listening' }>, atSample: number, byHand: boolean): void {
  const { state, effects } = context;
  emit(context, { type: 'voice_stream_event_speech', event: 'stopped', atMs: microphoneMs(state, atSample) });
  state.turn = { name: 'recognising', turn: turn.turn, byHand, utterances: turn.utterances };
  state.hearing = { name: 'quiet' };
  effects.push({ type: 'end_recognition', byHand });
  answerPerhaps(context);
}

/** Answers the turn when all its words are known. True when the turn has gone on, or is over. */
function answerPerhaps(context: PipelineContext): boolean {
  const { turn } = context.state;
  if (turn.name !== 'recognising' || !turn.utterances.every(({ final }) => final)) return false;
  const text = wordsSoFar(turn.utterances);
  if (text === '') {
    endTurn(context, 'unanswered');
    return true;
  }
  emit(context, { type: 'voice_stream_event_transcript', of: 'user', text, final: true });
  startAnswer(context, turn.turn, text);
  return true;
}

function wordsSoFar(utterances: readonly Utterance[]): string {
  return utterances
    .map(({ text }) => text.trim())
    .filter((text) => text !== '')
    .join(' ');
}

function watchSource({ state, effects }: PipelineContext): void {
  if (state.policy.turns.by !== 'hand' && state.hearing.name === 'voice') effects.push({ type: 'arm_timer', timer: 'source', delayMs: SOURCE_STOPS_MS });
}

function isWatched(state: PipelineState): boolean {
  return state.hearing.name === 'voice' && !state.inputOver;
}
