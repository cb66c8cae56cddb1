import type { Clock, Timer } from '../../session/index.js';
import { oneLine } from './terminal-view.js';

/** How often the line is drawn anew, in ms. */
const EVERY_MS = 100;
/** What a tool takes in less than this is not worth a line. */
const SHOW_AFTER_MS = 300;
/** The names of tools have no more characters with most providers. */
const MAX_NAME = 64;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** ECMA-48: to the start of the line, and the line is erased. */
const ERASE = '\r\u001b[2K';
/** DEC private mode 7: what is wider than the terminal is cut by it. A line that wrapped would be two, and only one of them would be erased. */
const NO_WRAP = '\u001b[?7l';
const WRAP = '\u001b[?7h';

/**
 * One line at the foot of the output that says which tools run and for how long; it leaves nothing behind. For terminals alone. It is drawn over the line
 * it stands on, so only where `atLineStart` says that nothing else does.
 */
export class StatusLine {
  readonly #clock: Clock;
  readonly #write: (text: string) => void;
  readonly #atLineStart: () => boolean;
  readonly #running = new Map<string, { readonly name: string; readonly sinceMs: number }>();
  #timer: Timer | undefined;
  #shown = false;
  #frame = 0;

  constructor(clock: Clock, write: (text: string) => void, atLineStart: () => boolean) {
    this.#clock = clock;
    this.#write = write;
    this.#atLineStart = atLineStart;
  }

  started(callId: string, name: string): void {
    // A name is what a model made of it.
    this.#running.set(callId, { name: oneLine(name).slice(0, MAX_NAME), sinceMs: this.#clock.now() });
    this.#timer ??= this.#clock.after(SHOW_AFTER_MS, this.#draw);
  }

  ended(callId: string): void {
    this.#running.delete(callId);
    if (this.#running.size === 0) this.close();
  }

  /** Makes room for text; the line comes back by itself while something runs. */
  hide(): void {
    if (this.#shown) this.#write(ERASE);
    this.#shown = false;
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#running.clear();
    this.hide();
  }

  readonly #draw = (): void => {
    this.#timer = this.#clock.after(EVERY_MS, this.#draw);
    if (!this.#atLineStart()) return;
    const nowMs = this.#clock.now();
    const frame = FRAMES[this.#frame % FRAMES.length] ?? '';
    this.#frame += 1;
    const running = [...this.#running.values()].map(({ name, sinceMs }) => `${name} ${((nowMs - sinceMs) / 1_000).toFixed(1)} s`);
    this.#write(`${ERASE}${NO_WRAP}${frame} ${running.slice(0, 3).join(', ')}${WRAP}`);
    this.#shown = true;
  };
}
