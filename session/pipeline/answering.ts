import { completeEntry, isPlaying, ledgerEntry, openEntry, receiveAndSend, reportHeard, settleHeard, unheardMs } from '../../audio/index.js';
import type { PlaybackReport } from '../../audio/index.js';
import { TransportError } from '../errors.js';
import { endTurn } from './ending.js';
import { emit, outputMs } from './pipeline-context.js';
import type { PipelineContext } from './pipeline-context.js';
import { errorEvent } from './stage-error.js';
import { createAnswer, itemIdOf } from './pipeline-state.js';
import type { SaidSentence } from './pipeline-input.js';
import type { Answer, PipelineState, Sentence, Turn } from './pipeline-state.js';

/** Sentences that wait for the synthesiser before the workflow has to wait too. */
const MAX_WAITING_SENTENCES = 8;
/** Reports are the listener's business: how far it got is not looked at more often than that. */
const LOOK_AGAIN_MS = 50;

type Answering = Extract<Turn, { name: 'answering' }>;

/** The words of a turn are known: the workflow is asked. */
export function startAnswer(context: PipelineContext, turn: number, text: string): void {
  context.state.turn = { name: 'answering', turn, answer: createAnswer() };
  context.effects.push({ type: 'start_answer', turn, text });
}

/** A turn in which the user does not speak: words that were written, or without any, a greeting. */
export function startSilentTurn(context: PipelineContext, text?: string): void {
  const { state, effects } = context;
  state.turns += 1;
  state.turn = { name: 'answering', turn: state.turns, answer: createAnswer() };
  emit(context, { type: 'voice_stream_event_lifecycle', event: 'turn_started' });
  if (text !== undefined) emit(context, { type: 'voice_stream_event_transcript', of: 'user', text, final: true });
  effects.push({ type: 'start_answer', turn: state.turns, ...(text === undefined ? {} : { text }) });
}

/** The workflow goes on: each sentence is spoken as soon as it is whole. */
export function onAnswerText(context: PipelineContext, turn: number, said: { readonly delta: string; readonly sentences: readonly SaidSentence[]; readonly over: boolean }): void {
  const answer = answerOf(context, turn)?.answer;
  if (answer === undefined || answer.textOver) return;
  answer.text += said.delta;
  for (const { text, spoken } of said.sentences) answer.sentences.push({ text, spoken, samples: 0, takenSamples: 0, complete: false });
  answer.textOver = said.over;
  goOn(context);
}

/** The next sound of the answer, in order. */
export function onSound(context: PipelineContext, input: { readonly turn: number; readonly sentence: number; readonly data: Uint8Array; readonly samples: number }): void {
  const answer = answerOf(context, input.turn)?.answer;
  const sentence = answer?.sentences[input.sentence];
  if (answer === undefined || sentence === undefined || sentence.complete || answer.failed) return;
  const { outputFormat: format } = context.state.policy;
  if (sentence.samples === 0) tellSentence(context, sentence);
  emit(context, {
    type: 'voice_stream_event_audio',
    data: input.data,
    format,
    sampleRate: format.sampleRate,
    channels: format.channels,
    itemId: itemIdOf(input.turn),
    contentIndex: input.sentence,
    firstSample: sentence.samples,
  });
  sentence.samples += input.samples;
  answer.queuedSamples += input.samples;
  goOn(context);
}

/** All sound of a sentence has been made. */
export function onSentenceSpoken(context: PipelineContext, turn: number, index: number): void {
  const answer = answerOf(context, turn)?.answer;
  const sentence = answer?.sentences[index];
  if (answer === undefined || sentence === undefined || sentence.complete || answer.failed) return;
  if (sentence.samples === 0) tellSentence(context, sentence);
  sentence.complete = true;
  answer.speaking -= 1;
  settle(context, turn, index, sentence);
  goOn(context);
}

/** The reader of the events has taken a piece of sound: it is with the listener. */
export function onTaken(context: PipelineContext, input: { readonly turn: number; readonly sentence: number; readonly samples: number }): void {
  const { state, nowMs } = context;
  const answer = answerOf(context, input.turn)?.answer;
  const sentence = answer?.sentences[input.sentence];
  if (answer === undefined || sentence === undefined) return;
  const { ledger, policy } = state;
  const part = { itemId: itemIdOf(input.turn), contentIndex: input.sentence };
  settleHeard(ledger, nowMs);
  const entry = ledgerEntry(ledger, part.itemId, part.contentIndex) ?? openEntry(ledger, { responseId: part.itemId, ...part, format: policy.outputFormat });
  // A listener that had nothing to play was not silent.
  if (!isPlaying(ledger, nowMs)) state.playbackAtMs = nowMs;
  receiveAndSend(ledger, entry, input.samples, nowMs);
  answer.queuedSamples -= input.samples;
  sentence.takenSamples += input.samples;
  settle(context, input.turn, input.sentence, sentence);
  if (policy.playback === 'taken') reportHeard(ledger, { ...part, samples: sentence.takenSamples }, nowMs);
  goOn(context);
}

/** A listener tells what it has played. One that tells the same again has not got on. */
export function onPlayback(context: PipelineContext, report: PlaybackReport): void {
  const { state, nowMs } = context;
  if (state.turn.name !== 'answering') return;
  const before = ledgerEntry(state.ledger, report.itemId, report.contentIndex)?.reportedSamples ?? 0;
  const after = reportHeard(state.ledger, report, nowMs)?.reportedSamples ?? 0;
  if (after > before) state.playbackAtMs = nowMs;
  goOn(context);
}

