import { Resampler } from './resampler.js';

/**
 * Brings a whole recording (mono PCM16) to another rate: the same length in time, and without the filter's delay. Gives `samples` itself when the
 * rates are equal, else new memory. Throws `RangeError` for rates that {@link Resampler} does not take.
 */
export function resampleWhole(samples: Int16Array, fromRate: number, toRate: number): Int16Array {
  if (fromRate === toRate || samples.length === 0) return samples;
  const resampler = new Resampler(fromRate, toRate);
  const delay = Math.round(resampler.delaySamples);
  const head = resampler.push(samples);
  const tail = resampler.flush();
  const all = new Int16Array(head.length + tail.length);
  all.set(head);
  all.set(tail, head.length);
  const result = new Int16Array(Math.round((samples.length * toRate) / fromRate));
  result.set(all.subarray(delay, delay + result.length));
  return result;
}
