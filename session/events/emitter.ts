/** Handlers by event type. A handler that throws, or whose promise rejects, reaches `onFailure` and stops nobody else. */
export class Emitter<Map extends { [K in keyof Map]: { readonly type: K } }> {
  /** A list is replaced and never changed: who is called while one is taken off, is called out of the old list. */
  readonly #handlers: { [K in keyof Map]?: readonly ((event: Map[K]) => unknown)[] } = Object.create(null) as object;
  readonly #onFailure: (error: unknown, type: keyof Map) => void;

  constructor(onFailure: (error: unknown, type: keyof Map) => void) {
    this.#onFailure = onFailure;
  }

  /** Returns a function that takes the handler off again. */
  on<K extends keyof Map>(type: K, handler: (event: Map[K]) => unknown): () => void {
    // Each registration is its own, also of the same function.
    const own = (event: Map[K]): unknown => handler(event);
    this.#handlers[type] = [...(this.#handlers[type] ?? []), own];
    return () => (this.#handlers[type] = this.#handlers[type]?.filter((each) => each !== own) ?? []);
  }

  emit<K extends keyof Map>(event: Map[K]): void {
    const type = event.type as K;
    const handlers = this.#handlers[type];
    if (handlers === undefined) return;
    for (const handler of handlers) {
      try {
        const result = handler(event);
        if (result instanceof Promise) result.catch((error: unknown) => this.#onFailure(error, type));
      } catch (error) {
        this.#onFailure(error, type);
      }
    }
  }
}
