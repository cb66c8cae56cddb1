import { describe, expect, it } from 'vitest';
import { polyphaseFilter } from '../../../audio/resample/polyphase-filter.js';

const SHAPE = { zeros: 24, beta: 9, rolloff: 0.92 };

describe('polyphaseFilter', () => {
  it('is one filter for all that ask for the same ratio', () => {
    expect(polyphaseFilter(8000, 24000, SHAPE)).toBe(polyphaseFilter(8000, 24000, SHAPE));
    expect(polyphaseFilter(16000, 48000, SHAPE)).toBe(polyphaseFilter(8000, 24000, SHAPE));
    expect(polyphaseFilter(8000, 24000, { ...SHAPE, zeros: 16 })).not.toBe(polyphaseFilter(8000, 24000, SHAPE));
  });

  it('forgets the oldest once a peer has asked for too many', () => {
    const first = polyphaseFilter(8000, 24000, SHAPE);
    for (let up = 2; up < 18; up++) polyphaseFilter(1, up * 7, SHAPE);
    expect(polyphaseFilter(8000, 24000, SHAPE)).not.toBe(first);
  });

  it('passes 0 Hz unchanged in every phase', () => {
    const { up, taps, coefficients } = polyphaseFilter(44100, 48000, SHAPE);
    for (let phase = 0; phase < up; phase++) {
      const sum = coefficients.subarray(phase * taps, (phase + 1) * taps).reduce((total, value) => total + value, 0);
      expect(Math.abs(sum - 1)).toBeLessThan(2e-5);
    }
  });
});
