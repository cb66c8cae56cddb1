import { mayCutBefore, nextSentenceEnd } from './sentence-scan.js';
import type { SentenceScan, TextRest } from './sentence-scan.js';

/** Lengths count UTF-16 units, white space included; in the two minima a wide character (an ideograph, kana, Hangul) counts for two. */
export interface SentenceSplitterOptions {
  /** A sentence shorter than this is joined with the next: "Yes." alone sounds clipped. Default 16. */
  readonly minCharacters?: number;
  /** The same for the first sentence, which somebody waits for. Default 2. At most `minCharacters`. */
  readonly firstMinCharacters?: number;
  /** A sentence longer than this is cut at the best place before; no more than this is ever held. Default 300, at least 8. */
  readonly maxCharacters?: number;
}

/**
 * Cuts text that streams from a model into sentences, each given as soon as the character that decides has come. Joined, they are the text as it came:
 * white space stays with the sentence before it. How the text is cut into pieces never matters. Nothing is cut within numbers, abbreviations,
 * addresses, spans and blocks of code, nor within a character that people see as one. Where a full stop may be either, the sentence goes on.
 */
export class SentenceSplitter {
  readonly #min: number;
  readonly #firstMin: number;
  readonly #max: number;
  /** What is not decided yet; begins with the sentence that is next. */
  #held = '';
  readonly #scan: SentenceScan = { at: 0, from: 0, fence: undefined };
  /** The block of code that what is held begins in. */
  #fence: string | undefined;
  /** The last end of a sentence that was too short to stand alone, or 0. */
  #shortEnd = 0;
  #first = true;

  /** Throws `RangeError` for lengths that are no whole numbers or contradict each other. */
  constructor(options: SentenceSplitterOptions = {}) {
    const { minCharacters = 16, maxCharacters = 300 } = options;
    const { firstMinCharacters = Math.min(2, minCharacters) } = options;
    if (![firstMinCharacters, minCharacters, maxCharacters].every(Number.isInteger) || firstMinCharacters < 0 || minCharacters < firstMinCharacters) {
      throw new RangeError(`minCharacters must be a whole number and firstMinCharacters one up to it, not ${minCharacters} and ${firstMinCharacters}.`);
    }
    if (maxCharacters < 8 || maxCharacters < minCharacters) {
      throw new RangeError(`maxCharacters must be at least 8 and at least minCharacters, not ${maxCharacters}.`);
    }
    this.#min = minCharacters;
    this.#firstMin = firstMinCharacters;
    this.#max = maxCharacters;
  }

  /** Characters that wait for their sentence to end, at most `maxCharacters`. */
  get heldCharacters(): number {
    return this.#held.length;
  }

  /** The sentences that are complete now, maybe none. */
  push(text: string): readonly string[] {
    return this.#take(text, 'more');
  }

  /** The text has ended: what was held, in sentences. The splitter can be used again. */
  end(): readonly string[] {
    const pieces = this.#take('', 'ended');
    if (this.#held !== '') pieces.push(this.#held);
    this.#held = '';
    this.#begin(undefined);
    this.#first = true;
    return pieces;
  }

  #take(text: string, rest: 'more' | 'ended'): string[] {
    const all = this.#held + text;
    const pieces: string[] = [];
    let from = 0;
    for (;;) {
      // One character beyond the longest sentence is looked at, so that a cut there splits nothing; what lies beyond that never decides.
      const full = all.length - from > this.#max;
      const window = all.slice(from, full ? from + this.#max + 1 : all.length);
      const cut = this.#sentenceEnd(window, full ? 'full' : rest) ?? (full ? this.#bestCut(window) : undefined);
      if (cut === undefined) break;
      const piece = window.slice(0, cut);
      pieces.push(piece);
      from += cut;
      this.#first = false;
      this.#begin(openFence(piece, this.#fence));
    }
    this.#held = all.slice(from);
    return pieces;
  }

  /** What is held begins anew, maybe within a block of code. */
  #begin(fence: string | undefined): void {
    Object.assign(this.#scan, { at: 0, from: 0, fence } satisfies SentenceScan);
    this.#fence = fence;
    this.#shortEnd = 0;
  }

  #sentenceEnd(window: string, rest: TextRest): number | undefined {
    for (;;) {
      const end = nextSentenceEnd(window, this.#scan, rest);
      if (end === undefined || isAsLongAs(window.slice(0, end).trim(), this.#first ? this.#firstMin : this.#min)) return end;
      this.#shortEnd = end;
    }
  }

  /** Where a sentence without an end is cut: after a short sentence, a line of code, a clause, a word, or at least a whole character. */
  #bestCut(window: string): number {
    if (this.#shortEnd > 0) return this.#shortEnd;
    if (this.#scan.fence !== undefined) return lastCut(window, LINE_END, 1) || lastWholeCharacter(window);
    return lastCut(window, CLAUSE_END, this.#max / 2) || lastCut(window, WORD_END, 1) || lastWholeCharacter(window);
  }
}

/** Clause marks with white space behind them, dashes between spaces, and the wide clause marks. */
const CLAUSE_END = /[,;:،؛](?=\s)\s*|\s[-–—]\s+|[、，；：]\s*/gu;
const WORD_END = /\s+/gu;
const LINE_END = /\n/g;
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/gu;

/** The last place behind a match where a cut splits no character, from `least` on; 0 when there is none. White space alone is no piece. */
function lastCut(window: string, pattern: RegExp, least: number): number {
  const blank = window.length - window.trimStart().length;
  let last = 0;
  for (const { 0: match, index } of window.matchAll(pattern)) {
    const place = index + match.length;
    if (place >= least && place > blank && place < window.length && mayCutBefore(window, place)) last = place;
  }
  return last;
}

/** Where the last character begins that is not known to be whole. A character longer than the whole window is cut between code points. */
function lastWholeCharacter(window: string): number {
  // What half a pair begins may belong to the character before it.
  const halfPair = (window.charCodeAt(window.length - 1) & 0xfc00) === 0xd800;
  const known = halfPair ? window.slice(0, -1) : window;
  let last = 0;
  for (const { index } of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(known)) last = index;
  if (last > 0) return last;
  return (window.charCodeAt(window.length - 1) & 0xfc00) === 0xdc00 ? window.length - 2 : window.length - 1;
}

function isAsLongAs(sentence: string, min: number): boolean {
  return sentence.length >= min || sentence.length + (sentence.match(WIDE)?.length ?? 0) >= min;
}

/** The block of code that is still open behind a piece. */
function openFence(piece: string, fence: string | undefined): string | undefined {
  if (fence === undefined && !/```|~~~/.test(piece)) return undefined;
  const scan: SentenceScan = { at: 0, from: 0, fence };
  while (nextSentenceEnd(piece, scan, 'full') !== undefined);
  return scan.fence;
}
