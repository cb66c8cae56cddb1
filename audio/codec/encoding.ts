import type { Encoding } from '../format/audio-format.js';
import { decodeAlaw, decodeMulaw, encodeAlaw, encodeMulaw } from './g711.js';
import { pcm16ToSamples, samplesToPcm16 } from './pcm16.js';

/** Bytes of any encoding as samples, channels interleaved as they were. Half a sample at the end is left out. The result may share the memory of `bytes`. */
export function decodeSamples(encoding: Encoding, bytes: Uint8Array): Int16Array {
  switch (encoding) {
    case 'mulaw':
      return decodeMulaw(bytes);
    case 'alaw':
      return decodeAlaw(bytes);
    case 'pcm16':
      return pcm16ToSamples(bytes.length % 2 === 0 ? bytes : bytes.subarray(0, bytes.length - 1));
  }
}

/** Samples as bytes of an encoding. The result may share the memory of `samples`. */
export function encodeSamples(encoding: Encoding, samples: Int16Array): Uint8Array {
  switch (encoding) {
    case 'mulaw':
      return encodeMulaw(samples);
    case 'alaw':
      return encodeAlaw(samples);
    case 'pcm16':
      return samplesToPcm16(samples);
  }
}
