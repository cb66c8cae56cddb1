import type { DepthSeries } from './timeline.js';

/** A point that lies closer than this to the line between its neighbours says nothing new. */
const TOLERANCE_MS = 5;

/**
 * A curve of straight pieces that drops the points it does not need while it grows: an hour of reports, one each 40 ms, becomes the few thousand
 * points at which something happened. Two points at one moment are a step; one that lies before the last is left out.
 */
export class DepthCurve {
  readonly #atMs: number[] = [];
  readonly #depthMs: number[] = [];
  #held: { readonly atMs: number; readonly depthMs: number } | undefined;
  /** The slopes from the last kept point that pass all dropped ones closely enough. */
  #slopes = { from: -Infinity, to: Infinity };

  add(atMs: number, depthMs: number): void {
    const held = this.#held;
    if (held === undefined) return this.#start(atMs, depthMs);
    if (atMs < held.atMs) return;
    const [keptAt, keptDepth] = [this.#atMs.at(-1) ?? 0, this.#depthMs.at(-1) ?? 0];
    if (atMs > keptAt && held.atMs > keptAt) {
      const slope = (depthMs - keptDepth) / (atMs - keptAt);
      if (slope >= this.#slopes.from && slope <= this.#slopes.to) return this.#hold(atMs, depthMs);
    }
    if (atMs === held.atMs && depthMs === held.depthMs) return;
    if (held.atMs > keptAt || held.depthMs !== keptDepth) this.#keep(held.atMs, held.depthMs);
    this.#hold(atMs, depthMs);
  }

  series(): DepthSeries {
    const held = this.#held;
    if (held !== undefined && (held.atMs !== this.#atMs.at(-1) || held.depthMs !== this.#depthMs.at(-1))) this.#keep(held.atMs, held.depthMs);
    return { atMs: this.#atMs, depthMs: this.#depthMs.map((value) => Math.round(value * 100) / 100) };
  }

  #start(atMs: number, depthMs: number): void {
    this.#keep(atMs, depthMs);
    this.#held = { atMs, depthMs };
  }

  #keep(atMs: number, depthMs: number): void {
    this.#atMs.push(atMs);
    this.#depthMs.push(depthMs);
    this.#slopes = { from: -Infinity, to: Infinity };
  }

  #hold(atMs: number, depthMs: number): void {
    this.#held = { atMs, depthMs };
    const overMs = atMs - (this.#atMs.at(-1) ?? 0);
    if (overMs <= 0) return;
    const keptDepth = this.#depthMs.at(-1) ?? 0;
    this.#slopes = {
      from: Math.max(this.#slopes.from, (depthMs - TOLERANCE_MS - keptDepth) / overMs),
      to: Math.min(this.#slopes.to, (depthMs + TOLERANCE_MS - keptDepth) / overMs),
    };
  }
}

/** The depth at a moment, between the points of a series. Where it steps, the later value. */
export function depthAt({ atMs, depthMs }: DepthSeries, whenMs: number): number {
  let [low, high] = [0, atMs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((atMs[middle] ?? 0) <= whenMs) low = middle + 1;
    else high = middle;
  }
  const [fromMs, toMs, from = 0, to = from] = [atMs[low - 1], atMs[low], depthMs[low - 1], depthMs[low]];
  if (fromMs === undefined) return 0;
  return toMs === undefined || toMs === fromMs ? from : from + ((to - from) * (whenMs - fromMs)) / (toMs - fromMs);
}
