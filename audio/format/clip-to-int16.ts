/** Rounds to the nearest PCM16 value and clips; a sample that overflowed must not wrap around to the other sign. NaN is 0. */
export function clipToInt16(value: number): number {
  if (value >= 32767) return 32767;
  if (value <= -32768) return -32768;
  return Math.round(value) || 0;
}
