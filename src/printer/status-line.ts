import type { Clock, Timer } from '../../session/index.js';

/** How often the line is drawn anew, in ms. */
const EVERY_MS = 100;
/** What a tool takes in less than this is not worth a line. */
const SHOW_AFTER_MS = 300;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** ECMA-48: to the start of the line, and the line is erased. */
const ERASE = '\r\u001b[2K';

/** One line at the foot of the output that says which tools run and for how long; it leaves nothing behind. For terminals alone. */
export class StatusLine {
  readonly #clock: Clock;
  readonly #write: (text: string) => void;
  readonly #running = new Map<string, { readonly name: string; readonly sinceMs: number }>();
  #timer: Timer | undefined;
  #shown = false;
  #frame = 0;

  constructor(clock: Clock, write: (text: string) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  started(callId: string, name: string): void {
    this.#running.set(callId, { name, sinceMs: this.#clock.now() });
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
    const nowMs = this.#clock.now();
    const frame = FRAMES[this.#frame % FRAMES.length] ?? '';
    this.#frame += 1;
    const running = [...this.#running.values()].map(({ name, sinceMs }) => `${name} ${((nowMs - sinceMs) / 1_000).toFixed(1)} s`);
    this.#write(`${ERASE}${frame} ${running.slice(0, 3).join(', ')}`);
    this.#shown = true;
    this.#timer = this.#clock.after(EVERY_MS, this.#draw);
  };
}
