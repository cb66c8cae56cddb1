/**
 * How far sound may stray from the moment it was told of before it is taken as a new beginning. Messages come late and in heaps; the sound itself did not
 * stop for that.
 */
const MAX_DRIFT_MS = 200;

/** Lays runs of sound, each told of when it ended, one after the other without the jitter of the telling. */
export class EndPlacement {
  #endMs = -Infinity;

  /** The place of `durationMs` of sound that had ended by `toldMs`. */
  place(durationMs: number, toldMs: number): { readonly fromMs: number; readonly toMs: number } {
    const straight = this.#endMs + durationMs;
    const fromMs = Math.abs(straight - toldMs) <= MAX_DRIFT_MS ? this.#endMs : Math.max(this.#endMs, toldMs - durationMs);
    this.#endMs = fromMs + durationMs;
    return { fromMs, toMs: this.#endMs };
  }
}
