const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The protocol's ids date themselves: their first five characters count seconds since this moment (2019-12-20T00:00:00Z). */
const EPOCH_UNIX_SECONDS = 1_576_800_000;

/**
 * Ids of one session: the protocol's shape (a prefix and 21 base-62 characters; `call_` and 16), the same for the same seed and time, and
 * never one twice, because each carries a counter.
 */
export class IdSource {
  readonly #date: string;
  readonly #random: SeededRandom;
  #count = 0;

  constructor(seed: number, unixSeconds: number) {
    this.#random = new SeededRandom(seed);
    this.#date = base62(Math.max(0, Math.floor(unixSeconds) - EPOCH_UNIX_SECONDS), 5);
  }

  next(prefix: 'event' | 'sess' | 'conv' | 'resp' | 'item' | 'call'): string {
    this.#count += 1;
    const count = base62(this.#count, 6);
    return prefix === 'call' ? `call_${this.letters(10)}${count}` : `${prefix}_${this.#date}${this.letters(10)}${count}`;
  }

  /** Letters without meaning, for ids and for padding. */
  letters(length: number): string {
    let text = '';
    for (let index = 0; index < length; index += 1) text += BASE62[this.#random.integer() % 62];
    return text;
  }
}

/** The generator "mulberry32": the same numbers for the same seed. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number below 2^32. */
  integer(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** From 0 to below 1. */
  next(): number {
    return this.integer() / 2 ** 32;
  }
}

function base62(value: number, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest = Math.floor(rest / 62)) text = (BASE62[rest % 62] as string) + text;
  return text;
}
