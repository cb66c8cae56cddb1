/** A small seeded generator (mulberry32), so that a failing run can be repeated from the seed it prints. */
export class SeededRandom {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** 0 <= x < 1 */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number, both ends included. */
  integer(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** Mean 0, variance 1 (Box-Muller). */
  gaussian(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  samples(count: number): Int16Array {
    return Int16Array.from({ length: count }, () => this.integer(-32768, 32767));
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.integer(0, 255));
  }

  /** Sizes that add up to `total`, each `from..to` long but the last. */
  split(total: number, from: number, to: number): number[] {
    const sizes: number[] = [];
    for (let rest = total; rest > 0; ) {
      const size = Math.min(rest, this.integer(from, to));
      sizes.push(size);
      rest -= size;
    }
    return sizes;
  }
}

/** Joins pieces; the inverse of cutting a stream. */
export function joinSamples(pieces: readonly Int16Array[]): Int16Array {
  const joined = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/** Whether two streams are the same to the bit. `toEqual` says more, and takes seconds for a minute of sound. */
export function sameSamples(a: Int16Array, b: Int16Array): boolean {
  return a.length === b.length && a.every((sample, index) => sample === b[index]);
}
