import type { AudioFormat } from '../../audio/index.js';
import type { PlacedSound } from '../recording/index.js';

/** The moment of the call at which the microphone had given `microphoneMs`; nothing for a moment that it never reached. */
export function microphoneMoment(sound: readonly PlacedSound[], format: AudioFormat, microphoneMs: number): number | undefined {
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
