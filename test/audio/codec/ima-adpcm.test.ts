import { describe, expect, it } from 'vitest';
import { decodeImaAdpcm, encodeImaAdpcm } from '../../../audio/index.js';
import { SeededRandom } from '../helpers/random.js';

describe('IMA ADPCM', () => {
  it('is four bits a sample, the first in the lower half', () => {
    expect(encodeImaAdpcm(new Int16Array(161)).length).toBe(81);
    expect([...encodeImaAdpcm(Int16Array.of(0, 1000))]).toEqual([0x70]);
  });

  it('has the numbers of the standard coder', () => {
    const samples = Int16Array.of(0, 1000, 3000, -2000, -8000, 32767, -32768, 12, 13, 14, 15, -1, 100, 200, -300, 500);
    expect(Buffer.from(encodeImaAdpcm(samples)).toString('hex')).toBe('70f77f2f8080016d');
    expect([...decodeImaAdpcm(encodeImaAdpcm(samples))]).toEqual([0, 11, 41, -22, -158, 135, -496, -44, 38, -36, 32, -29, 139, 190, -319, 565]);
  });

  it('follows a tone closely once it has found its step', () => {
    const tone = Int16Array.from({ length: 8000 }, (_, index) => Math.round(12_000 * Math.sin((index * 2 * Math.PI * 440) / 8000)));
    const error = decodeImaAdpcm(encodeImaAdpcm(tone), tone.length).subarray(100).map((sample, index) => sample - (tone[index + 100] ?? 0));
    const power = (values: Int16Array): number => values.reduce((sum, value) => sum + value * value, 0) / values.length;
    expect(10 * Math.log10(power(tone) / power(error))).toBeGreaterThan(25);
  });

  it('never leaves 16 bits, whatever the bytes are, and is silent beyond them', () => {
    const bytes = new SeededRandom(7).bytes(4_000);
    const decoded = decodeImaAdpcm(bytes, 8_010);
    expect(decoded.length).toBe(8_010);
    expect([...decoded.subarray(8_000)]).toEqual(new Array<number>(10).fill(0));
    expect(decoded.some((sample) => sample > 30_000) || decoded.some((sample) => sample < -30_000)).toBe(true);
  });
});
