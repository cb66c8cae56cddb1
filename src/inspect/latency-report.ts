import { MEASURED } from './measures.js';
import type { Measured } from './measures.js';
import type { Timeline } from './timeline.js';

export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** How long callers waited, in one file or in many, in ms. What no turn has is absent. */
export interface LatencyGroup {
  readonly name: string;
  readonly measured: Readonly<Partial<Record<Measured, Quantiles>>>;
}

/** Each file for itself, and then all of them, when there are several. */
export function latencyReport(timelines: readonly Pick<Timeline, 'name' | 'turns'>[]): readonly LatencyGroup[] {
  const groups = timelines.map(({ name, turns }) => ({ name, turns }));
  if (groups.length > 1) groups.push({ name: 'all files', turns: groups.flatMap(({ turns }) => turns) });
  return groups.map(({ name, turns }) => ({ name, measured: Object.fromEntries(MEASURED.flatMap((what) => entry(what, values(turns, what)))) }));
}

/** Only turns that were waited for to their end count, also in the parts. */
function values(turns: Timeline['turns'], what: Measured): number[] {
  return turns.flatMap(({ latencyMs, parts }) => {
    if (latencyMs === undefined) return [];
    return what === 'latency' ? [latencyMs] : parts.filter(({ name }) => name === what).map(({ ms }) => ms);
  });
}

function entry(what: Measured, numbers: readonly number[]): [Measured, Quantiles][] {
  return numbers.length === 0 ? [] : [[what, quantiles(numbers)]];
}

/** Of at least one number. */
export function quantiles(numbers: readonly number[]): Quantiles {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (percent: number): number => percentile(sorted, percent);
  return { count: sorted.length, p50: at(50), p90: at(90), p95: at(95), p99: at(99), max: at(100) };
}

/**
 * The nearest rank: the smallest number that at least `percent` of all do not exceed. It is always one that was measured, so that a p99 of ten
 * turns is the slowest one and no guess between two.
 */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? NaN;
}
