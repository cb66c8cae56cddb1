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
export { clipToInt16 } from './format/clip-to-int16.js';
export { ALAW_SILENCE, MULAW_SILENCE, silenceByte } from './format/silence.js';
export { Pcm16Assembler, floatToInt16, int16ToFloat, pcm16ToSamples, samplesToPcm16 } from './codec/pcm16.js';
export type { Pcm16Options } from './codec/pcm16.js';
export { decodeAlaw, decodeMulaw, encodeAlaw, encodeMulaw } from './codec/g711.js';
export { decodeSamples, encodeSamples } from './codec/encoding.js';
export { decodeImaAdpcm, encodeImaAdpcm } from './codec/ima-adpcm.js';
export { WavReader, decodeWav, encodeWav, mixToMono, wavHeader } from './codec/wav.js';
export type { DecodedWav, WavFormat } from './codec/wav.js';
export { parseWavHeader } from './codec/wav-header.js';
export type { WavEncoding, WavHeader } from './codec/wav-header.js';
export {
  audiblePart,
  completeEntry,
  createLedger,
  cut,
  heardSamples,
  isPlaying,
  ledgerEntry,
  openEntry,
  pauseLedger,
  receiveAndSend,
  reportHeard,
  resumeLedger,
  settleHeard,
  unheardMs,
} from './playout/playback-ledger.js';
export type { Cut, LedgerEntry, PlaybackLedger, PlaybackReport } from './playout/playback-ledger.js';
export { HeardSound } from './playout/heard-sound.js';
export type { HeardRun } from './playout/heard-sound.js';
export { steady } from './playout/steady-clock.js';
export type { Sighting, Stretch } from './playout/steady-clock.js';
export { Framer } from './framing/framer.js';
export type { FramerOptions } from './framing/framer.js';
export { resampleWhole } from './resample/resample-whole.js';
export { Resampler } from './resample/resampler.js';
export type { ResamplerOptions, ResamplerQuality } from './resample/resampler.js';
export { checkEncoding, createEncodingCheck } from './check/encoding-check.js';
export type { EncodingCheck, LikelyEncoding } from './check/encoding-check.js';
export { movementDb, powerDb } from './vad/sound-level.js';
export { createSteadySound, watchSteadySound } from './vad/steady-sound.js';
export type { SteadySound } from './vad/steady-sound.js';
export { EnergyVad } from './vad/energy-vad.js';
export type { EnergyVadOptions } from './vad/energy-vad.js';
export type { Vad, VadTransition } from './vad/vad.js';
export { passThrough } from './stage/audio-stage.js';
export type { AudioStage } from './stage/audio-stage.js';
export { chain } from './stage/chain.js';
export { mixStage } from './stage/mix-stage.js';
export { resampleStage } from './stage/resample-stage.js';
export { GainStage } from './stage/gain-stage.js';
export type { GainOptions } from './stage/gain-stage.js';
export { AutoLevel } from './stage/auto-level.js';
export type { AutoLevelOptions } from './stage/auto-level.js';
export { noNoiseReduction, noiseReductionStage } from './stage/noise-reduction.js';
export type { NoiseReducer } from './stage/noise-reduction.js';
export { audioEncoder, wavEncoder } from './stage/audio-encoder.js';
export type { AudioEncoder, EncoderOptions } from './stage/audio-encoder.js';
export { loadOpus } from './codec/opus.js';
export type { LoadOpusOptions, OpusPackage } from './codec/opus.js';
export type { OpusCodec, OpusDecoder, OpusDecoderOptions, OpusEncoder, OpusEncoderOptions, OpusSampleRate } from './codec/opus-codec.js';
export { parseOpusPacket, parseOpusToc } from './codec/opus-packet.js';
export type { OpusPacketInfo, OpusToc } from './codec/opus-packet.js';
export { OpusIn, opusIn } from './stage/opus-in.js';
export type { OpusArrival, OpusInCounts, OpusInOptions } from './stage/opus-in.js';
export { OpusOut, opusOut } from './stage/opus-out.js';
export type { OpusOutOptions } from './stage/opus-out.js';
