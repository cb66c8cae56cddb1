import { Resampler, int16ToFloat } from '../../../audio/index.js';
import { SAMPLE_RATE } from '../../protocol/voicewire/index.js';
import { Gain } from '../gain.js';
import { PlaybackQueue } from '../playback-queue.js';
import type { PlayedReport, SpeakerFrame } from '../ports.js';

/** Audio that must wait before playing starts: it rides out the network's jitter, and is not felt as a delay. */
const START_SAMPLES = (SAMPLE_RATE * 70) / 1000;
/** Less than that plays after this long: nothing more seems to come. */
const START_WAIT_SAMPLES = (SAMPLE_RATE * 150) / 1000;
/** Each start, stop, underrun and clear is a ramp of 5 ms: no click, and well below the 10 ms in which a clear must be silent. */
const FADE_SAMPLES = (SAMPLE_RATE * 5) / 1000;
/** Taken from the queue at a time, 2 ms: what is taken can no longer be cleared. */
const STEP_SAMPLES = 48;

export interface PlaybackRingOptions {
  /** The device's rate. */
  readonly outputRate: number;
}

/**
 * Plays agent audio at 24 kHz into a device of any rate, without clicks, counting each sample that is really played. It has no audio
 * device and no AudioWorklet in it, only samples in and samples out: `render` is called for each block that the device wants.
 *
 *      waiting ──70 ms are there, or the end, or 150 ms have passed──▶ playing ──queue empty, or clear──▶ waiting
 *         ▲────────────────────── resume ─── paused ◀──────────────────────┘ pause
 */
export class PlaybackRing {
  readonly #queue = new PlaybackQueue();
  readonly #resampler: Resampler | undefined;
  readonly #step = new Int16Array(STEP_SAMPLES);
  readonly #gain = new Gain();
  #playing = false;
  #paused = false;
  #waitedSamples = 0;
  #fadedIn = 0;
  /** What the last ramp down began from, and how much of it is left. It is added to whatever plays meanwhile. */
  #rampFrom = 0;
  #rampLeft = 0;
  #last = 0;
  #ready: Float32Array = new Float32Array(0);
  #readyOffset = 0;
  #underruns = 0;
  #squares = 0;
  #squared = 0;

  constructor(options: PlaybackRingOptions) {
    this.#resampler = options.outputRate === SAMPLE_RATE ? undefined : new Resampler(SAMPLE_RATE, options.outputRate);
  }

  /** Times that the queue ran dry in the middle of an item. */
  get underruns(): number {
    return this.#underruns;
  }

  get droppedSamples(): number {
    return this.#queue.droppedSamples;
  }

  get bufferedSamples(): number {
    return this.#queue.bufferedSamples;
  }

  get hasFinalReports(): boolean {
    return this.#queue.hasFinalReports;
  }

  play(frame: SpeakerFrame): void {
    this.#queue.push(frame);
  }

  end(item: number, samples: number): void {
    this.#queue.end(item, samples);
  }

  clear(epoch: number): void {
    const before = this.#queue.bufferedSamples;
    this.#queue.clear(epoch);
    if (this.#queue.bufferedSamples === 0 || this.#queue.bufferedSamples < before) this.#stop();
    this.#endPause();
  }

  pause(how: 'pause' | 'duck'): void {
    if (how === 'duck') this.resume();
    this.#gain.duck(how === 'duck');
    if (how === 'duck') return;
    this.#paused = true;
    this.#stop();
  }

  resume(): void {
    // What was held has waited long enough: it plays at once, be it ever so short.
    if (this.#paused) this.#waitedSamples = START_WAIT_SAMPLES;
    this.#endPause();
  }

  reset(): void {
    this.#queue.reset();
    this.#stop();
    this.#endPause();
  }

  takeReports(): PlayedReport[] {
    return this.#queue.takeReports();
  }

  /** Root mean square (0..1) of what was rendered since the last call. */
  takeLevel(): number {
    const level = this.#squared === 0 ? 0 : Math.sqrt(this.#squares / this.#squared) / 32768;
    this.#squares = 0;
    this.#squared = 0;
    return level;
  }

  /** Fills a block of the device, samples in -1..1. */
  render(output: Float32Array): void {
    let filled = 0;
    while (filled < output.length) {
      const left = this.#ready.length - this.#readyOffset;
      if (left === 0) {
        this.#renderStep();
        continue;
      }
      const take = Math.min(left, output.length - filled);
      output.set(this.#ready.subarray(this.#readyOffset, this.#readyOffset + take), filled);
      this.#readyOffset += take;
      filled += take;
    }
  }

  /** Makes the next 2 ms. The resampler is never paused, so that its delay is always the same. */
  #renderStep(): void {
    const step = this.#step;
    if (!this.#playing) this.#considerStart();
    const played = this.#playing ? this.#queue.read(step) : 0;
    for (let index = 0; index < step.length; index += 1) {
      const dry = index >= played;
      if (dry && index === played && this.#playing) this.#runDry();
      const sample = (dry ? 0 : this.#gain.next() * this.#fadeIn(step[index] ?? 0)) + this.#rampDown();
      this.#last = sample;
      this.#squares += sample * sample;
      step[index] = Math.max(-32768, Math.min(32767, Math.round(sample)));
    }
    this.#squared += step.length;
    this.#ready = int16ToFloat(this.#resampler === undefined ? step : this.#resampler.push(step));
    this.#readyOffset = 0;
  }

  #considerStart(): void {
    const buffered = this.#queue.bufferedSamples;
    if (buffered === 0 || this.#paused) return;
    this.#waitedSamples += STEP_SAMPLES;
    if (buffered < START_SAMPLES && !this.#queue.endIsBuffered && this.#waitedSamples < START_WAIT_SAMPLES) return;
    this.#playing = true;
    this.#fadedIn = 0;
  }

  #endPause(): void {
    this.#paused = false;
    this.#gain.duck(false);
  }

  #runDry(): void {
    if (this.#queue.isWithinItem) this.#underruns += 1;
    this.#stop();
  }

  #stop(): void {
    if (this.#playing) {
      this.#rampFrom = this.#last;
      this.#rampLeft = FADE_SAMPLES;
    }
    this.#playing = false;
    this.#waitedSamples = 0;
  }

  #fadeIn(sample: number): number {
    if (this.#fadedIn >= FADE_SAMPLES) return sample;
    this.#fadedIn += 1;
    return (sample * this.#fadedIn) / FADE_SAMPLES;
  }

  #rampDown(): number {
    if (this.#rampLeft === 0) return 0;
    this.#rampLeft -= 1;
    return (this.#rampFrom * this.#rampLeft) / FADE_SAMPLES;
  }
}
