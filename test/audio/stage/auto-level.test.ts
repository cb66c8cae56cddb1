import { describe, expect, it } from 'vitest';
import { AutoLevel } from '../../../audio/index.js';
import { SeededRandom, joinSamples, sameSamples } from '../helpers/random.js';
import { makeNoise, utterances } from '../helpers/speech-in-noise.js';
import { rmsOf } from '../helpers/tones.js';

const RATE = 24000;
const MEASURE = process.env['MEASURE'] === '1';

function atLevel(samples: ArrayLike<number>, levelDb: number): Int16Array {
  const factor = (32768 * 10 ** (levelDb / 20)) / rmsOf(samples);
  return Int16Array.from(samples, (sample) => Math.max(-32768, Math.min(32767, Math.round(sample * factor))));
}

function levelDb(samples: Int16Array): number {
  return 20 * Math.log10(rmsOf(samples) / 32768);
}

function peakOf(samples: Int16Array): number {
  return samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
}

/** The level of what is spoken: frames of 10 ms that are within 12 dB of the mean. */
function speechDb(samples: Int16Array): number {
  const powers = Array.from({ length: Math.floor(samples.length / 240) }, (_, i) => rmsOf(samples.subarray(i * 240, i * 240 + 240)) ** 2);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const spoken = powers.filter((power) => power > mean(powers) * 10 ** -1.2);
  return 10 * Math.log10(mean(spoken) / 32768 ** 2);
}

interface Call {
  readonly samples: Int16Array;
  readonly spoken: readonly { readonly from: number; readonly to: number }[];
}

/** The ten utterances, each at one level and with a second before it; noise 20 dB below them over all of it. */
function call(level: number, noise: 'none' | 'pink'): Call {
  const key = `${level} ${noise}`;
  const known = calls.get(key) ?? makeCall(level, noise);
  calls.set(key, known);
  return known;
}

const calls = new Map<string, Call>();
let pink: Float64Array | undefined;

function makeCall(level: number, noise: 'none' | 'pink'): Call {
  const pieces: Int16Array[] = [];
  const spoken: { from: number; to: number }[] = [];
  let at = 0;
  for (const { samples } of utterances(RATE)) {
    pieces.push(new Int16Array(RATE), atLevel(samples, level));
    spoken.push({ from: at + RATE, to: at + RATE + samples.length });
    at += RATE + samples.length;
  }
  const samples = joinSamples(pieces);
  if (noise === 'pink') {
    pink ??= makeNoise('pink', RATE, samples.length, new SeededRandom(5));
    const sound = atLevel(pink, level - 20);
    for (let i = 0; i < samples.length; i++) samples[i] = Math.max(-32768, Math.min(32767, (samples[i] ?? 0) + (sound[i] ?? 0)));
  }
  return { samples, spoken };
}

