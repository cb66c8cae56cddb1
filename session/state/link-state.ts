import type { VoicewireError } from '../errors.js';
import type { ModelCommand, ModelConfig } from '../ports/model.js';
import { NO_ENTRIES, NO_VALUES } from './sparse.js';
import type { SparseMap, SparseSet } from './sparse.js';

/** What a response that was cut off by the loss of its connection gives as its reason. */
export const CONNECTION_LOST = 'connection_lost';

/** How a session deals with connections that end. All numbers are decided at its creation. */
export interface ConnectionPolicy {
  /** One for each model, in the order of preference: its longest session, where it is known, in ms. */
  readonly sessionLimitsMs: readonly (number | undefined)[];
  readonly reconnect: boolean;
  readonly maxAttempts: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  readonly giveUpAfterMs: number;
  readonly attemptTimeoutMs: number;
  /** For an attempt beside which there is another model to try. */
  readonly fallbackTimeoutMs: number;
  readonly rotate: boolean;
  /** Whether the application's own limit counts more than what the model tells. */
  readonly overrideLimit: boolean;
  readonly beforeMs: number;
  readonly hardBeforeMs: number;
  readonly failures: number;
  readonly cooldownMs: number;
  readonly keepAudioMs: number;
  readonly carryItems: number;
  /** For the jitter of the delays. */
  readonly seed: number;
}

export const DEFAULT_POLICY: ConnectionPolicy = {
  sessionLimitsMs: [undefined],
  reconnect: true,
  maxAttempts: 8,
  baseDelayMs: 250,
  maxDelayMs: 8_000,
  giveUpAfterMs: 60_000,
  attemptTimeoutMs: 10_000,
  // A handshake and a configuration take 0.2 s as a rule; a caller notices silence after 2 s.
  fallbackTimeoutMs: 1_500,
  rotate: true,
  overrideLimit: false,
  beforeMs: 240_000,
  hardBeforeMs: 15_000,
  failures: 1,
  cooldownMs: 60_000,
  keepAudioMs: 6_000,
  carryItems: 300,
  seed: 1,
};

/**
 * A connection that is being made. It owns its id: whatever arrives under another id belongs to an attempt that was given up.
 *
 *      opening ──socket open, configure sent──▶ configuring ──confirmed──▶ standby ──in silence──▶ (serving)
 */
export interface Attempt {
  readonly attemptId: number;
  readonly modelIndex: number;
  readonly sinceMs: number;
  stage: 'opening' | 'configuring' | 'standby';
  /** Of its `configure`. */
  eventId?: string;
  config?: ModelConfig;
  modelSessionId?: string;
  /** Unix seconds, as the model told it. */
  expiresAt?: number;
  /** When its socket opened: the session's clock, and the wall's where it is known. */
  openedAtMs?: number;
  openedAtUnixMs?: number;
  /** What the model complained of last: the reason, if it hangs up. */
  complaint?: VoicewireError;
}

/** The connection that carries the conversation. */
export interface Serving {
  readonly attemptId: number;
  readonly modelIndex: number;
  readonly sinceMs: number;
  readonly openedAtMs: number;
  /** When the model will end it, on the session's clock. */
  expiresAtMs?: number;
}

/** Closed below `failures` in a row; open until a moment; after it, half-open: the next attempt decides. */
export interface Breaker {
  failures: number;
  openUntilMs: number;
}

export interface LinkState {
  readonly policy: ConnectionPolicy;
  readonly breakers: Breaker[];
  attemptCount: number;
  /** Attempts since the last connection that lasted. */
  failedAttempts: number;
  /** Models that were tried in this round, so that each is tried before one is tried again. */
  readonly tried: number[];
  jitter: number;
  candidate: Attempt | undefined;
  /** One that takes long; another was begun beside it, and whichever is ready first goes on. */
  slow: Attempt | undefined;
  serving: Serving | undefined;
  /** Items that the serving connection knows only as text that we put back. */
  readonly restored: SparseSet;
  /** Of those, the ones that we take out in order to put them back shorter: how many confirmations are still to come. */
  readonly replacing: SparseMap<number>;
  /** Items of the history that the serving connection knows nothing of: what was never heard, or has no words. */
  readonly absent: SparseSet;
  /** What we asked of the conversation and no connection has confirmed, by item. */
  readonly unconfirmed: SparseMap<Extract<ModelCommand, { type: 'create_item' | 'delete_item' }>>;
  /** An answer is owed that the loss has stopped: it is asked for again. */
  askAgain: boolean;
  /** Whether a rotation has been announced. */
  rotating: boolean;
}

export function createLink(policy: ConnectionPolicy = DEFAULT_POLICY): LinkState {
  return {
    policy,
    breakers: policy.sessionLimitsMs.map(() => ({ failures: 0, openUntilMs: 0 })),
    attemptCount: 0,
    failedAttempts: 0,
    tried: [],
    jitter: policy.seed >>> 0,
    candidate: undefined,
    slow: undefined,
    serving: undefined,
    restored: NO_VALUES,
    absent: NO_VALUES,
    replacing: NO_ENTRIES,
    unconfirmed: NO_ENTRIES,
    askAgain: false,
    rotating: false,
  };
}

/** 0 <= x < 1, from the state alone (mulberry32). */
export function nextJitter(link: LinkState): number {
  link.jitter = (link.jitter + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(link.jitter ^ (link.jitter >>> 15), link.jitter | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
