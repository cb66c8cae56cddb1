import { describe, expect, it } from 'vitest';
import { ALAW_SILENCE, MULAW_SILENCE, decodeAlaw, decodeMulaw, encodeAlaw, encodeMulaw } from '../../../audio/index.js';

/** What the code 0x00..0xFF means, ITU-T G.711 tables 1 and 2, scaled to 16 bits: the same in every decoder. */
const MULAW_VALUES = [
  -32124, -31100, -30076, -29052, -28028, -27004, -25980, -24956, -23932, -22908, -21884, -20860, -19836, -18812, -17788, -16764,
  -15996, -15484, -14972, -14460, -13948, -13436, -12924, -12412, -11900, -11388, -10876, -10364, -9852, -9340, -8828, -8316,
  -7932, -7676, -7420, -7164, -6908, -6652, -6396, -6140, -5884, -5628, -5372, -5116, -4860, -4604, -4348, -4092,
  -3900, -3772, -3644, -3516, -3388, -3260, -3132, -3004, -2876, -2748, -2620, -2492, -2364, -2236, -2108, -1980,
  -1884, -1820, -1756, -1692, -1628, -1564, -1500, -1436, -1372, -1308, -1244, -1180, -1116, -1052, -988, -924,
  -876, -844, -812, -780, -748, -716, -684, -652, -620, -588, -556, -524, -492, -460, -428, -396,
  -372, -356, -340, -324, -308, -292, -276, -260, -244, -228, -212, -196, -180, -164, -148, -132,
  -120, -112, -104, -96, -88, -80, -72, -64, -56, -48, -40, -32, -24, -16, -8, 0,
  32124, 31100, 30076, 29052, 28028, 27004, 25980, 24956, 23932, 22908, 21884, 20860, 19836, 18812, 17788, 16764,
  15996, 15484, 14972, 14460, 13948, 13436, 12924, 12412, 11900, 11388, 10876, 10364, 9852, 9340, 8828, 8316,
  7932, 7676, 7420, 7164, 6908, 6652, 6396, 6140, 5884, 5628, 5372, 5116, 4860, 4604, 4348, 4092,
  3900, 3772, 3644, 3516, 3388, 3260, 3132, 3004, 2876, 2748, 2620, 2492, 2364, 2236, 2108, 1980,
  1884, 1820, 1756, 1692, 1628, 1564, 1500, 1436, 1372, 1308, 1244, 1180, 1116, 1052, 988, 924,
  876, 844, 812, 780, 748, 716, 684, 652, 620, 588, 556, 524, 492, 460, 428, 396,
  372, 356, 340, 324, 308, 292, 276, 260, 244, 228, 212, 196, 180, 164, 148, 132,
  120, 112, 104, 96, 88, 80, 72, 64, 56, 48, 40, 32, 24, 16, 8, 0,
];
const ALAW_VALUES = [
  -5504, -5248, -6016, -5760, -4480, -4224, -4992, -4736, -7552, -7296, -8064, -7808, -6528, -6272, -7040, -6784,
  -2752, -2624, -3008, -2880, -2240, -2112, -2496, -2368, -3776, -3648, -4032, -3904, -3264, -3136, -3520, -3392,
  -22016, -20992, -24064, -23040, -17920, -16896, -19968, -18944, -30208, -29184, -32256, -31232, -26112, -25088, -28160, -27136,
  -11008, -10496, -12032, -11520, -8960, -8448, -9984, -9472, -15104, -14592, -16128, -15616, -13056, -12544, -14080, -13568,
  -344, -328, -376, -360, -280, -264, -312, -296, -472, -456, -504, -488, -408, -392, -440, -424,
  -88, -72, -120, -104, -24, -8, -56, -40, -216, -200, -248, -232, -152, -136, -184, -168,
  -1376, -1312, -1504, -1440, -1120, -1056, -1248, -1184, -1888, -1824, -2016, -1952, -1632, -1568, -1760, -1696,
  -688, -656, -752, -720, -560, -528, -624, -592, -944, -912, -1008, -976, -816, -784, -880, -848,
  5504, 5248, 6016, 5760, 4480, 4224, 4992, 4736, 7552, 7296, 8064, 7808, 6528, 6272, 7040, 6784,
  2752, 2624, 3008, 2880, 2240, 2112, 2496, 2368, 3776, 3648, 4032, 3904, 3264, 3136, 3520, 3392,
  22016, 20992, 24064, 23040, 17920, 16896, 19968, 18944, 30208, 29184, 32256, 31232, 26112, 25088, 28160, 27136,
  11008, 10496, 12032, 11520, 8960, 8448, 9984, 9472, 15104, 14592, 16128, 15616, 13056, 12544, 14080, 13568,
  344, 328, 376, 360, 280, 264, 312, 296, 472, 456, 504, 488, 408, 392, 440, 424,
  88, 72, 120, 104, 24, 8, 56, 40, 216, 200, 248, 232, 152, 136, 184, 168,
  1376, 1312, 1504, 1440, 1120, 1056, 1248, 1184, 1888, 1824, 2016, 1952, 1632, 1568, 1760, 1696,
  688, 656, 752, 720, 560, 528, 624, 592, 944, 912, 1008, 976, 816, 784, 880, 848,
];

