import { describe, expect, it } from 'vitest';
import { Pcm16Assembler, floatToInt16, int16ToFloat, pcm16ToSamples, samplesToPcm16 } from '../../../audio/index.js';
import { SeededRandom, joinSamples } from '../helpers/random.js';

describe('pcm16ToSamples', () => {
  it('reads little-endian by default and big-endian on request', () => {
    const bytes = Uint8Array.of(0x01, 0x80, 0xff, 0x7f, 0x00, 0x01);
    expect([...pcm16ToSamples(bytes)]).toEqual([-32767, 32767, 256]);
    expect([...pcm16ToSamples(bytes, { bigEndian: true })]).toEqual([0x0180, -129, 1]);
  });

  it('shares memory at an even offset and copies at an odd one', () => {
    const memory = new Uint8Array(9);
    const even = pcm16ToSamples(memory.subarray(2, 6));
    const odd = pcm16ToSamples(memory.subarray(3, 7));
    memory.fill(0x11);
    expect([...even]).toEqual([0x1111, 0x1111]);
    expect([...odd]).toEqual([0, 0]);
  });

  it('reads the right bytes of a pooled Buffer, not the pool from its start', () => {
    Buffer.from('something else in the pool');
    const pooled = Buffer.from('AQACAAMA', 'base64');
    expect([...pcm16ToSamples(pooled)]).toEqual([1, 2, 3]);
  });

  it('refuses half a sample', () => {
    expect(() => pcm16ToSamples(new Uint8Array(3))).toThrow(RangeError);
  });

  it('returns what samplesToPcm16 wrote, in both byte orders', () => {
    const samples = Int16Array.of(0, 1, -1, 32767, -32768, 12345);
    expect([...pcm16ToSamples(samplesToPcm16(samples))]).toEqual([...samples]);
    expect([...pcm16ToSamples(samplesToPcm16(samples, { bigEndian: true }), { bigEndian: true })]).toEqual([...samples]);
    expect([...samplesToPcm16(Int16Array.of(0x0102))]).toEqual([2, 1]);
    expect([...samplesToPcm16(samples.subarray(3, 4))]).toEqual([0xff, 0x7f]);
  });
});

describe('Pcm16Assembler', () => {
  it('gives the same samples for any cut, at any offset of any buffer', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = new SeededRandom(seed);
      const bigEndian = random.next() < 0.3;
      const samples = random.samples(random.integer(0, 400));
      const bytes = samplesToPcm16(samples, { bigEndian });
      const assembler = new Pcm16Assembler({ bigEndian });
      const pieces: Int16Array[] = [];
      let at = 0;
      for (const size of random.split(bytes.length, 0, 41)) {
        const offset = random.integer(0, 3);
        const memory = random.bytes(size + offset + 3);
        memory.set(bytes.subarray(at, at + size), offset);
        pieces.push(assembler.push(memory.subarray(offset, offset + size)).slice());
        at += size;
      }
      expect(joinSamples(pieces), `seed ${seed}`).toEqual(samples);
      expect(assembler.flush(), `seed ${seed}`).toEqual({ droppedByte: undefined });
    }
  });

  it('tells which byte was dropped at the end, and starts afresh', () => {
    const assembler = new Pcm16Assembler();
    expect([...assembler.push(Uint8Array.of(1, 0, 7))]).toEqual([1]);
    expect(assembler.carriedBytes).toBe(1);
    expect(assembler.flush()).toEqual({ droppedByte: 7 });
    expect(assembler.carriedBytes).toBe(0);
    expect([...assembler.push(Uint8Array.of(2, 0))]).toEqual([2]);
  });
});

describe('float and PCM16', () => {
  it('clips instead of wrapping, and takes NaN as silence', () => {
    const samples = floatToInt16(Float32Array.of(0, 0.5, 1, 1.5, -1, -1.5, NaN, Infinity, -Infinity));
    expect([...samples]).toEqual([0, 16384, 32767, 32767, -32768, -32768, 0, 32767, -32768]);
  });

  it('gives every PCM16 value back', () => {
    const all = Int16Array.from({ length: 65536 }, (_, i) => i - 32768);
    expect(floatToInt16(int16ToFloat(all))).toEqual(all);
  });
});
