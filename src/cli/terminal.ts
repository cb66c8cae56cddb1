import { createInterface } from 'node:readline';
import { streamWriter } from '../printer/index.js';

/** What a command has of the world around it: where its lines go, the environment, and the wish to stop. */
export interface Terminal {
  /** One line of result, without its line end. */
  out(line: string): void;
  /** A piece of result that is no line yet; a promise asks to wait until there is room for more. */
  write(text: string): void | Promise<void>;
  /** What is typed, or piped in, line by line; after `prompt` where a person types. Ends with the input, and with the wish to stop. One reader. */
  lines(prompt: string): AsyncIterable<string>;
  /** One line beside the result: errors, notices. */
  err(line: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether lines may have colours: a person looks at them and has not asked for none. */
  readonly colour: boolean;
  /** Aborts with {@link Interruption} at the first Ctrl-C, and when nobody reads the output any more. */
  readonly interrupted: AbortSignal;
}

/** Why a command is to stop, and with which exit code a program that was stopped so ends: 128 + the signal's number. */
export class Interruption extends Error {
  override readonly name = 'Interruption';
  readonly exitCode: number;
  constructor(why: string, exitCode: number) {
    super(why);
    this.exitCode = exitCode;
  }
}

/** The terminal of this process. A second Ctrl-C ends the process as if nobody had listened. Call the returned function at the end. */
export function processTerminal(): { terminal: Terminal; release: () => void } {
  const interruption = new AbortController();
  const onInterrupt = (): void => interruption.abort(new Interruption('Ctrl-C', 130));
  const onTerminate = (): void => interruption.abort(new Interruption('asked to end', 143));
  const onOutputGone = (): void => interruption.abort(new Interruption('the output was closed', 141));
  process.once('SIGINT', onInterrupt);
  process.once('SIGTERM', onTerminate);
  process.stdout.on('error', onOutputGone);
  process.stderr.on('error', ignore);
  const noColour = process.env['NO_COLOR'];
  return {
    terminal: {
      out: (line) => void process.stdout.write(`${line}\n`),
      write: streamWriter(process.stdout),
      lines: (prompt) => typedLines(prompt, interruption.signal),
      err: (line) => void process.stderr.write(`${line}\n`),
      env: process.env,
      // https://no-color.org: any value that is not empty.
      colour: process.stdout.isTTY === true && (noColour === undefined || noColour === ''),
      interrupted: interruption.signal,
    },
    release() {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
    },
  };
}

/** Where no person types, there is no prompt. */
async function* typedLines(prompt: string, stop: AbortSignal): AsyncGenerator<string> {
  const typed = process.stdin.isTTY === true && process.stdout.isTTY === true;
  // Not as a terminal of its own: Ctrl-C stays the business of the process.
  const lines = createInterface({ input: process.stdin, terminal: false });
  const onStop = (): void => lines.close();
  stop.addEventListener('abort', onStop, { once: true });
  try {
    if (stop.aborted) return;
    if (typed) process.stdout.write(prompt);
    for await (const line of lines) {
      yield line;
      if (typed) process.stdout.write(prompt);
    }
  } finally {
    stop.removeEventListener('abort', onStop);
    lines.close();
    process.stdin.pause();
  }
}

function ignore(): void {}

/** Resolves when the command is to stop. */
export function untilInterrupted({ interrupted }: Terminal): Promise<void> {
  return new Promise((resolve) => {
    if (interrupted.aborted) resolve();
    else interrupted.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** SGR colours, or the text as it is. */
export function painter(terminal: Terminal): { bold(text: string): string; dim(text: string): string; struck(text: string): string } {
  const paint = (on: number, off: number) => (text: string): string => (terminal.colour ? `\u001b[${on}m${text}\u001b[${off}m` : text);
  return { bold: paint(1, 22), dim: paint(2, 22), struck: paint(9, 29) };
}

/** Text from elsewhere on one line, to be shown and not obeyed: a terminal takes control characters for orders. */
export function harmless(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}
