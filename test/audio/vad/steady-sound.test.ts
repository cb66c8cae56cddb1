import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ALAW_8K, MULAW_8K, PCM16_24K, createSteadySound, decodeWav, encodeAlaw, encodeMulaw, mixToMono, msToSamples, resampleWhole, samplesToBytes, samplesToPcm16, watchSteadySound } from '../../../audio/index.js';
import type { AudioFormat } from '../../../audio/index.js';
import { random } from '../../helpers/random.js';

function encode(format: AudioFormat, samples: Int16Array): Uint8Array {
  if (format.encoding === 'pcm16') return samplesToPcm16(samples);
  return format.encoding === 'mulaw' ? encodeMulaw(samples) : encodeAlaw(samples);
}

/** What is told of a sound that comes in pieces, and after how many ms of it. */
function watch(format: AudioFormat, bytes: Uint8Array, pieceMs: () => number): [news: string, afterMs: number][] {
  const sound = createSteadySound();
  const told: [string, number][] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + samplesToBytes(format, msToSamples(format, pieceMs())));
    const news = watchSteadySound(sound, format, bytes.subarray(at, end));
    at = end;
    if (news !== undefined) told.push([news, Math.round((at * 1000) / samplesToBytes(format, format.sampleRate))]);
  }
  return told;
}

const rng = random(11);
const SOUNDS: Record<string, (seconds: number) => number> = {
  'a tone': (seconds) => 8_000 * Math.sin(2 * Math.PI * 440 * seconds),
  'a hum of the mains with its overtones': (seconds) => [50, 100, 150, 250].reduce((sum, hz) => sum + 2_500 * Math.sin(2 * Math.PI * hz * seconds), 0),
  'noise': () => (rng.next() - 0.5) * 10_000,
  'a buffer of 40 ms that repeats': (seconds) => 6_000 * Math.sin(2 * Math.PI * (200 + 300 * ((seconds * 25) % 1)) * seconds),
};

function make(format: AudioFormat, ms: number, at: (seconds: number) => number): Int16Array {
  return Int16Array.from({ length: msToSamples(format, ms) }, (_, index) => Math.round(at(index / format.sampleRate)));
}

describe.each([PCM16_24K, MULAW_8K, ALAW_8K])('$encoding at $sampleRate Hz', (format) => {
  it.each(Object.entries(SOUNDS))('%s is told once, after 10 s', (_name, at) => {
    for (const pieceMs of [20, 100, 300]) {
      const told = watch(format, encode(format, make(format, 30_000, at)), () => pieceMs);
      expect(told).toEqual([['steady', expect.any(Number)]]);
      expect(told[0]?.[1]).toBeGreaterThanOrEqual(10_000);
      expect(told[0]?.[1]).toBeLessThanOrEqual(10_700);
    }
  });

  it.each([
    ['digital silence', () => 0],
    ['a constant', () => 4_000],
    ['the hiss of a quiet line', () => (rng.next() - 0.5) * 40],
  ])('%s is told once, after 8 s', (_name, at) => {
    const told = watch(format, encode(format, make(format, 30_000, at)), () => 100);
    expect(told).toEqual([['silent', expect.any(Number)]]);
    expect(told[0]?.[1]).toBeGreaterThanOrEqual(8_000);
    expect(told[0]?.[1]).toBeLessThanOrEqual(8_300);
  });

  it('a buzz of 9 s and a silence of 7 s are not told, and each run is told anew', () => {
    const buzz = (ms: number): Int16Array => make(format, ms, (seconds) => 8_000 * Math.sin(2 * Math.PI * 440 * seconds));
    const join = (...parts: Int16Array[]): Uint8Array => encode(format, Int16Array.from(parts.flatMap((part) => [...part])));
    const silence = (ms: number): Int16Array => new Int16Array(msToSamples(format, ms));
    expect(watch(format, join(buzz(9_000), silence(7_000), buzz(9_000)), () => 100)).toEqual([]);
    expect(watch(format, join(buzz(11_000), silence(1_000), buzz(11_000)), () => 100).length).toBe(2);
  });

  it('all the speech of the fixtures is speech, without and with pauses, however it is cut', () => {
    const speech = ['voice', 'vad'].flatMap((folder) => {
      const url = new URL(`../../../fixtures/${folder}/`, import.meta.url);
      return readdirSync(url).filter((name) => name.endsWith('.wav')).map((name) => decodeWav(readFileSync(new URL(name, url))));
    });
    const all = Int16Array.from(speech.flatMap(({ samples, channels, sampleRate }) => [...resampleWhole(mixToMono(samples, channels), sampleRate, format.sampleRate)]));
    expect(all.length / format.sampleRate).toBeGreaterThan(60);
    const bytes = encode(format, all);
    for (let round = 0; round < 20; round += 1) {
      const piece = [20, 100, 200, 400][round % 4] as number;
      expect(watch(format, bytes.subarray(2 * rng.int(0, 4_000)), () => Math.round(piece * (0.5 + rng.next()))), `seed ${rng.seed}`).toEqual([]);
    }
  });
});
