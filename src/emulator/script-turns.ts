import type { Script, ScriptTurn } from './script.js';

/** The first turn, from `from` on and then from the start, that expects this text. */
export function turnForText(script: Script, text: string, from: number): number | undefined {
  return inOrder(script, from).find((index) => {
    const turn = script.turns[index] as ScriptTurn;
    return turn.afterTool === undefined && turn.when !== undefined && expects(turn, text);
  });
}

/** The turn for what a recogniser understood: one that hears just that, else one that expects the text. */
export function turnForSpeech(script: Script, text: string, from: number): number | undefined {
  const heard = plain(text);
  const exact = inOrder(script, from).find((index) => {
    const { hears } = script.turns[index] as ScriptTurn;
    return hears !== undefined && plain(hears) === heard;
  });
  return exact ?? turnForText(script, text, from);
}

/** The next turn with something to hear, from `from` on. */
export function nextSpokenTurn(script: Script, from: number): number | undefined {
  const found = script.turns.findIndex((entry, index) => index >= from && entry.hears !== undefined);
  return found < 0 ? undefined : found;
}

/** The turn that answers an output of the function `name`. */
export function turnForTool(script: Script, name: string, output: string, from: number): number | undefined {
  return inOrder(script, from).find((index) => {
    const turn = script.turns[index] as ScriptTurn;
    return turn.afterTool === name && (turn.when === undefined || expects(turn, output));
  });
}

/** Turns that are still to come are asked first. */
function inOrder(script: Script, from: number): number[] {
  const order = [...script.turns.keys()];
  return [...order.slice(from), ...order.slice(0, from)];
}

function expects(entry: ScriptTurn, text: string): boolean {
  // A long text costs a careless expression a long time, and what a turn is about stands in its first lines.
  const head = text.slice(0, 2_000);
  if (typeof entry.when === 'string') return new RegExp(entry.when, 'iu').test(head);
  const lower = head.toLowerCase();
  return entry.when?.some((phrase) => lower.includes(phrase.toLowerCase())) ?? false;
}

/** Recognisers differ in capitals, marks and spaces. */
function plain(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ').trim();
}
