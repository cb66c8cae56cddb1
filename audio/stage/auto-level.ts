import { BandFilter } from '../vad/band-filter.js';
import { NoiseFloor } from '../vad/noise-floor.js';
import type { AudioStage } from './audio-stage.js';

export interface AutoLevelOptions {
  /** 8000..384 000 Hz. */
  readonly sampleRate: number;
  /** The level that speech is brought to: the root mean square of what is spoken, without pauses, in dB of full scale. -40..-10; default -20. */
  readonly targetDb?: number;
  /** The most that soft speech is raised. 0..60; default 30. */
  readonly maxGainDb?: number;
  /** How fast the gain falls for speech that is too loud, and rises for speech that is too soft. Default 60 and 20. */
  readonly attackDbPerSecond?: number;
  readonly releaseDbPerSecond?: number;
  /** Sound below this level is never speech, whatever the background is; in dB of full scale, 150 to 2500 Hz. Default -60. */
  readonly minimumDb?: number;
}

/** What one decision is made of. */
const FRAME_MS = 20;
/** How far back the background is looked for, as in the voice detector: a sound that lasts longer is background. */
const BACKGROUND_FRAMES = 125;
/** Speech stands out of the background by this much, between 150 and 2500 Hz. */
const ABOVE_BACKGROUND_DB = 8;
/** The background when there is none. */
const LOWEST_BACKGROUND_DB = -80;
/** Softer frames than this, beside the level of the speech, are its pauses and breath, and tell nothing of how loud somebody speaks. */
const WITHIN_SPEECH_DB = 12;
/** But when all of the last second was softer, somebody speaks softer now. */
const SOFTER_FRAMES = 50;
/** The level is the mean of the speech of the last 1.5 s. */
const MEMORY_FRAMES = 75;
/** No sample comes out above this: -1 dB of full scale. */
const CEILING = 32768 * 10 ** (-1 / 20);
/** After a peak the gain is back in a tenth of a second. */
const RECOVERY_MS = 100;

/**
 * Brings speech to one level, however far from the microphone somebody is. Only speech moves the gain: in pauses and in noise alone it stays as it is,
 * so a background is never raised by itself and does not breathe. No delay; peaks are held below -1 dB and counted.
 *
 * A sudden rise of the background counts as speech until it has lasted 2.5 s, as it does for {@link EnergyVad}.
 */
export class AutoLevel implements AudioStage {
  readonly #options: Required<AutoLevelOptions>;
  readonly #recovery: number;
  readonly #frame: Int16Array;
  #state: LevelState;
  #limited = 0;

  /** Throws `RangeError` for a value outside its range. */
  constructor(options: AutoLevelOptions) {
    const { sampleRate, targetDb = -20, maxGainDb = 30, attackDbPerSecond = 60, releaseDbPerSecond = 20, minimumDb = -60 } = options;
    if (!Number.isInteger(sampleRate) || sampleRate < 8000 || sampleRate > 384_000) {
      throw new RangeError(`The sample rate must be a whole number from 8000 to 384000, not ${sampleRate}.`);
    }
    if (!(targetDb >= -40 && targetDb <= -10)) throw new RangeError(`targetDb must be from -40 to -10, not ${targetDb}.`);
    if (!(maxGainDb >= 0 && maxGainDb <= 60)) throw new RangeError(`maxGainDb must be from 0 to 60, not ${maxGainDb}.`);
    if (!(attackDbPerSecond > 0) || !(releaseDbPerSecond > 0)) throw new RangeError(`attackDbPerSecond and releaseDbPerSecond must be above 0, not ${attackDbPerSecond} and ${releaseDbPerSecond}.`);
    this.#options = { sampleRate, targetDb, maxGainDb, attackDbPerSecond, releaseDbPerSecond, minimumDb };
    this.#frame = new Int16Array(Math.round((sampleRate * FRAME_MS) / 1000));
    this.#state = quiet(sampleRate);
    this.#recovery = 1000 / (RECOVERY_MS * sampleRate);
  }

