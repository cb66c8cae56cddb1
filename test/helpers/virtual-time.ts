interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Events in time, fired in order, as fast as they can be: what falls due at the same moment fires in the order in which it was planned. */
export class VirtualTime {
  #nowMs = 0;
  #order = 0;
  readonly #heap: Entry[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  /** What is still planned. */
  get pending(): number {
    return this.#heap.length;
  }

  at(atMs: number, fire: () => void): void {
    const heap = this.#heap;
    const entry: Entry = { atMs: Math.max(atMs, this.#nowMs), order: (this.#order += 1), fire };
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(entry, heap[parent] as Entry)) break;
      heap[index] = heap[parent] as Entry;
      index = parent;
    }
    heap[index] = entry;
  }

  after(delayMs: number, fire: () => void): void {
    this.at(this.#nowMs + delayMs, fire);
  }

  /** Fires everything that falls due until then. */
  run(untilMs: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#take();
      this.#nowMs = next.atMs;
      next.fire();
    }
    this.#nowMs = untilMs;
  }

  #take(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
      if (!before(heap[child] as Entry, last)) break;
      heap[index] = heap[child] as Entry;
      index = child;
    }
    heap[index] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
