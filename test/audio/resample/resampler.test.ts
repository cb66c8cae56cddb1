import { describe, expect, it } from 'vitest';
import { Resampler } from '../../../audio/index.js';
import type { ResamplerQuality } from '../../../audio/index.js';
import { SeededRandom, joinSamples } from '../helpers/random.js';
import { rmsOf, sinadDb, sine } from '../helpers/tones.js';

const RATES = [8000, 16000, 24000, 44100, 48000];
const PAIRS = RATES.flatMap((from) => RATES.filter((to) => to !== from).map((to) => ({ from, to })));
const COMMON: readonly (readonly [number, number])[] = [[8000, 24000], [24000, 8000], [16000, 24000], [24000, 16000], [24000, 48000], [48000, 24000], [44100, 24000]];

describe.each(PAIRS)('$from Hz to $to Hz', ({ from, to }) => {
  const lowerNyquist = Math.min(from, to) / 2;

  it('gives the same samples for any chunk sizes', () => {
    for (let seed = 1; seed <= 3; seed++) {
      const random = new SeededRandom(seed * from + to);
      const input = random.samples(random.integer(3000, 6000));
      const whole = new Resampler(from, to);
      const expected = joinSamples([whole.push(input), whole.flush()]);
      const cut = new Resampler(from, to);
      const pieces: Int16Array[] = [];
      let at = 0;
      for (const size of random.split(input.length, 0, 997)) {
        pieces.push(cut.push(input.subarray(at, at + size)));
        at += size;
      }
      pieces.push(cut.flush());
      expect(joinSamples(pieces), `seed ${random.seed}`).toEqual(expected);
    }
  });

  it('turns each 20 ms into 20 ms', () => {
    const resampler = new Resampler(from, to);
    for (let i = 0; i < 100; i++) expect(resampler.push(new Int16Array(from / 50)).length).toBe(to / 50);
  });

  it('keeps tones clean: SINAD of at least 90 dB up to 0.85 of the lower Nyquist frequency', () => {
    for (const part of [0.05, 0.25, 0.5, 0.75, 0.85]) {
      const { float, int16 } = measureTone(from, to, part * lowerNyquist, 'default');
      expect(float.sinad, `float, ${part}`).toBeGreaterThanOrEqual(90);
      expect(int16.sinad, `int16, ${part}`).toBeGreaterThanOrEqual(90);
      expect(Math.abs(20 * Math.log10(float.amplitude)), `gain, ${part}`).toBeLessThan(0.35);
    }
  });

  it('is late by exactly delayMs, at the start and a second later', () => {
    for (const at of [100, 100 + from]) {
      const resampler = new Resampler(from, to);
      const input = new Float32Array(at + from / 10);
      input[at] = 1;
      const output = resampler.pushFloat(input);
      // The centre of gravity of the response to one impulse.
      let sum = 0, moment = 0;
      for (let i = 0; i < output.length; i++) {
        sum += output[i] ?? 0;
        moment += i * (output[i] ?? 0);
      }
      expect(moment / sum / to - at / from).toBeCloseTo(resampler.delayMs / 1000, 6);
      expect(resampler.delaySamples).toBeCloseTo((resampler.delayMs * to) / 1000, 9);
    }
  });
});

describe.each(PAIRS.filter(({ from, to }) => from > to))('aliases of $from Hz to $to Hz', ({ from, to }) => {
  it.each([['default', 1.15], ['strict', 1.02]] as const)('%s: at most -90 dB from %f x Nyquist on', (quality, part) => {
    for (let frequency = (part * to) / 2; frequency < from / 2; frequency += (from - to) / 12) {
      expect(aliasDb(from, to, frequency, quality), `${frequency} Hz`).toBeLessThanOrEqual(-90);
    }
  });
});

