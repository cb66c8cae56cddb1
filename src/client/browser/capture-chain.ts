import { Resampler, floatToInt16 } from '../../../audio/index.js';
import { SAMPLE_RATE } from '../../protocol/voicewire/index.js';

/** 20 ms, what the client sends in one message. */
export const CAPTURE_FRAME_SAMPLES = (SAMPLE_RATE * 20) / 1000;

/** From the blocks of a device, at its rate and with its channels, to frames of 20 ms: mono PCM16 at 24 kHz. No AudioWorklet is in it. */
export class CaptureChain {
  readonly #resampler: Resampler | undefined;
  readonly #onFrame: (frame: Int16Array<ArrayBuffer>) => void;
  #frame = new Int16Array(CAPTURE_FRAME_SAMPLES);
  #filled = 0;
  #mix = new Float32Array(128);

  /** `onFrame` gets each frame to keep. */
  constructor(deviceRate: number, onFrame: (frame: Int16Array<ArrayBuffer>) => void) {
    this.#resampler = deviceRate === SAMPLE_RATE ? undefined : new Resampler(deviceRate, SAMPLE_RATE);
    this.#onFrame = onFrame;
  }

  /** One block, one array for each channel; borrowed until the call returns. A device that gives no channel at the moment gives an empty list. */
  push(channels: readonly Float32Array[]): void {
    const first = channels[0];
    if (first === undefined) return;
    const samples = floatToInt16(channels.length === 1 ? first : this.#mixDown(channels, first.length));
    this.#append(this.#resampler === undefined ? samples : this.#resampler.push(samples));
  }

  #mixDown(channels: readonly Float32Array[], length: number): Float32Array {
    if (this.#mix.length !== length) this.#mix = new Float32Array(length);
    const gain = 1 / channels.length;
    for (let index = 0; index < length; index += 1) {
      let sum = 0;
      for (const channel of channels) sum += channel[index] ?? 0;
      this.#mix[index] = sum * gain;
    }
    return this.#mix;
  }

  #append(samples: Int16Array): void {
    for (let from = 0; from < samples.length; ) {
      const take = Math.min(samples.length - from, CAPTURE_FRAME_SAMPLES - this.#filled);
      this.#frame.set(samples.subarray(from, from + take), this.#filled);
      this.#filled += take;
      from += take;
      if (this.#filled < CAPTURE_FRAME_SAMPLES) continue;
      this.#onFrame(this.#frame);
      this.#frame = new Int16Array(CAPTURE_FRAME_SAMPLES);
      this.#filled = 0;
    }
  }
}
