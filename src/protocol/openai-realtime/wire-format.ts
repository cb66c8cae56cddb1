import { ALAW_8K, MULAW_8K, PCM16_24K, audioFormat, sameFormat } from '../../../audio/index.js';
import type { AudioFormat } from '../../../audio/index.js';
import { isObject } from './wire-fields.js';

/** The beta's names. Its `pcm16` does not say the rate, which is always 24 kHz. */
const BETA_FORMATS = new Map<unknown, AudioFormat>([
  ['pcm16', PCM16_24K],
  ['g711_ulaw', MULAW_8K],
  ['g711_alaw', ALAW_8K],
]);

/** Reads an audio format of either dialect; `undefined` when it is not one that we know. */
export function readFormat(value: unknown): AudioFormat | undefined {
  if (!isObject(value)) return BETA_FORMATS.get(value);
  const { type, rate = 24_000 } = value;
  if (type === 'audio/pcmu') return MULAW_8K;
  if (type === 'audio/pcma') return ALAW_8K;
  if (type !== 'audio/pcm' || typeof rate !== 'number' || !Number.isInteger(rate) || rate < 1 || rate > 384_000) return undefined;
  return rate === 24_000 ? PCM16_24K : audioFormat('pcm16', rate);
}

/** Writes an audio format. Throws `RangeError` for one that the protocol has no word for: more than one channel, G.711 at other than 8 kHz. */
export function writeFormat(format: AudioFormat): object {
  if (format.encoding === 'pcm16' && format.channels === 1) return { type: 'audio/pcm', rate: format.sampleRate };
  if (sameFormat(format, MULAW_8K)) return { type: 'audio/pcmu' };
  if (sameFormat(format, ALAW_8K)) return { type: 'audio/pcma' };
  throw new RangeError(`The realtime protocol has no ${format.encoding} at ${format.sampleRate} Hz with ${format.channels} channel(s); use mono PCM16, or G.711 at 8000 Hz.`);
}
