/**
 * Keeps 150 to 2500 Hz, where the energy of voiced speech is: below lie mains hum and handling, above most of white noise. Four second-order
 * sections (two high-pass, two low-pass, each pair a fourth-order Butterworth filter), in transposed direct form II.
 */
export class BandFilter {
  readonly #sections: readonly Section[];

  constructor(sampleRate: number) {
    // The quality factors of a Butterworth filter of order 4.
    this.#sections = [0.5412, 1.3066].flatMap((q) => [section('high', 150, q, sampleRate), section('low', 2500, q, sampleRate)]);
  }

  /** The mean square of the filtered samples, full scale being 1. */
  meanSquare(samples: Int16Array): number {
    let sum = 0;
    for (let i = 0; i < samples.length; i++) {
      let value = (samples[i] ?? 0) / 32768;
      for (const s of this.#sections) {
        const output = s.b0 * value + s.z1;
        s.z1 = s.b1 * value - s.a1 * output + s.z2;
        s.z2 = s.b2 * value - s.a2 * output;
        value = output;
      }
      sum += value * value;
    }
    return sum / samples.length;
  }
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
