import type { RealtimeModel } from '../ports/model.js';

type Watcher = (model: RealtimeModel, restsUntilMs: number) => void;

/**
 * What several sessions know together of the health of their models: when one finds that a model does not answer, the others do not try it either
 * until its rest is over, and when one finds it well again, all do. Give the same object, and the same models, to `failover.health` of each.
 * The sessions must share a clock.
 */
export class ModelHealth {
  readonly #rests = new WeakMap<RealtimeModel, number>();
  readonly #watchers = new Set<Watcher>();

  /** When a model may be tried again, in ms of the sessions' clock; 0 for one of which nothing bad is known. */
  restsUntilMs(model: RealtimeModel): number {
    return this.#rests.get(model) ?? 0;
  }

  /** A session has found out; all others are told. */
  note(model: RealtimeModel, restsUntilMs: number, by: Watcher): void {
    if (this.restsUntilMs(model) === restsUntilMs) return;
    this.#rests.set(model, restsUntilMs);
    for (const watcher of this.#watchers) if (watcher !== by) watcher(model, restsUntilMs);
  }

  /** Gives a function that ends it. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}
