import { SAMPLE_RATE } from '../protocol/voicewire/index.js';

/** -12 dB. */
const DUCKED = 10 ** (-12 / 20);
/** From full level to ducked and back in 5 ms: a step would click. */
const STEP_PER_SAMPLE = (1 - DUCKED) / ((SAMPLE_RATE * 5) / 1000);

/** The level at which a speaker plays: full, or ducked while the user may be interrupting. */
export class Gain {
  #now = 1;
  #wanted = 1;

  duck(ducked: boolean): void {
    this.#wanted = ducked ? DUCKED : 1;
  }

  /** The factor for the next sample. */
  next(): number {
    if (this.#now < this.#wanted) this.#now = Math.min(this.#wanted, this.#now + STEP_PER_SAMPLE);
    else if (this.#now > this.#wanted) this.#now = Math.max(this.#wanted, this.#now - STEP_PER_SAMPLE);
    return this.#now;
  }

  /** Changes samples in place. */
  apply(samples: Int16Array): void {
    if (this.#now === 1 && this.#wanted === 1) return;
    for (let index = 0; index < samples.length; index += 1) samples[index] = Math.round((samples[index] ?? 0) * this.next());
  }
}
