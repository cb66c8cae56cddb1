import type { Typed } from './transform.js';

/** `response.*.delta`, as a type of strings. */
type Glob<Pattern extends string> = Pattern extends `${infer Before}*${infer After}` ? `${Before}${string}${Glob<After>}` : Pattern;

/** The events whose type a name or a pattern with `*` fits. */
export type Matching<Event extends Typed, Pattern extends string> = Event extends { readonly type: Glob<Pattern> } ? Event : never;

/** A name of a type, or one with `*` for any characters: `'run.done'`, `'response.*'`, `'*.delta'`, `'*'`. */
export type TypePattern<Event extends Typed> = Event['type'] | `${string}*${string}`;

/** Whether a type fits: a name, a name with `*`, or a regular expression. */
export function typeMatcher(pattern: string | RegExp): (type: string) => boolean {
  if (typeof pattern === 'string' && !pattern.includes('*')) return (type) => type === pattern;
  // Without `g` and `y` an expression does not remember where it stopped.
  const expression = typeof pattern === 'string' ? new RegExp(`^${pattern.split('*').map(quoted).join('.*')}$`, 's') : new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
  return (type) => expression.test(type);
}

function quoted(text: string): string {
  return text.replace(/[\\^$.+?()[\]{}|]/g, '\\$&');
}
