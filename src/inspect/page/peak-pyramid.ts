/** How many buckets of a level are one of the next. */
const FAN = 8;

/** The lowest and highest value of any stretch, as fast for an hour as for a second: each level is a coarser copy of the one below. */
export class PeakPyramid {
  readonly #levels: Int8Array[];
  readonly #bucketMs: number;
  /** What a full deflection is drawn as: quiet calls are seen, too. */
  readonly gain: number;

  /** `peaks` holds a pair for each bucket. */
  constructor(peaks: Int8Array, bucketMs: number) {
    this.#levels = [peaks];
    this.#bucketMs = bucketMs;
    for (let last = peaks; last.length > 4_096; ) {
      last = coarser(last);
      this.#levels.push(last);
    }
    const most = (this.#levels.at(-1) ?? peaks).reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    this.gain = most === 0 ? 1 : Math.min(6, 120 / most) / 128;
  }

  get empty(): boolean {
    return (this.#levels[0]?.length ?? 0) === 0;
  }

  /** Of what lies between two moments after the beginning; writes them into `into`. */
  between(fromMs: number, toMs: number, into: { low: number; high: number }): void {
    let [bucketMs, level] = [this.#bucketMs, 0];
    while (level + 1 < this.#levels.length && bucketMs * FAN <= toMs - fromMs) {
      bucketMs *= FAN;
      level += 1;
    }
    const peaks = this.#levels[level] ?? new Int8Array(0);
    const last = Math.min(peaks.length / 2, Math.max(Math.ceil(toMs / bucketMs), Math.floor(fromMs / bucketMs) + 1));
    into.low = 0;
    into.high = 0;
    for (let index = Math.max(0, Math.floor(fromMs / bucketMs)); index < last; index += 1) {
      into.low = Math.min(into.low, peaks[index * 2] ?? 0);
      into.high = Math.max(into.high, peaks[index * 2 + 1] ?? 0);
    }
  }
}

function coarser(peaks: Int8Array): Int8Array {
  const result = new Int8Array(Math.ceil(peaks.length / 2 / FAN) * 2);
  for (let index = 0; index < peaks.length / 2; index += 1) {
    const at = Math.floor(index / FAN) * 2;
    result[at] = Math.min(result[at] ?? 0, peaks[index * 2] ?? 0);
    result[at + 1] = Math.max(result[at + 1] ?? 0, peaks[index * 2 + 1] ?? 0);
  }
  return result;
}
