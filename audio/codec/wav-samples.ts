import { clipToInt16 } from '../format/clip-to-int16.js';
import { decodeAlaw, decodeMulaw } from './g711.js';
import { pcm16ToSamples } from './pcm16.js';
import { wavSampleBytes } from './wav-header.js';
import type { WavEncoding } from './wav-header.js';

/**
 * Turns the samples of a WAV file, of any encoding that is read, into PCM16: wider ones are rounded to the nearest value and clipped, 8-bit
 * ones (unsigned in WAV, and only these) are moved to the top byte. `bytes` must be whole samples. The result may share its memory.
 */
export function wavBytesToSamples(bytes: Uint8Array, encoding: WavEncoding, bigEndian: boolean): Int16Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.byteLength / wavSampleBytes(encoding);
  switch (encoding) {
    case 'pcm16':
      return pcm16ToSamples(bytes, { bigEndian });
    case 'mulaw':
      return decodeMulaw(bytes);
    case 'alaw':
      return decodeAlaw(bytes);
    case 'pcm8':
      return fill(count, (i) => (view.getUint8(i) - 128) * 256);
    case 'pcm24': {
      // Two bytes with the sign, and the lowest one at the other end.
      const upper = bigEndian ? 0 : 1;
      const lowest = bigEndian ? 2 : 0;
      return fill(count, (i) => clipToInt16(view.getInt16(i * 3 + upper, !bigEndian) + view.getUint8(i * 3 + lowest) / 256));
    }
    case 'pcm32':
      return fill(count, (i) => clipToInt16(view.getInt32(i * 4, !bigEndian) / 65536));
    case 'float32':
      return fill(count, (i) => clipToInt16(view.getFloat32(i * 4, !bigEndian) * 32768));
    case 'float64':
      return fill(count, (i) => clipToInt16(view.getFloat64(i * 8, !bigEndian) * 32768));
  }
}

function fill(count: number, sampleAt: (i: number) => number): Int16Array {
  const samples = new Int16Array(count);
  for (let i = 0; i < count; i++) samples[i] = sampleAt(i);
  return samples;
}
