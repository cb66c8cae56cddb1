/**
 * IMA ADPCM (the DVI4 of RFC 3551, section 4.5.1, without its headers): four bits a sample, each the step from what the last ones foretell. A quarter
 * of PCM16 at telephone quality, for sound that is to be small and is decoded with a few lines.
 *
 *     byte   second sample (4 bits) | first sample (4 bits)
 *     code   S M M M     sign, and how many quarters of the step, rounded up by half a quarter
 *
 * Coder and decoder begin with a prediction of 0 and the smallest step, so a run of samples needs nothing that stood before it.
 */

const STEP_CHANGES = [-1, -1, -1, -1, 2, 4, 6, 8];
const LAST_STEP = 88;

/** Each step a tenth more than the last: 7, 8, 9, … 32767. */
const STEPS = [
  7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 19, 21, 23, 25, 28, 31, 34, 37, 41, 45, 50, 55, 60, 66, 73, 80, 88, 97, 107, 118, 130, 143, 157, 173, 190, 209, 230, 253, 279, 307, 337, 371, 408, 449, 494, 544, 598, 658,
  724, 796, 876, 963, 1060, 1166, 1282, 1411, 1552, 1707, 1878, 2066, 2272, 2499, 2749, 3024, 3327, 3660, 4026, 4428, 4871, 5358, 5894, 6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500,
  20350, 22385, 24623, 27086, 29794, 32767,
];

/** Encodes samples, two in a byte; the last byte of an odd number is half empty. The result is new memory. */
export function encodeImaAdpcm(samples: Int16Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(samples.length / 2));
  let [predicted, index] = [0, 0];
  for (let i = 0; i < samples.length; i++) {
    const step = STEPS[index] ?? 7;
    let difference = (samples[i] ?? 0) - predicted;
    let code = 0;
    if (difference < 0) {
      code = 8;
      difference = -difference;
    }
    for (let bit = 4, part = step; bit > 0; bit >>= 1, part >>= 1) {
      if (difference < part) continue;
      code |= bit;
      difference -= part;
    }
    predicted = next(predicted, step, code);
    index = nextIndex(index, code);
    bytes[i >> 1] = (bytes[i >> 1] ?? 0) | (code << ((i & 1) * 4));
  }
  return bytes;
}

/** Decodes the first `samples` samples of `bytes`; what is not there is silence. The result is new memory. */
export function decodeImaAdpcm(bytes: Uint8Array, samples = bytes.length * 2): Int16Array {
  const decoded = new Int16Array(samples);
  let [predicted, index] = [0, 0];
  for (let i = 0; i < Math.min(samples, bytes.length * 2); i++) {
    const code = ((bytes[i >> 1] ?? 0) >> ((i & 1) * 4)) & 15;
    predicted = next(predicted, STEPS[index] ?? 7, code);
    index = nextIndex(index, code);
    decoded[i] = predicted;
  }
  return decoded;
}

function next(predicted: number, step: number, code: number): number {
  const change = (step >> 3) + (code & 1 ? step >> 2 : 0) + (code & 2 ? step >> 1 : 0) + (code & 4 ? step : 0);
  return Math.max(-32768, Math.min(32767, code & 8 ? predicted - change : predicted + change));
}

function nextIndex(index: number, code: number): number {
  return Math.max(0, Math.min(LAST_STEP, index + (STEP_CHANGES[code & 7] ?? 0)));
}
