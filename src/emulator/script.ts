import { z } from 'zod';
import { HostError } from '../host/errors.js';

const call = z.strictObject({ name: z.string().regex(/^[\w.-]{1,64}$/), arguments: z.record(z.string(), z.unknown()) });

const turn = z
  .strictObject({
    hears: z.string().min(1).optional(),
    when: z.union([z.array(z.string().min(1)).min(1), z.string().min(1)]).optional(),
    call: call.optional(),
    reply: z.string().min(1),
    withoutCall: z.string().min(1).optional(),
  })
  .refine((value) => value.hears !== undefined || value.when !== undefined, { message: 'needs "hears" (a spoken turn), "when" (a typed one), or both' });

const script = z.strictObject({
  name: z.string().min(1),
  greeting: z.string().min(1),
  turns: z.array(turn).max(1000),
  fallback: z.string().min(1),
});

/** One turn of the conversation that a script plays. */
export interface ScriptTurn {
  /** What a spoken turn is said to have meant: its transcript. Spoken turns are answered in the order of the script, whatever was said. */
  readonly hears?: string;
  /** Which typed text this turn answers: one of these words or phrases (case does not matter), or a regular expression as a string. */
  readonly when?: readonly string[] | string;
  /** The function that the model calls first; the reply comes when its output is there. Left out when the session has no such tool. */
  readonly call?: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> };
  /** What is said. `{{tool.table}}` quotes a field of the tool's JSON output; a sentence whose quote leads nowhere is left out. */
  readonly reply: string;
  /** What is said in place of `reply` when the session does not have the tool. */
  readonly withoutCall?: string;
}

/** The emulator's brain: a plain object, so it may come from a JSON file. Check one from outside with {@link parseScript}. */
export interface Script {
  readonly name: string;
  /** Answers a `response.create` before the user has said anything. */
  readonly greeting: string;
  readonly turns: readonly ScriptTurn[];
  /** Answers typed text that no turn expects, and everything after the last turn. */
  readonly fallback: string;
}

/** Checks a script. Throws `HostError` `SCRIPT_INVALID` that names the place, e.g. `turns[2].reply`. */
export function parseScript(value: unknown): Script {
  const result = script.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw invalid(pathText(issue?.path ?? []), issue?.message ?? 'not a script');
  }
  result.data.turns.forEach((entry, index) => {
    if (typeof entry.when !== 'string') return;
    try {
      new RegExp(entry.when, 'iu');
    } catch (error) {
      throw invalid(`turns[${index}].when`, `not a regular expression (${(error as Error).message})`);
    }
  });
  return result.data as Script;
}

function invalid(path: string, why: string): HostError {
  return new HostError('SCRIPT_INVALID', `The emulator's script is not valid at "${path}": ${why}.`, {
    hint: 'A script has name, greeting, turns (each with reply, and hears or when) and fallback; src/emulator/README.md shows one.',
  });
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`), '') || 'the script itself';
}

/** The first turn, from `from` on and then from the start, that expects this typed text. */
export function turnForText(script: Script, text: string, from: number): number | undefined {
  const order = [...script.turns.keys()];
  return [...order.slice(from), ...order.slice(0, from)].find((index) => expects(script.turns[index] as ScriptTurn, text));
}

/** The next turn with something to hear, from `from` on. */
export function nextSpokenTurn(script: Script, from: number): number | undefined {
  const found = script.turns.findIndex((entry, index) => index >= from && entry.hears !== undefined);
  return found < 0 ? undefined : found;
}

function expects(entry: ScriptTurn, text: string): boolean {
  // A long text costs a careless expression a long time, and what a turn is about stands in its first lines.
  const head = text.slice(0, 2_000);
  if (typeof entry.when === 'string') return new RegExp(entry.when, 'iu').test(head);
  const lower = head.toLowerCase();
  return entry.when?.some((phrase) => lower.includes(phrase.toLowerCase())) ?? false;
}

/**
 * Fills `{{tool.path}}` from a tool's output (a JSON text). Sentences with a quote that leads nowhere are left out, and then the text is not
 * `whole`.
 */
export function fillQuotes(reply: string, toolOutput: string | undefined): { text: string; whole: boolean } {
  let output: unknown;
  try {
    output = toolOutput === undefined ? undefined : JSON.parse(toolOutput);
  } catch {
    output = toolOutput;
  }
  const sentences = sentencesOf(reply);
  const filled = sentences.flatMap((sentence) => {
    let found = true;
    const text = sentence.replace(/\{\{\s*tool((?:\.[\w-]+)*)\s*\}\}/g, (_match, path: string) => {
      const value = quoted(output, path.split('.').slice(1));
      found &&= value !== undefined;
      return value ?? '';
    });
    return found ? [text] : [];
  });
  return { text: filled.join(' '), whole: filled.length === sentences.length };
}

function quoted(output: unknown, path: readonly string[]): string | undefined {
  let value = output;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** Cuts at sentence ends that are followed by a space; a dot inside a number or a quote `{{tool.table}}` does not end one. */
export function sentencesOf(text: string): string[] {
  return text
    .split(/(?<=[.!?])\s+/u)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');
}
