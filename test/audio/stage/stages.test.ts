import { describe, expect, it } from 'vitest';
import { GainStage, Resampler, chain, mixStage, noNoiseReduction, noiseReductionStage, passThrough, resampleStage } from '../../../audio/index.js';
import type { AudioStage, NoiseReducer } from '../../../audio/index.js';
import { SeededRandom, joinSamples } from '../helpers/random.js';
import { rmsOf, sinadDb, sine } from '../helpers/tones.js';

const tone = (frequency: number, sampleRate: number, count: number, amplitude: number): Int16Array => Int16Array.from(sine(frequency, sampleRate, count, amplitude), Math.round);

describe('stages that have nothing to do', () => {
  it.each<[string, AudioStage]>([
    ['one channel', mixStage(1)],
    ['equal rates', resampleStage(16000, 16000)],
    ['no noise reduction', noiseReductionStage(noNoiseReduction, 8000)],
    ['no stage', chain()],
    ['stages with nothing to do', chain(mixStage(1), undefined, resampleStage(8000, 8000))],
  ])('are the one that does nothing: %s', (_name, stage) => {
    expect(stage).toBe(passThrough);
  });

  it('give the samples they were given, untouched', () => {
    const samples = Int16Array.of(1, -2, 3);
    expect(passThrough.push(samples)).toBe(samples);
    expect(passThrough.flush()).toHaveLength(0);
    expect(new GainStage({ gainDb: 0 }).push(samples)).toBe(samples);
    const gain = new GainStage({ gainDb: 6 });
    expect(chain(mixStage(1), gain)).toBe(gain);
  });
});

describe('chain', () => {
  it('sends the tail of each stage through those after it', () => {
    const samples = tone(440, 8000, 4000, 8000);
    const [up, down] = [new Resampler(8000, 48000), new Resampler(48000, 16000)];
    const middle = joinSamples([up.push(samples), up.flush()]);
    const wanted = joinSamples([down.push(middle), down.flush()]);
    const both = chain(resampleStage(8000, 48000), resampleStage(48000, 16000));
    expect(joinSamples([both.push(samples), both.flush()])).toEqual(wanted);
  });
});

describe('mixStage', () => {
  it('gives the average of the channels', () => {
    expect([...mixStage(2).push(Int16Array.of(100, 200, -100, -101, 32767, 32767))]).toEqual([150, -100, 32767]);
    expect([...mixStage(4).push(Int16Array.of(4, 8, 12, 16))]).toEqual([10]);
  });

  it('waits for the rest of a block, and drops it at the end', () => {
    const stage = mixStage(2);
    expect([...stage.push(Int16Array.of(10))]).toEqual([]);
    expect([...stage.push(Int16Array.of(20, 30))]).toEqual([15]);
    expect(stage.flush()).toHaveLength(0);
    expect([...stage.push(Int16Array.of(2, 4))]).toEqual([3]);
  });

  it.each([0, 9, 1.5, NaN])('does not take %d channels', (channels) => {
    expect(() => mixStage(channels)).toThrow(RangeError);
  });
});

describe('GainStage', () => {
  it.each([-20, -6, 3, 12])('changes the level by %d dB', (gainDb) => {
    const samples = tone(1000, 24000, 2400, 4000);
    const gain = new GainStage({ gainDb });
    expect(20 * Math.log10(rmsOf(gain.push(samples)) / rmsOf(samples))).toBeCloseTo(gainDb, 2);
    expect(gain.overloads).toBe(0);
  });

  it.each(['clip', 'soft'] as const)('counts what is too loud, and never wraps around: %s', (limit) => {
    const gain = new GainStage({ gainDb: 20, limit });
    const result = [...gain.push(Int16Array.of(3276, 3277, 20000, -20000, 32767, -32768, 0, 100))];
    expect(gain.overloads).toBe(5);
    expect(result.map(Math.sign)).toEqual([1, 1, 1, -1, 1, -1, 0, 1]);
    expect(result.slice(-2)).toEqual([0, 1000]);
    expect([Math.max(...result), Math.min(...result)]).toEqual([32767, -32768]);
  });

  it('bends what is too loud instead of cutting it off: less of the high harmonics that hurt', () => {
    const samples = tone(300, 24000, 24000, 16000);
    const harmonics = (limit: 'clip' | 'soft'): number => {
      const result = new GainStage({ gainDb: 9, limit }).push(samples);
      return [9, 11, 13, 15, 17, 19, 21].reduce((sum, harmonic) => sum + sinadDb(result, 300 * harmonic, 24000).amplitude ** 2, 0);
    };
    expect(harmonics('clip')).toBeGreaterThan(100_000);
    expect(10 * Math.log10(harmonics('clip') / harmonics('soft'))).toBeGreaterThan(6);
    // Below the knee nothing is bent.
    expect(sinadDb(new GainStage({ gainDb: 3 }).push(samples), 300, 24000).sinad).toBeGreaterThan(80);
  });

  it.each([-101, 61, NaN])('does not take %d dB', (gainDb) => {
    expect(() => new GainStage({ gainDb })).toThrow(RangeError);
  });
});

