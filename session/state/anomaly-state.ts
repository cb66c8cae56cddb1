import { createSteadySound } from '../../audio/index.js';
import type { AudioFormat, SteadySound } from '../../audio/index.js';

/** What of the agent's sound is found to be odd, and what is done about it. */
export interface AnomalyOptions {
  /** A response with more audio than this, in ms, is stopped (`RESPONSE_TOO_LONG`); what was generated is still heard. Default 300 000. */
  readonly maxResponseMs?: number;
  /** Sound of the same level for 10 s, or none for 8 s, within a response (`AUDIO_STUCK`). `stop`: it is cut like by an interruption. Default `report`. */
  readonly stuckSound?: 'report' | 'stop' | 'ignore';
  /** Whether the audio of an answer is compared with its words, at its end (`AUDIO_MISMATCH`). Default true. */
  readonly mismatch?: boolean;
}

export type AnomalyPolicy = Required<AnomalyOptions>;

/** What is known of the sound of one response. */
export interface SoundWatch {
  samples: number;
  readonly maxSamples: number;
  readonly steady: SteadySound | undefined;
  /** By item, in the order of their first sound. */
  readonly items: { readonly itemId: string; samples: number }[];
}

/** Throws `RangeError` for a length that cannot be. */
export function anomalyPolicy(options: AnomalyOptions | boolean | undefined): AnomalyPolicy | undefined {
  if (options === undefined || options === false) return undefined;
  const { maxResponseMs = 300_000, stuckSound = 'report', mismatch = true } = options === true ? {} : options;
  if (!(maxResponseMs > 0)) throw new RangeError(`anomalies.maxResponseMs must be above 0, not ${maxResponseMs}.`);
  return { maxResponseMs, stuckSound, mismatch };
}

export function createSoundWatch(policy: AnomalyPolicy | undefined, format: AudioFormat): SoundWatch | undefined {
  if (policy === undefined) return undefined;
  return {
    samples: 0,
    maxSamples: (policy.maxResponseMs * format.sampleRate) / 1000,
    steady: policy.stuckSound === 'ignore' ? undefined : createSteadySound(),
    items: [],
  };
}
