import { clipToInt16 } from '../format/clip-to-int16.js';
import { polyphaseFilter } from './polyphase-filter.js';
import type { FilterShape, PolyphaseFilter } from './polyphase-filter.js';

/**
 * The delay goes by the lower of both rates; aliases by the Nyquist frequency of the output.
 *
 * - `default`: 3 ms at 8 kHz, 1.5 ms at 16 kHz, 1 ms at 24 kHz; aliases at most -98 dB from 1.15 x Nyquist on.
 * - `lowLatency`: two thirds of that delay; aliases at most -90 dB from 1.15 x Nyquist on, and hardly held back just above Nyquist.
 * - `strict`: a third more delay; aliases at most -96 dB from 1.02 x Nyquist on.
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

  /** {@link flush} of a float stream. */
  flushFloat(): Float32Array {
    const tail = this.pushFloat(new Float32Array(Math.ceil(this.#filter.delayInputSamples)));
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
    // Four sums, so that an addition need not wait for the one before; it saves a quarter of the time.
    let sum0 = 0;
    let sum1 = 0;
    let sum2 = 0;
    let sum3 = 0;
    for (let tap = 0; tap < taps; tap += 4) {
      const at = first + tap;
      const of = row + tap;
      sum0 += (history[at] as number) * (coefficients[of] as number);
      sum1 += (history[at + 1] as number) * (coefficients[of + 1] as number);
      sum2 += (history[at + 2] as number) * (coefficients[of + 2] as number);
      sum3 += (history[at + 3] as number) * (coefficients[of + 3] as number);
    }
    const phase = this.#phase + down;
    this.#ahead = first + Math.floor(phase / up);
    this.#phase = phase % up;
    return sum0 + sum1 + (sum2 + sum3);
  }

  #forget(inputCount: number): void {
    this.#ahead -= inputCount;
    this.#history.copyWithin(0, inputCount, inputCount + this.#filter.taps - 1);
  }
}
