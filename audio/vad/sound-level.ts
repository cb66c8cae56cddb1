import { decodeSamples } from '../codec/encoding.js';
import type { AudioFormat } from '../format/audio-format.js';

/** Enough samples for a level: every eighth of 24 kHz, every fourth of 8 kHz; 40 to 60 of a chunk of 20 ms. */
const PCM_STRIDE = 8;
const G711_STRIDE = 4;
/** What has no level at all. */
const NOTHING_DB = -100;

/** The power of all samples, in dB of full scale: the root mean square. -100 at the least. */
export function powerDb(format: AudioFormat, bytes: Uint8Array): number {
  const samples = decodeSamples(format.encoding, bytes);
  let squares = 0;
  for (const sample of samples) squares += sample * sample;
  return Math.max(NOTHING_DB, inDb(samples.length === 0 ? 0 : squares / samples.length));
}

/** How much the sound moves, in dB of full scale, by some of its samples: a constant has no level, which is -100. */
export function movementDb(format: AudioFormat, bytes: Uint8Array): number {
  let [sum, squares, count] = [0, 0, 0];
  if (format.encoding === 'pcm16') {
    const step = 2 * PCM_STRIDE * format.channels;
    for (let index = 0; index + 1 < bytes.length; index += step) {
      const sample = (((bytes[index] ?? 0) | ((bytes[index + 1] ?? 0) << 8)) << 16) >> 16;
      sum += sample;
      squares += sample * sample;
      count += 1;
    }
  } else {
    const picked = new Uint8Array(Math.ceil(bytes.length / G711_STRIDE));
    for (let index = 0; index < picked.length; index += 1) picked[index] = bytes[index * G711_STRIDE] ?? 0;
    for (const sample of decodeSamples(format.encoding, picked)) {
      sum += sample;
      squares += sample * sample;
    }
    count = picked.length;
  }
  return inDb(count === 0 ? 0 : squares / count - (sum / count) ** 2);
}

function inDb(meanSquare: number): number {
  return meanSquare <= 0 ? NOTHING_DB : 10 * Math.log10(meanSquare / 32768 ** 2);
}
