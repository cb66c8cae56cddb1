import { describe, expect, it } from 'vitest';
import { ALAW_8K, MULAW_8K, WavReader, audioEncoder, audioFormat, decodeAlaw, decodeMulaw, decodeWav, pcm16ToSamples, wavEncoder, wavHeader } from '../../../audio/index.js';
import type { AudioFormat } from '../../../audio/index.js';
import { sinadDb, sine } from '../helpers/tones.js';

const tone = (sampleRate: number, count: number): Int16Array => Int16Array.from(sine(500, sampleRate, count, 12000), Math.round);
const bytesOf = (pieces: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(pieces));

describe('audioEncoder', () => {
  it.each<[string, AudioFormat, number, (bytes: Uint8Array) => Int16Array]>([
    ['PCM16 at 24 kHz', audioFormat('pcm16', 24000), 85, (bytes) => pcm16ToSamples(bytes)],
    ['PCM16 at 44.1 kHz', audioFormat('pcm16', 44100), 85, (bytes) => pcm16ToSamples(bytes)],
    ['µ-law', MULAW_8K, 35, decodeMulaw],
    ['A-law', ALAW_8K, 35, decodeAlaw],
  ])('keeps a tone as clean as %s can be', (_name, format, leastDb, decode) => {
    const encoder = audioEncoder(format, { inputRate: 24000 });
    const samples = decode(bytesOf([...encoder.push(tone(24000, 24000)), ...encoder.flush()]));
    expect(sinadDb(samples.subarray(format.sampleRate / 10, format.sampleRate * 0.9), 500, format.sampleRate).sinad).toBeGreaterThan(leastDb);
  });

  it.each([MULAW_8K, ALAW_8K])('gives a telephone line whole frames, the last filled up with silence: $encoding', (format) => {
    const encoder = audioEncoder(format, { inputRate: 24000, frameMs: 20 });
    const pieces = [...encoder.push(tone(24000, 24000 + 100)), ...encoder.flush()];
    // 1 s, 100 samples more, and 3 ms of the filter: 8000 + 34 + 24 bytes.
    expect(pieces.map((piece) => piece.length)).toEqual(new Array<number>(51).fill(160));
    const silence = format.encoding === 'mulaw' ? 0xff : 0xd5;
    expect([...(pieces[50] ?? [])].slice(58)).toEqual(new Array<number>(102).fill(silence));
    expect(encoder.flush().flatMap((piece) => [...piece]).every((byte) => byte === silence)).toBe(true);
  });

  it('gives memory of its own', () => {
    const samples = Int16Array.of(1, 2, 3);
    const [piece] = audioEncoder(audioFormat('pcm16', 24000)).push(samples);
    samples.fill(9);
    expect([...(piece ?? [])]).toEqual([1, 0, 2, 0, 3, 0]);
  });

  it('refuses more than one channel, and frames that are no whole number of samples', () => {
    expect(() => audioEncoder(audioFormat('pcm16', 24000, 2))).toThrow(/mono/);
    expect(() => audioEncoder(MULAW_8K, { frameMs: 0.3 })).toThrow(RangeError);
    expect(() => audioEncoder(MULAW_8K, { inputRate: 0 })).toThrow(RangeError);
  });
});

describe('wavEncoder', () => {
  it('writes a file that can be read at any moment', () => {
    const encoder = wavEncoder(audioFormat('pcm16', 24000));
    const samples = tone(24000, 4800);
    const pieces = [...encoder.push(samples.subarray(0, 1000)), ...encoder.push(samples.subarray(1000))];
    expect(decodeWav(bytesOf(pieces))).toMatchObject({ sampleRate: 24000, channels: 1, samples });
    expect(encoder.flush()).toEqual([]);
    expect(decodeWav(bytesOf([...encoder.push(samples), ...encoder.flush()])).samples).toEqual(samples);
  });

  it('pads an odd number of bytes, and the header can be put in afterwards', () => {
    const encoder = wavEncoder(MULAW_8K);
    const file = bytesOf([...encoder.push(new Int16Array(3)), ...encoder.flush()]);
    file.set(wavHeader({ ...MULAW_8K, dataBytes: 3 }));
    expect(file).toHaveLength(58 + 3 + 1);
    const reader = new WavReader();
    expect([...reader.push(file)]).toEqual([0, 0, 0]);
    expect(reader.flush()).toMatchObject({ droppedBytes: 0, missingBytes: 0 });
  });

  it('writes a file without samples for a stream without samples', () => {
    expect(decodeWav(bytesOf(wavEncoder(audioFormat('pcm16', 16000)).flush()))).toMatchObject({ sampleRate: 16000, samples: new Int16Array(0) });
  });
});
