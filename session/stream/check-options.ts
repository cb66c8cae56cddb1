/** Throws `RangeError` for a number of things that is not a whole one from 1. */
export function needWhole(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`${name} must be a whole number from 1, not ${value}.`);
}

/** Throws `RangeError` for a span of time that is not a number of milliseconds above 0. */
export function needMs(name: string, value: number): void {
  if (!(value > 0)) throw new RangeError(`${name} must be milliseconds above 0, not ${value}.`);
}
