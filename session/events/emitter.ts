/** Handlers by event type. A handler that throws, or whose promise rejects, reaches `onFailure` and stops nobody else. */
export class Emitter<Map extends { [K in keyof Map]: { readonly type: K } }> {
  readonly #handlers = new globalThis.Map<keyof Map, Set<(event: never) => unknown>>();
  readonly #onFailure: (error: unknown, type: keyof Map) => void;

  constructor(onFailure: (error: unknown, type: keyof Map) => void) {
    this.#onFailure = onFailure;
  }

  /** Returns a function that takes the handler off again. */
  on<K extends keyof Map>(type: K, handler: (event: Map[K]) => unknown): () => void {
    let set = this.#handlers.get(type);
    if (set === undefined) this.#handlers.set(type, (set = new Set()));
    // Each registration is its own, also of the same function.
    const own = (event: Map[K]): unknown => handler(event);
    set.add(own as (event: never) => unknown);
    return () => set.delete(own as (event: never) => unknown);
  }

  emit<K extends keyof Map>(event: Map[K]): void {
    const type = event.type as K;
    const set = this.#handlers.get(type);
    if (set === undefined) return;
    for (const handler of set) {
      try {
        const result = (handler as (event: Map[K]) => unknown)(event);
        if (result instanceof Promise) result.catch((error: unknown) => this.#onFailure(error, type));
      } catch (error) {
        this.#onFailure(error, type);
      }
    }
  }

  clear(): void {
    this.#handlers.clear();
  }
}
