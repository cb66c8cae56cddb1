import type { TextInputItem } from '../ports/text-model.js';

/** What stands for the newest `count` items of a conversation. */
export interface HeardCut {
  readonly count: number;
  readonly items: readonly TextInputItem[];
}

/**
 * Cuts what the agent said since the user spoke last to what was heard of it. Whoever speaks a text may have laid its spaces and lines anew, so letters
 * are counted and not compared. A message that nobody heard is taken out; calls and their outputs stay, because they were made. Pure.
 */
export function cutToHeard(conversation: readonly TextInputItem[], heardText: string): HeardCut {
  const from = conversation.findLastIndex((item) => item.type === 'message' && item.role === 'user') + 1;
  let left = letters(heardText);
  const items: TextInputItem[] = [];
  for (const item of conversation.slice(from)) {
    const cut = item.type === 'message' && item.role === 'assistant' ? cutMessage(item.text, left) : undefined;
    if (cut === undefined) {
      items.push(item);
      continue;
    }
    left -= letters(cut.text);
    if (cut.whole) {
      items.push(item);
      continue;
    }
    // What its provider wrote for this message alone (the reasoning before it) means nothing without it.
    while (items.at(-1)?.type === 'other') items.pop();
    if (cut.text !== '') items.push({ type: 'message', role: 'assistant', text: cut.text, interrupted: true });
  }
  return { count: conversation.length - from, items };
}

function cutMessage(text: string, count: number): { readonly text: string; readonly whole: boolean } {
  let at = 0;
  for (let left = count; left > 0 && at < text.length; at += 1) if (/\S/.test(text[at] as string)) left -= 1;
  const cut = text.slice(0, at);
  return { text: cut, whole: letters(cut) === letters(text) };
}

function letters(text: string): number {
  return text.replaceAll(/\s+/g, '').length;
}
