import { BandFilter } from './band-filter.js';
import { NoiseFloor } from './noise-floor.js';
import type { Vad, VadTransition } from './vad.js';

export interface EnergyVadOptions {
  /** 8000..384 000 Hz, in whole samples per frame. */
  readonly sampleRate: number;
  /** Default 20. */
  readonly frameMs?: number;
  /** Speech starts when this many of the last `startFrames + 1` frames are active. Default 3; 5 and more keep door slams and keys out. */
  readonly startFrames?: number;
  /** Speech ends after this long without an active frame. Default 500: pauses within a sentence last up to 400. */
  readonly hangMs?: number;
  /** How far back the background level is looked for. Default 2500: a vowel held longer is taken for noise, a rise of noise learned. */
  readonly windowMs?: number;
  /** A frame becomes active this far above the background, and stays active down to `offDb` above it. Default 5. */
  readonly onDb?: number;
  /** Default 3. */
  readonly offDb?: number;
  /** No frame below this level is active, whatever the background is; in dB of full scale, 150 to 2500 Hz. Default -50. */
  readonly minimumDb?: number;
}

/**
 * How long the background is only guessed. At the very start nothing tells a caller who is speaking already from noise that is always there,
 * but that speech moves: until then a frame is active only if the frames before it differed by at least `GUESSED_SPREAD_DB`.
 */
const GUESSED_FRAMES = 10;
const GUESSED_SPREAD_DB = 6;
/** The background before it is known, and the lowest that is ever believed: digital silence is no background. */
const LOWEST_FLOOR_DB = -60;

/*
 *             startFrames of startFrames + 1 active
 *    silent ----------------------------------------> speaking
 *       ^                                                |
 *       '------------------------------------------------'
 *                hangMs without an active frame
 */
type VadState =
  | { readonly name: 'silent'; /** Which of the last startFrames + 1 frames were active, oldest first. */ readonly recent: readonly boolean[] }
  | { readonly name: 'speaking'; /** The sample after the last active frame. */ readonly activeUntil: number };

/**
 * Finds speech by the energy between 150 and 2500 Hz over a background level that it learns. Good down to 5 dB of noise of any steady kind;
 * other people talking nearby are speech to it. About 0.04 % of a core at 24 kHz.
 *
 * Its limits: a steady sound that is there from the very first sample is background; a sound held longer than `windowMs` becomes background; a
 * sudden rise of the noise counts as speech until `windowMs` have passed.
 */
export class EnergyVad implements Vad {
  readonly sampleRate: number;
  readonly #options: Required<EnergyVadOptions>;
  readonly #frame: Int16Array;
  #filled = 0;
  /** Whole frames heard. */
  #frames = 0;
  #active = false;
  #loudestDb = -Infinity;
  #quietestDb = Infinity;
  #filter: BandFilter;
  #floor: NoiseFloor;
  #state: VadState = { name: 'silent', recent: [] };

  /** Throws `RangeError` for a rate below 8 kHz, a frame that is no whole number of samples, and times or counts that are not positive. */
  constructor(options: EnergyVadOptions) {
    const { sampleRate, frameMs = 20, startFrames = 3, hangMs = 500, windowMs = 2500, onDb = 5, offDb = 3, minimumDb = -50 } = options;
    const frameSamples = (sampleRate * frameMs) / 1000;
    if (!Number.isInteger(sampleRate) || sampleRate < 8000 || sampleRate > 384_000) {
      throw new RangeError(`The sample rate must be a whole number from 8000 to 384000, not ${sampleRate}.`);
    }
    if (!Number.isInteger(frameSamples) || frameMs < 5 || frameMs > 100) {
      throw new RangeError(`A frame must be 5 to 100 ms and a whole number of samples, not ${frameMs} ms at ${sampleRate} Hz.`);
    }
    if (!Number.isInteger(startFrames) || startFrames < 1) throw new RangeError(`startFrames must be a whole number from 1 on, not ${startFrames}.`);
    if (!(hangMs >= frameMs) || !(windowMs >= 10 * frameMs)) {
      throw new RangeError(`hangMs must be at least a frame and windowMs at least ten, not ${hangMs} and ${windowMs}.`);
    }
    if (!(offDb <= onDb)) throw new RangeError(`offDb must not be above onDb, but they are ${offDb} and ${onDb}.`);
    this.sampleRate = sampleRate;
    this.#options = { sampleRate, frameMs, startFrames, hangMs, windowMs, onDb, offDb, minimumDb };
    this.#frame = new Int16Array(frameSamples);
    this.#filter = new BandFilter(sampleRate);
    this.#floor = new NoiseFloor(Math.round(windowMs / frameMs));
  }

