import { bytesToSamples, completeEntry, openEntry, receiveAndSend, samplesToBytes, samplesToMs, settleHeard } from '../../audio/index.js';
import { noteGiven } from './echo-guard.js';
import { soundBegins, watchListener } from './listener-watch.js';
import type { StepContext } from './step-context.js';
import { addBounded, emit, newId } from './step-context.js';

/** Clips that are known from what the model generated; what a listener still plays is far less. */
const MAX_CLIPS = 32;

/**
 * Plays sound of the application: to the listener and the ledger it is sound like any other, played after what is there already and cut like it, and to
 * the model it is nothing; it stands in no history. The clip's bytes stay the application's. Gives its length in ms.
 */
export function playClip(context: StepContext, clip: Uint8Array, source: 'filler' | 'fallback'): number {
  const { state, nowMs } = context;
  const format = state.config.outputFormat;
  const samples = bytesToSamples(format, clip.length);
  if (samples === 0) return 0;
  const itemId = newId(state, source);
  addBounded(state.clips, itemId, MAX_CLIPS);
  settleHeard(state.ledger, nowMs);
  soundBegins(context);
  const entry = openEntry(state.ledger, { responseId: itemId, itemId, contentIndex: 0, format });
  receiveAndSend(state.ledger, entry, samples, nowMs);
  watchListener(context);
  const bytes = clip.slice(0, samplesToBytes(format, samples));
  if (state.bargeIn.echo !== undefined) noteGiven(state, format, bytes);
  const durationMs = samplesToMs(format, samples);
  emit(context, { type: 'audio', source, responseId: itemId, itemId, contentIndex: 0, epoch: state.ledger.epoch, chunk: { bytes, format, firstSample: 0 } });
  completeEntry(state.ledger, entry);
  emit(context, { type: 'audio_end', responseId: itemId, itemId, contentIndex: 0, durationMs });
  return durationMs;
}
