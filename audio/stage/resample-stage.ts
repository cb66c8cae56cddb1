import { Resampler } from '../resample/resampler.js';
import type { ResamplerOptions } from '../resample/resampler.js';
import { passThrough } from './audio-stage.js';
import type { AudioStage } from './audio-stage.js';

/** A {@link Resampler}, or nothing between equal rates. Its tail is what the filter's delay holds back. Throws `RangeError` as it does. */
export function resampleStage(fromRate: number, toRate: number, options: ResamplerOptions = {}): AudioStage {
  return fromRate === toRate ? passThrough : new Resampler(fromRate, toRate, options);
}
