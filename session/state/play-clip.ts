import { bytesToSamples, completeEntry, openEntry, receiveAndSend, samplesToBytes, samplesToMs, settleHeard } from '../../audio/index.js';
import { noteGiven } from './echo-guard.js';
import { soundBegins, watchListener } from './listener-watch.js';
import { add } from './sparse.js';
import type { StepContext } from './step-context.js';
import { emit, newId } from './step-context.js';

/** Clips that are known from what the model generated; what a listener still plays is far less. */
const MAX_CLIPS = 32;

export interface Clip {
  /** In the session's output format; they stay the application's. */
  readonly bytes: Uint8Array;
  readonly source: 'filler' | 'greeting' | 'fallback';
  /** By which the model knows it; absent for sound that is nothing to the model and stands in no history. */
  readonly itemId?: string;
}

/**
 * Plays sound of the application: to the listener and the ledger it is sound like any other, played after what is there already and cut like it. Gives
 * its length in ms.
 */
export function playClip(context: StepContext, clip: Clip): number {
  const { state, nowMs } = context;
  const { source } = clip;
  const format = state.config.outputFormat;
  const samples = bytesToSamples(format, clip.bytes.length);
  if (samples === 0) return 0;
  const itemId = clip.itemId ?? newId(state, source);
  if (clip.itemId === undefined) add(state, 'clips', itemId, MAX_CLIPS);
  settleHeard(state.ledger, nowMs);
  soundBegins(context);
  const entry = openEntry(state.ledger, { responseId: itemId, itemId, contentIndex: 0, format });
  receiveAndSend(state.ledger, entry, samples, nowMs);
  watchListener(context);
  const bytes = clip.bytes.slice(0, samplesToBytes(format, samples));
  if (state.bargeIn.echo !== undefined) noteGiven(state, format, bytes);
  const durationMs = samplesToMs(format, samples);
  emit(context, { type: 'audio', source, responseId: itemId, itemId, contentIndex: 0, epoch: state.ledger.epoch, chunk: { bytes, format, firstSample: 0 } });
  completeEntry(state.ledger, entry);
  emit(context, { type: 'audio_end', responseId: itemId, itemId, contentIndex: 0, durationMs });
  return durationMs;
}