const ALL_CODES = Uint8Array.from({ length: 256 }, (_, code) => code);
const ALL_SAMPLES = Int16Array.from({ length: 65536 }, (_, i) => i - 32768);

/** CRC-32 (IEEE 802.3). */
function crc32(bytes: Uint8Array): string {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, '0');
}

/** How many quantizer steps the code chosen for each sample lies from the nearest value there is. */
function stepsFromNearest(encode: (samples: Int16Array) => Uint8Array, values: readonly number[]): number {
  const sorted = [...new Set(values)].sort((a, b) => a - b);
  const codes = encode(ALL_SAMPLES);
  let worst = 0;
  let nearest = 0;
  for (let i = 0; i < ALL_SAMPLES.length; i++) {
    const sample = ALL_SAMPLES[i] ?? 0;
    while (nearest + 1 < sorted.length && Math.abs((sorted[nearest + 1] ?? 0) - sample) < Math.abs((sorted[nearest] ?? 0) - sample)) nearest++;
    worst = Math.max(worst, Math.abs(sorted.indexOf(values[codes[i] ?? 0] ?? 0) - nearest));
  }
  return worst;
}

describe.each([
  { name: 'µ-law', encode: encodeMulaw, decode: decodeMulaw, values: MULAW_VALUES, silence: MULAW_SILENCE, checksum: 'eb8edaa8', lost: [0x7f] },
  { name: 'A-law', encode: encodeAlaw, decode: decodeAlaw, values: ALAW_VALUES, silence: ALAW_SILENCE, checksum: '9133796e', lost: [] },
])('$name', ({ encode, decode, values, silence, checksum, lost }) => {
  it('decodes all 256 codes as every other tool does', () => {
    expect([...decode(ALL_CODES)]).toEqual(values);
  });

  it('encodes all 65536 samples to the codes of its reference encoder', () => {
    expect(crc32(encode(ALL_SAMPLES))).toBe(checksum);
  });

  it('never strays more than a step from the nearest value', () => {
    expect(stepsFromNearest(encode, values)).toBeLessThanOrEqual(1);
  });

  it('decodes, encodes and decodes to the same value', () => {
    const once = decode(ALL_CODES);
    expect(decode(encode(once))).toEqual(once);
  });

  it('gives every code back but the negative zero', () => {
    const back = encode(decode(ALL_CODES));
    expect([...ALL_CODES].filter((code) => back[code] !== code)).toEqual(lost);
  });

  it('encodes silence as its silence byte', () => {
    expect([...encode(new Int16Array(2))]).toEqual([silence, silence]);
  });

  it('keeps order: a louder sample never gets a smaller value', () => {
    const decoded = decode(encode(ALL_SAMPLES));
    const falls = ALL_SAMPLES.filter((_, i) => i > 0 && (decoded[i] ?? 0) < (decoded[i - 1] ?? 0));
    expect([...falls]).toEqual([]);
  });
});
