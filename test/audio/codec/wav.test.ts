import { Reader, Writer } from 'wav';
import type { Format } from 'wav';
import { describe, expect, it } from 'vitest';
import { AudioError, WavReader, decodeWav, encodeAlaw, encodeMulaw, encodeWav, mixToMono, parseWavHeader, wavHeader } from '../../../audio/index.js';
import { SeededRandom, joinSamples } from '../helpers/random.js';
import { buildWav, chunk, extensible, floatBytes, fmt, integerBytes, riff } from '../helpers/wav-files.js';

const SAMPLES = Int16Array.of(0, 256, -256, 32512, -32768, 12800, -12800, 512);
const PCM = integerBytes(SAMPLES, 2);

/** Each file holds SAMPLES (multiples of 256, so that 8 bits hold them too), the companded ones what is left of it. */
const READABLE: readonly { name: string; file: Uint8Array; encoding: string; samples?: Int16Array }[] = [
  { name: 'plain 16-bit', file: buildWav(fmt(1, 16), PCM), encoding: 'pcm16' },
  { name: 'fmt of 18 bytes', file: buildWav(fmt(1, 16, { extra: 2 }), PCM), encoding: 'pcm16' },
  { name: 'fmt of an odd size, padded', file: buildWav(fmt(1, 16, { extra: 3 }), PCM), encoding: 'pcm16' },
  { name: 'fmt longer than any known', file: buildWav(fmt(1, 16, { extra: 900 }), PCM), encoding: 'pcm16' },
  { name: 'fact before data', file: riff(fmt(1, 16), chunk('fact', new Uint8Array(4)), chunk('data', PCM)), encoding: 'pcm16' },
  { name: 'LIST before data', file: riff(fmt(1, 16), chunk('LIST', new Uint8Array(26)), chunk('data', PCM)), encoding: 'pcm16' },
  { name: 'LIST after data', file: riff(fmt(1, 16), chunk('data', PCM), chunk('LIST', new Uint8Array(26).fill(77))), encoding: 'pcm16' },
  { name: 'LIST of an odd size before data', file: riff(fmt(1, 16), chunk('LIST', new Uint8Array(27)), chunk('data', PCM)), encoding: 'pcm16' },
  { name: 'empty LIST before data', file: riff(fmt(1, 16), chunk('LIST', new Uint8Array(0)), chunk('data', PCM)), encoding: 'pcm16' },
  { name: 'JUNK before fmt', file: riff(chunk('JUNK', new Uint8Array(28)), fmt(1, 16), chunk('data', PCM)), encoding: 'pcm16' },
  { name: 'bext before fmt', file: riff(chunk('bext', new Uint8Array(605)), fmt(1, 16), chunk('data', PCM)), encoding: 'pcm16' },
  { name: 'data size 0', file: buildWav(fmt(1, 16), PCM, 0), encoding: 'pcm16' },
  { name: 'data size 0xFFFFFFFF (ffmpeg)', file: buildWav(fmt(1, 16), PCM, 0xffffffff), encoding: 'pcm16' },
  { name: 'data size 0x7ffff000 (espeak-ng)', file: buildWav(fmt(1, 16), PCM, 0x7ffff000), encoding: 'pcm16' },
  { name: 'data size beyond the file', file: buildWav(fmt(1, 16), PCM, 100_000), encoding: 'pcm16' },
  { name: '8-bit', file: buildWav(fmt(1, 8), integerBytes(SAMPLES, 1)), encoding: 'pcm8' },
  { name: '24-bit', file: buildWav(fmt(1, 24), integerBytes(SAMPLES, 3)), encoding: 'pcm24' },
  { name: '32-bit', file: buildWav(fmt(1, 32), integerBytes(SAMPLES, 4)), encoding: 'pcm32' },
  { name: '12 bits in 16', file: buildWav(fmt(1, 12), PCM), encoding: 'pcm16' },
  { name: 'float 32', file: buildWav(fmt(3, 32), floatBytes(SAMPLES, 4)), encoding: 'float32' },
  { name: 'float 64', file: buildWav(fmt(3, 64), floatBytes(SAMPLES, 8)), encoding: 'float64' },
  { name: 'µ-law', file: buildWav(fmt(7, 8, { extra: 2 }), encodeMulaw(SAMPLES)), encoding: 'mulaw', samples: Int16Array.of(0, 260, -260, 32124, -32124, 12924, -12924, 524) },
  { name: 'A-law', file: buildWav(fmt(6, 8, { extra: 2 }), encodeAlaw(SAMPLES)), encoding: 'alaw', samples: Int16Array.of(8, 264, -248, 32256, -32256, 13056, -12544, 528) },
  { name: 'extensible 16-bit', file: buildWav(extensible(1, 16), PCM), encoding: 'pcm16' },
  { name: 'extensible 24-bit', file: buildWav(extensible(1, 24), integerBytes(SAMPLES, 3)), encoding: 'pcm24' },
  { name: 'extensible float', file: buildWav(extensible(3, 32), floatBytes(SAMPLES, 4)), encoding: 'float32' },
  { name: 'RIFX 16-bit', file: riff.bigEndian(fmt.bigEndian(1, 16), chunk.bigEndian('data', integerBytes(SAMPLES, 2, true))), encoding: 'pcm16' },
  { name: 'RIFX 24-bit', file: riff.bigEndian(fmt.bigEndian(1, 24), chunk.bigEndian('data', integerBytes(SAMPLES, 3, true))), encoding: 'pcm24' },
  { name: 'RF64', file: riff.rf64(fmt(1, 16), PCM), encoding: 'pcm16' },
];

