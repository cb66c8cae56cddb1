import { SAMPLE_RATE } from '../protocol/voicewire/index.js';
import type { Clock, Timer } from '../../session/index.js';

/** One frame of audio, 20 ms. */
export const SLOT_MS = 20;
export const SLOT_SAMPLES = (SAMPLE_RATE * SLOT_MS) / 1000;
/** A stall up to this long is made up for; a longer one has happened, and time goes on without it. */
const MAX_CATCH_UP_SLOTS = 10;

/**
 * Calls back once for each 20 ms of audio, when that time has passed. Slots are counted from `originMs`, and deadlines are absolute, so that a
 * late timer does not stretch the audio: slot n is `[originMs + n * 20, originMs + (n + 1) * 20)`.
 */
export class SlotTimer {
  readonly #clock: Clock;
  readonly #originMs: number;
  readonly #onSlot: (slot: number) => void;
  #next: number;
  #timer: Timer | undefined;
  #running = true;

  /** Starts at the slot in which the clock stands. */
  constructor(clock: Clock, originMs: number, onSlot: (slot: number) => void) {
    this.#clock = clock;
    this.#originMs = originMs;
    this.#onSlot = onSlot;
    this.#next = Math.max(0, Math.ceil((clock.now() - originMs) / SLOT_MS));
    this.#arm();
  }

  stop(): void {
    this.#running = false;
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer = this.#clock.after(this.#originMs + (this.#next + 1) * SLOT_MS - this.#clock.now(), () => this.#onTimer());
  }

  #onTimer(): void {
    const passed = Math.floor((this.#clock.now() - this.#originMs) / SLOT_MS + 1e-6);
    this.#next = Math.max(this.#next, passed - MAX_CATCH_UP_SLOTS);
    while (this.#running && this.#next < passed) {
      this.#next += 1;
      this.#onSlot(this.#next - 1);
    }
    if (this.#running) this.#arm();
  }
}
