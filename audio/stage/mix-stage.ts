import { mixToMono } from '../codec/wav.js';
import { joinSamples } from '../format/join-samples.js';
import { passThrough } from './audio-stage.js';
import type { AudioStage } from './audio-stage.js';

/**
 * Interleaved channels in, mono out: their average. A block that is not complete waits for its rest; at the end it is dropped, since nobody knows what
 * its other channels were. Throws `RangeError` for a count outside 1..8.
 */
export function mixStage(channels: number): AudioStage {
  if (!Number.isInteger(channels) || channels < 1 || channels > 8) throw new RangeError(`The channel count must be a whole number from 1 to 8, not ${channels}.`);
  if (channels === 1) return passThrough;
  let carried = new Int16Array(0);
  return {
    push(samples) {
      const all = joinSamples(carried, samples);
      const whole = all.length - (all.length % channels);
      carried = all.slice(whole);
      return mixToMono(all.subarray(0, whole), channels);
    },
    flush() {
      carried = new Int16Array(0);
      return new Int16Array(0);
    },
  };
}