describe.each(READABLE)('a WAV file: $name', ({ file, encoding, samples = SAMPLES }) => {
  it('is decoded whole', () => {
    const wav = decodeWav(file);
    expect({ ...wav, samples: [...wav.samples] }).toEqual({ sampleRate: 16000, channels: 2, sourceEncoding: encoding, samples: [...samples] });
  });

  it('is read the same when cut in two at every offset, and byte by byte', () => {
    for (let cut = 0; cut <= file.length; cut++) {
      const reader = new WavReader();
      const pieces = [reader.push(file.slice(0, cut)).slice(), reader.push(file.slice(cut)).slice()];
      reader.flush();
      expect([...joinSamples(pieces)], `cut at ${cut}`).toEqual([...samples]);
    }
    const reader = new WavReader();
    const pieces = Array.from(file, (byte) => reader.push(Uint8Array.of(byte)).slice());
    expect([...joinSamples(pieces)]).toEqual([...samples]);
    expect(reader.header?.encoding).toBe(encoding);
  });
});

const REFUSED: readonly { name: string; file: Uint8Array; code: string; says: RegExp }[] = [
  { name: 'an empty file', file: new Uint8Array(0), code: 'WAV_INVALID', says: /empty.*0 bytes/ },
  { name: 'an MP3 with tags', file: text('ID3\x04\x00\x00\x00\x00\x0f\x76TSSE'), code: 'WAV_INVALID', says: /MP3.*ffmpeg/ },
  { name: 'an MP3 without tags', file: Uint8Array.of(0xff, 0xfb, 0x90, 0x64, 0, 0, 0, 0, 0, 0, 0, 0), code: 'WAV_INVALID', says: /MP3/ },
  { name: 'an HTML page', file: text('<!DOCTYPE html><html>'), code: 'WAV_INVALID', says: /HTML/ },
  { name: 'an Ogg file', file: text('OggS\0\0\0\0\0\0\0\0\0\0'), code: 'WAV_INVALID', says: /Ogg/ },
  { name: 'an M4A file', file: text('\0\0\0\x20ftypM4A \0\0'), code: 'WAV_INVALID', says: /M4A/ },
  { name: 'a short text', file: text('hello'), code: 'WAV_INVALID', says: /68 65 6c 6c 6f/ },
  { name: 'an AVI file', file: text('RIFF\x10\0\0\0AVI LIST'), code: 'WAV_INVALID', says: /kind "AVI "/ },
  { name: 'a first header cut off', file: buildWav(fmt(1, 16), PCM).slice(0, 9), code: 'WAV_INVALID', says: /cut off.*9 bytes/ },
  { name: 'a fmt chunk cut off', file: buildWav(fmt(1, 16), PCM).slice(0, 30), code: 'WAV_INVALID', says: /30 bytes, before its format/ },
  { name: 'no data chunk', file: riff(fmt(1, 16), chunk('LIST', new Uint8Array(4))), code: 'WAV_INVALID', says: /before its audio/ },
  { name: 'data before fmt', file: riff(chunk('data', PCM), fmt(1, 16)), code: 'WAV_INVALID', says: /before its format/ },
  { name: 'two fmt chunks', file: riff(fmt(1, 16), fmt(1, 8), chunk('data', PCM)), code: 'WAV_INVALID', says: /two 'fmt ' chunks/ },
  { name: 'fmt of 14 bytes', file: riff(chunk('fmt ', new Uint8Array(14)), chunk('data', PCM)), code: 'WAV_INVALID', says: /14 bytes/ },
  { name: 'fmt of 2 GiB', file: riff(chunk('fmt ', new Uint8Array(16), 0x7fffffff), chunk('data', PCM)), code: 'WAV_INVALID', says: /2147483647 bytes/ },
  { name: 'JUNK of 4 GiB', file: riff(chunk('JUNK', new Uint8Array(16), 0xfffffff0), fmt(1, 16)), code: 'WAV_INVALID', says: /"JUNK".*64 MiB/ },
  { name: 'ds64 of 4 GiB', file: riff(chunk('ds64', new Uint8Array(28), 0xfffffff0), fmt(1, 16)), code: 'WAV_INVALID', says: /"ds64".*64 MiB/ },
  { name: 'a chunk name that is none', file: riff(chunk('\x00\x01\xff\x02', new Uint8Array(2))), code: 'WAV_INVALID', says: /byte 12.*\\xff/ },
  { name: '0 channels', file: buildWav(fmt(1, 16, { channels: 0 }), PCM), code: 'WAV_INVALID', says: /0 channels/ },
  { name: 'a rate of 0', file: buildWav(fmt(1, 16, { sampleRate: 0 }), PCM), code: 'WAV_INVALID', says: /0 Hz/ },
  { name: 'a block of 1 byte', file: buildWav(fmt(1, 16, { blockAlign: 1 }), PCM), code: 'WAV_INVALID', says: /4 bytes a block, but it says 1/ },
  { name: 'a block of 0 bytes', file: buildWav(fmt(1, 16, { blockAlign: 0 }), PCM), code: 'WAV_INVALID', says: /says 0/ },
  { name: 'an extensible fmt that is too short', file: buildWav(fmt(0xfffe, 16, { extra: 2 }), PCM), code: 'WAV_INVALID', says: /18 bytes of 40/ },
  { name: '9 channels', file: buildWav(fmt(1, 16, { channels: 9 }), PCM), code: 'WAV_UNSUPPORTED', says: /9 channels/ },
  { name: 'a rate of 2 MHz', file: buildWav(fmt(1, 16, { sampleRate: 2_000_000 }), PCM), code: 'WAV_UNSUPPORTED', says: /2000000/ },
  { name: 'ADPCM', file: buildWav(fmt(2, 4), PCM), code: 'WAV_UNSUPPORTED', says: /Microsoft ADPCM/ },
  { name: 'MP3 in WAV', file: buildWav(fmt(0x55, 0), PCM), code: 'WAV_UNSUPPORTED', says: /MP3 audio/ },
  { name: 'an unknown tag', file: buildWav(fmt(0x1234, 16), PCM), code: 'WAV_UNSUPPORTED', says: /0x1234/ },
  { name: '64-bit integers', file: buildWav(fmt(1, 64), PCM), code: 'WAV_UNSUPPORTED', says: /PCM with 64 bits/ },
  { name: 'a foreign SubFormat', file: buildWav(extensible(1, 16, 0x21), PCM), code: 'WAV_UNSUPPORTED', says: /SubFormat/ },
];

