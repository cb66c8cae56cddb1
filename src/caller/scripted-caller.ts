import { SLOT_SAMPLES } from '../client/index.js';
import type { CallerEar } from './caller-ear.js';
import { INTERRUPT_AFTER_MS, SILENT_FOR_MS, WITHIN_MS } from './caller-steps.js';
import type { PreparedStep } from './caller-steps.js';
import { wordsPattern } from './words-pattern.js';

/** What a caller does in a slot of 20 ms beside what the microphone hears. */
export type CallerAction =
  | { readonly type: 'types'; readonly text: string }
  /** The script is at its end. */
  | { readonly type: 'hangs_up' }
  /** A step waited for too long. `step` counts from 1. */
  | { readonly type: 'gives_up'; readonly step: number; readonly name: string; readonly waitedMs: number };

const SILENCE = new Int16Array(SLOT_SAMPLES);

/**
 * A caller that follows its steps: for each 20 ms of the call it gives what the microphone hears. It knows no clock and no socket; whoever runs it
 * calls {@link ScriptedCaller.slot} and does what it says.
 *
 *      step ──speaks to its end, time passes, or the ear has heard it──▶ next step ──after the last──▶ hangs up
 *        └──────────── waited longer than withinMs ────────────▶ gives up
 */
export class ScriptedCaller {
  readonly #steps: readonly PreparedStep[];
  readonly #ear: CallerEar;
  readonly #onAction: (action: CallerAction) => void;
  #index = 0;
  /** When the step began. */
  #sinceMs: number;
  /** Samples of the step's sound that have been said; `undefined` while it waits to speak. */
  #said: number | undefined;
  #over = false;

  constructor(steps: readonly PreparedStep[], ear: CallerEar, nowMs: number, onAction: (action: CallerAction) => void) {
    this.#steps = steps;
    this.#ear = ear;
    this.#sinceMs = nowMs;
    this.#onAction = onAction;
  }

  /** The step it is at, from 1; one more than there are when it is through. */
  get step(): number {
    return this.#index + 1;
  }

  /** Whether nothing that is left needs somebody at the other end. */
  get needsNobody(): boolean {
    return this.#steps.slice(this.#index).every(({ does }) => does === 'waits' || does === 'until_silent' || does === 'hangs_up');
  }

  /** What the microphone hears in the 20 ms that end now. The samples are not to be written to. */
  slot(nowMs: number): Int16Array {
    for (let step = this.#steps[this.#index]; !this.#over; step = this.#steps[this.#index]) {
      if (step === undefined || step.does === 'hangs_up') {
        this.#over = true;
        this.#onAction({ type: 'hangs_up' });
        break;
      }
      const samples = this.#speech(step, nowMs);
      if (samples !== undefined) return samples;
      if (!this.#isDone(step, nowMs)) {
        const withinMs = 'withinMs' in step ? (step.withinMs ?? WITHIN_MS) : WITHIN_MS;
        const waitedMs = nowMs - this.#sinceMs;
        if (step.does !== 'waits' && step.does !== 'says' && waitedMs > withinMs) {
          this.#over = true;
          this.#onAction({ type: 'gives_up', step: this.#index + 1, name: nameOf(step), waitedMs });
        }
        break;
      }
      if (step.does === 'types') this.#onAction({ type: 'types', text: step.text });
      this.#index += 1;
      // A wait begins where the one before it ended by the clock, not where somebody looked.
      this.#sinceMs = step.does === 'waits' ? this.#sinceMs + step.ms : nowMs;
      this.#said = undefined;
    }
    return SILENCE;
  }

  /** The next 20 ms of a step that speaks. */
  #speech(step: PreparedStep, nowMs: number): Int16Array | undefined {
    if (step.does === 'says') this.#said ??= 0;
    if (step.does === 'interrupts' && this.#ear.soundedMs(nowMs) >= (step.afterMs ?? INTERRUPT_AFTER_MS)) this.#said ??= 0;
    if (!('samples' in step) || this.#said === undefined || this.#said >= step.samples.length) return undefined;
    const frame = new Int16Array(SLOT_SAMPLES);
    frame.set(step.samples.subarray(this.#said, this.#said + SLOT_SAMPLES));
    this.#said += SLOT_SAMPLES;
    return frame;
  }

  #isDone(step: PreparedStep, nowMs: number): boolean {
    switch (step.does) {
      case 'says':
      case 'interrupts':
        return this.#said !== undefined;
      case 'types':
      case 'hangs_up':
        return true;
      case 'waits':
        return nowMs - this.#sinceMs >= step.ms;
      case 'hears':
        return this.#ear.take(wordsPattern(step.pattern));
      case 'until_agent_speaks':
        return this.#ear.soundsAt(nowMs);
      case 'until_silent':
        return this.#ear.silentMs(nowMs, this.#sinceMs) >= (step.forMs ?? SILENT_FOR_MS);
    }
  }
}

function nameOf(step: PreparedStep): string {
  return step.does === 'hears' ? `hears(${step.pattern instanceof RegExp ? String(step.pattern) : JSON.stringify(step.pattern)})` : step.does;
}
