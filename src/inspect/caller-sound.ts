import { bytesToSamples, samplesToMs } from '../../audio/index.js';
import type { AudioFormat } from '../../audio/index.js';
import type { AudioRef, PlacedSound, RecordingLine } from '../recording/index.js';
import { EndPlacement } from './placement.js';

/** The microphone's sound where it was spoken: a chunk has ended when it comes. */
export function callerSound(lines: readonly RecordingLine[], format: AudioFormat): readonly PlacedSound[] {
  const placement = new EndPlacement();
  return lines.flatMap((line) => {
    const ref = line.type === 'input' && line.input.type === 'microphone' ? (line.input as unknown as { bytes: AudioRef }).bytes : undefined;
    if (ref === undefined || ref.$audio !== 'caller' || ref.at === undefined) return [];
    const samples = bytesToSamples(format, ref.bytes);
    return [{ trackSample: bytesToSamples(format, ref.at), samples, ...placement.place(samplesToMs(format, samples), line.at) }];
  });
}

/** The moment of the call at which the microphone had given `microphoneMs`; nothing for a moment that it never reached. */
export function momentOf(sound: readonly PlacedSound[], format: AudioFormat, microphoneMs: number): number | undefined {
  const sample = (microphoneMs * format.sampleRate) / 1000;
  let [low, high] = [0, sound.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const { trackSample = 0, samples = 0 } = sound[middle] ?? {};
    if (trackSample + samples < sample) low = middle + 1;
    else high = middle;
  }
  const found = sound[low];
  return found === undefined ? undefined : found.fromMs + ((sample - found.trackSample) * 1000) / format.sampleRate;
}
