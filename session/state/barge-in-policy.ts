import type { ModelConfig } from '../ports/model.js';

/** What the user's voice does to the agent's. Times in ms, 0..60 000. */
export interface BargeInOptions {
  /**
   * - `immediate` (default): speech stops the agent at once, by the model's own turn detection.
   * - `two-stage`: speech holds the sound, and what follows decides whether the agent is stopped or plays on from the same sample.
   * - `half-duplex`: the model hears silence while the agent sounds; for loudspeakers whose echo comes back.
   * - `off`: speech never stops the agent, but for a safety phrase; it is answered afterwards.
   * - `auto`: `two-stage`, and `half-duplex` from the moment on when the agent's first seconds are found to come back into the microphone too loud
   *   for a voice to stand out of them; `echo_test` tells.
   *
   * With `two-stage`, `auto` and `off` the session, not the model, asks for the answer to each turn; a turn that was no interruption gets none.
   */
  readonly mode?: 'immediate' | 'two-stage' | 'half-duplex' | 'off' | 'auto';
  /** Two-stage: how the sound is held, `pause` (default) or `duck` (it goes on, 12 dB softer). */
  readonly pause?: 'pause' | 'duck';
  /** Two-stage: so much voice after the model's sign of speech stops the agent. Default 500; below about 400, "mhm" does. */
  readonly confirmMs?: number;
  /** Two-stage: so many words stop the agent, unless all of them are back-channel words. Needs `transcription`. Default 2. */
  readonly minWords?: number;
  /** Words and phrases by which a listener says "go on". Default: some English ones. Case and punctuation do not matter. */
  readonly backChannels?: readonly string[];
  /**
   * In any mode: what stops the agent as soon as it is written down, whatever else is known of the speech. It must be said over the agent, and the
   * model must hear it. Needs `transcription`. Default: `stop`, `wait`, `hold on`, `help`.
   */
  readonly safetyPhrases?: readonly string[];
  /** Two-stage: the sound is held no longer than that. Default 1500. */
  readonly decideWithinMs?: number;
  /**
   * Two-stage: the microphone must be louder than the agent's expected echo by so many dB, 0..40, before speech holds the sound. 0: the echo is not
   * looked at. Default 0, with `auto` 6.
   */
  readonly aboveEchoDb?: number;
  /** In any mode: the model hears silence for so long after the agent has begun to sound, while an echo canceller learns. Default 0. */
  readonly warmUpMs?: number;
  /** Half-duplex: how long a room goes on sounding after the loudspeaker. Default 300. */
  readonly tailMs?: number;
}

export type BargeInPolicy = Required<BargeInOptions> & {
  /** Whether the session asks for the answer to a turn, because the model was told not to. */
  readonly sessionAnswers: boolean;
};

/** How often speech over the agent's sound was first held for an interruption, and what it turned out to be. */
export interface BargeInCounts {
  readonly tentative: number;
  readonly confirmed: number;
  readonly resumed: number;
  /** Speech that the model heard over the agent's sound and that did not stand out of its echo when it began. */
  readonly belowEcho: number;
  /** Microphone audio that was replaced by silence. */
  readonly mutedMs: number;
}

const BACK_CHANNELS = ['mhm', 'mm', 'mmm', 'hm', 'hmm', 'uh huh', 'uh', 'um', 'ah', 'oh', 'yeah', 'yes', 'yep', 'ok', 'okay', 'right', 'sure', 'i see', 'got it', 'aha', 'all right', 'alright'];
const SAFETY_PHRASES = ['stop', 'wait', 'hold on', 'help'];
const LONGEST_MS = 60_000;
const LOUDEST_DB = 40;

/** Fills in what was left out. Throws `RangeError` for a time or a count that cannot be. */
export function bargeInPolicy(options: BargeInOptions = {}, config?: Pick<ModelConfig, 'turnDetection'>): BargeInPolicy {
  const mode = options.mode ?? 'immediate';
  const policy: BargeInPolicy = {
    mode,
    pause: options.pause ?? 'pause',
    confirmMs: options.confirmMs ?? 500,
    minWords: options.minWords ?? 2,
    backChannels: options.backChannels ?? BACK_CHANNELS,
    safetyPhrases: options.safetyPhrases ?? SAFETY_PHRASES,
    decideWithinMs: options.decideWithinMs ?? 1_500,
    aboveEchoDb: options.aboveEchoDb ?? (mode === 'auto' ? 6 : 0),
    warmUpMs: options.warmUpMs ?? 0,
    tailMs: options.tailMs ?? 300,
    sessionAnswers: sessionJudges(mode) && config?.turnDetection !== null && config?.turnDetection?.createResponse !== false,
  };
  for (const name of ['confirmMs', 'decideWithinMs', 'warmUpMs', 'tailMs'] as const) {
    if (!(policy[name] >= 0 && policy[name] <= LONGEST_MS)) throw new RangeError(`bargeIn.${name} must be from 0 to ${LONGEST_MS}, not ${policy[name]}.`);
  }
  if (!(policy.aboveEchoDb >= 0 && policy.aboveEchoDb <= LOUDEST_DB)) throw new RangeError(`bargeIn.aboveEchoDb must be from 0 to ${LOUDEST_DB}, not ${policy.aboveEchoDb}.`);
  if (policy.decideWithinMs < policy.confirmMs) throw new RangeError(`bargeIn.decideWithinMs (${policy.decideWithinMs}) must not be below confirmMs (${policy.confirmMs}).`);
  if (!Number.isInteger(policy.minWords) || policy.minWords < 1) throw new RangeError(`bargeIn.minWords must be a whole number from 1 on, not ${policy.minWords}.`);
  return policy;
}

/**
 * The configuration that a policy needs: where the session decides what speech means, the model must neither stop by itself nor answer by itself.
 * A conversation without turn detection is left as it is.
 */
export function configuredFor(policy: BargeInPolicy, config: ModelConfig): ModelConfig {
  if (!sessionJudges(policy.mode) || config.turnDetection === null) return config;
  return { ...config, turnDetection: { ...(config.turnDetection ?? { type: 'server_vad' }), interruptResponse: false, createResponse: false } };
}

/** Whether the session, and not the model, decides what speech over the agent means. */
export function sessionJudges(mode: BargeInPolicy['mode']): boolean {
  return mode === 'two-stage' || mode === 'off' || mode === 'auto';
}
