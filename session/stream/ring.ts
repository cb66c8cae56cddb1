import { needWhole } from './check-options.js';

/** The newest values, up to a number of them; older ones are forgotten and counted. */
export class Ring<T> {
  readonly #capacity: number;
  readonly #values: T[] = [];
  #added = 0;

  constructor(capacity: number) {
    needWhole('capacity', capacity);
    this.#capacity = capacity;
  }

  /** Values that had to make room for newer ones. */
  get dropped(): number {
    return this.#added - this.#values.length;
  }

  get size(): number {
    return this.#values.length;
  }

  add(value: T): void {
    this.#values[this.#added % this.#capacity] = value;
    this.#added += 1;
  }

  /** A copy, oldest first. */
  toArray(): readonly T[] {
    const oldest = this.#added % this.#capacity;
    return this.#values.length < this.#capacity ? this.#values.slice() : [...this.#values.slice(oldest), ...this.#values.slice(0, oldest)];
  }
}
