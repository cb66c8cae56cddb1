import { cut } from '../../audio/index.js';
import { heardAnswer } from './heard-answer.js';
import { emit } from './pipeline-context.js';
import type { PipelineContext } from './pipeline-context.js';
import type { TurnOutcome } from './pipeline-event.js';
import type { Turn } from './pipeline-state.js';

/** Ends the turn that is going on, whatever it is doing, and tells how: every way out of a turn is this one. */
export function endTurn(context: PipelineContext, outcome: TurnOutcome): void {
  const { state, effects } = context;
  const { turn } = state;
  if (turn.name === 'idle') return;
  if (turn.name === 'listening' || turn.name === 'recognising') effects.push({ type: 'drop_recognition' });
  if (turn.name === 'answering') endAnswer(context, turn, outcome === 'interrupted');
  emit(context, { type: 'voice_stream_event_lifecycle', event: 'turn_ended', outcome });
  state.turn = { name: 'idle' };
}

/**
 * An answer ends. One that was cut short is cut in one ordered step, the same way whoever asks: the sound that was made and not taken is discarded, the
 * player is told to fall silent, the workflow and the synthesiser are stopped, and the workflow learns what was heard.
 */
function endAnswer(context: PipelineContext, { turn, answer }: Extract<Turn, { name: 'answering' }>, interrupted: boolean): void {
  const { state, nowMs, effects } = context;
  // Looked at before the cut, which empties the ledger.
  const { heardMs, heardText, unheardText } = heardAnswer(state, turn, answer, nowMs);
  cut(state.ledger, nowMs);
  effects.push({ type: 'cancel_timer', timer: 'playback' });
  if (interrupted || answer.failed) effects.push({ type: 'discard_sound', turn });
  if (interrupted) emit(context, { type: 'voice_stream_event_interrupted', heardMs, heardText, unheardText });
  if (!interrupted && !answer.failed) return void effects.push({ type: 'close_answer' });
  if (!answer.failed) effects.push({ type: 'stop_answer' });
  effects.push({ type: 'tell_heard', turn, heardText, unheardText });
}
