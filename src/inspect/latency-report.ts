import { TURN_PARTS } from './timeline.js';
import type { Timeline, TurnPartName } from './timeline.js';

export const PERCENTILES = [50, 90, 95, 99] as const;

export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export type Measured = 'latency' | TurnPartName;

/** How long callers waited, in one file or in many, in ms. What no turn has is absent. */
export interface LatencyGroup {
  readonly name: string;
  readonly measured: Readonly<Partial<Record<Measured, Quantiles>>>;
}

export const MEASURED: readonly Measured[] = ['latency', ...TURN_PARTS];

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
  const [p50, p90, p95, p99] = PERCENTILES.map((percent) => percentile(sorted, percent));
  return { count: sorted.length, p50: p50 ?? NaN, p90: p90 ?? NaN, p95: p95 ?? NaN, p99: p99 ?? NaN, max: sorted.at(-1) ?? NaN };
}

/**
 * The nearest rank: the smallest number that at least `percent` of all do not exceed. It is always one that was measured, so that a p99 of ten
 * turns is the slowest one and no guess between two.
 */
export function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? NaN;
}
