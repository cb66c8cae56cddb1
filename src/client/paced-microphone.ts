import type { Clock } from '../../session/index.js';
import type { Microphone } from './ports.js';
import { SLOT_SAMPLES, SlotTimer } from './slot-timer.js';

export interface PacedMicrophoneOptions {
  readonly clock: Clock;
  /** The moment of sample 0 of the call, in ms of the clock; see `ClockSpeakerOptions`. Default: the moment of `start`. */
  readonly originMs?: number;
  /** Gets each 20 ms as it is given to the conversation; `firstSample` counts from the origin. The samples are borrowed until it returns. */
  readonly sink?: (samples: Int16Array, firstSample: number) => void;
}

/** A microphone into which a recording is played, at the pace of real time; after its end it gives silence, as an open microphone does. */
export class PacedMicrophone implements Microphone {
  /** Resolves when the last sample has been given out. It does not when the microphone is stopped before. */
  readonly ended: Promise<void>;
  readonly #samples: Int16Array;
  readonly #options: PacedMicrophoneOptions;
  #confirmEnded: () => void = () => {};
  #position = 0;
  #timer: SlotTimer | undefined;

  /** `samples`: mono, 24 kHz; borrowed as long as the microphone is in use. */
  constructor(samples: Int16Array, options: PacedMicrophoneOptions) {
    this.#samples = samples;
    this.#options = options;
    this.ended = new Promise((resolve) => (this.#confirmEnded = resolve));
  }

  /** Samples of the recording given out so far. */
  get position(): number {
    return Math.min(this.#position, this.#samples.length);
  }

  start(onSamples: (samples: Int16Array) => void): void {
    this.stop();
    const { clock, originMs = clock.now(), sink } = this.#options;
    this.#timer = new SlotTimer(clock, originMs, (slot) => {
      const frame = new Int16Array(SLOT_SAMPLES);
      frame.set(this.#samples.subarray(this.#position, this.#position + SLOT_SAMPLES));
      this.#position += SLOT_SAMPLES;
      sink?.(frame, slot * SLOT_SAMPLES);
      onSamples(frame);
      if (this.#position >= this.#samples.length) this.#confirmEnded();
    });
  }

  stop(): void {
    this.#timer?.stop();
    this.#timer = undefined;
  }
}
