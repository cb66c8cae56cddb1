/** Everything that a stream gives. */
export async function gather<T>(source: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of source) values.push(value);
  return values;
}

/** What a stream has given so far, while it goes on by itself; `end` is set when it is over. */
export interface Watched<T> {
  readonly values: T[];
  end?: { readonly error?: unknown };
}

export function watch<T>(source: AsyncIterable<T>): Watched<T> {
  const watched: Watched<T> = { values: [] };
  void (async () => {
    try {
      for await (const value of source) watched.values.push(value);
      watched.end = {};
    } catch (error) {
      watched.end = { error };
    }
  })();
  return watched;
}