  get speaking(): boolean {
    return this.#state.name === 'speaking';
  }

  push(samples: Int16Array): readonly VadTransition[] {
    const transitions: VadTransition[] = [];
    for (let at = 0; at < samples.length; ) {
      const count = Math.min(this.#frame.length - this.#filled, samples.length - at);
      this.#frame.set(samples.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled < this.#frame.length) break;
      this.#filled = 0;
      this.#frames++;
      const transition = this.#hear(this.#isActive(this.#filter.meanSquare(this.#frame)));
      if (transition !== undefined) transitions.push(transition);
    }
    return transitions;
  }

  flush(): readonly VadTransition[] {
    const decidedAt = this.#frames * this.#frame.length + this.#filled;
    const transitions: VadTransition[] = this.#state.name === 'speaking' ? [{ type: 'end', sample: this.#state.activeUntil, decidedAt }] : [];
    this.#filled = 0;
    this.#frames = 0;
    this.#active = false;
    this.#loudestDb = -Infinity;
    this.#quietestDb = Infinity;
    this.#filter = new BandFilter(this.sampleRate);
    this.#floor = new NoiseFloor(Math.round(this.#options.windowMs / this.#options.frameMs));
    this.#state = { name: 'silent', recent: [] };
    return transitions;
  }

  /** Whether the frame stands out of the background; with hysteresis from frame to frame. */
  #isActive(meanSquare: number): boolean {
    const levelDb = Math.max(decibels(meanSquare), LOWEST_FLOOR_DB);
    this.#floor.add(meanSquare);
    this.#loudestDb = Math.max(this.#loudestDb, levelDb);
    this.#quietestDb = Math.min(this.#quietestDb, levelDb);
    const guessed = this.#frames <= GUESSED_FRAMES;
    const floorDb = guessed ? LOWEST_FLOOR_DB : Math.max(decibels(this.#floor.meanSquare), LOWEST_FLOOR_DB);
    const moves = !guessed || this.#loudestDb - this.#quietestDb >= GUESSED_SPREAD_DB;
    const neededDb = floorDb + (this.#active ? this.#options.offDb : this.#options.onDb);
    this.#active = moves && levelDb > neededDb && levelDb > this.#options.minimumDb;
    return this.#active;
  }

  #hear(active: boolean): VadTransition | undefined {
    const frameSamples = this.#frame.length;
    const now = this.#frames * frameSamples;
    const { startFrames, hangMs } = this.#options;
    const state = this.#state;
    if (state.name === 'silent') {
      const recent = [...state.recent.slice(-startFrames), active];
      this.#state = { name: 'silent', recent };
      if (recent.filter((was) => was).length < startFrames) return undefined;
      this.#state = { name: 'speaking', activeUntil: now };
      return { type: 'start', sample: now - (recent.length - recent.indexOf(true)) * frameSamples, decidedAt: now };
    }
    if (active) {
      this.#state = { name: 'speaking', activeUntil: now };
      return undefined;
    }
    if ((now - state.activeUntil) * 1000 < hangMs * this.sampleRate) return undefined;
    this.#state = { name: 'silent', recent: [] };
    return { type: 'end', sample: state.activeUntil, decidedAt: now };
  }
}

function decibels(meanSquare: number): number {
  return 10 * Math.log10(meanSquare);
}
