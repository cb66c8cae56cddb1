/** The mean is taken over this many frames before the minimum is: single frames of noise lie a few dB below its level. */
const SMOOTHED_FRAMES = 4;

/**
 * The level of the background, by minimum statistics: speech has gaps, noise has none, so the quietest 80 ms of the last seconds are noise.
 * A lasting rise of the noise is learned when the window has passed, a fall at once.
 */
export class NoiseFloor {
  readonly #recent: number[] = [];
  readonly #window: Float64Array;
  #count = 0;

  constructor(windowFrames: number) {
    this.#window = new Float64Array(windowFrames);
  }

  /** Takes the mean square of the next frame. */
  add(meanSquare: number): void {
    this.#recent.push(meanSquare);
    if (this.#recent.length > SMOOTHED_FRAMES) this.#recent.shift();
    this.#window[this.#count % this.#window.length] = this.#recent.reduce((sum, value) => sum + value, 0) / this.#recent.length;
    this.#count++;
  }

  /** The mean square of the background; `Infinity` before the first frame. */
  get meanSquare(): number {
    let least = Infinity;
    const filled = Math.min(this.#count, this.#window.length);
    for (let i = 0; i < filled; i++) least = Math.min(least, this.#window[i] ?? Infinity);
    return least;
  }
}
