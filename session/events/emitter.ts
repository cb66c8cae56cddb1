interface Registration<Type> {
  readonly type: Type;
  readonly handler: (event: never) => unknown;
}

/** Handlers by event type. A handler that throws, or whose promise rejects, reaches `onFailure` and stops nobody else. */
export class Emitter<Map extends { [K in keyof Map]: { readonly type: K } }> {
  /**
   * One list of all: an application has a handful of handlers, and to pass over those of other types costs less than a table of lists holds. It is
   * replaced and never changed: who is called while one is taken off, is called out of the old list.
   */
  #registrations: readonly Registration<keyof Map>[] = [];
  readonly #onFailure: (error: unknown, type: keyof Map) => void;

  constructor(onFailure: (error: unknown, type: keyof Map) => void) {
    this.#onFailure = onFailure;
  }

  /** Returns a function that takes the handler off again. */
  on<K extends keyof Map>(type: K, handler: (event: Map[K]) => unknown): () => void {
    // Each registration is its own, also of the same function.
    const own: Registration<keyof Map> = { type, handler };
    this.#registrations = this.#registrations.concat(own);
    return () => (this.#registrations = this.#registrations.filter((each) => each !== own));
  }

  emit<K extends keyof Map>(event: Map[K]): void {
    const type = event.type as K;
    for (const registration of this.#registrations) {
      if (registration.type !== type) continue;
      const handler = registration.handler as (event: Map[K]) => unknown;
      try {
        const result = handler(event);
        if (result instanceof Promise) result.catch((error: unknown) => this.#onFailure(error, type));
      } catch (error) {
        this.#onFailure(error, type);
      }
    }
  }
}
