/** The longest that is told apart, in ms. */
const MAX_MS = 60_000;

/** Counts of times in whole ms: percentiles without keeping the values. */
export class Histogram {
  readonly #counts = new Map<number, number>();
  #total = 0;
  #max = 0;

  add(ms: number): void {
    const bin = Math.min(MAX_MS, Math.max(0, Math.round(ms)));
    this.#counts.set(bin, (this.#counts.get(bin) ?? 0) + 1);
    this.#total += 1;
    this.#max = Math.max(this.#max, bin);
  }

  get count(): number {
    return this.#total;
  }

  get max(): number {
    return this.#max;
  }

  /** The smallest value that is not below `share` (0..1) of all; 0 when there is none. */
  percentile(share: number): number {
    let left = Math.ceil(this.#total * share);
    for (const [bin, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return bin;
    }
    return 0;
  }
}