describe('AutoLevel', () => {
  it.each([-40, -30, -20, -12, -6].flatMap((level) => (['none', 'pink'] as const).map((noise) => ({ level, noise }))))('brings speech at $level dB to -20 dB, within 2 dB, noise: $noise', ({ level, noise }) => {
    const { samples, spoken } = call(level, noise);
    const stage = new AutoLevel({ sampleRate: RATE });
    const result = stage.push(samples);
    // The first three utterances are what it takes to get there from 20 dB off.
    const levels = spoken.map(({ from, to }) => speechDb(result.subarray(from, to)));
    if (MEASURE) console.log(level, noise, levels.map((value) => value.toFixed(1)).join(' '), 'limited', stage.limitedSamples, 'peak', peakOf(result));
    for (const value of levels.slice(3)) expect(Math.abs(value + 20)).toBeLessThan(2);
    expect(peakOf(result)).toBeLessThanOrEqual(29205);
    expect(result.length).toBe(samples.length);
  });

  it('does not breathe: in a pause the gain stays, to the bit', () => {
    const { samples, spoken } = call(-30, 'pink');
    const stage = new AutoLevel({ sampleRate: RATE });
    let at = 0;
    for (const { from, to } of spoken) {
      stage.push(samples.subarray(at, from - RATE / 2));
      const gainDb = stage.gainDb;
      stage.push(samples.subarray(from - RATE / 2, from - 480));
      expect(stage.gainDb).toBe(gainDb);
      stage.push(samples.subarray(from - 480, to));
      at = to;
    }
    expect(stage.gainDb).toBeGreaterThan(5);
  });

  it.each(([-70, -50, -30] as const).flatMap((level) => (['white', 'pink', 'hum'] as const).map((noise) => ({ level, noise }))))('leaves $noise noise at $level dB alone', ({ level, noise }) => {
    const samples = atLevel(makeNoise(noise, RATE, 3 * RATE, new SeededRandom(9)), level);
    const stage = new AutoLevel({ sampleRate: RATE });
    expect(sameSamples(stage.push(samples), samples)).toBe(true);
    expect(stage.gainDb).toBe(0);
  });

  it('raises speech by no more than maxGainDb, and never what is softer than minimumDb', () => {
    const { samples } = call(-45, 'none');
    const stage = new AutoLevel({ sampleRate: RATE, maxGainDb: 12 });
    stage.push(samples);
    expect(stage.gainDb).toBe(12);
    const deaf = new AutoLevel({ sampleRate: RATE, minimumDb: -25 });
    deaf.push(samples);
    expect(deaf.gainDb).toBe(0);
  });

  it('is as fast as it was asked to be', () => {
    const { samples } = call(-40, 'none');
    const fastest = (options: { attackDbPerSecond?: number; releaseDbPerSecond?: number }, sound: Int16Array): { rise: number; fall: number } => {
      const stage = new AutoLevel({ sampleRate: RATE, ...options });
      let [rise, fall] = [0, 0];
      for (let at = 0; at < sound.length; at += 480) {
        const before = stage.gainDb;
        stage.push(sound.subarray(at, at + 480));
        rise = Math.max(rise, stage.gainDb - before);
        fall = Math.max(fall, before - stage.gainDb);
      }
      return { rise: rise * 50, fall: fall * 50 };
    };
    expect(fastest({ releaseDbPerSecond: 10 }, samples).rise).toBeCloseTo(10);
    expect(fastest({ attackDbPerSecond: 30 }, call(-6, 'none').samples).fall).toBeCloseTo(30);
  });

  it('holds peaks of sudden loud speech below -1 dB, and counts them', () => {
    const soft = call(-40, 'none').samples;
    const loud = call(-8, 'none').samples;
    const stage = new AutoLevel({ sampleRate: RATE });
    stage.push(soft);
    expect(stage.limitedSamples).toBe(0);
    const result = stage.push(loud);
    expect(stage.limitedSamples).toBeGreaterThan(100);
    expect(peakOf(result)).toBeLessThanOrEqual(29205);
    expect(Math.abs(levelDb(result.subarray(-RATE)) + 20)).toBeLessThan(3);
  });

  it('follows somebody who goes on 20 dB softer', () => {
    const stage = new AutoLevel({ sampleRate: RATE });
    stage.push(call(-15, 'none').samples);
    const { samples, spoken } = call(-38, 'none');
    const result = stage.push(samples);
    const last = spoken.at(-1) ?? { from: 0, to: 0 };
    expect(Math.abs(speechDb(result.subarray(last.from, last.to)) + 20)).toBeLessThan(2);
  });

  it('begins anew after the end', () => {
    const { samples } = call(-40, 'none');
    const stage = new AutoLevel({ sampleRate: RATE });
    const first = stage.push(samples);
    expect(stage.flush()).toHaveLength(0);
    expect(stage.gainDb).toBe(0);
    expect(sameSamples(stage.push(samples), first)).toBe(true);
  });

  it.each([{ sampleRate: 7999 }, { sampleRate: 8000.5 }, { targetDb: -9 }, { targetDb: -41 }, { maxGainDb: -1 }, { maxGainDb: 61 }, { attackDbPerSecond: 0 }, { releaseDbPerSecond: NaN }])('does not take %j', (wrong) => {
    expect(() => new AutoLevel({ sampleRate: RATE, ...wrong })).toThrow(RangeError);
  });
});
