/** A sine in -1..1 times `amplitude`. */
export function sine(frequency: number, sampleRate: number, count: number, amplitude = 1): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => amplitude * Math.sin((2 * Math.PI * frequency * i) / sampleRate + 0.3));
}

/** 20 log10 of what is there at `frequency` over all the rest (least squares fit of a sine and a constant). */
export function sinadDb(samples: ArrayLike<number>, frequency: number, sampleRate: number): { sinad: number; amplitude: number } {
  const omega = (2 * Math.PI * frequency) / sampleRate;
  // Normal equations of y = a cos + b sin + c, solved by Cramer's rule.
  let cc = 0, cs = 0, ss = 0, c1 = 0, s1 = 0, yc = 0, ys = 0, y1 = 0;
  for (let i = 0; i < samples.length; i++) {
    const c = Math.cos(omega * i), s = Math.sin(omega * i), y = samples[i] ?? 0;
    cc += c * c; cs += c * s; ss += s * s; c1 += c; s1 += s; yc += y * c; ys += y * s; y1 += y;
  }
  const n = samples.length;
  const det = (a: number[]) => {
    const [a0 = 0, a1 = 0, a2 = 0, b0 = 0, b1 = 0, b2 = 0, d0 = 0, d1 = 0, d2 = 0] = a;
    return a0 * (b1 * d2 - b2 * d1) - a1 * (b0 * d2 - b2 * d0) + a2 * (b0 * d1 - b1 * d0);
  };
  const whole = det([cc, cs, c1, cs, ss, s1, c1, s1, n]);
  const a = det([yc, cs, c1, ys, ss, s1, y1, s1, n]) / whole;
  const b = det([cc, yc, c1, cs, ys, s1, c1, y1, n]) / whole;
  const mean = det([cc, cs, yc, cs, ss, ys, c1, s1, y1]) / whole;
  let rest = 0;
  for (let i = 0; i < n; i++) rest += ((samples[i] ?? 0) - a * Math.cos(omega * i) - b * Math.sin(omega * i) - mean) ** 2;
  const power = (a * a + b * b) / 2;
  return { sinad: 10 * Math.log10(power / (rest / n)), amplitude: Math.sqrt(a * a + b * b) };
}

export function rmsOf(samples: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += (samples[i] ?? 0) ** 2;
  return Math.sqrt(sum / Math.max(1, samples.length));
}
