import type { RealtimeModel } from '../ports/model.js';
import type { Breaker } from '../state/link-state.js';
import type { ModelHealth } from './model-health.js';

/** One session's part in what several know of their models; without a {@link ModelHealth} it does nothing. */
export class SharedHealth {
  readonly #models: readonly RealtimeModel[];
  readonly #health: ModelHealth | undefined;
  readonly #watcher: (model: RealtimeModel, restsUntilMs: number) => void;

  /** `onNews`: another session has found out how a model is. */
  constructor(models: readonly RealtimeModel[], health: ModelHealth | undefined, onNews: (modelIndex: number, restsUntilMs: number) => void) {
    this.#models = models;
    this.#health = health;
    this.#watcher = (model, restsUntilMs) => {
      const modelIndex = models.indexOf(model);
      if (modelIndex !== -1) onNews(modelIndex, restsUntilMs);
    };
  }

  /** What other sessions know of the models is where this one begins; from then on it is told, until the signal of `life` aborts. */
  join(breakers: readonly Breaker[], life: Pick<AbortController, 'signal'>): void {
    const health = this.#health;
    if (health === undefined) return;
    this.#models.forEach((model, index) => {
      const breaker = breakers[index];
      if (breaker !== undefined) breaker.openUntilMs = health.restsUntilMs(model);
    });
    life.signal.addEventListener('abort', health.watch(this.#watcher), { once: true });
  }

  /** This session has found out. */
  tell(modelIndex: number, restsUntilMs: number): void {
    const model = this.#models[modelIndex];
    if (model !== undefined) this.#health?.note(model, restsUntilMs, this.#watcher);
  }
}
