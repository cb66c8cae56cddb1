import type { VadTransition } from '../../audio/index.js';
import { onlyPhrases, wordsOf } from '../state/spoken-words.js';
import { emit, microphoneSamples } from './pipeline-context.js';
import type { PipelineContext } from './pipeline-context.js';
import type { Hearing, PipelineState } from './pipeline-state.js';
import { answerPerhaps, beginSpeech, endSpeech, setWords, utterancesOf } from './speech.js';
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
    if (type === 'start') voiceBegins(context, sample);
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
  voiceBegins(context, context.state.microphoneSamples);
  judge(context);
}

/** The words of a recogniser that finds the turns itself: whoever has words has spoken. */
export function onStreamWords(context: PipelineContext, text: string, final: boolean): void {
  const { state } = context;
  const { turn, hearing } = state;
  if (hearing.name === 'voice' && turn.name !== 'listening' && wordsCount(state, text)) beginSpeech(context, hearing.startSample);
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

/** The application says that the user begins to speak. */
export function onStartTurn(context: PipelineContext): void {
  const { state } = context;
  const { turn, hearing, microphoneSamples: now } = state;
  if (turn.name === 'listening') turn.by = 'hand';
  else beginSpeech(context, hearing.name === 'voice' ? hearing.startSample : now, 'hand');
}

/** The application says that the user has spoken. It is believed, whatever the detector hears. */
export function onEndTurn(context: PipelineContext): void {
  const { state } = context;
  if (state.turn.name !== 'listening' && state.hearing.name === 'voice') beginSpeech(context, state.hearing.startSample);
  if (state.turn.name === 'listening') endSpeech(context, state.turn, state.microphoneSamples, true);
}

/** There will be no more audio: what is being said has been said, and what was too short to judge is judged by what there is. */
export function onInputOver(context: PipelineContext): void {
  const { state } = context;
  state.inputOver = true;
  context.effects.push({ type: 'cancel_timer', timer: 'source' });
  const { hearing } = state;
  if (hearing.name === 'voice' && state.turn.name !== 'listening' && voicedSamples(hearing) >= neededSamples(state)) beginSpeech(context, hearing.startSample);
  if (state.turn.name === 'listening') endSpeech(context, state.turn, state.microphoneSamples, true);
  state.hearing = { name: 'quiet' };
}

/** While somebody speaks, a source that stops is given the silence that it left out: so the turn ends by the clock. */
export function onSourceTimer(context: PipelineContext): void {
  const { state, nowMs, effects } = context;
  if (state.hearing.name === 'quiet' || state.inputOver) return;
  const silentMs = nowMs - state.lastAudioAtMs;
  const hasStopped = silentMs >= SOURCE_STOPS_MS;
  if (hasStopped) effects.push({ type: 'give_silence', ms: silentMs });
  effects.push({ type: 'arm_timer', timer: 'source', delayMs: hasStopped ? SOURCE_STOPS_MS : SOURCE_STOPS_MS - silentMs });
}

// ---- helpers, in the order of their use ----

function voiceBegins({ state, effects }: PipelineContext, sample: number): void {
  const { hearing } = state;
  if (hearing.name === 'voice') {
    hearing.openSince = sample;
    hearing.voicedUntil = Math.max(sample, hearing.voicedUntil);
  } else {
    state.hearing = { name: 'voice', startSample: sample, voicedUntil: sample, voicedSamples: 0, openSince: sample };
    effects.push({ type: 'arm_timer', timer: 'source', delayMs: SOURCE_STOPS_MS });
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
  if (hearing.name === 'voice' && hearing.openSince !== undefined) hearing.voicedUntil = nowSample;
  if (turn.name === 'listening') {
    const voicedUntil = hearing.name === 'voice' ? hearing.voicedUntil : nowSample;
    const isSilent = state.policy.turns.by === 'voice' && turn.by === 'voice' && hearing.name === 'voice' && nowSample - voicedUntil >= microphoneSamples(state, state.policy.turns.silenceMs);
    const isTooLong = nowSample - turn.fromSample >= microphoneSamples(state, state.policy.turns.maxTurnMs);
    if (isSilent || isTooLong) endSpeech(context, turn, isSilent ? voicedUntil : nowSample, isTooLong);
    return;
  }
  if (hearing.name === 'quiet') return;
  if (certainSamples(state, hearing) >= neededSamples(state)) beginSpeech(context, hearing.startSample);
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

function wordsCount(state: PipelineState, text: string): boolean {
  const words = wordsOf(text);
  if (words.length === 0 || neededSamples(state) === Infinity) return false;
  return state.turn.name !== 'answering' || !onlyPhrases(words, state.policy.backChannels);
}