  /** The gain at this moment, peaks apart. */
  get gainDb(): number {
    return this.#state.gainDb;
  }

  /** Samples so far whose peaks were held down. */
  get limitedSamples(): number {
    return this.#limited;
  }

  push(samples: Int16Array): Int16Array {
    const result = new Int16Array(samples.length);
    const state = this.#state;
    for (let i = 0; i < samples.length; i++) {
      const sample = samples[i] as number;
      // From gain to gain in a straight line over the frame: a step would click.
      const value = sample * (state.fromFactor + ((state.toFactor - state.fromFactor) * state.filled) / this.#frame.length);
      if (Math.abs(value) * state.limit > CEILING) {
        state.limit = CEILING / Math.abs(value);
        this.#limited += 1;
      }
      result[i] = Math.round(value * state.limit);
      state.limit = Math.min(1, state.limit + this.#recovery);
      this.#frame[state.filled] = sample;
      state.filled += 1;
      if (state.filled === this.#frame.length) this.#endFrame();
    }
    return result;
  }

  flush(): Int16Array {
    this.#state = quiet(this.#options.sampleRate);
    return new Int16Array(0);
  }

  #endFrame(): void {
    const state = this.#state;
    state.filled = 0;
    let squares = 0;
    for (const sample of this.#frame) squares += sample * sample;
    const meanSquare = squares / this.#frame.length / 32768 ** 2;
    if (this.#isSpeech(meanSquare)) this.#hear(meanSquare);
    state.fromFactor = state.toFactor;
    state.toFactor = 10 ** (state.gainDb / 20);
  }

  /** Whether a frame stands out of the background, and is not one of the soft ones of speech. */
  #isSpeech(meanSquare: number): boolean {
    const state = this.#state;
    const inBand = state.band.meanSquare(this.#frame);
    state.background.add(inBand);
    const backgroundDb = Math.max(inDb(state.background.meanSquare), LOWEST_BACKGROUND_DB);
    if (inDb(inBand) < Math.max(backgroundDb + ABOVE_BACKGROUND_DB, this.#options.minimumDb)) return false;
    if (inDb(meanSquare) >= inDb(state.speech) - WITHIN_SPEECH_DB) return true;
    state.softer += 1;
    if (state.softer < SOFTER_FRAMES) return false;
    state.frames = 0;
    return true;
  }

  #hear(meanSquare: number): void {
    const state = this.#state;
    const { targetDb, maxGainDb, attackDbPerSecond, releaseDbPerSecond } = this.#options;
    state.softer = 0;
    state.frames = Math.min(state.frames + 1, MEMORY_FRAMES);
    state.speech += (meanSquare - state.speech) / state.frames;
    const wanted = Math.min(targetDb - inDb(state.speech), maxGainDb);
    const step = wanted - state.gainDb;
    const seconds = FRAME_MS / 1000;
    state.gainDb += Math.max(-attackDbPerSecond * seconds, Math.min(releaseDbPerSecond * seconds, step));
  }
}

interface LevelState {
  readonly band: BandFilter;
  readonly background: NoiseFloor;
  /** The mean square of the speech of late, and of how many frames it is the mean. */
  speech: number;
  frames: number;
  /** Frames above the background since one was as loud as the speech. */
  softer: number;
  gainDb: number;
  fromFactor: number;
  toFactor: number;
  /** The factor that holds peaks down; 1 when there are none. */
  limit: number;
  /** Samples of the frame so far. */
  filled: number;
}

function quiet(sampleRate: number): LevelState {
  return { band: new BandFilter(sampleRate), background: new NoiseFloor(BACKGROUND_FRAMES), speech: 0, frames: 0, softer: 0, gainDb: 0, fromFactor: 1, toFactor: 1, limit: 1, filled: 0 };
}

function inDb(meanSquare: number): number {
  return 10 * Math.log10(meanSquare);
}
