import { describe, expect, test } from 'vitest';
import { CaptureChain } from '../../../../src/client/browser/capture-chain.js';

const BLOCK = 128;

function capture(rate: number, seconds: number, channelGains: readonly number[]): Int16Array[] {
  const frames: Int16Array[] = [];
  const chain = new CaptureChain(rate, (frame) => frames.push(frame));
  for (let from = 0; from < rate * seconds; from += BLOCK) {
    chain.push(channelGains.map((gain) => Float32Array.from({ length: BLOCK }, (_, index) => gain * 0.5 * Math.sin((2 * Math.PI * 1000 * (from + index)) / rate))));
  }
  return frames;
}

function amplitudeOf(samples: readonly number[], hertz: number): number {
  let real = 0;
  let imaginary = 0;
  samples.forEach((sample, index) => {
    real += sample * Math.cos((2 * Math.PI * hertz * index) / 24_000);
    imaginary += sample * Math.sin((2 * Math.PI * hertz * index) / 24_000);
  });
  return (2 * Math.hypot(real, imaginary)) / samples.length / 32768;
}

describe.each([16_000, 24_000, 44_100, 48_000])('a device of %i Hz', (rate) => {
  test('gives frames of 20 ms with the tone that went in', () => {
    const frames = capture(rate, 1, [1]);
    expect(frames.every((frame) => frame.length === 480)).toBe(true);
    expect(frames.length).toBeGreaterThanOrEqual(49);
    expect(frames.length).toBeLessThanOrEqual(51);
    const middle = frames.slice(10, 40).flatMap((frame) => [...frame]);
    expect(amplitudeOf(middle, 1000)).toBeCloseTo(0.5, 2);
    const rest = Math.sqrt(middle.reduce((sum, sample) => sum + sample * sample, 0) / middle.length) / 32768;
    expect(rest).toBeCloseTo(0.5 / Math.SQRT2, 2);
  });
});

describe('channels', () => {
  test('are mixed in equal parts', () => {
    const middle = capture(24_000, 0.5, [1, 0.5]).slice(5, 20).flatMap((frame) => [...frame]);
    expect(amplitudeOf(middle, 1000)).toBeCloseTo(0.375, 3);
  });

  test('may be missing for a while', () => {
    const frames: Int16Array[] = [];
    const chain = new CaptureChain(48_000, (frame) => frames.push(frame));
    chain.push([]);
    expect(frames).toEqual([]);
  });

  test('a frame that was given out is not written again', () => {
    const frames = capture(24_000, 0.1, [1]);
    expect(new Set(frames.map((frame) => frame.buffer)).size).toBe(frames.length);
  });
});
