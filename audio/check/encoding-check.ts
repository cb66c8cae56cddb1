/**
 * Finds out from the first bytes of a stream whether they are what they were declared to be. G.711 that is played as PCM16, or PCM16 as G.711, is a
 * roar that no error tells of; so is PCM16 with its bytes in the other order.
 *
 * Two things tell encodings apart. A stream with two bytes a sample has two kinds of bytes, in turn: low ones, which are spread evenly, and high
 * ones, most of which are near zero; a stream with one byte a sample has one kind. And sound that is decoded rightly moves on from where it was,
 * which noise made by a wrong decoding does not. Both must speak against the declared encoding and for another one; where they do not (silence,
 * white noise at full scale), nothing is said.
 *
 * Plain data: a check can be kept in a state that is copied.
 */
import { decodeAlaw, decodeMulaw } from '../codec/g711.js';
import { pcm16ToSamples } from '../codec/pcm16.js';
import type { Encoding } from '../format/audio-format.js';

/** `pcm16_swapped`: the high byte first, or cut in the middle of a sample. */
export type LikelyEncoding = Encoding | 'pcm16_swapped';

/** What has been seen of a stream so far. Plain data, changed in place. */
export interface EncodingCheck {
  readonly declared: Encoding;
  /** What is looked at together; bytes of silence are left out. Made when the first bytes come: a stream that has not begun costs nothing. */
  window: Uint8Array | undefined;
  filled: number;
  /** Where in the window the block that is being filled begins. */
  blockAt: number;
  /** How many more windows are looked at before the declaration is believed. */
  windowsLeft: number;
}

/** 80 ms of G.711, 13 ms of PCM16 at 24 kHz: a swapped encoding has two chances within 200 ms, and there are enough bytes to be counted. */
const WINDOW_BYTES = 640;
/** After so many windows with sound in them, 200 ms of PCM16 at 24 kHz, the declaration is believed. */
const WINDOWS = 15;
/** Silence is left out in blocks of this length; an even number, so that low bytes stay low bytes. */
const BLOCK_BYTES = 160;

/** The check of a stream that begins. */
export function createEncodingCheck(declared: Encoding): EncodingCheck {
  return { declared, window: undefined, filled: 0, blockAt: 0, windowsLeft: WINDOWS };
}

/**
 * Takes the next bytes of the stream, cut anywhere (borrowed until the call returns). Returns what they seem to be when it is not what was declared,
 * `'as_declared'` when enough has been heard, and nothing while more is needed. What comes after a verdict is not looked at.
 */
export function checkEncoding(check: EncodingCheck, bytes: Uint8Array): LikelyEncoding | 'as_declared' | undefined {
  const window = (check.window ??= new Uint8Array(WINDOW_BYTES));
  for (let at = 0; at < bytes.length && check.windowsLeft > 0; ) {
    const length = Math.min(bytes.length - at, check.blockAt + BLOCK_BYTES - check.filled);
    window.set(bytes.subarray(at, at + length), check.filled);
    check.filled += length;
    at += length;
    if (check.filled < check.blockAt + BLOCK_BYTES) return undefined;
    if (isStill(window.subarray(check.blockAt, check.filled))) check.filled = check.blockAt;
    check.blockAt = check.filled;
    if (check.filled < WINDOW_BYTES) continue;
    check.filled = 0;
    check.blockAt = 0;
    check.windowsLeft -= 1;
    const likely = likelyEncoding(check.declared, window);
    if (likely !== check.declared) {
      check.windowsLeft = 0;
      return likely;
    }
  }
  return check.windowsLeft === 0 ? 'as_declared' : undefined;
}

/** Silence and a held value say nothing: most of their bytes are the same. */
function isStill(block: Uint8Array): boolean {
  let changes = 0;
  for (let index = 2; index < block.length; index += 1) if (block[index] !== block[index - 2]) changes += 1;
  return changes < block.length / 4;
}

// ---- one window ----

/** Low and high bytes differ by at least that when a sample has two bytes, and by less than the other when it has one. Shares of all bytes. */
const TWO_KINDS = 0.3;
const ONE_KIND = 0.16;
/** Spread evenly but for chance, and surely not. */
const EVEN = 0.2;
const UNEVEN = 0.2;
const SURELY_UNEVEN = 0.45;
/** Sound goes as far up as down: G.711 has about as many bytes with the sign bit as without, segment by segment. */
const LOPSIDED = 0.5;
/** Each sample like the one before, as in speech; a tone of 3400 Hz in G.711 that is read as PCM16 is less like that. */
const SMOOTH = 0.5;
const VERY_SMOOTH = 0.8;
/** G.711 read as PCM16 is never softer, whatever it holds: its quietest bytes are the ends of the range. In full scale squared. */
const G711_AS_PCM16 = 0.06;

