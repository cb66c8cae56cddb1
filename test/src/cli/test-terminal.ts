import { runCommandLine } from '../../../src/cli/command-line.js';
import { Interruption } from '../../../src/cli/terminal.js';
import type { AskedLine } from '../../../src/cli/typed-lines.js';

/** A command line that runs in this process, on a terminal of the test's. */
export interface Running {
  readonly out: readonly string[];
  /** What was written in pieces. */
  readonly written: readonly string[];
  readonly err: readonly string[];
  readonly exitCode: Promise<number>;
  /** The first line of output, parsed as JSON, that has this type; rejects when the command ends without it. */
  line(type: string): Promise<Record<string, unknown>>;
  /** Ctrl-C. */
  interrupt(): void;
}

/** `typed`: the lines that a person types. */
export function run(args: readonly string[], env: Readonly<Record<string, string>> = {}, typed: readonly string[] = []): Running {
  const out: string[] = [];
  const err: string[] = [];
  const written: string[] = [];
  const interruption = new AbortController();
  const waiting = new Set<() => void>();
  let ended = false;
  const print = (to: string[]) => (line: string): void => {
    to.push(line);
    for (const look of waiting) look();
  };
  const exitCode = runCommandLine(args, { out: print(out), write: (text) => void written.push(text), lines: () => from(typed, interruption.signal), err: print(err), env, typed: false, colour: false, interrupted: interruption.signal }).finally(() => {
    ended = true;
    for (const look of waiting) look();
  });
  return {
    out,
    written,
    err,
    exitCode,
    line: (type) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          for (const line of out) {
            const value = line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : {};
            if (value['type'] === type) return resolve(value);
          }
          if (ended) reject(new Error(`The command ended without ${type}: ${[...out, ...err].join('\n')}`));
        };
        waiting.add(look);
        look();
      }),
    interrupt: () => interruption.abort(new Interruption('Ctrl-C', 130)),
  };
}

async function* from(lines: readonly string[], signal: AbortSignal): AsyncGenerator<AskedLine> {
  for (const text of lines) yield { text, signal };
}
