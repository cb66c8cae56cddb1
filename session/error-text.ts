import { VoicewireError } from './errors.js';

/** A provider's payload, or whatever else was thrown, may be of any size; a message is a line. */
const MAX_TEXT = 500;
const MAX_CAUSES = 8;

/** The words of something that was thrown, or sent in the place of an error, whatever it is: never `[object Object]`, at most 500 characters. */
export function errorText(thrown: unknown): string {
  const text = wordsOf(thrown, 0);
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/**
 * An error for a log or a terminal, with what to do and all its causes, one a line. The words of causes are those of third parties and may repeat
 * what was said to them.
 */
export function explainError(error: unknown): string {
  const lines: string[] = [];
  const seen = new Set<unknown>();
  for (let each = error; each !== undefined && each !== null && !seen.has(each) && lines.length < MAX_CAUSES; each = causeOf(each)) {
    seen.add(each);
    const told = each instanceof VoicewireError ? `${each.code}: ${errorText(each)}${each.hint === undefined ? '' : ` ${each.hint}`}` : errorText(each);
    lines.push(lines.length === 0 ? told : `  because: ${told}`);
  }
  return lines.join('\n');
}

/** An error as it may be told outside. Plain data. */
export interface ToldError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/**
 * What may be told of the error that ended a run to whoever reads it, wherever they are. The words of one that is not ours stay here: they may hold what is
 * nobody's business outside.
 */
export function toldError(error: unknown): ToldError {
  if (!(error instanceof VoicewireError)) return { code: 'RUN_FAILED', message: 'The run failed.', hint: 'Whoever began the run has the error, in its `end` or in a log.' };
  return { code: error.code, message: errorText(error), ...(error.hint === undefined ? {} : { hint: error.hint }) };
}

/** What a log may say of an error: its kind, not its words. */
export function errorFields(error: unknown): { readonly error: string; readonly code?: string } {
  return { error: error instanceof Error ? error.name : typeof error, ...(error instanceof VoicewireError ? { code: error.code } : {}) };
}

/** Words of a problem, as a model gets them in the place of a tool's result. */
export function problem(text: string): string {
  return JSON.stringify({ error: text });
}

function causeOf(thrown: unknown): unknown {
  return thrown instanceof Error ? thrown.cause : undefined;
}

function wordsOf(thrown: unknown, depth: number): string {
  if (typeof thrown === 'string') return thrown.trim() === '' ? 'no reason was given' : thrown;
  if (typeof thrown !== 'object' || thrown === null) return String(thrown);
  if (thrown instanceof AggregateError && thrown.message === '' && depth === 0) return thrown.errors.map((each) => wordsOf(each, 1)).join('; ');
  const { message, error } = thrown as { readonly message?: unknown; readonly error?: unknown };
  // Somebody made a text of an object before us: what it said is lost.
  if (typeof message === 'string' && message !== '' && message !== '[object Object]') return message;
  for (const inner of [message, error]) if (typeof inner === 'object' && inner !== null && depth < 2) return wordsOf(inner, depth + 1);
  if (thrown instanceof Error) return `${thrown.name} without a message`;
  try {
    return JSON.stringify(thrown) ?? 'something that cannot be written';
  } catch {
    return 'something that cannot be written';
  }
}
