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

/** A conversation that is kept as long as the process lives. */
export class InProcessMemory implements ConversationMemory {
  #items: TextInputItem[];

  /** `items`: what was said before. */
  constructor(items: readonly TextInputItem[] = []) {
    this.#items = [...items];
  }

  items(limit = Infinity): readonly TextInputItem[] {
    return this.#items.slice(Math.max(0, this.#items.length - limit));
  }

  add(items: readonly TextInputItem[]): void {
    this.#items = [...this.#items, ...items];
  }

  replace(count: number, items: readonly TextInputItem[]): void {
    this.#items = [...this.#items.slice(0, Math.max(0, this.#items.length - count)), ...items];
  }

  clear(): void {
    this.#items = [];
  }
}
