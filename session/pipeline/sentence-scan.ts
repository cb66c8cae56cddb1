import { startsSentences, stopSense } from './sentence-words.js';

/** Where a scan of a text stands. Plain data, changed in place; indices count UTF-16 units of the text that the scan is given. */
export interface SentenceScan {
  /** What lies before is decided. */
  at: number;
  /** Where the present sentence begins. */
  from: number;
  /** The marks that opened a block of code, while one is open: nothing ends in it, and `at` is the start of a line. */
  fence: string | undefined;
}

/**
 * What is known of the text behind its last character: more may come, nothing comes (`ended`), or it is out of reach (`full`), and then what would
 * depend on it is no end of a sentence.
 */
export type TextRest = 'more' | 'ended' | 'full';

/** It depends on text that is not there. */
const UNKNOWN = -1;
const NO_END = 0;

/** A space ends the sentence of a script without stops once there is as much in front of it as is said in one breath. */
const BREATH_CHARACTERS = 30;
/** How far back the word before a stop is looked at. */
const WORD_LOOK_BACK = 32;

/**
 * Finds the end of the next sentence: the index of what follows its last white space, or `undefined`. What was found or passed over stays so whatever
 * text comes later: that is why it never matters how a text is cut into pieces. An end where the text ends is not found, since nothing follows.
 */
export function nextSentenceEnd(text: string, scan: SentenceScan, rest: TextRest): number | undefined {
  for (;;) {
    if (scan.fence !== undefined && !passFence(text, scan, scan.fence)) return undefined;
    CANDIDATE.lastIndex = scan.at;
    const found = CANDIDATE.exec(text);
    scan.at = found?.index ?? text.length;
    if (found === null) return undefined;
    const mark = found[0];
    if (mark === '`' || mark === '~') {
      const behind = passCode(text, scan, mark, rest);
      if (behind === UNKNOWN) return undefined;
      scan.at = behind;
      continue;
    }
    const end = mark === '\n' ? endOfLine(text, scan) : mark === ' ' ? endOfBreath(text, scan) : endOfStop(text, scan, rest);
    if (end > 0) {
      scan.at = end;
      scan.from = end;
      return end;
    }
    if (end === UNKNOWN && rest === 'more') return undefined;
    scan.at = Math.max(scan.at + 1, endOfRun(STOPS, text, scan.at));
  }
}

/** Whether a cut before `index` leaves whole characters on both sides. What half a pair at the end of the text begins is not known: no cut. */
export function mayCutBefore(text: string, index: number): boolean {
  const code = text.codePointAt(index);
  if (code === undefined) return true;
  if (code >= 0xd800 && code <= 0xdfff) return false;
  return !JOINS_WHAT_IS_BEFORE.test(String.fromCodePoint(code)) && !(code === 0x0a && text[index - 1] === '\r');
}

