import type { PlacedSound } from '../recording/index.js';

/** A lane has no more buckets than this: what an hour needs to be drawn, and to be looked into, in a page of some megabytes. */
const MAX_BUCKETS = 200_000;
const BUCKET_SIZES_MS = [2, 5, 10, 20, 50, 100, 200, 500];

/** The finest bucket with which a call of this length stays within its bounds, in ms. */
export function bucketMsFor(durationMs: number): number {
  return BUCKET_SIZES_MS.find((size) => durationMs / size <= MAX_BUCKETS) ?? Math.ceil(durationMs / MAX_BUCKETS);
}

/**
 * The lowest and the highest sample of each bucket, in pairs, in 256ths of full scale. `samples` is the whole track; sound that was squeezed falls
 * into fewer buckets. Sound outside of the call is left out.
 */
export function peaksOf(sound: readonly PlacedSound[], samples: Int16Array, startMs: number, durationMs: number, bucketMs: number): Int8Array {
  const peaks = new Int8Array(Math.ceil(durationMs / bucketMs) * 2);
  for (const { trackSample, samples: count, fromMs, toMs } of sound) {
    const bucketsPerSample = (toMs - fromMs) / count / bucketMs;
    const firstBucket = (fromMs - startMs) / bucketMs;
    for (let index = 0; index < count; index += 1) {
      const value = (samples[trackSample + index] ?? 0) >> 8;
      const at = Math.floor(firstBucket + index * bucketsPerSample) * 2;
      // Beyond the end these are undefined, and no comparison holds.
      if (value < (peaks[at] as number)) peaks[at] = value;
      else if (value > (peaks[at + 1] as number)) peaks[at + 1] = value;
    }
  }
  return peaks;
}
