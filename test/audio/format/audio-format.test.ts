import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  ALAW_8K, AudioError, MULAW_8K, PCM16_24K, audioFormat, bytesToMs, bytesToSamples, msToBytes, msToSamples, sameFormat, samplesToBytes, samplesToMs, silenceByte,
} from '../../../audio/index.js';
import type { AudioFormat } from '../../../audio/index.js';

describe('the arithmetic of a format', () => {
  it('goes from bytes to samples to ms and back', () => {
    expect([bytesToSamples(PCM16_24K, 960), samplesToBytes(PCM16_24K, 480), bytesToMs(PCM16_24K, 960), msToBytes(PCM16_24K, 20)]).toEqual([480, 960, 20, 960]);
    expect([bytesToSamples(MULAW_8K, 160), samplesToBytes(MULAW_8K, 160), bytesToMs(MULAW_8K, 160), msToBytes(MULAW_8K, 20)]).toEqual([160, 160, 20, 160]);
    const stereo = audioFormat('pcm16', 44100, 2);
    expect([bytesToSamples(stereo, 3528), msToBytes(stereo, 20), samplesToMs(stereo, 441)]).toEqual([882, 3528, 10]);
  });

  it('counts whole samples only', () => {
    expect(bytesToSamples(PCM16_24K, 961)).toBe(480);
    expect(bytesToSamples(audioFormat('pcm16', 8000, 2), 7)).toBe(1);
    expect(msToSamples(audioFormat('pcm16', 44100), 1.5)).toBe(66);
  });

  it('is not thrown off by the rounding of its own division', () => {
    for (const rate of [8000, 11025, 16000, 22050, 24000, 44100, 48000]) {
      const format = audioFormat('pcm16', rate);
      for (let samples = 0; samples < 3000; samples += 7) expect(msToSamples(format, samplesToMs(format, samples))).toBe(samples);
    }
  });

  it('tells formats apart', () => {
    expect(sameFormat(PCM16_24K, audioFormat('pcm16', 24000))).toBe(true);
    expect(sameFormat(MULAW_8K, ALAW_8K)).toBe(false);
    expect(sameFormat(PCM16_24K, audioFormat('pcm16', 24000, 2))).toBe(false);
  });

  it('knows each silence', () => {
    expect([silenceByte('pcm16'), silenceByte('mulaw'), silenceByte('alaw')]).toEqual([0, 0xff, 0xd5]);
  });

  it('has the rate in its type', () => {
    expectTypeOf(audioFormat('pcm16', 8000)).toEqualTypeOf<AudioFormat<8000>>();
    expectTypeOf<AudioFormat<24000>>().not.toExtend<AudioFormat<8000>>();
    expectTypeOf<AudioFormat<24000>>().toExtend<AudioFormat>();
  });
});

describe('audioFormat', () => {
  it.each([['pcm16', 0, 1], ['pcm16', 384_001, 1], ['pcm16', 8000.5, 1], ['pcm16', NaN, 1], ['mulaw', 8000, 0], ['alaw', 8000, 9]] as const)(
    'refuses %s at %f Hz with %i channels',
    (encoding, rate, channels) => {
      expect(() => audioFormat(encoding, rate, channels)).toThrow(AudioError);
      expect(() => audioFormat(encoding, rate, channels)).toThrow(expect.objectContaining({ code: 'FORMAT_INVALID' }));
    },
  );

  it('refuses an encoding that came in as mere text', () => {
    expect(() => audioFormat(JSON.parse('"opus"'), 8000)).toThrow(/"opus"/);
  });
});