const QUESTIONS = '!?‼⁇⁈⁉‽';
/** They end a sentence without a space behind them. */
const WIDE_STOPS = '。！？｡．؟۔।॥։።፧།၊။។៕';
/** `;` is a question mark in Greek. */
const STOPS = new RegExp(`[.…;${QUESTIONS}${WIDE_STOPS}]+`, 'uy');
const CANDIDATE = new RegExp(`[.…\\n\`~${QUESTIONS}${WIDE_STOPS}]|(?<=\\p{Script=Greek});|(?<=[\\u0e00-\\u0eff]) `, 'gu');
const HAS_WIDE_STOP = new RegExp(`[${WIDE_STOPS}]`, 'u');
const HAS_QUESTION = new RegExp(`[;${QUESTIONS}]`, 'u');
/** What belongs to the sentence in front of it, emoji among it. French has a space before its closing quote. */
const CLOSERS = /(?:["'”“’‘»«›‹)\]}*_~]|[ \u00a0\u202f]»(?=[\s.,])|[\p{Extended_Pictographic}\p{Regional_Indicator}\p{Emoji_Modifier}\u200d\ufe0f\u20e3])+/uy;
/** Behind a wide stop, which needs no space, "“" opens. */
const WIDE_CLOSERS = /(?:["'”’»)\]}*_~」』）】》〉〕］｝＂＇]|[\p{Extended_Pictographic}\p{Regional_Indicator}\p{Emoji_Modifier}\u200d\ufe0f\u20e3])+/uy;
const OPENERS = /["'“‘«‹„‚”(\[{*_~`¿¡「『（《〈【]+/uy;
const SPACES = /\s+/uy;
const WORD = /[\p{L}\p{M}]+/uy;
/** These go on with a sentence, whatever stands before. */
const CONTINUES = /^[,;:.!?=)\]}…、，；：]/u;
const SMALL_LETTER = /^\p{Ll}/u;
/** Small letters to Unicode, but sentences begin with them. */
const GEORGIAN = /^\p{Script=Georgian}/u;
const NO_SPACE_SCRIPT = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** Without the marks of repetition and abbreviation, which have a space in front of them. */
const THAI_OR_LAO = /^[\u0e01-\u0e2e\u0e30-\u0e45\u0e81-\u0eae\u0eb0-\u0ec5\u0edc-\u0edf]/u;
const JOINS_WHAT_IS_BEFORE = /[\p{M}\p{Grapheme_Extend}\p{Emoji_Modifier}\u200d\u0e33\u0eb3]/u;
/** A line that stands for itself: list, heading, quotation, table, code. */
const BLOCK_LINE = /^[ \t]*(?:[-*+•–—]|\d{1,3}[.)]|\p{L}[.)]|#{1,6}|>|\||```|~~~)/u;
const ONLY_MARKER = /^\s*(?:[-*+•–—]|\d{1,3}[.)]|\p{L}[.)]|#{1,6})\s*$/u;
/** The word in front of a stop. Single letters with stops and spaces between them are one: "z. B", "J. R. R". */
const LAST_WORD = /(?:(?<![\p{L}\p{M}\p{N}])\p{L}\p{M}*\.[ \u00a0\u202f]?)*[^\s"“”„«»()[\]{}*]+$/u;
/** A day, perhaps with its month or as the end of a span: many languages write a full stop behind ordinal numbers. */
const ORDINAL = /^(?:\p{Nd}{1,2}\.?[-–/])?\p{Nd}{1,2}(?:\.\p{Nd}{1,2})?$/u;
const LIST_MARKER = /^(?:\p{Nd}{1,3}|[\p{Lu}\p{Ll}]|[IVXivx]{1,5})$/u;
const NO_WORDS = /^[^\p{L}\p{N}]*$/u;
/** A word this long in front of "." and a small letter is no abbreviation: somebody writes without capitals. */
const PLAIN_WORD = /^\p{L}{5,}$/u;

/*
 * At "." and its like:
 *
 *     He left ." )   (Then
 *             |  |  ||
 *           run  |  |openers and the word that decides
 *          closers  white space
 */
function endOfStop(text: string, scan: SentenceScan, rest: TextRest): number {
  const runEnd = endOfRun(STOPS, text, scan.at);
  const run = text.slice(scan.at, runEnd);
  const wide = HAS_WIDE_STOP.test(run);
  const closed = endOfRun(wide ? WIDE_CLOSERS : CLOSERS, text, runEnd);
  const next = endOfRun(SPACES, text, closed);
  if (endsAt(text, next)) return UNKNOWN;
  const before = text[scan.at - 1] ?? ' ';
  if (!mayCutBefore(text, next) || '(['.includes(before)) return NO_END;
  const follows = characterAt(text, next);
  if (CONTINUES.test(follows)) return NO_END;
  // What follows tells whether it opens or closes.
  if (follows === '»' && endsAt(text, next + 1)) return UNKNOWN;

  const quoted = closed > runEnd;
  if (wide) return goesOnWide(run, quoted, follows) ? NO_END : next;

  const dot = run === '.';
  const asks = HAS_QUESTION.test(run);
  if (next === closed) return NO_SPACE_SCRIPT.test(follows) && (asks || (dot && /\p{L}/u.test(before))) ? next : NO_END;

  const word = endOfRun(OPENERS, text, next);
  if (endsAt(text, word)) return UNKNOWN;
  const first = characterAt(text, word);
  const small = SMALL_LETTER.test(first) && !GEORGIAN.test(first);
  if (small && (quoted || (!dot && !asks))) return NO_END;
  if (!dot) return next;
  const decision = decideDot(text, scan, { at: word, first, small, newLine: text.slice(closed, next).includes('\n') }, rest);
  return decision === 'end' ? next : decision === 'unknown' ? UNKNOWN : NO_END;
}

/** A quotation that its sentence goes on after, as Japanese does with と, and the point within a number of wide digits. */
function goesOnWide(run: string, quoted: boolean, follows: string): boolean {
  return (quoted && /^[とっ]/u.test(follows)) || (run === '．' && /^[\p{N}\p{Script=Latin}]/u.test(follows));
}

interface NextWord {
  readonly at: number;
  readonly first: string;
  readonly small: boolean;
  readonly newLine: boolean;
}

/** A single ".", by the words on both sides of it. In doubt it is no end: a sentence that is too long is still spoken rightly. */
function decideDot(text: string, scan: SentenceScan, next: NextWord, rest: TextRest): 'end' | 'none' | 'unknown' {
  const { first, small } = next;
  const token = (LAST_WORD.exec(text.slice(Math.max(scan.from, scan.at - WORD_LOOK_BACK), scan.at))?.[0] ?? '').replace(/^['’‘_]+/, '');
  if (token === '') return small && !next.newLine ? 'none' : 'end';
  if (LIST_MARKER.test(token) && NO_WORDS.test(text.slice(scan.from, scan.at - token.length))) return 'none';

  const number = /^\p{N}/u.test(first);
  const sense = ORDINAL.test(token) ? 'ordinal' : stopSense(token);
  switch (sense) {
    case 'abbreviation':
      return 'none';
    case 'before_number':
      return number || small ? 'none' : 'end';
    case 'word':
      return small && !next.newLine && !PLAIN_WORD.test(token) ? 'none' : 'end';
    case 'ordinal':
    case 'unsure': {
      if (small || number) return 'none';
      // After a number, what has no capitals (Korean, Arabic, an emoji) tells nothing; after an abbreviation it is taken for its continuation.
      if (!/^\p{Lu}/u.test(first)) return sense === 'ordinal' ? 'end' : 'none';
      const wordEnd = endOfRun(WORD, text, next.at);
      if (endsAt(text, wordEnd) && rest !== 'ended') return 'unknown';
      return startsSentences(text.slice(next.at, wordEnd), text[wordEnd] ?? ' ') ? 'end' : 'none';
    }
  }
}

/** A line break ends a sentence, unless the line is only broken: then the next goes on with a small letter. */
function endOfLine(text: string, scan: SentenceScan): number {
  const index = scan.at;
  const next = endOfRun(SPACES, text, index);
  if (endsAt(text, next)) return UNKNOWN;
  const line = text.slice(text.lastIndexOf('\n', index - 1) + 1, index);
  if (!mayCutBefore(text, next) || ONLY_MARKER.test(line) || text.slice(scan.from, index).trim() === '') return NO_END;
  if (text.slice(index + 1, next).includes('\n') || BLOCK_LINE.test(line) || /[:：]\s*$/u.test(line)) return next;
  const follows = characterAt(text, next);
  if (!SMALL_LETTER.test(follows) || GEORGIAN.test(follows)) return next;
  // "a)" begins an item of a list.
  if (endsAt(text, next + follows.length)) return UNKNOWN;
  return text[next + follows.length] === ')' ? next : NO_END;
}

/** Thai and Lao have no stops: spaces stand between sentences, and between clauses too. */
function endOfBreath(text: string, scan: SentenceScan): number {
  const next = endOfRun(SPACES, text, scan.at);
  if (endsAt(text, next)) return UNKNOWN;
  const breath = next - scan.from >= BREATH_CHARACTERS;
  return breath && THAI_OR_LAO.test(characterAt(text, next)) ? next : NO_END;
}

/** Past the backticks at `scan.at`: over a span of code, into a block of code, or just past marks that open neither. */
function passCode(text: string, scan: SentenceScan, mark: string, rest: TextRest): number {
  const behind = endOfRun(mark === '`' ? TICKS : TILDES, text, scan.at);
  const lineEnd = text.indexOf('\n', behind);
  const line = text.slice(behind, lineEnd === -1 ? text.length : lineEnd);
  const marks = text.slice(scan.at, behind);
  const closes = mark === '~' ? -1 : closingTicks(line, marks.length);
  if (closes !== -1 && (lineEnd !== -1 || behind + closes < text.length || rest === 'ended')) return behind + closes;
  if (lineEnd === -1) return rest === 'more' && (mark === '`' || marks.length >= 3 || behind === text.length) ? UNKNOWN : behind;
  if (marks.length < 3 || line.includes('`')) return behind;
  scan.fence = marks;
  return lineEnd + 1;
}

/** The index behind the first run of exactly `count` backticks, or -1. */
function closingTicks(line: string, count: number): number {
  for (const { 0: run, index } of line.matchAll(/`+/g)) if (run.length === count) return index + count;
  return -1;
}

/** Goes on through a block of code, line by line; true once its last line, up to the line break, is behind `scan.at`. */
function passFence(text: string, scan: SentenceScan, fence: string): boolean {
  for (;;) {
    const lineEnd = text.indexOf('\n', scan.at);
    if (lineEnd === -1) return false;
    const line = text.slice(scan.at, lineEnd).trim();
    scan.at = lineEnd;
    if (line.startsWith(fence) && line.replaceAll(fence[0] ?? '', '') === '') {
      scan.fence = undefined;
      return true;
    }
    scan.at = lineEnd + 1;
  }
}

const TICKS = /`+/y;
const TILDES = /~+/y;

/** Where the run of a sticky pattern that begins at `index` ends; `index` when there is none. */
function endOfRun(pattern: RegExp, text: string, index: number): number {
  pattern.lastIndex = index;
  return pattern.test(text) ? pattern.lastIndex : index;
}

/** Whether no whole character stands at `index`: the text ends there, or in the middle of a surrogate pair. */
function endsAt(text: string, index: number): boolean {
  return index >= text.length || (index === text.length - 1 && (text.charCodeAt(index) & 0xfc00) === 0xd800);
}

function characterAt(text: string, index: number): string {
  return String.fromCodePoint(text.codePointAt(index) ?? 0x20);
}
