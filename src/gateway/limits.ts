/** What one client may take. Every limit is on by default; a deployment widens what it needs. */
export interface GatewayLimits {
  /** Open client sockets; one more gets 503 with `Retry-After`. */
  readonly maxSessions: number;
  /** The largest message of a client, in bytes; a larger one closes with 1009. */
  readonly maxFrameBytes: number;
  /** From the open of the socket to `start`; after it 1008. */
  readonly startTimeoutMs: number;
  /** From `start` to the model's confirmation; after it `error` and 4001. */
  readonly modelTimeoutMs: number;
  /** Messages a second, audio included, with a burst of twice as many; more closes with 1008. A talking client sends 50 audio frames and up to 25 acknowledgements. */
  readonly maxMessagesPerSecond: number;
  /** How far microphone audio may be ahead of real time; more closes with 1008. */
  readonly audioBurstMs: number;
  /** Bytes that a client has not taken yet; above it no agent audio is sent, and above it for `slowReaderMs`, or at four times as many, closes with 1013. */
  readonly maxBufferedBytes: number;
  readonly slowReaderMs: number;
  /** How far agent audio is sent ahead of what the client acknowledged as heard: part of the protocol, which asks clients for a buffer of 6 s. */
  readonly playoutWindowMs: number;
  /** Agent audio that waits for the client to hear what is before it; audio beyond is dropped and reported. Longer than any single answer of a model. */
  readonly maxPendingAudioMs: number;
  /** The longest conversation; at its end the client is told and the socket closes with 1000. */
  readonly maxCallMs: number;
  /** Text runs at once; one more gets 503 with `Retry-After`. */
  readonly maxRuns: number;
  /** The longest text run; it is stopped then. */
  readonly maxRunMs: number;
  /** The longest body of a request, in bytes; a longer one gets 413. */
  readonly maxBodyBytes: number;
  /** From the head of a request to the end of its body; after it 408. */
  readonly bodyTimeoutMs: number;
  /** The longest stream of events to one reader, who then comes back for the rest: so a reader that has gone without a word is found. */
  readonly maxStreamMs: number;
}

/** What a gateway allows unless its options say otherwise. */
export const DEFAULT_LIMITS: GatewayLimits = Object.freeze({
  maxSessions: 100,
  maxFrameBytes: 65_536,
  startTimeoutMs: 5_000,
  modelTimeoutMs: 15_000,
  maxMessagesPerSecond: 200,
  audioBurstMs: 2_000,
  maxBufferedBytes: 1_048_576,
  slowReaderMs: 10_000,
  playoutWindowMs: 4_000,
  maxPendingAudioMs: 240_000,
  maxCallMs: 3_600_000,
  maxRuns: 100,
  maxRunMs: 600_000,
  maxBodyBytes: 65_536,
  bodyTimeoutMs: 10_000,
  maxStreamMs: 900_000,
});

/** Fills in the defaults. Throws `RangeError` for a limit that is not a positive number: a typing error must not switch a limit off. */
export function gatewayLimits(given: Partial<GatewayLimits> = {}): GatewayLimits {
  const limits = { ...DEFAULT_LIMITS, ...given };
  for (const [name, value] of Object.entries(limits)) {
    if (typeof value !== 'number' || !(value > 0)) throw new RangeError(`The limit ${name} must be a number above 0, not ${String(value)}.`);
  }
  return limits;
}

/** A token bucket: `perSecond` on average, `burst` at once. Time is handed in, in ms. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #atMs: number;

  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
    this.#atMs = nowMs;
  }

  /** Takes `amount` if it is there; `false` means too fast, and nothing was taken. */
  take(amount: number, nowMs: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + ((nowMs - this.#atMs) * this.#perSecond) / 1000);
    this.#atMs = nowMs;
    // Sums of fractions may fall short of a whole by a rounding error, which is nobody's fault.
    if (amount > this.#left + 1e-6) return false;
    this.#left -= amount;
    return true;
  }
}
