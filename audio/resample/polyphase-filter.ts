/**
 * The filter of a rate change from -> to with to/from = up/down in lowest terms: a low-pass, sampled `up` times as densely as the input
 * and dealt out in `up` phases, one for each place that an output sample can take between two input samples.
 */
export interface PolyphaseFilter {
  readonly up: number;
  readonly down: number;
  /** Coefficients of one phase, a multiple of 4: so many input samples make an output sample. */
  readonly taps: number;
  /** `up` rows of `taps` coefficients, in the order of the input samples they meet (oldest first). */
  readonly coefficients: Float32Array;
  /** How late the output is, in input samples; may be a fraction. */
  readonly delayInputSamples: number;
}

/**
 * A Kaiser-windowed sinc: `zeros` is its half width in samples of the lower rate (which is the delay), `beta` trades stop band against
 * transition, `rolloff` is the cut-off over the lower Nyquist frequency.
 */
export interface FilterShape {
  readonly zeros: number;
  readonly beta: number;
  readonly rolloff: number;
}

/** 4 MiB of coefficients. Every pair of usual rates needs 1/40 of that or less; rates without a common divisor would need gigabytes. */
const MAX_COEFFICIENTS = 1 << 20;
/** A hundred calls share a few filters. Bounded, since a peer can choose the rates. */
const MAX_CACHED = 16;
const cache = new Map<string, PolyphaseFilter>();

/** The filter for a pair of rates, shared between all that ask for the same one. Throws `RangeError` for rates without a usable ratio. */
export function polyphaseFilter(fromRate: number, toRate: number, shape: FilterShape): PolyphaseFilter {
  const divisor = greatestCommonDivisor(fromRate, toRate);
  const up = toRate / divisor;
  const down = fromRate / divisor;
  const key = `${up}/${down}/${shape.zeros}/${shape.beta}/${shape.rolloff}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const filter = up === down ? PASS_THROUGH : design(up, down, shape, `${fromRate} Hz to ${toRate} Hz`);
  const oldest = cache.keys().next();
  if (cache.size >= MAX_CACHED && oldest.done !== true) cache.delete(oldest.value);
  cache.set(key, filter);
  return filter;
}

const PASS_THROUGH: PolyphaseFilter = { up: 1, down: 1, taps: 4, coefficients: Float32Array.of(0, 0, 0, 1), delayInputSamples: 0 };

function design(up: number, down: number, { zeros, beta, rolloff }: FilterShape, what: string): PolyphaseFilter {
  // In samples of the dense rate (from * up = to * down), in which the lower of both rates has one sample each max(up, down).
  const center = zeros * Math.max(up, down);
  // A multiple of 4 for the inner loop; the filler is zeros that meet the oldest samples.
  const taps = Math.ceil((2 * center + 1) / up / 4) * 4;
  if (taps * up > MAX_COEFFICIENTS) {
    throw new RangeError(`Resampling ${what} needs a filter of ${taps * up} coefficients, and ${MAX_COEFFICIENTS} are the limit; choose rates with a simple ratio.`);
  }
  const dense = new Float64Array(taps * up);
  const cutoff = (rolloff * zeros) / center;
  const windowPeak = besselI0(beta);
  let sum = 0;
  for (let k = 0; k <= 2 * center; k++) {
    const t = k - center;
    const window = besselI0(beta * Math.sqrt(Math.max(0, 1 - (t / center) ** 2))) / windowPeak;
    const value = cutoff * sinc(cutoff * t) * window;
    dense[k] = value;
    sum += value;
  }
  // Gain 1 at 0 Hz: only one in `up` dense samples is not zero.
  const gain = up / sum;
  const coefficients = new Float32Array(taps * up);
  for (let phase = 0; phase < up; phase++) {
    for (let tap = 0; tap < taps; tap++) coefficients[phase * taps + (taps - 1 - tap)] = gain * (dense[phase + tap * up] ?? 0);
  }
  return { up, down, taps, coefficients, delayInputSamples: center / up };
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The modified Bessel function of order 0, by its power series. */
function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-16; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
