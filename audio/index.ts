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
export { Pcm16Assembler, clipToInt16, floatToInt16, int16ToFloat, pcm16ToSamples, samplesToPcm16 } from './codec/pcm16.js';
export type { Pcm16Options } from './codec/pcm16.js';
export { ALAW_SILENCE, MULAW_SILENCE, decodeAlaw, decodeMulaw, encodeAlaw, encodeMulaw } from './codec/g711.js';
export { WavReader, decodeWav, encodeWav, mixToMono, wavHeader } from './codec/wav.js';
export type { DecodedWav, WavFormat } from './codec/wav.js';
export { parseWavHeader } from './codec/wav-header.js';
export type { WavEncoding, WavHeader } from './codec/wav-header.js';
export {
  completeEntry,
  createLedger,
  cut,
  heardSamples,
  isPlaying,
  ledgerEntry,
  openEntry,
  receiveAndSend,
  reportHeard,
  settleHeard,
} from './playout/playback-ledger.js';
export type { Cut, LedgerEntry, PlaybackLedger, PlaybackReport } from './playout/playback-ledger.js';