/** What 640 bytes of sound (an even number, and not silence) seem to be; `declared` unless enough speaks against it. */
function likelyEncoding(declared: Encoding, bytes: Uint8Array): LikelyEncoding {
  return declared === 'pcm16' ? notPcm16(bytes) : notG711(declared, bytes);
}

function notPcm16(bytes: Uint8Array): LikelyEncoding {
  const { kinds, lowUneven, highUneven, uneven, lopsided } = countBytes(bytes);
  const own = measure(pcm16ToSamples(bytes));
  if (kinds < ONE_KIND && uneven > UNEVEN && lopsided < LOPSIDED && own.power > G711_AS_PCM16) {
    const mulaw = measure(decodeMulaw(bytes)).smooth;
    const alaw = measure(decodeAlaw(bytes)).smooth;
    // Loud PCM16 noise is close to one kind of bytes, but no G.711: that is far from even, or smoother when it is decoded.
    if (uneven < SURELY_UNEVEN && Math.max(mulaw, alaw) < own.smooth + 0.05) return 'pcm16';
    return mulaw >= alaw ? 'mulaw' : 'alaw';
  }
  if (kinds < TWO_KINDS || highUneven > EVEN || lowUneven < TWO_KINDS) return 'pcm16';
  const { smooth } = measure(swapped(bytes));
  return smooth > SMOOTH && smooth > own.smooth + 0.4 ? 'pcm16_swapped' : 'pcm16';
}

function notG711(declared: 'mulaw' | 'alaw', bytes: Uint8Array): LikelyEncoding {
  const { kinds, lowUneven, highUneven } = countBytes(bytes);
  if (kinds < TWO_KINDS) return declared;
  // A tone at a half or a quarter of the rate has two kinds of bytes as well, but neither is even.
  if (lowUneven < EVEN && highUneven > SURELY_UNEVEN) return 'pcm16';
  if (highUneven < EVEN && lowUneven > SURELY_UNEVEN) return 'pcm16_swapped';
  const own = measure(declared === 'mulaw' ? decodeMulaw(bytes) : decodeAlaw(bytes));
  for (const [likely, samples, even] of [['pcm16', pcm16ToSamples(bytes), lowUneven], ['pcm16_swapped', swapped(bytes), highUneven]] as const) {
    const { smooth, power } = measure(samples);
    if (smooth > own.smooth + 0.3 && (smooth > VERY_SMOOTH || (smooth > SMOOTH && (power < G711_AS_PCM16 || even < EVEN)))) return likely;
  }
  return declared;
}

/** How bytes at even and odd places are spread over the sixteen upper halves of a byte: how far apart both are, and how far from even. 0..1. */
function countBytes(bytes: Uint8Array): { kinds: number; lowUneven: number; highUneven: number; uneven: number; lopsided: number } {
  const counts = new Uint16Array(32);
  for (let index = 0; index < bytes.length; index += 1) {
    const place = ((index & 1) << 4) | ((bytes[index] ?? 0) >> 4);
    counts[place] = (counts[place] ?? 0) + 1;
  }
  const half = bytes.length / 2;
  let [kinds, lowUneven, highUneven, uneven, lopsided] = [0, 0, 0, 0, 0];
  for (let upper = 0; upper < 16; upper += 1) {
    const low = (counts[upper] ?? 0) / half;
    const high = (counts[16 + upper] ?? 0) / half;
    kinds += Math.abs(low - high) / 2;
    lowUneven += Math.abs(low - 1 / 16) / 2;
    highUneven += Math.abs(high - 1 / 16) / 2;
    uneven += Math.abs((low + high) / 2 - 1 / 16) / 2;
    const mirrored = ((counts[upper ^ 8] ?? 0) + (counts[16 + (upper ^ 8)] ?? 0)) / half;
    lopsided += Math.abs(low + high - mirrored) / 4;
  }
  return { kinds, lowUneven, highUneven, uneven, lopsided };
}

/** `smooth`: how much each sample is like the one before, -1..1 (0 for noise, and where nothing moves). `power`: without the constant part. */
function measure(samples: Int16Array): { smooth: number; power: number } {
  let mean = 0;
  for (const sample of samples) mean += sample;
  mean /= samples.length;
  let [energy, alike, before] = [0, 0, 0];
  for (const sample of samples) {
    const value = sample - mean;
    energy += value * value;
    alike += value * before;
    before = value;
  }
  return { smooth: energy === 0 ? 0 : alike / energy, power: energy / samples.length / 32768 ** 2 };
}

function swapped(bytes: Uint8Array): Int16Array {
  return pcm16ToSamples(bytes, { bigEndian: true });
}
