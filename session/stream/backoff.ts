/** Waits between attempts: each at most twice as long as the one before it, up to a longest one. */
export interface Backoff {
  /** The most that is waited before the second attempt. Default 250. */
  readonly baseDelayMs?: number;
  /** Default 10,000. */
  readonly maxDelayMs?: number;
}

/**
 * How long to wait after `failures` failed attempts (from 1). `random`, 0 <= x < 1, moves the wait within the upper half of what it may be, so that those
 * who failed together do not come back together.
 */
export function backoffMs({ baseDelayMs = 250, maxDelayMs = 10_000 }: Backoff, failures: number, random: number): number {
  const mostMs = Math.min(maxDelayMs, baseDelayMs * 2 ** (failures - 1));
  return mostMs / 2 + (mostMs / 2) * random;
}
