/** WAV files of every shape, put together byte by byte and without the code under test. */

export interface FmtOptions {
  readonly channels?: number;
  readonly sampleRate?: number;
  readonly blockAlign?: number;
  /** Bytes after the 16 that every fmt chunk has. */
  readonly extra?: number;
}

export const chunk = Object.assign((id: string, body: Uint8Array, size?: number) => makeChunk(id, body, size, false), {
  bigEndian: (id: string, body: Uint8Array) => makeChunk(id, body, undefined, true),
});

export const fmt = Object.assign((tag: number, bits: number, options: FmtOptions = {}) => makeFmt(tag, bits, options, false), {
  bigEndian: (tag: number, bits: number) => makeFmt(tag, bits, {}, true),
});

export const riff = Object.assign((...chunks: Uint8Array[]) => makeRiff('RIFF', chunks, false), {
  bigEndian: (...chunks: Uint8Array[]) => makeRiff('RIFX', chunks, true),
  rf64: (format: Uint8Array, data: Uint8Array) => {
    const sizes = new DataView(new ArrayBuffer(28));
    sizes.setBigUint64(8, BigInt(data.length), true);
    const tags = chunk('LIST', new Uint8Array(10).fill(9));
    return makeRiff('RF64', [chunk('ds64', new Uint8Array(sizes.buffer)), format, chunk('data', data, 0xffffffff), tags], false);
  },
});

export function buildWav(format: Uint8Array, data: Uint8Array, announced?: number): Uint8Array {
  return riff(format, chunk('data', data, announced));
}

/** WAVEFORMATEXTENSIBLE with two channels at 16 kHz; `rest` is a byte within the GUID that differs for foreign formats. */
export function extensible(tag: number, bits: number, rest = 0): Uint8Array {
  const guid = [tag & 0xff, tag >> 8, 0, 0, rest, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
  const plain = fmt(0xfffe, bits).subarray(8);
  return chunk('fmt ', Uint8Array.of(...plain, 22, 0, bits, 0, 3, 0, 0, 0, ...guid));
}

/** Samples as integers of 1 (unsigned), 2, 3 or 4 bytes, the lower ones 0. */
export function integerBytes(samples: Int16Array, width: 1 | 2 | 3 | 4, bigEndian = false): Uint8Array {
  const bytes: number[] = [];
  for (const sample of samples) {
    const own = width === 1 ? [((sample >> 8) + 128) & 0xff] : [...new Array<number>(width - 2).fill(0), sample & 0xff, (sample >> 8) & 0xff];
    bytes.push(...(bigEndian ? own.reverse() : own));
  }
  return Uint8Array.from(bytes);
}

export function floatBytes(samples: Int16Array, width: 4 | 8): Uint8Array {
  const view = new DataView(new ArrayBuffer(samples.length * width));
  samples.forEach((sample, i) => {
    if (width === 4) view.setFloat32(i * 4, sample / 32768, true);
    else view.setFloat64(i * 8, sample / 32768, true);
  });
  return new Uint8Array(view.buffer);
}

function makeChunk(id: string, body: Uint8Array, size: number | undefined, bigEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(8 + body.length + (body.length % 2));
  for (let i = 0; i < 4; i++) bytes[i] = id.charCodeAt(i);
  new DataView(bytes.buffer).setUint32(4, size ?? body.length, !bigEndian);
  bytes.set(body, 8);
  return bytes;
}

function makeFmt(tag: number, bits: number, options: FmtOptions, bigEndian: boolean): Uint8Array {
  const { channels = 2, sampleRate = 16000, blockAlign = channels * Math.ceil(bits / 8), extra = 0 } = options;
  const view = new DataView(new ArrayBuffer(16 + extra));
  view.setUint16(0, tag, !bigEndian);
  view.setUint16(2, channels, !bigEndian);
  view.setUint32(4, sampleRate, !bigEndian);
  view.setUint32(8, sampleRate * blockAlign, !bigEndian);
  view.setUint16(12, blockAlign, !bigEndian);
  view.setUint16(14, bits, !bigEndian);
  return makeChunk('fmt ', new Uint8Array(view.buffer), undefined, bigEndian);
}

function makeRiff(id: string, chunks: readonly Uint8Array[], bigEndian: boolean): Uint8Array {
  const body = Uint8Array.from(['W', 'A', 'V', 'E'].map((c) => c.charCodeAt(0)).concat(...chunks.map((bytes) => [...bytes])));
  return makeChunk(id, body, undefined, bigEndian);
}
