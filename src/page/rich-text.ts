import { element } from './dom.js';

/**
 * The little of Markdown that models write into a chat: paragraphs, lists, headings, code, bold, emphasis. A text that is still growing is drawn as far as it goes: code
 * whose end is missing is code. Everything else stays text, and nothing becomes markup.
 */
export function richText(text: string): Node[] {
  return text.split(/^```/m).flatMap((part, index) => (index % 2 === 1 ? [codeBlock(part)] : blocks(part)));
}

function codeBlock(part: string): HTMLPreElement {
  const body = part.indexOf('\n');
  return element('pre', '', element('code', '', body === -1 ? '' : part.slice(body + 1).replace(/\n$/, '')));
}

function blocks(text: string): Node[] {
  const made: HTMLElement[] = [];
  for (const line of text.split('\n')) {
    const heading = /^#{1,6} +(.*)$/.exec(line);
    const bullet = /^ *[-*•] +(.*)$/.exec(line);
    const number = /^ *\d+[.)] +(.*)$/.exec(line);
    const last = made.at(-1);
    if (heading !== null) made.push(element('h3', '', ...inline(heading[1] as string)));
    else if (bullet !== null) listItem(made, 'ul', bullet[1] as string);
    else if (number !== null) listItem(made, 'ol', number[1] as string);
    else if (line.trim() === '') made.push(element('p'));
    else if (last?.tagName === 'P' && last.hasChildNodes()) last.append('\n', ...inline(line));
    else made.push(element('p', '', ...inline(line)));
  }
  // Empty ones only kept apart what they stand between.
  return made.filter((block) => block.hasChildNodes());
}

/** An empty line between two items does not end their list. */
function listItem(made: HTMLElement[], tag: 'ul' | 'ol', text: string): void {
  while (made.length > 1 && made.at(-1)?.hasChildNodes() === false && made.at(-2)?.tagName === tag.toUpperCase()) made.pop();
  if (made.at(-1)?.tagName !== tag.toUpperCase()) made.push(element(tag));
  made.at(-1)?.append(element('li', '', ...inline(text)));
}

/** A name or a number is not broken at a line's end; a whole command must be. */
const SHORT_CODE = 28;

function inline(line: string): (Node | string)[] {
  return line.split(/(`[^`]+`|\*\*[^*]+\*\*|\*[^*\s](?:[^*]*[^*\s])?\*)/).map((part, index) => {
    if (index % 2 === 0) return part;
    if (part.startsWith('`')) return element('code', part.length < SHORT_CODE ? 'short' : '', part.slice(1, -1));
    return part.startsWith('**') ? element('b', '', part.slice(2, -2)) : element('em', '', part.slice(1, -1));
  });
}
