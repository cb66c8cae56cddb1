/** Loudness is looked at in frames of so many ms. */
const FRAME_MS = 20;
/** What is so far below the loudest frame is no part of the words. */
const RANGE_DB = 30;
/** Two prints are laid over each other shifted by at most so many frames: where words begin is a matter of the threshold. */
const SHIFT = 6;
/** Prints whose lengths differ by more are of different words. */
const LENGTH_SHARE = 0.15;

/** What tells one recording from another whatever its gain, its format and the silence around it: how its loudness runs, in dB below its loudest. */
export type SoundPrint = Float32Array;

export function soundPrint(samples: Int16Array, sampleRate: number): SoundPrint {
  const length = Math.round((sampleRate * FRAME_MS) / 1000);
  const levels: number[] = [];
  for (let from = 0; from + length <= samples.length; from += length) {
    let sum = 0;
    for (let index = from; index < from + length; index += 1) sum += (samples[index] as number) ** 2;
    levels.push(10 * Math.log10(sum / length + 1));
  }
  const loudest = levels.reduce((most, level) => Math.max(most, level), 0);
  const inside = (level: number): boolean => level > loudest - RANGE_DB;
  const [first, last] = [levels.findIndex(inside), levels.findLastIndex(inside)];
  return first < 0 ? new Float32Array(0) : Float32Array.from(levels.slice(first, last + 1), (level) => Math.max(0, level - (loudest - RANGE_DB)));
}

/** How much alike two prints are: 1 for the same, about 0 for two that have nothing to do with each other. */
export function likeness(one: SoundPrint, other: SoundPrint): number {
  const longer = Math.max(one.length, other.length);
  if (longer === 0 || Math.abs(one.length - other.length) > Math.max(SHIFT, LENGTH_SHARE * longer)) return 0;
  let best = 0;
  for (let shift = -SHIFT; shift <= SHIFT; shift += 1) best = Math.max(best, correlation(one, other, shift));
  return best;
}

/** Over the frames that either has; where one has none it is silent. */
function correlation(one: SoundPrint, other: SoundPrint, shift: number): number {
  let [n, sumA, sumB, sumAA, sumBB, sumAB] = [0, 0, 0, 0, 0, 0];
  for (let index = Math.min(0, shift); index < Math.max(one.length, other.length + shift); index += 1) {
    const [a, b] = [one[index] ?? 0, other[index - shift] ?? 0];
    n += 1;
    sumA += a;
    sumB += b;
    sumAA += a * a;
    sumBB += b * b;
    sumAB += a * b;
  }
  const spread = Math.sqrt((sumAA - sumA ** 2 / n) * (sumBB - sumB ** 2 / n));
  return spread === 0 ? 0 : (sumAB - (sumA * sumB) / n) / spread;
}
