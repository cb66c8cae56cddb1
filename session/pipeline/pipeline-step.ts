import { assertNever } from '../errors.js';
import { onAnswerFailed, onAnswerText, onPlayback, onPlaybackTimer, onSentenceSpoken, onSound, onTaken, startSilentTurn } from './answering.js';
import { endTurn } from './ending.js';
import { onAudio, onEndTurn, onInputOver, onMicrophone, onSourceTimer, onStartTurn, onStreamSpeech, onStreamTurnEnded, onStreamWords } from './hearing.js';
import { emit } from './pipeline-context.js';
import type { PipelineContext } from './pipeline-context.js';
import type { PipelineEffect } from './pipeline-effect.js';
import type { PipelineInput } from './pipeline-input.js';
import { turnNumber } from './pipeline-state.js';
import type { PipelineState } from './pipeline-state.js';
import { onWords } from './speech.js';
import { errorEvent } from './stage-error.js';

/**
 * What a voice pipeline does about something that has happened. It awaits nothing and reads no clock: the same inputs at the same times give the same
 * effects. The state is plain data; `pipelineStep` takes it over and changes it in place.
 */
export function pipelineStep(state: PipelineState, input: PipelineInput, nowMs: number): { readonly state: PipelineState; readonly effects: readonly PipelineEffect[] } {
  const context: PipelineContext = { state, nowMs, effects: [] };
  if (!state.over) {
    take(context, input);
    endPerhaps(context);
  }
  return { state, effects: context.effects };
}

function take(context: PipelineContext, input: PipelineInput): void {
  switch (input.type) {
    case 'audio':
      return onAudio(context, input);
    case 'microphone':
      return onMicrophone(context, input);
    case 'input_over':
      return onInputOver(context);
    case 'stream_speech_started':
      return onStreamSpeech(context);
    case 'stream_words':
      return onStreamWords(context, input.text, input.final);
    case 'stream_turn_ended':
      return onStreamTurnEnded(context);
    case 'words':
      return onWords(context, input);
    case 'answer_text':
      return onAnswerText(context, input.turn, input);
    case 'sound':
      return onSound(context, input);
    case 'sentence_spoken':
      return onSentenceSpoken(context, input.turn, input.sentence);
    case 'taken':
      return onTaken(context, input);
    case 'playback':
      return onPlayback(context, input.report);
    case 'stage_failed':
      return onStageFailed(context, input);
    case 'trouble':
      return emit(context, errorEvent(input.stage, input.error));
    case 'greet':
      // Unless the user was quicker.
      return context.state.turn.name === 'idle' ? startSilentTurn(context) : undefined;
    case 'text':
      return onText(context, input.text);
    case 'start_turn':
      return onStartTurn(context);
    case 'end_turn':
      return onEndTurn(context);
    case 'interrupt':
      return context.state.turn.name === 'answering' ? endTurn(context, 'interrupted') : undefined;
    case 'timer':
      return input.timer === 'source' ? onSourceTimer(context) : onPlaybackTimer(context);
    default:
      assertNever(input);
  }
}

/** Words of the user that were not spoken: they are answered like any others, and take the place of what goes on. */
function onText(context: PipelineContext, text: string): void {
  endTurn(context, 'interrupted');
  context.state.hearing = { name: 'quiet' };
  startSilentTurn(context, text);
}

/** A stage threw or was late. It is told, and ends what it was working for; nothing comes in any more when what hears has failed. */
function onStageFailed(context: PipelineContext, { stage, of, error }: Extract<PipelineInput, { type: 'stage_failed' }>): void {
  const { state } = context;
  const { turn } = state;
  switch (stage) {
    case 'recognise': {
      const isOurs = (turn.name === 'listening' || turn.name === 'recognising') && (of === 0 || turn.utterances.some(({ utterance }) => utterance === of));
      if (of !== 0 && !isOurs) return;
      emit(context, errorEvent(stage, error));
      if (isOurs) endTurn(context, 'failed');
      state.hearing = { name: 'quiet' };
      return;
    }
    case 'workflow':
    case 'split':
    case 'synthesise':
    case 'postprocess':
      // An answer that was interrupted owes nothing any more.
      if (of !== turnNumber(turn)) return;
      emit(context, errorEvent(stage, error));
      return onAnswerFailed(context, of);
    case 'input':
    case 'preprocess':
    case 'turn_detection':
    case 'playback':
      emit(context, errorEvent(stage, error));
      return onInputOver(context);
    default:
      assertNever(stage);
  }
}

/** The session is over when nothing comes in any more and the last turn has ended. */
function endPerhaps(context: PipelineContext): void {
  const { state, effects } = context;
  if (!state.inputOver || state.turn.name !== 'idle') return;
  state.over = true;
  emit(context, { type: 'voice_stream_event_lifecycle', event: 'session_ended' });
  effects.push({ type: 'cancel_timer', timer: 'playback' }, { type: 'finish' });
}
