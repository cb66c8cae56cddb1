import { startAnswer } from './answering.js';
import { endTurn } from './ending.js';
import { emit, microphoneMs, microphoneSamples } from './pipeline-context.js';
import type { PipelineContext } from './pipeline-context.js';
import type { Turn, Utterance } from './pipeline-state.js';

/** The user speaks: a turn begins, or goes on where it was not answered yet; an answer is interrupted. */
export function beginSpeech(context: PipelineContext, startSample: number, by: 'voice' | 'hand' = 'voice'): void {
  const { state, effects } = context;
  if (state.turn.name === 'answering') endTurn(context, 'interrupted');
  const before = state.turn;
  const goesOn = before.name === 'recognising';
  if (!goesOn) state.turns += 1;
  state.utterances += 1;
  const utterance: Utterance = { utterance: state.utterances, text: '', final: false };
  const fromSample = Math.max(0, startSample - microphoneSamples(state, state.policy.turns.preRollMs));
  state.turn = {
    name: 'listening',
    turn: goesOn ? before.turn : state.turns,
    by,
    fromSample: startSample,
    utterances: goesOn ? [...before.utterances, utterance] : [utterance],
  };
  if (!goesOn) emit(context, { type: 'voice_stream_event_lifecycle', event: 'turn_started' });
  emit(context, { type: 'voice_stream_event_speech', event: 'started', atMs: microphoneMs(state, startSample) });
  effects.push({ type: 'start_recognition', utterance: utterance.utterance, fromSample });
}

/** The user has spoken: when the words are known, they are answered. */
export function endSpeech(context: PipelineContext, turn: Extract<Turn, { name: 'listening' }>, atSample: number, byHand: boolean): void {
  const { state, effects } = context;
  emit(context, { type: 'voice_stream_event_speech', event: 'stopped', atMs: microphoneMs(state, atSample) });
  state.turn = { name: 'recognising', turn: turn.turn, byHand, utterances: turn.utterances };
  state.hearing = { name: 'quiet' };
  effects.push({ type: 'end_recognition', byHand });
  answerPerhaps(context);
}

/** The words of a stretch of speech. */
export function onWords(context: PipelineContext, input: { readonly utterance: number; readonly text: string; readonly final: boolean }): void {
  const utterance = utterancesOf(context.state.turn)?.find((each) => each.utterance === input.utterance);
  if (utterance === undefined || utterance.final) return;
  setWords(context, utterance, input.text, input.final);
}

/** The stretches of speech of a turn that is not answered yet. */
export function utterancesOf(turn: Turn): Utterance[] | undefined {
  return turn.name === 'listening' || turn.name === 'recognising' ? turn.utterances : undefined;
}

/** More is known of the words of a stretch, or all. */
export function setWords(context: PipelineContext, utterance: Utterance, text: string, final: boolean): void {
  const { state } = context;
  const isNew = text !== utterance.text;
  utterance.text = text;
  utterance.final = final;
  if (final && answerPerhaps(context)) return;
  const words = wordsSoFar(utterancesOf(state.turn) ?? []);
  if (isNew && words !== '') emit(context, { type: 'voice_stream_event_transcript', of: 'user', text: words, final: false });
}

/** Answers the turn when all its words are known. True when the turn has gone on, or is over. */
export function answerPerhaps(context: PipelineContext): boolean {
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
