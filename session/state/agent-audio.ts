import { bytesToSamples, completeEntry, ledgerEntry, openEntry, receiveAndSend, samplesToMs, settleHeard } from '../../audio/index.js';
import type { ModelInput } from '../ports/model.js';
import { watchSound } from './anomalies.js';
import { noteGiven } from './echo-guard.js';
import { watchFormat } from './format-watch.js';
import { onAgentSounds } from './greeting.js';
import { expectAnswer } from './history.js';
import { soundBegins, watchListener } from './listener-watch.js';
import { confirmPerhaps, liveResponse, tellFirstAudio } from './responses.js';
import type { StepContext } from './step-context.js';
import { emit } from './step-context.js';
import { markByClock, markFirstAudio } from './turn-marks.js';
import { settleAnswered } from './unsettled-turns.js';

/** A piece of the agent's sound: into the ledger and on to the listener. Fifty a second and more; what is interrupted goes no further. */
export function onAudio(context: StepContext, input: Extract<ModelInput, { type: 'audio_delta' }>): void {
  const { state, nowMs } = context;
  const response = liveResponse(context, input.responseId);
  if (response === undefined) return;
  response.audioSeen ||= input.bytes.length > 0;
  if (response.interrupted) return;
  const { responseId, itemId, contentIndex } = input;
  const { format } = response;
  const samples = bytesToSamples(format, input.bytes.length);
  if (samples === 0) return;
  if (state.formatWatch.output !== undefined) watchFormat(context, 'output', input.bytes);
  let entry = ledgerEntry(state.ledger, itemId, contentIndex);
  if (entry === undefined) {
    settleHeard(state.ledger, nowMs);
    expectAnswer(context, itemId, responseId);
    soundBegins(context);
    entry = openEntry(state.ledger, { responseId, itemId, contentIndex, format });
  }
  settleAnswered(state, responseId);
  const firstSample = entry.receivedSamples;
  receiveAndSend(state.ledger, entry, samples, nowMs);
  if (state.bargeIn.echo !== undefined) noteGiven(state, format, input.bytes);
  watchListener(context);
  confirmPerhaps(context, response);
  if (!response.hasAudio) {
    tellFirstAudio(context, response, itemId);
    onAgentSounds(context);
  }
  response.hasAudio = true;
  markFirstAudio(context, response);
  emit(context, { type: 'audio', responseId, itemId, contentIndex, epoch: state.ledger.epoch, chunk: { bytes: input.bytes, format, firstSample } });
  markByClock(context, response, itemId, contentIndex);
  if (response.sound !== undefined) watchSound(context, response, itemId, input.bytes, samples);
}

/** All sound of a part has come. */
export function onAudioDone(context: StepContext, { responseId, itemId, contentIndex }: Extract<ModelInput, { type: 'audio_done' }>): void {
  const { state, nowMs } = context;
  const entry = ledgerEntry(state.ledger, itemId, contentIndex);
  if (entry === undefined) return;
  completeEntry(state.ledger, entry);
  settleHeard(state.ledger, nowMs);
  emit(context, { type: 'audio_end', responseId, itemId, contentIndex, durationMs: samplesToMs(entry.format, entry.receivedSamples) });
}
