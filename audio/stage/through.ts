/** What turns a stream of one thing into a stream of another. */
export interface Converter<In, Out> {
  push(value: In): readonly Out[];
  /** The stream has ended: what was held back. */
  flush(): readonly Out[];
}

/**
 * A stream through a converter. Nothing is read before the first `next()`. `return()` lets go of the source at once, also while a `next()` is pending, which
 * then ends. An error of the source or of the converter rejects once, and lets go as well.
 */
export function through<In, Out>(source: AsyncIterable<In>, converter: Converter<In, Out>): AsyncIterableIterator<Out, undefined> {
  return new ConvertedStream(source, converter);
}

class ConvertedStream<In, Out> implements AsyncIterableIterator<Out, undefined> {
  readonly #source: AsyncIterable<In>;
  readonly #converter: Converter<In, Out>;
  #reader: AsyncIterator<In> | undefined;
  #ready: Out[] = [];
  #over = false;
  /** Ends the `next()` that waits for the source, which may never answer. */
  #wake: (() => void) | undefined;

  constructor(source: AsyncIterable<In>, converter: Converter<In, Out>) {
    this.#source = source;
    this.#converter = converter;
  }

  async next(): Promise<IteratorResult<Out, undefined>> {
    while (!this.#over && this.#ready.length === 0) {
      try {
        const result = await this.#read();
        if (this.#over) break;
        this.#over = result.done === true;
        this.#ready.push(...(result.done === true ? this.#converter.flush() : this.#converter.push(result.value)));
      } catch (error) {
        await this.return();
        throw error;
      }
    }
    const value = this.#ready.shift();
    return value === undefined ? { value: undefined, done: true } : { value, done: false };
  }

  return(): Promise<IteratorResult<Out, undefined>> {
    const first = !this.#over;
    this.#over = true;
    this.#ready = [];
    this.#wake?.();
    // What the source has to say to that is nobody's concern any more, and a generator says it only when its own wait is over.
    if (first) this.#reader?.return?.().catch(() => undefined);
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #read(): Promise<IteratorResult<In, unknown>> {
    const reader = (this.#reader ??= this.#source[Symbol.asyncIterator]());
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve({ value: undefined, done: true });
      reader.next().then(resolve, reject);
    });
  }
}
