import type { TextInputItem } from '../ports/text-model.js';

/** A conversation that lasts longer than a run. The runs of one conversation go one after the other. */
export interface ConversationMemory {
  /** The newest items, oldest first: at most `limit` of them. */
  items(limit?: number): readonly TextInputItem[] | Promise<readonly TextInputItem[]>;
  /** Puts items at the end: all of them or, when it rejects, none. */
  add(items: readonly TextInputItem[]): void | Promise<void>;
  /** Puts items in the place of the newest `count`; `replace(1, [])` takes the newest away. */
  replace(count: number, items: readonly TextInputItem[]): void | Promise<void>;
  clear(): void | Promise<void>;
}

/** A conversation that is kept as long as the process lives. Of more than `maxItems` items (default 10 000) the oldest are dropped, and counted. */
export class InProcessMemory implements ConversationMemory {
  readonly #maxItems: number;
  #items: readonly TextInputItem[] = [];
  #dropped = 0;

  /** `items`: what was said before. Throws `RangeError` for a number that cannot be. */
  constructor(items: readonly TextInputItem[] = [], options: { readonly maxItems?: number } = {}) {
    const { maxItems = 10_000 } = options;
    if (!(maxItems >= 1)) throw new RangeError(`maxItems must be at least 1, not ${maxItems}.`);
    this.#maxItems = maxItems;
    this.add(items);
  }

  /** Items that were dropped for room. */
  get dropped(): number {
    return this.#dropped;
  }

  items(limit = Infinity): readonly TextInputItem[] {
    return this.#items.slice(Math.max(0, this.#items.length - limit));
  }

  add(items: readonly TextInputItem[]): void {
    const all = [...this.#items, ...items];
    const over = Math.max(0, all.length - this.#maxItems);
    this.#dropped += over;
    this.#items = all.slice(over);
  }

  replace(count: number, items: readonly TextInputItem[]): void {
    this.#items = this.#items.slice(0, Math.max(0, this.#items.length - count));
    this.add(items);
  }

  clear(): void {
    this.#items = [];
  }
}
