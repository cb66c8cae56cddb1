import type { Vad, VadTransition } from '../../audio/index.js';
import type { Clock, Recogniser, RecogniserEvent, Synthesiser, Workflow, WorkflowTurn } from '../../session/index.js';

/** What a stage does next: a value, a wait in ms of the clock, a failure, or nothing any more. */
export type Scripted<T> = { readonly give: T } | { readonly waitMs: number } | { readonly fail: unknown } | { readonly stand: true };

/** Counts what is open: a test that stops everything finds 0. */
export class OpenStreams {
  open = 0;
  opened = 0;

  /** A stream that does what it is told to, and is open from its first `next()` to its end or `return()`. It heeds no signal: letting go is `return()`. */
  stream<T>(clock: Clock, script: readonly Scripted<T>[]): AsyncIterable<T> {
    return {
      [Symbol.asyncIterator]: (): AsyncIterator<T> => {
        let at = -1;
        let leave: (() => void) | undefined;
        let isOpen = false;
        const close = (): IteratorResult<T> => {
          if (isOpen) this.open -= 1;
          isOpen = false;
          return { value: undefined, done: true };
        };
        const left = new Promise<'left'>((resolve) => (leave = () => resolve('left')));
        return {
          next: async () => {
            if (at === -1) {
              isOpen = true;
              this.open += 1;
              this.opened += 1;
            }
            for (;;) {
              at += 1;
              const step = script[at];
              if (step === undefined || !isOpen) return close();
              if ('give' in step) return { value: step.give, done: false };
              if ('fail' in step) {
                close();
                throw step.fail;
              }
              let wake: (() => void) | undefined;
              const timer = 'waitMs' in step ? clock.after(step.waitMs, () => wake?.()) : undefined;
              const woken = await Promise.race([left, new Promise<'woken'>((resolve) => (wake = () => resolve('woken')))]);
              timer?.cancel();
              if (woken === 'left') return close();
            }
          },
          return: () => {
            leave?.();
            return Promise.resolve(close());
          },
        };
      },
    };
  }
}

