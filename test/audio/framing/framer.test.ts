import { describe, expect, it } from 'vitest';
import { ALAW_8K, Framer, MULAW_8K, PCM16_24K, audioFormat, decodeAlaw, decodeMulaw } from '../../../audio/index.js';
import { SeededRandom } from '../helpers/random.js';

describe('Framer', () => {
  it('gives the same frames for any chunk sizes, and loses no byte', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = new SeededRandom(seed);
      const format = audioFormat(random.next() < 0.5 ? 'pcm16' : 'mulaw', 8000, random.integer(1, 2));
      const framer = new Framer(format, { frameSamples: random.integer(1, 60) });
      const bytes = random.bytes(random.integer(0, 1000));
      const frames: Uint8Array[] = [];
      let at = 0;
      for (const size of random.split(bytes.length, 0, random.integer(1, 300))) {
        const memory = bytes.slice(at, at + size);
        frames.push(...framer.push(memory));
        memory.fill(0);
        at += size;
      }
      expect(frames.every((frame) => frame.length === framer.frameBytes), `seed ${seed}`).toBe(true);
      expect(framer.pendingBytes, `seed ${seed}`).toBe(bytes.length % framer.frameBytes);
      const rest = framer.flush({ pad: false });
      const joined = [...frames.flatMap((frame) => [...frame]), ...(rest ?? [])];
      expect(joined, `seed ${seed}`).toEqual([...bytes]);
    }
  });

  it('knows its length in ms', () => {
    expect(new Framer(PCM16_24K, { frameMs: 20 })).toMatchObject({ frameSamples: 480, frameBytes: 960 });
    expect(new Framer(MULAW_8K, { frameMs: 20 })).toMatchObject({ frameSamples: 160, frameBytes: 160 });
    expect(new Framer(audioFormat('pcm16', 44100, 2), { frameMs: 20 })).toMatchObject({ frameSamples: 882, frameBytes: 3528 });
  });

  it.each([
    { name: 'PCM16', format: PCM16_24K, silence: 0 },
    { name: 'µ-law', format: MULAW_8K, silence: 0xff },
    { name: 'A-law', format: ALAW_8K, silence: 0xd5 },
  ])('fills the last $name frame up with silence', ({ format, silence }) => {
    const framer = new Framer(format, { frameSamples: 4 });
    framer.push(Uint8Array.of(1, 2));
    const last = framer.flush();
    expect([...(last ?? [])]).toEqual([1, 2, ...new Array<number>(framer.frameBytes - 2).fill(silence)]);
    expect(framer.flush()).toBeUndefined();
  });

  it('pads with bytes that decode to next to nothing', () => {
    const pad = (format: typeof MULAW_8K) => {
      const framer = new Framer(format, { frameSamples: 2 });
      framer.push(Uint8Array.of(0));
      return framer.flush() ?? new Uint8Array(0);
    };
    expect(decodeMulaw(pad(MULAW_8K))[1]).toBe(0);
    expect(decodeAlaw(pad(ALAW_8K))[1]).toBe(8);
  });

  it('can be used again after flush', () => {
    const framer = new Framer(PCM16_24K, { frameSamples: 1 });
    framer.push(Uint8Array.of(9));
    framer.flush();
    expect(framer.push(Uint8Array.of(1, 2)).map((frame) => [...frame])).toEqual([[1, 2]]);
  });

  it('refuses frames that are no whole number of samples', () => {
    expect(() => new Framer(PCM16_24K, { frameSamples: 0 })).toThrow(RangeError);
    expect(() => new Framer(PCM16_24K, { frameSamples: 1.5 })).toThrow(RangeError);
    expect(() => new Framer(audioFormat('pcm16', 44100), { frameMs: 2.5 })).toThrow(/44100 Hz/);
    expect(() => new Framer(PCM16_24K, { frameMs: 10_001 })).toThrow(RangeError);
  });
});