describe.each(REFUSED)('not read: $name', ({ file, code, says }) => {
  it(`throws ${code} and says why, whole or byte by byte`, () => {
    const failures = [() => decodeWav(file), () => readByteByByte(file)].map(failureOf);
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(AudioError);
      expect(failure).toMatchObject({ code });
      expect(String(failure)).toMatch(says);
    }
  });
});

describe('hostile headers', () => {
  it('end in samples or in an AudioError, whatever bytes are changed', () => {
    for (let seed = 1; seed <= 3000; seed++) {
      const random = new SeededRandom(seed);
      const file = READABLE[random.integer(0, READABLE.length - 1)]?.file.slice() ?? new Uint8Array(0);
      for (let n = random.integer(1, 6); n > 0; n--) file[random.integer(0, Math.min(file.length, 80) - 1)] = random.integer(0, 255);
      const failure = failureOf(() => decodeWav(file.subarray(0, random.integer(0, file.length))));
      if (failure !== undefined && !(failure instanceof AudioError)) throw new Error(`seed ${seed}`, { cause: failure });
    }
  });
});

describe('precision', () => {
  it('rounds 24-bit, 32-bit and float samples to the nearest, and clips', () => {
    const wide = Uint8Array.of(0x7f, 0x01, 0x00, 0x80, 0x01, 0x00, 0xff, 0xff, 0x7f, 0x00, 0x00, 0x80);
    expect([...decodeWav(buildWav(fmt(1, 24), wide)).samples]).toEqual([1, 2, 32767, -32768]);
    const float = new Uint8Array(Float32Array.of(1.5, -3, NaN, 0.00002).buffer);
    expect([...decodeWav(buildWav(fmt(3, 32), float)).samples]).toEqual([32767, -32768, 0, 1]);
  });
});

