import { clipToInt16 } from '../format/clip-to-int16.js';
import type { AudioStage } from './audio-stage.js';

export interface GainOptions {
  /** -100..60. */
  readonly gainDb: number;
  /** What becomes of samples that are too loud then: cut off, or bent below full scale from -2.5 dB on. Default `soft`. */
  readonly limit?: 'clip' | 'soft';
}

/** Where the soft limit begins to bend, full scale being 1. Below it nothing changes. */
const KNEE = 0.75;

/** Makes sound louder or softer by a fixed amount. Each sample stands for itself: no delay, no tail. */
export class GainStage implements AudioStage {
  readonly gainDb: number;
  readonly #factor: number;
  readonly #soft: boolean;
  #overloads = 0;

  /** Throws `RangeError` for a gain outside its range. */
  constructor(options: GainOptions) {
    if (!(options.gainDb >= -100 && options.gainDb <= 60)) throw new RangeError(`gainDb must be from -100 to 60, not ${options.gainDb}.`);
    this.gainDb = options.gainDb;
    this.#factor = 10 ** (options.gainDb / 20);
    this.#soft = options.limit !== 'clip';
  }

  /** Samples so far that were beyond full scale after the gain, and were cut off or bent. */
  get overloads(): number {
    return this.#overloads;
  }

  push(samples: Int16Array): Int16Array {
    if (this.#factor === 1) return samples;
    const result = new Int16Array(samples.length);
    for (let i = 0; i < samples.length; i++) {
      const value = (samples[i] as number) * this.#factor;
      if (value > 32767 || value < -32768) this.#overloads += 1;
      result[i] = clipToInt16(this.#soft ? bent(value) : value);
    }
    return result;
  }

  flush(): Int16Array {
    return new Int16Array(0);
  }
}

/** Straight up to the knee, then ever flatter, without a corner, towards full scale. */
function bent(value: number): number {
  const loud = Math.abs(value) / 32768;
  if (loud <= KNEE) return value;
  return Math.sign(value) * 32768 * (KNEE + (1 - KNEE) * Math.tanh((loud - KNEE) / (1 - KNEE)));
}
