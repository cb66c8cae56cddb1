import type { FlatRunEvent } from '../../session/index.js';
import { awaitedClock } from '../host/awaited-clock.js';
import { TerminalView } from './terminal-view.js';
import type { Piece, TerminalViewOptions } from './terminal-view.js';
import { StatusLine } from './status-line.js';
import { TextPacer } from './text-pacer.js';
import type { TextPacerOptions } from './text-pacer.js';

export interface PrintRunOptions extends TerminalViewOptions, Partial<Pick<TextPacerOptions, 'mode' | 'updatesPerSecond' | 'typingMs' | 'clock'>> {
  /** Where the text goes. A promise holds the run until the output has room again. */
  readonly write: (text: string) => void | Promise<void>;
  /** Whether the output is a terminal that may have colours and a line that moves; default false: plain text, nothing is ever erased. */
  readonly terminal?: boolean;
  /** Ends the typing, not the run: from then on all text is written as it comes. Hand it the signal of the run. */
  readonly signal?: AbortSignal;
}

/** What was printed. */
export interface PrintedRun {
  /** The agent's words. */
  readonly text: string;
  readonly end: 'completed' | 'cancelled' | 'interrupted' | 'failed' | 'cut';
}

/** SGR: dim, cyan, yellow; the answer itself is plain. */
const COLOUR: Readonly<Record<Piece['kind'], number | undefined>> = { answer: undefined, reasoning: 2, tool: 36, agent: 2, error: 33 };

/**
 * Shows a run as it comes. The run waits for whoever cannot keep up: a slow output, or characters that are being typed. A run that breaks off without an
 * end is `cut`; what it throws is thrown, after all text that came before it was written, as is what `write` throws.
 *
 *     await printRun(result.flatEvents(), { write: (text) => void process.stdout.write(text), terminal: process.stdout.isTTY });
 */
export async function printRun(events: AsyncIterable<FlatRunEvent>, options: PrintRunOptions): Promise<PrintedRun> {
  const { terminal = false, clock = awaitedClock, signal } = options;
  const view = new TerminalView(options);
  const output = new Output(options.write);
  let atLineStart = true;
  const status = terminal ? new StatusLine(clock, (text) => output.write(text), () => atLineStart) : undefined;
  let kind: Piece['kind'] = 'answer';
  const write = (text: string): void => {
    status?.hide();
    output.write(terminal ? painted(kind, text) : text);
    atLineStart = text.endsWith('\n');
  };
  const pacer = new TextPacer({ ...options, clock, mode: options.mode ?? 'adaptive', write });
  const onAbort = (): void => pacer.flush();
  signal?.addEventListener('abort', onAbort, { once: true });
  let text = '';
  let end: PrintedRun['end'] = 'cut';
  try {
    for await (const event of events) {
      for (const piece of view.show(event)) {
        if (piece.kind !== kind) {
          if (signal?.aborted !== true) await pacer.typed();
          pacer.flush();
          kind = piece.kind;
        }
        pacer.push(piece.text);
        if (piece.kind !== 'answer' && piece.kind !== 'reasoning') pacer.flush();
      }
      if (event.type === 'response.text.delta') text += event.delta;
      else if (event.type === 'response.function_call.done') status?.started(event.callId, event.name);
      else if (event.type === 'response.function_call.output') status?.ended(event.callId);
      else if (event.type === 'run.done') end = event.end;
      else if (event.type === 'run.error') end = 'failed';
      if (signal?.aborted === true) pacer.flush();
      await pacer.typed();
      await output.room();
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    pacer.flush();
    status?.close();
  }
  await output.room();
  return { text, end };
}

/** Text is also written while nobody waits, by a timer: what the output then says is kept for who asks next. */
class Output {
  readonly #write: (text: string) => void | Promise<void>;
  #room: Promise<void> | undefined;
  #failed: { readonly why: unknown } | undefined;

  constructor(write: (text: string) => void | Promise<void>) {
    this.#write = write;
  }

  write(text: string): void {
    if (this.#failed !== undefined) return;
    try {
      this.#room = this.#write(text)?.catch((why: unknown) => this.#fail(why)) ?? this.#room;
    } catch (why) {
      this.#fail(why);
    }
  }

  /** Resolves when the output has room; rejects with what it failed with. */
  async room(): Promise<void> {
    await this.#room;
    this.#room = undefined;
    if (this.#failed !== undefined) throw this.#failed.why;
  }

  #fail(why: unknown): void {
    this.#failed ??= { why };
  }
}

function painted(kind: Piece['kind'], text: string): string {
  const colour = COLOUR[kind];
  return colour === undefined ? text : `\u001b[${colour}m${text}\u001b[0m`;
}
