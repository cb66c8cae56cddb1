import { streamWriter } from '../printer/index.js';
import { pipedLines, typedLines } from './typed-lines.js';
import type { Answering, AskedLine } from './typed-lines.js';

/** What a command has of the world around it: where its lines go, the environment, and the wish to stop. */
export interface Terminal {
  /** One line of result, without its line end. */
  out(line: string): void;
  /** A piece of result that is no line yet; a promise asks to wait until there is room for more. */
  write(text: string): void | Promise<void>;
  /** What is typed, or piped in, line by line; after `prompt` where a person types. Ends with the input, and with the wish to stop. One reader. */
  lines(prompt: string): AsyncIterable<AskedLine>;
  /** One line beside the result: errors, notices. */
  err(line: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a person types, at a terminal that also shows the result. */
  readonly typed: boolean;
  /** Whether lines may have colours: a person looks at them and has not asked for none. */
  readonly colour: boolean;
  /** Aborts with {@link Interruption} at the first Ctrl-C that is not for the answer to a typed line, and when nobody reads the output any more. */
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

/** The terminal of this process. A Ctrl-C after the one that interrupts ends the process as if nobody had listened. Call the returned function at the end. */
export function processTerminal(): { terminal: Terminal; release: () => void } {
  const interruption = new AbortController();
  let answering: Answering | undefined;
  const onInterrupt = (): void => {
    const why = new Interruption('Ctrl-C', 130);
    if (answering?.stop(why) === true) return;
    process.off('SIGINT', onInterrupt);
    interruption.abort(why);
  };
  const onTerminate = (): void => interruption.abort(new Interruption('asked to end', 143));
  const onOutputGone = (): void => interruption.abort(new Interruption('the output was closed', 141));
  process.on('SIGINT', onInterrupt);
  process.once('SIGTERM', onTerminate);
  process.stdout.on('error', onOutputGone);
  process.stderr.on('error', ignore);
  const noColour = process.env['NO_COLOR'];
  const typed = process.stdin.isTTY === true && process.stdout.isTTY === true;
  return {
    terminal: {
      out: (line) => void process.stdout.write(`${line}\n`),
      write: streamWriter(process.stdout),
      lines: (prompt) => (typed ? typedLines({ prompt, stop: interruption.signal, onAnswering: (next) => (answering = next) }) : pipedLines(interruption.signal)),
      err: (line) => void process.stderr.write(`${line}\n`),
      env: process.env,
      typed,
      // https://no-color.org: any value that is not empty.
      colour: process.stdout.isTTY === true && process.env['TERM'] !== 'dumb' && (noColour === undefined || noColour === ''),
      interrupted: interruption.signal,
    },
    release() {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
    },
  };
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