describe('Resampler', () => {
  it('has the delay of its quality', () => {
    const delays = (['lowLatency', 'default', 'strict'] as const).map((quality) => new Resampler(8000, 24000, { quality }).delayMs);
    expect(delays).toEqual([2, 3, 4]);
    expect(new Resampler(16000, 24000).delayMs).toBe(1.5);
    expect(new Resampler(24000, 48000).delayMs).toBe(1);
    expect(new Resampler(24000, 24000).delayMs).toBe(0);
  });

  it('keeps lowLatency and strict clean too', () => {
    expect(measureTone(8000, 24000, 1000, 'lowLatency').int16.sinad).toBeGreaterThanOrEqual(85);
    expect(measureTone(8000, 24000, 1000, 'strict').int16.sinad).toBeGreaterThanOrEqual(90);
  });

  it('gives output in step with the input once the delay is cut off', () => {
    const resampler = new Resampler(16000, 24000);
    const input = Int16Array.from(sine(500, 16000, 1600, 10_000));
    const output = joinSamples([resampler.push(input), resampler.flush()]);
    expect(output.length - resampler.delaySamples).toBe(2400);
    const expected = sine(500, 24000, 2400, 10_000);
    for (let i = 200; i < 2200; i++) expect(Math.abs((output[i + resampler.delaySamples] ?? 0) - (expected[i] ?? 0))).toBeLessThan(4);
  });

  it('clips instead of wrapping around', () => {
    const square = Int16Array.from({ length: 2000 }, (_, i) => (i % 20 < 10 ? 32767 : -32768));
    const output = new Resampler(8000, 24000).push(square).subarray(100);
    expect(Math.max(...output)).toBe(32767);
    expect(Math.min(...output)).toBe(-32768);
    // Within a half wave no sample may have the other sign: that is how wrapping shows.
    const flips = output.filter((sample, i) => i > 0 && Math.sign(sample) !== Math.sign(output[i - 1] ?? 0)).length;
    expect(flips).toBeLessThanOrEqual(Math.ceil(output.length / 30) + 1);
  });

  it('is transparent between equal rates, and gives memory of its own', () => {
    const input = Int16Array.of(1, -2, 3);
    const output = new Resampler(24000, 24000).push(input);
    input.fill(0);
    expect([...output]).toEqual([1, -2, 3]);
  });

  it('gives float streams the same, unrounded', () => {
    const input = new SeededRandom(8).samples(2000).map((sample) => sample / 2);
    const int16 = new Resampler(24000, 16000);
    const float = new Resampler(24000, 16000);
    const rounded = joinSamples([int16.push(input), int16.flush()]);
    const exact = [...float.pushFloat(Float32Array.from(input)), ...float.flushFloat()];
    expect(exact.length).toBe(rounded.length);
    expect(exact.map(Math.round).every((value, i) => Math.abs(value - (rounded[i] ?? 0)) <= 1)).toBe(true);
    expect(exact.some((value) => !Number.isInteger(value))).toBe(true);
  });

  it('starts afresh after flush', () => {
    const input = new SeededRandom(7).samples(500);
    const resampler = new Resampler(44100, 24000);
    const first = joinSamples([resampler.push(input), resampler.flush()]);
    expect(joinSamples([resampler.push(input), resampler.flush()])).toEqual(first);
  });

  it('refuses rates that are none, and pairs without a usable ratio', () => {
    expect(() => new Resampler(0, 8000)).toThrow(RangeError);
    expect(() => new Resampler(8000.5, 8000)).toThrow(RangeError);
    expect(() => new Resampler(8000, 1_000_000)).toThrow(RangeError);
    expect(() => new Resampler(383_999, 8000)).toThrow(/simple ratio/);
  });

  it('keeps working for other rates than the usual ones, however many there were before', () => {
    for (let rate = 11025; rate < 11025 + 40; rate++) expect(new Resampler(rate * 2, rate).push(new Int16Array(100)).length).toBe(50);
    expect(measureTone(11025, 24000, 1000, 'default').int16.sinad).toBeGreaterThanOrEqual(90);
  });
});

// The tables of the room's README.
if (process.env['MEASURE'] === '1') describe('measured', () => {
  it('prints the table of this filter', () => {
    const rows = COMMON.flatMap(([from, to]) =>
      (['lowLatency', 'default', 'strict'] as const).map((quality) => {
        const tones = [0.05, 0.25, 0.5, 0.75, 0.85].map((part) => measureTone(from, to, (part * Math.min(from, to)) / 2, quality));
        const alias = (part: number) => (from > to ? Math.max(...steps((part * to) / 2, from / 2).map((f) => aliasDb(from, to, f, quality))).toFixed(0) : '-');
        return {
          pair: `${from}>${to}`, quality, delayMs: new Resampler(from, to, { quality }).delayMs.toFixed(2),
          float: Math.min(...tones.map((tone) => tone.float.sinad)).toFixed(1), int16: Math.min(...tones.map((tone) => tone.int16.sinad)).toFixed(1),
          ripple: Math.min(...tones.map((tone) => 20 * Math.log10(tone.float.amplitude))).toFixed(2), alias115: alias(1.15), alias102: alias(1.02),
          usPerSecond: costOf(from, to, quality).toFixed(0),
        };
      }),
    );
    console.table(rows);
    expect(rows.length).toBe(COMMON.length * 3);
  });
});

function measureTone(from: number, to: number, frequency: number, quality: ResamplerQuality) {
  const input = sine(frequency, from, Math.ceil(from * 0.25));
  const settled = (output: Float32Array | Int16Array) => output.subarray(Math.ceil(to * 0.02));
  const float = new Resampler(from, to, { quality }).pushFloat(Float32Array.from(input));
  const int16 = new Resampler(from, to, { quality }).push(Int16Array.from(input, (value) => Math.round(value * 32000)));
  return { float: sinadDb(settled(float), frequency, to), int16: sinadDb(settled(int16), frequency, to) };
}

function aliasDb(from: number, to: number, frequency: number, quality: ResamplerQuality): number {
  const output = new Resampler(from, to, { quality }).pushFloat(Float32Array.from(sine(frequency, from, Math.ceil(from * 0.1))));
  return 20 * Math.log10(rmsOf(output.subarray(Math.ceil(to * 0.02))) / Math.SQRT1_2);
}

function steps(start: number, end: number): number[] {
  return Array.from({ length: 12 }, (_, i) => start + ((end - start) * i) / 12);
}

function costOf(from: number, to: number, quality: ResamplerQuality): number {
  const resampler = new Resampler(from, to, { quality });
  const frame = new Int16Array(from / 50).fill(1000);
  let best = Infinity;
  for (let pass = 0; pass < 5; pass++) {
    const start = performance.now();
    for (let i = 0; i < 500; i++) resampler.push(frame);
    best = Math.min(best, ((performance.now() - start) * 1000) / 10);
  }
  return best;
}
