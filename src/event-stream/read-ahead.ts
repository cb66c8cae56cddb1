/**
 * How far a run may be ahead of the one that reads it fastest. A slow reader does not hold the others, but a run with one reader is no faster than it: what is
 * written would be dropped from the log before anybody has read it. Once it is free, because nobody is expected any more, it is held again by the next reader.
 */
export class ReadAhead {
  readonly #maxChars: number;
  /** What was written and not read by anybody, oldest first. */
  readonly #unread: { readonly n: number; readonly chars: number }[] = [];
  #chars = 0;
  #held = true;
  #waiting: (() => void) | undefined;

  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  wrote(n: number, chars: number): void {
    if (!this.#held) return;
    this.#unread.push({ n, chars });
    this.#chars += chars;
  }

  /** Somebody has read event `n`. */
  read(n: number): void {
    let count = 0;
    for (const { n: written, chars } of this.#unread) {
      if (written > n) break;
      this.#chars -= chars;
      count += 1;
    }
    if (count > 0) this.#unread.splice(0, count);
    this.#wakeIfRoom();
  }

  /** Somebody reads. */
  hold(): void {
    this.#held = true;
  }

  /** Nobody is waited for. */
  free(): void {
    this.#held = false;
    this.#unread.length = 0;
    this.#chars = 0;
    this.#wakeIfRoom();
  }

  /** Resolves when the next event may be written. One writer waits. */
  async room(): Promise<void> {
    while (!this.#hasRoom) await new Promise<void>((resolve) => (this.#waiting = resolve));
  }

  get #hasRoom(): boolean {
    return this.#chars < this.#maxChars && this.#unread.length < MAX_EVENTS;
  }

  #wakeIfRoom(): void {
    if (!this.#hasRoom) return;
    this.#waiting?.();
    this.#waiting = undefined;
  }
}

/** A quarter of what a log in memory keeps. */
const MAX_EVENTS = 1024;
