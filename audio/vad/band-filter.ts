/**
 * Keeps 150 to 2500 Hz, where the energy of voiced speech is: below lie mains hum and handling, above most of white noise. Four second-order
 * sections (two high-pass, two low-pass, each pair a fourth-order Butterworth filter), in transposed direct form II.
 */
export class BandFilter {
  readonly #sections: readonly Section[];
  #work = new Float64Array(0);

  constructor(sampleRate: number) {
    // The quality factors of a Butterworth filter of order 4.
    this.#sections = [0.5412, 1.3066].flatMap((q) => [section('high', 150, q, sampleRate), section('low', 2500, q, sampleRate)]);
  }

  /** The mean square of the filtered samples, full scale being 1. */
  meanSquare(samples: Int16Array): number {
    if (this.#work.length !== samples.length) this.#work = new Float64Array(samples.length);
    const work = this.#work;
    for (let i = 0; i < samples.length; i++) work[i] = (samples[i] as number) / 32768;
    for (const each of this.#sections) run(each, work);
    let sum = 0;
    for (let i = 0; i < work.length; i++) sum += (work[i] as number) ** 2;
    return sum / samples.length;
  }
}

/** One section over a whole frame, in place: the coefficients stay in registers. */
function run(section: Section, work: Float64Array): void {
  const { b0, b1, b2, a1, a2 } = section;
  let { z1, z2 } = section;
  for (let i = 0; i < work.length; i++) {
    const input = work[i] as number;
    const output = b0 * input + z1;
    z1 = b1 * input - a1 * output + z2;
    z2 = b2 * input - a2 * output;
    work[i] = output;
  }
  // After seconds of digital silence the states become denormal numbers, which cost far more time than any speech.
  section.z1 = Math.abs(z1) < 1e-30 ? 0 : z1;
  section.z2 = Math.abs(z2) < 1e-30 ? 0 : z2;
}

interface Section {
  readonly b0: number;
  readonly b1: number;
  readonly b2: number;
  readonly a1: number;
  readonly a2: number;
  z1: number;
  z2: number;
}

/** The bilinear transform of the second-order analog prototype, with the corner frequency kept in place. */
function section(kind: 'high' | 'low', corner: number, q: number, sampleRate: number): Section {
  const k = Math.tan((Math.PI * corner) / sampleRate);
  const norm = 1 / (1 + k / q + k * k);
  const b0 = (kind === 'low' ? k * k : 1) * norm;
  return { b0, b1: (kind === 'low' ? 2 : -2) * b0, b2: b0, a1: 2 * (k * k - 1) * norm, a2: (1 - k / q + k * k) * norm, z1: 0, z2: 0 };
}
