/**
 * Another view of a stream: each value becomes any number of values, and `atEnd` may add some, or stand in for what the source threw. It takes from its
 * source only when it is asked, and lets go of it also while a `next()` is pending.
 */
export function view<From, To>(source: AsyncIterator<From, undefined>, each: (value: From) => readonly To[], atEnd: (thrown?: { readonly error: unknown }) => readonly To[] = rethrow): AsyncIterableIterator<To, undefined> {
  let ready: readonly To[] = [];
  let at = 0;
  let over = false;
  let left = false;
  const done = { value: undefined, done: true } as const;
  async function pull(): Promise<IteratorResult<To, undefined>> {
    for (;;) {
      if (left) return done;
      if (at < ready.length) return { value: ready[at++] as To, done: false };
      if (over) return done;
      at = 0;
      ready = [];
      try {
        const result = await source.next();
        over ||= result.done === true;
        ready = result.done === true ? atEnd() : each(result.value);
      } catch (error) {
        over = true;
        ready = atEnd({ error });
      }
    }
  }
  let last: Promise<unknown> = Promise.resolve();
  return {
    next() {
      const result = last.then(pull);
      last = result.catch(() => {});
      return result;
    },
    async return() {
      left = true;
      await source.return?.();
      return done;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function rethrow(thrown?: { readonly error: unknown }): readonly never[] {
  if (thrown !== undefined) throw thrown.error;
  return [];
}