describe('WavReader', () => {
  it('says what a cut-off file lacks', () => {
    const reader = new WavReader();
    expect(reader.push(buildWav(fmt(1, 16), PCM).slice(0, -3)).length).toBe(6);
    expect(reader.flush()).toMatchObject({ droppedBytes: 1, missingBytes: 3 });
  });

  it('parses a header only when all of it is there', () => {
    const file = buildWav(fmt(1, 16), PCM);
    expect(parseWavHeader(file.subarray(0, 43))).toBeUndefined();
    expect(parseWavHeader(file.subarray(0, 44))).toEqual({
      encoding: 'pcm16', sampleRate: 16000, channels: 2, bigEndian: false, blockBytes: 4, dataOffset: 44, dataBytes: PCM.length,
    });
  });

  it('gives decodeWav samples of their own memory', () => {
    const file = buildWav(fmt(1, 16), PCM);
    const { samples } = decodeWav(file);
    file.fill(0);
    expect([...samples]).toEqual([...SAMPLES]);
  });
});

describe('writing', () => {
  it.each(['pcm16', 'mulaw', 'alaw'] as const)('writes %s that reads back', (encoding) => {
    const samples = Int16Array.of(0, 1000, -1000);
    const file = encodeWav(samples, { sampleRate: 8000, channels: 1, encoding });
    const expected = encoding === 'mulaw' ? [0, 988, -988] : encoding === 'alaw' ? [8, 1008, -1008] : [0, 1000, -1000];
    expect(decodeWav(file)).toEqual({ sampleRate: 8000, channels: 1, sourceEncoding: encoding, samples: Int16Array.from(expected) });
    expect(file.length % 2).toBe(0);
    expect(new DataView(file.buffer).getUint32(4, true)).toBe(file.length - 8);
  });

  it('keeps the header as long when it is patched with the size at the end', () => {
    const format = { sampleRate: 24000, channels: 2 };
    const unfinished = wavHeader(format);
    expect(parseWavHeader(unfinished)?.dataBytes).toBeUndefined();
    expect(new DataView(unfinished.buffer).getUint32(40, true)).toBe(0xffffffff);
    const finished = wavHeader({ ...format, dataBytes: 9600 });
    expect(finished.length).toBe(unfinished.length);
    expect(parseWavHeader(finished)).toMatchObject({ dataBytes: 9600, dataOffset: 44 });
  });

  it('leaves a file that reads to its last whole sample when the writer dies', () => {
    const written = new Uint8Array([...wavHeader({ sampleRate: 24000, channels: 1 }), 1, 0, 2, 0, 3]);
    expect([...decodeWav(written).samples]).toEqual([1, 2]);
  });

  it('refuses what a WAV file cannot hold', () => {
    expect(() => wavHeader({ sampleRate: 0, channels: 1 })).toThrow(RangeError);
    expect(() => wavHeader({ sampleRate: 8000, channels: 9 })).toThrow(RangeError);
    expect(() => wavHeader({ sampleRate: 8000, channels: 1, dataBytes: 2 ** 32 })).toThrow(RangeError);
    expect(() => wavHeader({ sampleRate: 8000, channels: 1, dataBytes: -1 })).toThrow(RangeError);
  });
});

