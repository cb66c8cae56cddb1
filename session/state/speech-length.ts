/** The fastest voices say 20 letters a second, at the usual speed; 15 is usual. */
const FASTEST_PER_SECOND = 25;
const SLOWEST_PER_SECOND = 4;
/** A character of Chinese, Japanese or Korean is a syllable or a word, not a sound. */
const WIDE_LETTERS = 3;
/** A digit or a sign is said as a word: "€" or "7". */
const SIGN_SECONDS = 1;
/** Breaths, laughs and thought before and between the words. */
const PAUSES_MS = 10_000;

/** Between which lengths, in ms, a text can be spoken by any voice: wide, so that what lies outside is a fault. `speed`: 1 is the usual one. */
export function speechLength(text: string, speed = 1): { readonly leastMs: number; readonly mostMs: number } {
  const wide = count(text, /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}]/gu);
  const letters = count(text, /\p{L}/gu) + wide * (WIDE_LETTERS - 1);
  const signs = count(text, /[\p{N}\p{S}]/gu);
  return {
    leastMs: ((letters + signs) * 1000) / (FASTEST_PER_SECOND * speed),
    mostMs: (letters * 1000) / (SLOWEST_PER_SECOND * speed) + (signs * SIGN_SECONDS * 1000) / speed + PAUSES_MS,
  };
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