/** Time has passed for what sounds. A listener that reported and is silent now has stopped playing: nobody knows of more that was heard. */
export function onPlaybackTimer(context: PipelineContext): void {
  const { state, nowMs } = context;
  if (state.turn.name !== 'answering') return;
  const stalled = isReported(state) && isPlaying(state.ledger, nowMs) && nowMs - state.playbackAtMs >= state.policy.playbackTimeoutMs;
  if (!stalled) return goOn(context);
  emit(context, errorEvent('playback', new TransportError('PLAYBACK_STALLED', `The listener has played nothing for ${state.policy.playbackTimeoutMs} ms.`, { leg: 'client' })));
  failAnswer(context, state.turn.answer);
  endTurn(context, 'failed');
}

/** A stage of the answer has failed: nothing more is made, what was made is heard out, and the turn ends. */
export function onAnswerFailed(context: PipelineContext, turn: number): void {
  const answer = answerOf(context, turn)?.answer;
  if (answer === undefined || answer.failed) return;
  failAnswer(context, answer);
  goOn(context);
}

// ---- helpers, in the order of their use ----

function answerOf({ state }: PipelineContext, turn: number): Answering | undefined {
  return state.turn.name === 'answering' && state.turn.turn === turn ? state.turn : undefined;
}

function tellSentence(context: PipelineContext, sentence: Sentence): void {
  if (sentence.text.trim() !== '') emit(context, { type: 'voice_stream_event_transcript', of: 'agent', text: sentence.text, final: true });
}

/** A sentence that was made and taken to its end is complete for the ledger. */
function settle({ state }: PipelineContext, turn: number, index: number, sentence: Sentence): void {
  const entry = ledgerEntry(state.ledger, itemIdOf(turn), index);
  if (entry !== undefined && sentence.complete && sentence.takenSamples >= sentence.samples) completeEntry(state.ledger, entry);
}

function failAnswer({ effects }: PipelineContext, answer: Answer): void {
  answer.failed = true;
  answer.textOver = true;
  effects.push({ type: 'stop_answer' });
}

/** After anything that moves an answer: gives the synthesiser what it may have, holds what is too far ahead, and ends the turn when all was heard. */
function goOn(context: PipelineContext): void {
  const { state, nowMs, effects } = context;
  const { turn } = state;
  if (turn.name !== 'answering') return;
  const { answer } = turn;
  if (!answer.failed) {
    holdVoice(context, answer);
    speakNext(context, turn);
  }
  const made = answer.failed || (answer.textOver && answer.sentences.every(({ complete }) => complete));
  if (made && answer.queuedSamples === 0 && !isPlaying(state.ledger, nowMs)) return endTurn(context, answer.failed ? 'failed' : answer.text.trim() === '' ? 'unanswered' : 'answered');
  const delayMs = nextLookMs(state, answer, nowMs);
  if (delayMs !== undefined) effects.push({ type: 'arm_timer', timer: 'playback', delayMs });
}

function holdVoice({ state, nowMs, effects }: PipelineContext, answer: Answer): void {
  const isAhead = aheadMs(state, answer, nowMs) >= state.policy.aheadMs;
  if (isAhead === answer.held) return;
  answer.held = isAhead;
  effects.push({ type: isAhead ? 'hold_voice' : 'release_voice' });
}

function speakNext(context: PipelineContext, { turn, answer }: Answering): void {
  const { state, effects } = context;
  const waited = waitingSentences(answer);
  while (answer.begun < answer.sentences.length && answer.speaking < state.policy.concurrency && !answer.held) {
    const index = answer.begun;
    const sentence = answer.sentences[index];
    if (sentence === undefined) break;
    answer.begun += 1;
    answer.speaking += 1;
    effects.push({ type: 'speak', turn, sentence: index, text: sentence.spoken });
  }
  const waiting = waitingSentences(answer);
  if (waiting >= MAX_WAITING_SENTENCES) effects.push({ type: 'hold_text' });
  else if (waited >= MAX_WAITING_SENTENCES) effects.push({ type: 'release_text' });
}

function waitingSentences(answer: Answer): number {
  return answer.sentences.length - answer.begun;
}

function aheadMs(state: PipelineState, answer: Answer, nowMs: number): number {
  return unheardMs(state.ledger, nowMs) + outputMs(state, answer.queuedSamples);
}

/** When something may have changed by time alone; nothing while nothing sounds. */
function nextLookMs(state: PipelineState, answer: Answer, nowMs: number): number | undefined {
  const soundingMs = unheardMs(state.ledger, nowMs);
  if (soundingMs <= 0) return undefined;
  const ahead = aheadMs(state, answer, nowMs);
  const untilRoomMs = answer.held ? ahead - state.policy.aheadMs : Infinity;
  if (!isReported(state)) return Math.max(1, Math.min(soundingMs, untilRoomMs));
  const untilStalledMs = state.playbackAtMs + state.policy.playbackTimeoutMs - nowMs;
  return Math.max(LOOK_AGAIN_MS, Math.min(soundingMs, untilRoomMs, untilStalledMs));
}

/** From the first report on, reports are the source. */
function isReported({ ledger, policy }: PipelineState): boolean {
  return ledger.source === 'reports' && policy.playback !== 'taken';
}
