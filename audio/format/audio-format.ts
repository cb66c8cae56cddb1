import { AudioError } from '../errors.js';

/** How one sample is written: `pcm16` is signed 16-bit little-endian, `mulaw` and `alaw` are the two companded bytes of ITU-T G.711. */
export type Encoding = 'pcm16' | 'mulaw' | 'alaw';

/**
 * What a run of audio bytes means. The rate is part of the type, so that audio at 8 kHz cannot be passed where 24 kHz is wanted;
 * `AudioFormat` without an argument is "some rate".
 */
export interface AudioFormat<Rate extends number = number> {
  readonly encoding: Encoding;
  /** Samples per second and channel, 1..384 000. */
  readonly sampleRate: Rate;
  /** Interleaved channels, 1..8. */
  readonly channels: number;
}

/** The realtime model's own format, and the internal form everywhere in voicewire. */
export const PCM16_24K: AudioFormat<24000> = Object.freeze({ encoding: 'pcm16', sampleRate: 24000, channels: 1 });
/** The telephone network's formats (ITU-T G.711). */
export const MULAW_8K: AudioFormat<8000> = Object.freeze({ encoding: 'mulaw', sampleRate: 8000, channels: 1 });
export const ALAW_8K: AudioFormat<8000> = Object.freeze({ encoding: 'alaw', sampleRate: 8000, channels: 1 });

/** Makes a checked format. Throws `AudioError` `FORMAT_INVALID` for a value outside its range. */
export function audioFormat<Rate extends number>(encoding: Encoding, sampleRate: Rate, channels = 1): AudioFormat<Rate> {
  if (encoding !== 'pcm16' && encoding !== 'mulaw' && encoding !== 'alaw') {
    throw new AudioError('FORMAT_INVALID', `Unknown encoding ${JSON.stringify(encoding)}; use 'pcm16', 'mulaw' or 'alaw'.`);
  }
  if (!Number.isInteger(sampleRate) || sampleRate < 1 || sampleRate > 384_000) {
    throw new AudioError('FORMAT_INVALID', `The sample rate must be a whole number from 1 to 384000, not ${sampleRate}.`);
  }
  if (!Number.isInteger(channels) || channels < 1 || channels > 8) {
    throw new AudioError('FORMAT_INVALID', `The channel count must be a whole number from 1 to 8, not ${channels}.`);
  }
  return Object.freeze({ encoding, sampleRate, channels });
}

/** Bytes of one sample of one channel. */
export function bytesPerSample(format: AudioFormat): 1 | 2 {
  return format.encoding === 'pcm16' ? 2 : 1;
}

/** Whole samples per channel in `bytes` bytes; a partial sample at the end does not count. */
export function bytesToSamples(format: AudioFormat, bytes: number): number {
  return Math.floor(bytes / (bytesPerSample(format) * format.channels));
}

/** Bytes that `samplesPerChannel` samples take, all channels together. */
export function samplesToBytes(format: AudioFormat, samplesPerChannel: number): number {
  return samplesPerChannel * bytesPerSample(format) * format.channels;
}

/** Length in ms, not rounded: 1 sample at 24 kHz is 0.0416… ms. */
export function samplesToMs(format: AudioFormat, samplesPerChannel: number): number {
  return (samplesPerChannel * 1000) / format.sampleRate;
}

/** Samples per channel in `ms` milliseconds, rounded down. */
export function msToSamples(format: AudioFormat, ms: number): number {
  return Math.floor((ms * format.sampleRate) / 1000 + 1e-6);
}

/** Length of `bytes` bytes in ms, not rounded; a partial sample at the end does not count. */
export function bytesToMs(format: AudioFormat, bytes: number): number {
  return samplesToMs(format, bytesToSamples(format, bytes));
}

/** Bytes of `ms` milliseconds, rounded down to whole samples of all channels. */
export function msToBytes(format: AudioFormat, ms: number): number {
  return samplesToBytes(format, msToSamples(format, ms));
}

/** Whether two formats mean the same bytes. */
export function sameFormat(a: AudioFormat, b: AudioFormat): boolean {
  return a.encoding === b.encoding && a.sampleRate === b.sampleRate && a.channels === b.channels;
}
