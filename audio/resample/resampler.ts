import { clipToInt16 } from '../format/clip-to-int16.js';
import { polyphaseFilter } from './polyphase-filter.js';
import type { FilterShape, PolyphaseFilter } from './polyphase-filter.js';

/**
 * - `default`: 3 ms between 8 kHz and any higher rate, 1.5 ms at 16 kHz, 1 ms at 24 kHz; aliases below -100 dB from 1.15 x Nyquist on.
 * - `lowLatency`: two thirds of that delay; aliases are let through up to 1.15 x Nyquist.
 * - `strict`: a third more delay; aliases below -95 dB from 1.02 x Nyquist on.
 */
export type ResamplerQuality = 'default' | 'lowLatency' | 'strict';

export interface ResamplerOptions {
  readonly quality?: ResamplerQuality;
}

const SHAPES: Readonly<Record<ResamplerQuality, FilterShape>> = {
  default: { zeros: 24, beta: 9, rolloff: 0.92 },
  lowLatency: { zeros: 16, beta: 9, rolloff: 0.96 },
  strict: { zeros: 32, beta: 9, rolloff: 0.9 },
};

/**
 * Changes the sample rate of one channel of a stream. The output does not depend on how the input is cut: chunks of any sizes give the same
 * samples as one call with all of them. n input samples have given exactly ceil(n * toRate / fromRate) output samples, so a 20 ms chunk of
 * any usual rate is a 20 ms chunk again.
 *
 * Runs in an AudioWorklet: synchronous, without imports from outside this room, one allocation a call (the result).
 */
export class Resampler {
  readonly fromRate: number;
  readonly toRate: number;
  readonly #filter: PolyphaseFilter;
  /** The last taps-1 input samples, then the chunk being worked on. */
  #history: Float32Array;
  /** Where the next output sample lies: input samples after the end of what was pushed, and the phase after that. */
  #ahead = 0;
  #phase = 0;

  /** Rates are whole numbers, 1..384 000 Hz. Throws `RangeError` for others, and for two rates without a usable ratio. */
  constructor(fromRate: number, toRate: number, options: ResamplerOptions = {}) {
    for (const rate of [fromRate, toRate]) {
      if (!Number.isInteger(rate) || rate < 1 || rate > 384_000) throw new RangeError(`A sample rate must be a whole number from 1 to 384000, not ${rate}.`);
    }
    this.fromRate = fromRate;
    this.toRate = toRate;
    this.#filter = polyphaseFilter(fromRate, toRate, SHAPES[options.quality ?? 'default']);
    this.#history = new Float32Array(this.#filter.taps - 1 + Math.ceil(fromRate / 50));
  }

  /** How much later a sound comes out than it went in; the same for all frequencies and all times. 0 for equal rates. */
  get delayMs(): number {
    return (this.#filter.delayInputSamples * 1000) / this.fromRate;
  }

  /** {@link delayMs} in output samples; a fraction for ratios such as 44.1 to 48 kHz. */
  get delaySamples(): number {
    return (this.#filter.delayInputSamples * this.toRate) / this.fromRate;
  }

  /** PCM16 in, PCM16 out (rounded, clipped). `samples` is borrowed until the call returns; the result is new memory. */
  push(samples: Int16Array): Int16Array {
    this.#append(samples);
    const result = new Int16Array(this.#outputCount(samples.length));
    for (let i = 0; i < result.length; i++) result[i] = clipToInt16(this.#nextSample());
    this.#forget(samples.length);
    return result;
  }

  /** The same for float samples of any scale; nothing is clipped. A stream is either PCM16 or float, not both. */
  pushFloat(samples: Float32Array): Float32Array {
    this.#append(samples);
    const result = new Float32Array(this.#outputCount(samples.length));
    for (let i = 0; i < result.length; i++) result[i] = this.#nextSample();
    this.#forget(samples.length);
    return result;
  }

  /**
   * Ends the stream: gives the samples that the delay still holds back ({@link delaySamples}, rounded up to whole input samples), and starts
   * afresh. All output without its first `delaySamples` is as long as the input, and in step with it.
   */
  flush(): Int16Array {
    const tail = this.push(new Int16Array(Math.ceil(this.#filter.delayInputSamples)));
    this.reset();
    return tail;
  }

  /** Forgets the stream so far, as after the constructor. */
  reset(): void {
    this.#history.fill(0);
    this.#ahead = 0;
    this.#phase = 0;
  }

  #append(samples: Int16Array | Float32Array): void {
    const kept = this.#filter.taps - 1;
    if (this.#history.length < kept + samples.length) {
      const larger = new Float32Array(kept + samples.length);
      larger.set(this.#history.subarray(0, kept));
      this.#history = larger;
    }
    this.#history.set(samples, kept);
  }

  /** Output samples whose last input sample is among the next `inputCount`. */
  #outputCount(inputCount: number): number {
    const { up, down } = this.#filter;
    const denseLeft = (inputCount - this.#ahead) * up - this.#phase;
    return denseLeft <= 0 ? 0 : Math.ceil(denseLeft / down);
  }

  #nextSample(): number {
    const { up, down, taps, coefficients } = this.#filter;
    const history = this.#history;
    const first = this.#ahead;
    const row = this.#phase * taps;
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) sum += (history[first + tap] as number) * (coefficients[row + tap] as number);
    const phase = this.#phase + down;
    this.#ahead = first + Math.floor(phase / up);
    this.#phase = phase % up;
    return sum;
  }

  #forget(inputCount: number): void {
    this.#ahead -= inputCount;
    this.#history.copyWithin(0, inputCount, inputCount + this.#filter.taps - 1);
  }
}
