export { AudioError } from './errors.js';
export type { AudioErrorCode } from './errors.js';
export {
  ALAW_8K,
  MULAW_8K,
  PCM16_24K,
  audioFormat,
  bytesPerSample,
  bytesToMs,
  bytesToSamples,
  msToBytes,
  msToSamples,
  sameFormat,
  samplesToBytes,
  samplesToMs,
} from './format/audio-format.js';
export type { AudioFormat, Encoding } from './format/audio-format.js';
