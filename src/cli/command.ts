import { parseArgs } from 'node:util';
import { HostError } from '../host/errors.js';
import type { Terminal } from './terminal.js';

export interface Flag {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  /** How a value is named in the help: `<file.wav>`. */
  readonly value?: string;
  readonly help: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** Values as they were typed; a flag that was not given is absent. */
export type FlagValues = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What it does, for its own help. */
  readonly about: string;
  /** One command line that works. */
  readonly example: string;
  /** More of them, for its own help. */
  readonly examples?: readonly string[];
  readonly flags: Flags;
  /** What stands behind the flags, as its help names it: `<file>`, or `-- <command>`. Without it nothing may stand there. */
  readonly operands?: string;
  /** Gives the exit code. Throws a `VoicewireError` or an `AudioError` for what a person can mend. `words` are the operands. */
  run(values: FlagValues, terminal: Terminal, words: readonly string[]): Promise<number>;
}

/** Flags that every command has. */
export const commonFlags = {
  json: { type: 'boolean', help: 'print JSON lines, for programs' },
  help: { type: 'boolean', help: 'show this' },
} satisfies Flags;

/** Reads a command's flags. Throws `HostError` `USAGE` for one that it does not have, a missing value, or a word too many. */
export function parseFlags(command: Command, args: readonly string[]): { readonly values: FlagValues; readonly words: readonly string[] } {
  const options = Object.fromEntries(Object.entries(command.flags).map(([name, { type, multiple }]) => [name, { type, multiple: multiple ?? false }]));
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, strict: true, allowPositionals: command.operands !== undefined });
    return { values, words: positionals };
  } catch (cause) {
    // Node's words after the first sentence advise on positional arguments, of which there are none here.
    const [what = 'The flags cannot be read'] = (cause instanceof Error ? cause.message : String(cause)).split(/\. |\n/);
    const names = Object.keys(command.flags).map((name) => `--${name}`);
    throw usage(`${what.replace(/\.$/, '')}.`, `${command.name} takes ${names.join(', ')}; "voicewire ${command.name} --help" explains them.`, cause);
  }
}

export function usage(message: string, hint: string, cause?: unknown): HostError {
  return new HostError('USAGE', message, { hint, ...(cause === undefined ? {} : { cause }) });
}

export function stringFlag(values: FlagValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

export function listFlag(values: FlagValues, name: string): readonly string[] {
  const value = values[name];
  return Array.isArray(value) ? value.map(String) : [];
}

/** A whole number within a range. `from` says where the text stood, for the message: `--port` or `PORT`; `example` is one that is right. */
export function wholeNumber(text: string, from: string, min: number, max: number, example: number): number {
  const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  const between = from.startsWith('--') ? ' ' : '=';
  throw usage(`${from} must be a whole number from ${min} to ${max}, not ${JSON.stringify(text)}.`, `Example: ${from}${between}${example}`);
}

/** A number within a range, with or without a fraction. */
export function decimalNumber(text: string, from: string, min: number, max: number, example: number): number {
  const value = /^-?\d{1,12}(\.\d{1,9})?$/.test(text.trim()) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw usage(`${from} must be a number from ${min} to ${max}, not ${JSON.stringify(text)}.`, `Example: ${from} ${example}`);
}

/** `1 call`, `2 calls`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

export function commandHelp(command: Command): string {
  const rows = Object.entries(command.flags).map(([name, flag]) => [`--${name}${flag.value === undefined ? '' : ` ${flag.value}`}`, flag.help] as const);
  const usageLine = command.operands === undefined ? [] : ['', `Usage: voicewire ${command.name} [flags] ${command.operands}`];
  const examples = [...(command.examples ?? []), command.example].map((example) => `  ${example}`);
  return [`voicewire ${command.name}: ${command.summary}`, ...usageLine, '', command.about, '', ...table(rows), '', examples.length > 1 ? 'Examples:' : 'Example:', ...examples].join('\n');
}

/** Two columns, the first as wide as its longest text. */
export function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
