import type { PlanStep } from './plan.js';

/** What becomes of a slow brain's steps. */
export interface ThoughtListener {
  onStep(responseId: string, step: PlanStep): void;
  /** No more steps come; `failed` where the brain broke off. */
  onEnd(responseId: string, failed: boolean): void;
}

/** The answers that brains still think about, one for each response: their steps are carried over as they come. */
export class Thoughts {
  readonly #listener: ThoughtListener;
  readonly #iterators = new Map<string, AsyncIterator<PlanStep>>();

  constructor(listener: ThoughtListener) {
    this.#listener = listener;
  }

  /** Never rejects. */
  async follow(responseId: string, steps: AsyncIterable<PlanStep>): Promise<void> {
    const iterator = steps[Symbol.asyncIterator]();
    this.#iterators.set(responseId, iterator);
    let failed = false;
    try {
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) this.#listener.onStep(responseId, next.value);
    } catch {
      failed = true;
    }
    this.#iterators.delete(responseId);
    this.#listener.onEnd(responseId, failed);
  }

  /** Nobody wants the rest of it. */
  forget(responseId: string): void {
    const iterator = this.#iterators.get(responseId);
    this.#iterators.delete(responseId);
    void iterator?.return?.().catch(() => {});
  }

  forgetAll(): void {
    for (const responseId of this.#iterators.keys()) this.forget(responseId);
  }
}
