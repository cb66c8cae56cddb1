import { clipToInt16 } from '../format/clip-to-int16.js';
import { joinSamples } from '../format/join-samples.js';
import { Resampler } from '../resample/resampler.js';
import { passThrough } from './audio-stage.js';
import type { AudioStage } from './audio-stage.js';

/** What takes noise out of speech, a frame of its own length at its own rate at a time: RNNoise has 480 samples at 48 kHz. One for each stream. */
export interface NoiseReducer {
  /** In Hz. */
  readonly sampleRate: number;
  readonly frameSamples: number;
  /** How much later a sound comes out of `process` than it went in; 0 when it is the same frame. */
  readonly delaySamples: number;
  /** Cleans a frame in place. Values are those of PCM16, -32768..32767, and may be a little beyond. The frame is borrowed until the call returns. */
  process(frame: Float32Array): void;
  /** The stream is over; the next frame begins another. */
  reset(): void;
}

/** Takes nothing out. A stage with it costs nothing: it is {@link passThrough}. */
export const noNoiseReduction: NoiseReducer = Object.freeze({ sampleRate: 48_000, frameSamples: 480, delaySamples: 0, process: () => {}, reset: () => {} });

/**
 * A noise reducer as a stage for streams of `sampleRate`: brings them to its rate and frames and back. What comes out is as long as what went in, plus
 * the delay of both resamplers and of the reducer; a frame that is not full yet is held back, up to one frame. Throws `RangeError` for rates that
 * {@link Resampler} does not take, and for a reducer whose frame or delay is no whole number.
 */
export function noiseReductionStage(reducer: NoiseReducer, sampleRate: number): AudioStage {
  return reducer === noNoiseReduction ? passThrough : new NoiseReductionStage(reducer, sampleRate);
}

class NoiseReductionStage implements AudioStage {
  readonly #reducer: NoiseReducer;
  readonly #in: Resampler;
  readonly #out: Resampler;
  readonly #delaySamples: number;
  readonly #frame: Float32Array;
  #filled = 0;
  /** Samples that are still to come out for those that went in, the delay not counted. */
  #owed = 0;

  constructor(reducer: NoiseReducer, sampleRate: number) {
    const { frameSamples, delaySamples } = reducer;
    if (!Number.isInteger(frameSamples) || frameSamples < 1 || frameSamples > reducer.sampleRate || !Number.isInteger(delaySamples) || delaySamples < 0) {
      throw new RangeError(`A noise reducer's frame must be a whole number of samples up to a second, and its delay a whole number, not ${frameSamples} and ${delaySamples}.`);
    }
    this.#reducer = reducer;
    this.#in = new Resampler(sampleRate, reducer.sampleRate);
    this.#out = new Resampler(reducer.sampleRate, sampleRate);
    this.#delaySamples = Math.ceil((this.#in.delayMs + this.#out.delayMs + (delaySamples * 1000) / reducer.sampleRate) * (sampleRate / 1000) - 1e-6);
    this.#frame = new Float32Array(frameSamples);
  }

  push(samples: Int16Array): Int16Array {
    const sound = this.#reduce(this.#in.pushFloat(Float32Array.from(samples)));
    this.#owed += samples.length - sound.length;
    return sound;
  }

  flush(): Int16Array {
    const wanted = this.#owed + this.#delaySamples;
    const tail = this.#reduce(this.#in.flushFloat());
    // Silence pushes out what the reducer and its frame still hold.
    const rest = this.#filled + this.#reducer.delaySamples;
    const silence = this.#reduce(new Float32Array(Math.ceil(rest / this.#frame.length) * this.#frame.length - this.#filled));
    const all = joinSamples(tail, silence, clipped(this.#out.flushFloat()));
    this.#filled = 0;
    this.#owed = 0;
    this.#reducer.reset();
    return all.slice(0, wanted);
  }

  #reduce(sound: Float32Array): Int16Array {
    const cleaned: Int16Array[] = [];
    for (let at = 0; at < sound.length; ) {
      const count = Math.min(this.#frame.length - this.#filled, sound.length - at);
      this.#frame.set(sound.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled < this.#frame.length) break;
      this.#filled = 0;
      this.#reducer.process(this.#frame);
      cleaned.push(clipped(this.#out.pushFloat(this.#frame)));
    }
    return joinSamples(...cleaned);
  }
}

function clipped(sound: Float32Array): Int16Array {
  const samples = new Int16Array(sound.length);
  for (let i = 0; i < sound.length; i++) samples[i] = clipToInt16(sound[i] as number);
  return samples;
}