describe('the wav package', () => {
  it('writes files that are read here', async () => {
    const writer = new Writer({ sampleRate: 24000, channels: 1, bitDepth: 16 });
    const pieces: Buffer[] = [];
    const ended = new Promise<void>((resolve) => writer.on('end', resolve));
    writer.on('data', (piece: Buffer) => pieces.push(Buffer.from(piece)));
    writer.end(Buffer.from(PCM));
    await ended;
    expect(decodeWav(Buffer.concat(pieces))).toEqual({ sampleRate: 24000, channels: 1, sourceEncoding: 'pcm16', samples: SAMPLES });
  });

  it('reads files that are written here', async () => {
    const reader = new Reader();
    const pieces: Buffer[] = [];
    const format = new Promise<Format>((resolve) => reader.on('format', resolve));
    const ended = new Promise<void>((resolve) => reader.on('end', resolve));
    reader.on('data', (piece: Buffer) => pieces.push(piece));
    reader.end(Buffer.from(encodeWav(SAMPLES, { sampleRate: 24000, channels: 2 })));
    expect(await format).toMatchObject({ audioFormat: 1, sampleRate: 24000, channels: 2, bitDepth: 16, blockAlign: 4, byteRate: 96000 });
    await ended;
    expect([...Buffer.concat(pieces)]).toEqual([...PCM]);
  });
});

describe('mixToMono', () => {
  it('averages the channels and cannot overflow', () => {
    expect([...mixToMono(Int16Array.of(100, 200, 32767, 32767, -32768, -32768, 1, 0), 2)]).toEqual([150, 32767, -32768, 1]);
    expect([...mixToMono(Int16Array.of(3, 6, 9), 3)]).toEqual([6]);
    expect(mixToMono(SAMPLES, 1)).toBe(SAMPLES);
  });

  it('refuses half a block', () => {
    expect(() => mixToMono(new Int16Array(3), 2)).toThrow(RangeError);
    expect(() => mixToMono(new Int16Array(3), 0)).toThrow(RangeError);
  });
});

function readByteByByte(file: Uint8Array): void {
  const reader = new WavReader();
  for (const byte of file) reader.push(Uint8Array.of(byte));
  reader.flush();
}

function failureOf(act: () => unknown): unknown {
  try {
    act();
    return undefined;
  } catch (failure) {
    return failure;
  }
}

function text(characters: string): Uint8Array {
  return Uint8Array.from(characters, (character) => character.charCodeAt(0));
}
