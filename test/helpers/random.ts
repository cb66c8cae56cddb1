/** A small seeded generator (mulberry32), so that a random test can be run again from the seed it printed. */
export interface Random {
  readonly seed: number;
  /** 0 <= x < 1 */
  next(): number;
  /** from <= n < to */
  int(from: number, to: number): number;
  pick<T>(values: readonly T[]): T;
}

export function random(seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (from: number, to: number): number => from + Math.floor(next() * (to - from));
  return { seed, next, int, pick: (values) => values[int(0, values.length)] as (typeof values)[number] };
}
