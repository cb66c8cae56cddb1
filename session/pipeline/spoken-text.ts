/**
 * What of a sentence is spoken: its text without the marks that are for the eye. A transcript keeps them.
 *
 * - A block of code is left out; a span of code is its content: "Run `npm test`." is "Run npm test."
 * - A link is its text, a picture its description, a bare address the name of its site: "See https://example.com/a?b=1." is "See example.com."
 * - Emphasis, the marks of headings, quotations, lists and tables, and tags go; the number of a list item stays. Lines stay lines.
 * - Emoji go.
 *
 * Empty when nothing is left to say: no letter and no digit. A piece out of the middle of a block of code looks like text, so the sentences of one
 * answer go through one {@link SpokenText}.
 */
export function spokenText(sentence: string): string {
  return new SpokenText().of(sentence);
}

/** {@link spokenText} for the sentences of one answer, in order: it knows whether a block of code is open. */
export class SpokenText {
  #fence: string | undefined;

  of(sentence: string): string {
    const lines: string[] = [];
    for (const line of sentence.split('\n')) {
      const marks = FENCE.exec(line)?.[1];
      if (this.#fence !== undefined) {
        if (marks?.startsWith(this.#fence) === true && line.trim() === marks) this.#fence = undefined;
      } else if (marks !== undefined) {
        this.#fence = marks;
      } else {
        lines.push(spokenLine(line));
      }
    }
    const text = lines.filter((line) => line !== '').join('\n');
    return /[\p{L}\p{N}]/u.test(text) ? text : '';
  }
}

/** Marks that open or close a block of code. With more of them in the line they are a span. */
const FENCE = /^[ \t>]*(?:[-*+][ \t]+)?(`{3,}|~{3,})[^`]*$/;
/** A line across the page, or the one under the heads of a table. */
const RULE = /^[\s|:*_=~-]*$/;
const LINE_MARKS = /^\s*(?:>\s*|#{1,6}\s+|[-*+•–]\s+)*(?:\[[ xX]\]\s+)?/;
const TABLE_LINE = /^\s*\|(.*?)\|?\s*$/;
/** A span of code or an escaped mark: what stands in it is no mark. */
const VERBATIM = /(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)|\\([\\`*_{}[\]()#+.!|~>-])/g;
const LINK = /!?\[([^[\]]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:\s"[^"]*")?\)/g;
const ADDRESS = /<?\b(?:https?:\/\/|www\.)[^\s<>]+>?/giu;
const TAG = /<\/?(?:a|b|br|code|div|em|h[1-6]|hr|i|img|li|ol|p|s|span|strong|sub|sup|u|ul)\b[^<>]*>/giu;
/** Asterisks between digits multiply, underscores between letters belong to a name. */
const EMPHASIS = /(?<!\d)\*{2,}|\*{2,}(?!\d)|~~|(?<=^|[^\p{L}\p{N}*_])[*_]+(?=\S)|(?<=[^\s*_])[*_]+(?=$|[^\p{L}\p{N}*_])/gu;
const EMOJI =
  /\s*(?:(?:\p{Regional_Indicator}{2}|\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|[\u2600-\u27bf])[\p{Emoji_Modifier}\ufe0f\u{e0020}-\u{e007f}]*(?:\u200d\p{Extended_Pictographic}[\p{Emoji_Modifier}\ufe0f]*)*)+/gu;
/** Makes a digit a picture of a key; the digit stays. */
const KEYCAP = /\ufe0f?\u20e3/gu;
/** They hold the place of what is kept as it is. */
const HOLDERS = /\ue000(\d*)\ue001?/g;

function spokenLine(written: string): string {
  // First of all: a pattern that begins or ends with white space of any length would look at all of it again from each character.
  const line = written.replaceAll(/\s+/g, ' ');
  if (RULE.test(line)) return '';
  const kept: string[] = [];
  const text = line
    .replaceAll(HOLDERS, '')
    .replaceAll(VERBATIM, (_match, _ticks: string | undefined, code: string | undefined, escaped: string | undefined) => `\ue000${kept.push(code ?? escaped ?? '') - 1}\ue001`)
    .replace(TABLE_LINE, (_match, cells: string) => cells.replaceAll(/\s*\|\s*/g, ', '))
    .replace(LINE_MARKS, '')
    .replaceAll(LINK, '$1')
    .replaceAll(ADDRESS, siteName)
    .replaceAll(TAG, ' ')
    .replaceAll(EMPHASIS, '')
    .replaceAll(EMOJI, (match: string, ...rest: unknown[]) => spaceFor(match, rest))
    .replaceAll(KEYCAP, '');
  return text
    .replaceAll(HOLDERS, (_match, index: string) => kept[Number(index)] ?? '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** What belongs to the sentence and not to the address. Tried once for each run of such marks, and not for each mark. */
const CLOSING = /(?<![.,;:!?'")\]*_])[.,;:!?'")\]*_]*$/;

/** "https://www.example.com/a?b=1)." becomes "example.com)." */
function siteName(address: string): string {
  const bare = address.replace(/^</, '').replace(/>$/, '');
  const end = CLOSING.exec(bare)?.[0] ?? '';
  const site = /^(?:https?:\/\/)?(?:www\.)?([^/?#:]*)/i.exec(bare.slice(0, bare.length - end.length))?.[1] ?? '';
  return site + end;
}

/** An emoji takes the space before it along, but what it stood between stays apart. */
function spaceFor(match: string, rest: readonly unknown[]): string {
  const [offset, whole] = rest.slice(-2) as [number, string];
  return /[\p{L}\p{N}]/u.test(whole.slice(offset + match.length, offset + match.length + 2)) ? ' ' : '';
}
