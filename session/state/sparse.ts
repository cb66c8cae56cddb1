/**
 * A session has forty collections, and a call fills a few of them; an empty one takes 150 bytes and more. So all that are empty may be one and the
 * same: nobody writes to an empty collection, and whoever puts something in gives the owner a new one. It does not matter then whose an empty one
 * is, nor that `structuredClone` makes one of two that were shared. Do not hold one across {@link put} or {@link add}: ask the owner again.
 */
export type SparseMap<Value> = Omit<Map<string, Value>, 'set'>;
export type SparseSet = Omit<Set<string>, 'add'>;

export const NO_ENTRIES: SparseMap<never> = new Map<string, never>();
export const NO_VALUES: SparseSet = new Set<string>();

type ValueOf<Entries> = Entries extends SparseMap<infer Value> ? Value : never;

/** Sets an entry of the owner's map of that name, which keeps the newest `limit` keys. */
export function put<Name extends string, Owner extends Record<Name, SparseMap<unknown>>>(owner: Owner, name: Name, key: string, value: ValueOf<Owner[Name]>, limit = Infinity): void {
  const maps: Record<Name, SparseMap<unknown>> = owner;
  if (maps[name].size === 0) maps[name] = new Map<string, unknown>();
  const map = maps[name] as Map<string, unknown>;
  map.set(key, value);
  dropOldest(map, limit);
}

/** Adds to the owner's set of that name, which keeps the newest `limit` values. */
export function add<Name extends string>(owner: Record<Name, SparseSet>, name: Name, value: string, limit = Infinity): void {
  if (owner[name].size === 0) owner[name] = new Set<string>();
  const set = owner[name] as Set<string>;
  set.add(value);
  dropOldest(set, limit);
}

/** Keeps the newest `limit` entries of a set or map. */
export function dropOldest(collection: Set<string> | Map<string, unknown>, limit: number): void {
  if (collection.size <= limit) return;
  for (const oldest of collection.keys()) {
    collection.delete(oldest);
    return;
  }
}
