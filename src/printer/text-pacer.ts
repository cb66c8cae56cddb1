import type { Clock, Timer } from '../../session/index.js';

/**
 * When text is written. `adaptive`: at once, and then what has gathered, at most `updatesPerSecond` times a second. `character`: one after the other.
 * `line` and `block`: when a line, or a paragraph, is whole.
 */
export type PaceMode = 'adaptive' | 'character' | 'line' | 'block';

export interface TextPacerOptions {
  readonly clock: Clock;
  /** Hands text on. */
  readonly write: (text: string) => void;
  readonly mode: PaceMode;
  /** 1..240; default 60. */
  readonly updatesPerSecond?: number;
  /** Between two characters in `character` mode, 0..1000 ms; default 0. */
  readonly typingMs?: number;
}

/** More than this waits for nobody: a text without line ends is written all the same. */
const MAX_HELD = 4_096;

/** Holds text back until it is to be written: at most {@link MAX_HELD} characters, and what is being typed. */
export class TextPacer {
  readonly #clock: Clock;
  readonly #write: (text: string) => void;
  readonly #mode: PaceMode;
  readonly #everyMs: number;
  readonly #typingMs: number;
  /** Made when it is first needed: the first one of a process takes tens of milliseconds. */
  #segmenter: Intl.Segmenter | undefined;
  #held = '';
  #lastMs = -Infinity;
  #timer: Timer | undefined;
  #onEmpty: (() => void)[] = [];

  /** Throws `RangeError` for numbers that cannot be. */
  constructor(options: TextPacerOptions) {
    const { updatesPerSecond = 60, typingMs = 0 } = options;
    if (!(updatesPerSecond >= 1 && updatesPerSecond <= 240)) throw new RangeError(`updatesPerSecond must be 1 to 240, not ${updatesPerSecond}.`);
    if (!(typingMs >= 0 && typingMs <= 1_000)) throw new RangeError(`typingMs must be 0 to 1000, not ${typingMs}.`);
    this.#clock = options.clock;
    this.#write = options.write;
    this.#mode = options.mode;
    this.#everyMs = 1_000 / updatesPerSecond;
    this.#typingMs = typingMs;
  }

  push(text: string): void {
    if (text === '') return;
    this.#held += text;
    switch (this.#mode) {
      case 'line':
        return this.#writeUpTo(this.#held.lastIndexOf('\n') + 1);
      case 'block': {
        const end = this.#held.lastIndexOf('\n\n');
        return this.#writeUpTo(end < 0 ? 0 : end + 2);
      }
      case 'adaptive':
        return this.#writeInTime();
      case 'character':
        if (this.#typingMs === 0) return this.#writeCharacters();
        if (this.#timer === undefined) this.#type();
    }
  }

  /** Resolves when no typed text waits: whoever brings the next text waits for this, so that what waits stays short. */
  typed(): Promise<void> {
    if (this.#mode !== 'character' || this.#held === '') return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  /** Writes what is held, at once. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const text = this.#held;
    this.#held = '';
    if (text !== '') this.#put(text);
    this.#empty();
  }

  #writeUpTo(end: number): void {
    const upTo = end === 0 && this.#held.length > MAX_HELD ? this.#held.length : end;
    if (upTo === 0) return;
    const text = this.#held.slice(0, upTo);
    this.#held = this.#held.slice(upTo);
    this.#put(text);
  }

  #writeInTime(): void {
    const waitMs = this.#lastMs + this.#everyMs - this.#clock.now();
    if (waitMs <= 0) return this.flush();
    this.#timer ??= this.#clock.after(waitMs, () => this.flush());
  }

  #writeCharacters(): void {
    const text = this.#held;
    this.#held = '';
    for (const character of this.#characters(text)) this.#put(character);
  }

  #type(): void {
    const [next] = this.#characters(this.#held);
    if (next === undefined) return this.#empty();
    this.#held = this.#held.slice(next.length);
    this.#put(next);
    this.#timer = this.#clock.after(this.#typingMs, () => {
      this.#timer = undefined;
      this.#type();
    });
  }

  /** What a reader takes for one: an emoji of several parts, a letter with its accents. In ASCII each stands alone. */
  *#characters(text: string): Generator<string> {
    if (/^[\0-\x7f]*$/u.test(text)) return yield* text;
    this.#segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
    for (const { segment } of this.#segmenter.segment(text)) yield segment;
  }

  #put(text: string): void {
    this.#lastMs = this.#clock.now();
    this.#write(text);
  }

  #empty(): void {
    for (const resolve of this.#onEmpty.splice(0)) resolve();
  }
}
