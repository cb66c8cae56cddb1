import { describe, expect, it } from 'vitest';
import { resampleWhole } from '../../../audio/index.js';

describe('resampleWhole', () => {
  it.each([
    [16_000, 24_000],
    [44_100, 24_000],
    [8_000, 48_000],
    [48_000, 8_000],
  ])('%i to %i keeps the length in time and the place of a click', (from, to) => {
    const samples = new Int16Array(from);
    samples.fill(8_000, from / 2, from / 2 + Math.round(from / 1000));
    const result = resampleWhole(samples, from, to);
    expect(result.length).toBe(to);
    const middle = result.reduce((sum, sample, index) => sum + Math.abs(sample) * index, 0) / result.reduce((sum, sample) => sum + Math.abs(sample), 0);
    expect(Math.abs((middle / to) * 1000 - 500.5)).toBeLessThan(0.2);
  });

  it('gives the same samples back when the rates are equal', () => {
    const samples = new Int16Array([1, 2, 3]);
    expect(resampleWhole(samples, 24_000, 24_000)).toBe(samples);
  });
});
