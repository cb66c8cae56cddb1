/**
 * Sound that is no speech: a buzz that goes on and on, or nothing at all. Speech moves, from word to word and from breath to breath; a level that
 * stays the same for seconds is a fault of whoever makes the sound.
 *
 * Cheap enough for every piece of audio: one sample in 47 is looked at, or in 17 of the telephone's (primes, so that no tone hides between the looks), about ten in 20 ms.
 * Time is counted in samples. Plain data; short pieces and long ones give nearly the same.
 */
import { decodeAlawByte, decodeMulawByte } from '../codec/g711.js';
import { bytesPerSample, bytesToSamples } from '../format/audio-format.js';
import type { AudioFormat } from '../format/audio-format.js';

/** What has been seen of a stream so far. Plain data, changed in place. */
export interface SteadySound {
  /** Of the window that is being filled: samples that have passed, and what was looked at. */
  samples: number;
  looks: number;
  sum: number;
  squares: number;
  /** Samples of the windows in a row whose levels lie within {@link SAME_LEVEL} of each other, and the least and the greatest of these. */
  same: number;
  least: number;
  greatest: number;
  /** Samples of the windows in a row without sound. */
  silent: number;
}

const STRIDE = 47;
const TELEPHONE_STRIDE = 17;
const TELEPHONE_RATE = 8_000;
/** A window ends with the piece of audio in which it is full, and may be longer by that. */
const WINDOW_MS = 250;
/** A ratio of powers: 3 dB. The levels of speech lie further apart within two windows or three. */
const SAME_LEVEL = 2;
/** The longest run of speech at one level that was found, in synthetic voices, is 4.5 s. */
const STEADY_MS = 10_000;
/** Longer than anybody pauses who waits for a number to be written down. */
const SILENT_MS = 8_000;
/** -60 dB of full scale. */
const SILENCE = 32_768 ** 2 * 1e-6;

/** The watch of a stream that begins. */
export function createSteadySound(): SteadySound {
  return { samples: 0, looks: 0, sum: 0, squares: 0, same: 0, least: 0, greatest: 0, silent: 0 };
}

/** Looks at a piece of audio. Tells once for each run: `steady` after 10 s of the same level, `silent` after 8 s in which nothing moves. */
export function watchSteadySound(sound: SteadySound, format: AudioFormat, bytes: Uint8Array): 'steady' | 'silent' | undefined {
  const step = (format.sampleRate <= TELEPHONE_RATE ? TELEPHONE_STRIDE : STRIDE) * bytesPerSample(format) * format.channels;
  let { looks, sum, squares } = sound;
  for (let index = 0; index < bytes.length; index += step) {
    const sample = sampleAt(format, bytes, index);
    looks += 1;
    sum += sample;
    squares += sample * sample;
  }
  sound.looks = looks;
  sound.sum = sum;
  sound.squares = squares;
  sound.samples += bytesToSamples(format, bytes.length);
  if (sound.samples * 1000 < WINDOW_MS * format.sampleRate) return undefined;
  return endWindow(sound, format);
}

function endWindow(sound: SteadySound, { sampleRate }: AudioFormat): 'steady' | 'silent' | undefined {
  const { looks, sum, squares, samples } = sound;
  sound.samples = 0;
  sound.looks = 0;
  sound.sum = 0;
  sound.squares = 0;
  // A constant moves no loudspeaker.
  const power = squares / looks - (sum / looks) ** 2;
  if (power < SILENCE) {
    sound.same = 0;
    sound.silent += samples;
    return isReached(sound.silent, samples, SILENT_MS, sampleRate) ? 'silent' : undefined;
  }
  sound.silent = 0;
  const least = sound.same === 0 ? power : Math.min(sound.least, power);
  const greatest = sound.same === 0 ? power : Math.max(sound.greatest, power);
  const stays = greatest < least * SAME_LEVEL;
  sound.same = stays ? sound.same + samples : samples;
  sound.least = stays ? least : power;
  sound.greatest = stays ? greatest : power;
  return isReached(sound.same, samples, STEADY_MS, sampleRate) ? 'steady' : undefined;
}

/** Whether the last window has brought a run to its limit. */
function isReached(run: number, lastWindow: number, limitMs: number, sampleRate: number): boolean {
  const limit = (limitMs * sampleRate) / 1000;
  return run >= limit && run - lastWindow < limit;
}

function sampleAt({ encoding }: AudioFormat, bytes: Uint8Array, index: number): number {
  const first = bytes[index] ?? 0;
  if (encoding === 'pcm16') return ((first | ((bytes[index + 1] ?? 0) << 8)) << 16) >> 16;
  return encoding === 'mulaw' ? decodeMulawByte(first) : decodeAlawByte(first);
}
