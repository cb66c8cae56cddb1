import { describe, expect, it } from 'vitest';
import { decodeImaAdpcm } from '../../../audio/index.js';
import { embedSound } from '../../../src/inspect/index.js';
import type { EmbeddedLane, SoundLane } from '../../../src/inspect/index.js';

const tone = (seconds: number, sampleRate: number): Int16Array => Int16Array.from({ length: seconds * sampleRate }, (_, index) => Math.round(9_000 * Math.sin((index * 2 * Math.PI * 300) / sampleRate)));
const silent: SoundLane = { sound: [], samples: new Int16Array(0), sampleRate: 8_000 };

/** The lane, sample by sample, as the page unpacks it. */
function unpacked({ runs, bytes }: EmbeddedLane, samples: number): Int16Array {
  const packed = Buffer.from(bytes, 'base64');
  const lane = new Int16Array(samples);
  let at = 0;
  for (let index = 0; index < runs.length; index += 2) {
    const [first = 0, count = 0] = [runs[index], runs[index + 1]];
    lane.set(decodeImaAdpcm(packed.subarray(at, at + Math.ceil(count / 2)), count), first);
    at += Math.ceil(count / 2);
  }
  return lane;
}

const level = (samples: Int16Array): number => Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);

describe('the sound that a page carries', () => {
  it('lies where it was heard, and nowhere else', () => {
    const caller: SoundLane = { sound: [{ trackSample: 0, samples: 24_000, fromMs: 3_000, toMs: 4_000 }], samples: tone(1, 24_000), sampleRate: 24_000 };
    const sound = embedSound({ caller, agent: silent }, 1_000, 6_000, 1e6);
    expect(sound).toMatchObject({ sampleRate: 16_000, durationSamples: 80_000, agent: { runs: [], bytes: '' } });
    const lane = unpacked(sound?.caller as EmbeddedLane, 80_000);
    expect(level(lane.subarray(33_000, 47_000))).toBeCloseTo(9_000 / Math.SQRT2, -3);
    expect(level(lane.subarray(0, 30_000))).toBe(0);
    expect(level(lane.subarray(50_000))).toBe(0);
  });

  it('takes the best rate that fits, and none where none does', () => {
    const caller: SoundLane = { sound: [{ trackSample: 0, samples: 160_000, fromMs: 0, toMs: 10_000 }], samples: tone(10, 16_000), sampleRate: 16_000 };
    const rate = (maxCharacters: number): number | undefined => embedSound({ caller, agent: silent }, 0, 10_000, maxCharacters)?.sampleRate;
    // Ten seconds at 8 kHz: 40,000 bytes, and a third more in base64.
    expect([rate(200_000), rate(54_000), rate(30_000), rate(10_000)]).toEqual([16_000, 8_000, 4_000, undefined]);
    // No sound becomes better than it was.
    expect(embedSound({ caller: { ...caller, sampleRate: 8_000 }, agent: silent }, 0, 10_000, 1e6)?.sampleRate).toBe(8_000);
    expect(embedSound({ caller: silent, agent: silent }, 0, 10_000, 1e6)).toBeUndefined();
  });

  it('leaves out what is next to silent, with a margin around what is not', () => {
    const samples = new Int16Array(80_000).fill(20);
    samples.set(tone(1, 8_000), 40_000);
    const caller: SoundLane = { sound: [{ trackSample: 0, samples: 80_000, fromMs: 0, toMs: 10_000 }], samples, sampleRate: 8_000 };
    const runs = embedSound({ caller, agent: silent }, 0, 10_000, 54_000)?.caller.runs ?? [];
    const [first = NaN, count = NaN] = runs.map((value) => value / 8_000);
    expect(runs.length).toBe(2);
    expect(first).toBeCloseTo(4.9, 1);
    expect(count).toBeCloseTo(1.2, 1);
  });

  it('what begins before the call or goes on after it is cut', () => {
    const agent: SoundLane = { sound: [{ trackSample: 0, samples: 80_000, fromMs: 500, toMs: 10_500 }], samples: tone(10, 8_000), sampleRate: 8_000 };
    const lane = unpacked(embedSound({ caller: silent, agent }, 1_000, 3_000, 1e6)?.agent as EmbeddedLane, 16_000);
    expect(level(lane.subarray(0, 8_000))).toBeGreaterThan(5_000);
    expect(level(lane.subarray(8_000))).toBeGreaterThan(5_000);
  });
});