/** A microphone in the hands of a test. It counts as open from the first `next()` on. */
export class TestMicrophone implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = [];
  #waiting: ((result: IteratorResult<Uint8Array>) => void) | undefined;
  #end: { readonly error?: unknown } | undefined;
  open = 0;

  push(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#serve();
  }

  /** No more audio; with an error, the source fails. */
  end(failure: { readonly error?: unknown } = {}): void {
    this.#end = failure;
    this.#serve();
  }

  get waitingChunks(): number {
    return this.#chunks.length;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    this.open += 1;
    let reject: ((error: unknown) => void) | undefined;
    return {
      next: () =>
        new Promise((resolve, fail) => {
          reject = fail;
          this.#waiting = (result) => {
            if (result.done === true && this.#end !== undefined && 'error' in this.#end) reject?.(this.#end.error);
            else resolve(result);
            if (result.done === true) this.open -= 1;
          };
          this.#serve();
        }),
      return: () => {
        if (this.#waiting !== undefined || this.open > 0) this.open -= 1;
        this.#waiting = undefined;
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const chunk = this.#chunks.shift();
    if (chunk === undefined && this.#end === undefined) return;
    this.#waiting = undefined;
    waiting(chunk === undefined ? { value: undefined, done: true } : { value: chunk, done: false });
  }
}

/** Frames of 20 ms with any sound in them are voice; bridged by `hangMs`. */
export class LevelVad implements Vad {
  readonly sampleRate: number;
  readonly #hangMs: number;
  #inFrame = 0;
  #isVoice = false;
  #heard = 0;
  #voicedUntil: number | undefined;

  constructor({ sampleRate, hangMs }: { readonly sampleRate: number; readonly hangMs: number }) {
    this.sampleRate = sampleRate;
    this.#hangMs = hangMs;
  }

  get speaking(): boolean {
    return this.#voicedUntil !== undefined;
  }

  push(samples: Int16Array): readonly VadTransition[] {
    const transitions: VadTransition[] = [];
    const frame = this.sampleRate / 50;
    for (const sample of samples) {
      this.#inFrame += 1;
      this.#isVoice ||= sample !== 0;
      if (this.#inFrame < frame) continue;
      const isVoice = this.#isVoice;
      this.#inFrame = 0;
      this.#isVoice = false;
      const from = this.#heard;
      this.#heard += frame;
      if (isVoice) {
        if (this.#voicedUntil === undefined) transitions.push({ type: 'start', sample: from, decidedAt: this.#heard });
        this.#voicedUntil = this.#heard;
      } else if (this.#voicedUntil !== undefined && ((this.#heard - this.#voicedUntil) * 1000) / this.sampleRate >= this.#hangMs) {
        transitions.push({ type: 'end', sample: this.#voicedUntil, decidedAt: this.#heard });
        this.#voicedUntil = undefined;
      }
    }
    return transitions;
  }

  flush(): readonly VadTransition[] {
    const sample = this.#voicedUntil;
    this.#voicedUntil = undefined;
    return sample === undefined ? [] : [{ type: 'end', sample, decidedAt: this.#heard }];
  }
}

export interface HeardTurn {
  samples: Int16Array[];
  ended: boolean;
  readonly signal: AbortSignal;
}

/** Gives the scripted events of the n-th stretch of speech once it has ended; those of `early` while it is spoken. */
export class ScriptedRecogniser implements Recogniser {
  readonly label = 'scripted';
  readonly turns: HeardTurn[] = [];
  readonly streams = new OpenStreams();
  readonly #clock: Clock;
  readonly #scripts: readonly (readonly Scripted<RecogniserEvent>[])[];
  readonly #early: readonly Scripted<RecogniserEvent>[];

  constructor(clock: Clock, scripts: readonly (string | readonly Scripted<RecogniserEvent>[])[], early: readonly Scripted<RecogniserEvent>[] = []) {
    this.#clock = clock;
    this.#scripts = scripts.map((script) => (typeof script === 'string' ? [{ give: { type: 'final', text: script } }] : script));
    this.#early = early;
  }

  start({ signal }: { readonly signal: AbortSignal }): ReturnType<Recogniser['start']> {
    const script = this.#scripts[this.turns.length % this.#scripts.length] ?? [];
    const turn: HeardTurn = { samples: [], ended: false, signal };
    this.turns.push(turn);
    let resolveEnd: () => void = () => {};
    const ended = new Promise<void>((resolve) => (resolveEnd = resolve));
    const early = this.streams.stream(this.#clock, this.#early)[Symbol.asyncIterator]();
    const rest = this.streams.stream(this.#clock, script)[Symbol.asyncIterator]();
    let left: () => void = () => {};
    const leaving = new Promise<void>((resolve) => (left = resolve));
    let isEarly = true;
    let isOver = false;
    return {
      push: (samples) => void (turn.ended || turn.samples.push(samples.slice())),
      end: () => {
        turn.ended = true;
        resolveEnd();
      },
      events: {
        [Symbol.asyncIterator]: () => ({
          next: async () => {
            if (isEarly) {
              const next = await early.next();
              if (next.done !== true) return next;
              isEarly = false;
            }
            await Promise.race([ended, leaving]);
            return isOver ? { value: undefined, done: true } : rest.next();
          },
          return: async () => {
            isOver = true;
            left();
            await early.return?.();
            await rest.return?.();
            return { value: undefined, done: true };
          },
        }),
      },
    };
  }
}

/** Answers the n-th question by the n-th script, and remembers what it was told. */
export class ScriptedWorkflow implements Workflow {
  readonly asked: WorkflowTurn[] = [];
  readonly told: { readonly heardText: string; readonly unheardText: string }[] = [];
  readonly streams = new OpenStreams();
  readonly #clock: Clock;
  readonly #scripts: readonly (readonly Scripted<string>[])[];

  constructor(clock: Clock, scripts: readonly (string | readonly Scripted<string>[])[]) {
    this.#clock = clock;
    this.#scripts = scripts.map((script) => (typeof script === 'string' ? [{ give: script }] : script));
  }

  answer(turn: WorkflowTurn): AsyncIterable<string> {
    const script = this.#scripts[this.asked.length % this.#scripts.length] ?? [];
    this.asked.push(turn);
    return this.streams.stream(this.#clock, script);
  }

  heard(heardText: string, unheardText: string): void {
    this.told.push({ heardText, unheardText });
  }
}

/** Speaks 50 ms of sound for each character, in pieces of at most `pieceMs`; the samples say which character they are of. */
export class ScriptedSynthesiser implements Synthesiser {
  readonly label = 'scripted';
  readonly sampleRate: number;
  readonly spoken: { readonly text: string; readonly signal: AbortSignal }[] = [];
  readonly streams = new OpenStreams();
  readonly #clock: Clock;
  readonly #script: (text: string, index: number) => readonly Scripted<Int16Array>[];

  constructor(clock: Clock, options: { readonly sampleRate?: number; readonly script?: (text: string, index: number) => readonly Scripted<Int16Array>[] } = {}) {
    this.#clock = clock;
    this.sampleRate = options.sampleRate ?? 24_000;
    this.#script = options.script ?? ((text) => voiceOf(text, this.sampleRate).map((give) => ({ give })));
  }

  speak(text: string, { signal }: { readonly signal: AbortSignal }): AsyncIterable<Int16Array> {
    this.spoken.push({ text, signal });
    return this.streams.stream(this.#clock, this.#script(text, this.spoken.length - 1));
  }
}

/** 50 ms a character, in pieces of 100 ms. */
export function voiceOf(text: string, sampleRate: number): Int16Array[] {
  const all = new Int16Array((text.length * sampleRate) / 20);
  for (let at = 0; at < all.length; at += 1) all[at] = 1 + text.charCodeAt(Math.floor((at * 20) / sampleRate));
  const pieces: Int16Array[] = [];
  for (let at = 0; at < all.length; at += sampleRate / 10) pieces.push(all.slice(at, at + sampleRate / 10));
  return pieces;
}
