import { createInterface } from 'node:readline';

/** A line that somebody typed or piped in. */
export interface AskedLine {
  readonly text: string;
  /** Aborts when no more of its answer is wanted: at Ctrl-C, and with the whole command. */
  readonly signal: AbortSignal;
}

/** A line that is being answered, which a Ctrl-C is for. */
export interface Answering {
  /** False when it was stopped before, or nothing is being answered: then the Ctrl-C is for the command. */
  stop(why: Error): boolean;
}

export interface TypedLinesOptions {
  readonly prompt: string;
  /** Ends the lines. */
  readonly stop: AbortSignal;
  /** Is told who a Ctrl-C is for from now on. */
  readonly onAnswering: (answering: Answering) => void;
}

/**
 * Lines from a keyboard, each edited with the arrow keys, the earlier ones to go back to. While an answer comes the terminal is in its own mode, so that
 * Ctrl-C is a signal and an answer that hangs can be killed; what is typed meanwhile is the beginning of the next line. Ends with Ctrl-D.
 */
export async function* typedLines({ prompt, stop, onAnswering }: TypedLinesOptions): AsyncGenerator<AskedLine> {
  const { stdin, stdout } = process;
  // The lines of one paste come at once.
  const typed: string[] = [];
  let wake = (): void => {};
  let open = true;
  const editor = createInterface({ input: stdin, output: stdout, terminal: true, prompt, historySize: 500, removeHistoryDuplicates: true });
  editor.pause();
  editor.on('line', (line) => {
    typed.push(line);
    editor.pause();
    stdin.setRawMode(false);
    wake();
  });
  editor.on('close', () => {
    open = false;
    wake();
  });
  editor.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  const onStop = (): void => editor.close();
  stop.addEventListener('abort', onStop, { once: true });
  if (stop.aborted) onStop();
  try {
    while (open) {
      let text = typed.shift();
      if (text === undefined) {
        stdin.setRawMode(true);
        editor.prompt(true);
        await new Promise<void>((resolve) => (wake = resolve));
        text = typed.shift();
        // The prompt stands there, and nothing behind it.
        if (text === undefined) stdout.write('\n');
        // Or the unfinished end of a paste: it comes back behind the next prompt.
        else if (editor.line !== '') stdout.write('\n');
      } else {
        stdout.write(`${prompt}${text}\n`);
      }
      if (text === undefined) return;
      const unwanted = new AbortController();
      onAnswering({
        stop(why) {
          const isNews = !unwanted.signal.aborted;
          unwanted.abort(why);
          return isNews;
        },
      });
      yield { text, signal: AbortSignal.any([stop, unwanted.signal]) };
      onAnswering({ stop: () => false });
    }
  } finally {
    onAnswering({ stop: () => false });
    stop.removeEventListener('abort', onStop);
    editor.close();
    stdin.pause();
  }
}

/** Lines from a pipe or a file. */
export async function* pipedLines(stop: AbortSignal): AsyncGenerator<AskedLine> {
  const lines = createInterface({ input: process.stdin, terminal: false });
  const onStop = (): void => lines.close();
  stop.addEventListener('abort', onStop, { once: true });
  try {
    if (stop.aborted) return;
    for await (const text of lines) yield { text, signal: stop };
  } finally {
    stop.removeEventListener('abort', onStop);
    lines.close();
    process.stdin.pause();
  }
}
