import type { Stream } from './channel.js';
import { operator } from './operator.js';

/** Anything with a `type`: what events are. */
export interface Typed {
  readonly type: string;
}

/** Values for which `keep` holds. */
export function filter<T, Kept extends T>(source: AsyncIterable<T>, keep: (value: T) => value is Kept): Stream<Kept>;
export function filter<T>(source: AsyncIterable<T>, keep: (value: T) => boolean): Stream<T>;
export function filter<T>(source: AsyncIterable<T>, keep: (value: T) => boolean): Stream<T> {
  return operator<T, T>(source, (outlet) => ({
    onValue(value) {
      if (keep(value)) outlet.push(value);
    },
  }));
}

/** Events of the types that are named, and the compiler knows them as such. */
export function ofType<Event extends Typed, Type extends Event['type']>(source: AsyncIterable<Event>, ...types: readonly Type[]): Stream<Extract<Event, { readonly type: Type }>> {
  const wanted = new Set<string>(types);
  return filter(source, (event): event is Extract<Event, { readonly type: Type }> => wanted.has(event.type));
}

/** What `change` makes of each value; one after another where it gives promises. */
export function map<T, U>(source: AsyncIterable<T>, change: (value: T) => U | Promise<U>): Stream<U> {
  return operator<T, U>(source, (outlet) => {
    const push = (value: U): void => outlet.push(value);
    return {
      onValue(value) {
        const changed = change(value);
        if (changed instanceof Promise) return changed.then(push);
        outlet.push(changed);
      },
    };
  });
}

/** The state after each value. */
export function scan<T, State>(source: AsyncIterable<T>, reduce: (state: State, value: T) => State, initial: State): Stream<State> {
  return operator<T, State>(source, (outlet) => {
    let state = initial;
    return { onValue: (value) => outlet.push((state = reduce(state, value))) };
  });
}

/** Each value with the state after it. */
export function withState<T, State>(source: AsyncIterable<T>, reduce: (state: State, value: T) => State, initial: State): Stream<{ readonly value: T; readonly state: State }> {
  return operator<T, { readonly value: T; readonly state: State }>(source, (outlet) => {
    let state = initial;
    return { onValue: (value) => outlet.push({ value, state: (state = reduce(state, value)) }) };
  });
}

/** The state after the last value. Rejects with the error of the source. */
export async function accumulate<T, State>(source: AsyncIterable<T>, reduce: (state: State, value: T) => State, initial: State): Promise<State> {
  let state = initial;
  for await (const value of source) state = reduce(state, value);
  return state;
}

export interface GateOptions<T> {
  /** The value with which the gate opens; it passes. */
  readonly from: (value: T) => boolean;
  /** The value with which the gate closes; it passes too. Default: the gate stays open. */
  readonly to?: (value: T) => boolean;
}

/** Values from one marker to the next, as often as the gate opens; the others are read and left out. A value may be both markers: then it passes alone. */
export function gate<T>(source: AsyncIterable<T>, { from, to }: GateOptions<T>): Stream<T> {
  return operator<T, T>(source, (outlet) => {
    let open = false;
    return {
      onValue(value) {
        open ||= from(value);
        if (!open) return;
        outlet.push(value);
        if (to?.(value) === true) open = false;
      },
    };
  });
}