describe('noiseReductionStage', () => {
  /** Passes everything, `delaySamples` late; notes what it was given. */
  function passing(sampleRate: number, frameSamples: number, delaySamples = 0): NoiseReducer & { readonly frames: number[]; resets: number } {
    let late = new Float32Array(delaySamples);
    return {
      sampleRate,
      frameSamples,
      delaySamples,
      frames: [],
      resets: 0,
      process(frame) {
        this.frames.push(frame.length);
        const all = new Float32Array(late.length + frame.length);
        all.set(late);
        all.set(frame, late.length);
        frame.set(all.subarray(0, frame.length));
        late = all.slice(frame.length);
      },
      reset() {
        late = new Float32Array(delaySamples);
        this.resets += 1;
      },
    };
  }

  it.each([
    { rate: 24000, own: 48000, frame: 480, late: 0, delay: 48 },
    { rate: 24000, own: 48000, frame: 480, late: 480, delay: 288 },
    { rate: 8000, own: 48000, frame: 480, late: 0, delay: 48 },
    { rate: 44100, own: 16000, frame: 160, late: 0, delay: 133 },
    { rate: 16000, own: 16000, frame: 160, late: 0, delay: 0 },
  ])('brings $rate Hz to frames of $frame at $own Hz and back: as long as before, plus the delay', ({ rate, own, frame, late, delay }) => {
    const random = new SeededRandom(rate + late);
    const reducer = passing(own, frame, late);
    const stage = noiseReductionStage(reducer, rate);
    for (let stream = 1; stream <= 8; stream++) {
      const count = random.integer(0, rate / 4);
      expect(stage.push(random.samples(count)).length + stage.flush().length).toBe(count + delay);
      expect(reducer.resets).toBe(stream);
    }
    expect(new Set(reducer.frames)).toEqual(new Set([frame]));
  });

  it('changes nothing by itself: a tone comes out as it went in, late by its delay', () => {
    const samples = tone(1000, 24000, 24000, 12000);
    const stage = noiseReductionStage(passing(48000, 480, 480), 24000);
    const result = joinSamples([stage.push(samples), stage.flush()]);
    const { sinad, amplitude } = sinadDb(result.subarray(2400, 21600), 1000, 24000);
    expect(sinad).toBeGreaterThan(85);
    expect(Math.abs(20 * Math.log10(amplitude / 12000))).toBeLessThan(0.05);
    // In step with the input once the delay is cut off.
    for (let i = 2400; i < 21600; i += 100) expect(Math.abs((result[i + 288] ?? 0) - (samples[i] ?? 0))).toBeLessThan(60);
  });

  it('holds back less than a frame', () => {
    const stage = noiseReductionStage(passing(48000, 480), 24000);
    let behind = 0;
    for (let i = 0; i < 200; i++) {
      behind += 37 - stage.push(new Int16Array(37)).length;
      expect(behind).toBeLessThanOrEqual(240);
    }
  });

  it('hands over values in the scale of PCM16, and clips what comes back', () => {
    let loudest = 0;
    const reducer: NoiseReducer = {
      ...noNoiseReduction,
      sampleRate: 8000,
      frameSamples: 4,
      process(frame) {
        loudest = Math.max(loudest, ...frame);
        frame.fill(40000);
      },
    };
    expect([...noiseReductionStage(reducer, 8000).push(Int16Array.of(1, 2, 30000, 4))]).toEqual([32767, 32767, 32767, 32767]);
    expect(loudest).toBe(30000);
  });

  it.each([{ frameSamples: 0 }, { frameSamples: 1.5 }, { frameSamples: 50_000 }, { delaySamples: -1 }, { delaySamples: 0.5 }])('does not take a reducer with %j', (wrong) => {
    expect(() => noiseReductionStage({ ...passing(48000, 480), ...wrong }, 24000)).toThrow(RangeError);
  });
});
