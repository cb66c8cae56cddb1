import type { Clock, Timer } from '../../session/index.js';

interface Pending {
  readonly atMs: number;
  readonly fire: () => void;
}

/** Time that moves only when it is told to: for tests and replays. */
export class ManualClock implements Clock {
  #nowMs: number;
  readonly #pending = new Set<Pending>();

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  /** The world began when this clock showed 0. */
  unixMs(): number {
    return this.#nowMs;
  }

  /** Timers that have not fired and were not cancelled. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  after(delayMs: number, fire: () => void): Timer {
    const entry: Pending = { atMs: this.#nowMs + Math.max(0, delayMs), fire };
    this.#pending.add(entry);
    return { cancel: () => this.#pending.delete(entry) };
  }

  /** Moves time on, firing what falls due in order, each at its own moment. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      let next: Pending | undefined;
      for (const entry of this.#pending) {
        if (entry.atMs <= untilMs && (next === undefined || entry.atMs < next.atMs)) next = entry;
      }
      if (next === undefined) break;
      this.#pending.delete(next);
      this.#nowMs = next.atMs;
      next.fire();
    }
    this.#nowMs = untilMs;
  }

  /**
   * Like {@link advance}, timer by timer, and after each everything goes on that waits for promises alone: what happens in which order is then the same
   * on a fast machine and on a slow one. `pause` may wait for more than promises.
   */
  async run(ms: number, pause: () => Promise<void> = eventLoopTurn): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await pause();
    for (;;) {
      let nextMs = Infinity;
      for (const { atMs } of this.#pending) nextMs = Math.min(nextMs, atMs);
      if (nextMs > untilMs) break;
      this.advance(Math.max(0, nextMs - this.#nowMs));
      await pause();
    }
    this.advance(untilMs - this.#nowMs);
  }

  /** Like {@link advance}, in steps, letting promises settle between them. */
  async advanceAsync(ms: number, stepMs = 10): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.advance(Math.min(stepMs, left));
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    }
  }
}

/** Promises that are due have been dealt with by the end of a turn, however many wait for each other. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
