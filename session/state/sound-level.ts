import { decodeAlaw, decodeMulaw } from '../../audio/index.js';
import type { AudioFormat } from '../../audio/index.js';

/** Enough samples for a level: every eighth of 24 kHz, every fourth of 8 kHz; 40 to 60 of a chunk of 20 ms. */
const PCM_STRIDE = 8;
const G711_STRIDE = 4;
const NOTHING_DB = -100;

/** How much the sound moves, in dB of full scale: a constant has no level. */
export function levelOf(format: AudioFormat, bytes: Uint8Array): number {
  if (format.encoding !== 'pcm16') return levelOfSamples(g711Samples(format.encoding, bytes));
  const step = 2 * PCM_STRIDE * format.channels;
  let [sum, squares, count] = [0, 0, 0];
  for (let index = 0; index + 1 < bytes.length; index += step) {
    const sample = (((bytes[index] ?? 0) | ((bytes[index + 1] ?? 0) << 8)) << 16) >> 16;
    sum += sample;
    squares += sample * sample;
    count += 1;
  }
  return inDb(sum, squares, count);
}

function g711Samples(encoding: 'mulaw' | 'alaw', bytes: Uint8Array): Int16Array {
  const picked = new Uint8Array(Math.ceil(bytes.length / G711_STRIDE));
  for (let index = 0; index < picked.length; index += 1) picked[index] = bytes[index * G711_STRIDE] ?? 0;
  return encoding === 'mulaw' ? decodeMulaw(picked) : decodeAlaw(picked);
}

function levelOfSamples(samples: Int16Array): number {
  let [sum, squares] = [0, 0];
  for (const sample of samples) {
    sum += sample;
    squares += sample * sample;
  }
  return inDb(sum, squares, samples.length);
}

function inDb(sum: number, squares: number, count: number): number {
  const power = count === 0 ? 0 : squares / count - (sum / count) ** 2;
  return power <= 0 ? NOTHING_DB : 10 * Math.log10(power / 32768 ** 2);
}
