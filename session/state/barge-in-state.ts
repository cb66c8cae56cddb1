import type { BargeInPolicy } from './barge-in-policy.js';
import { createEcho } from './echo-state.js';
import type { EchoState } from './echo-state.js';
import { NO_ENTRIES } from './sparse.js';
import type { SparseMap } from './sparse.js';

/** Sound that is held because the user may be interrupting, or was held and plays on while the words are still to come. */
export interface Doubt {
  /** The user's items in question, each with what is known of its words. */
  readonly texts: Map<string, string>;
  /** When the sound was held; before that, when the speech began. */
  sinceMs: number;
  /** Nearly everything had been heard: then any word is an answer, and none of them means "go on". */
  nearEnd: boolean;
  /** It does not stand out of the agent's echo, and holds nothing until it does. */
  belowEcho: boolean;
  /** Whether the model still hears speech. */
  speaking: boolean;
  /** Where the user's speech ended in the microphone's audio, once it has. */
  audioEndMs?: number;
  /** The voice in it, by the model's own marks. */
  markedMs: number;
  /** Whether the user's turn is over at the model. */
  committed: boolean;
  /** Whether all its words are known, and none of them interrupts. */
  judged: boolean;
  /** Voice since the sign of speech, by the microphone's level; see `microphone-gate.ts`. */
  voice: { heard: boolean; voicedMs: number; readonly sinceLoudMs: number | undefined };
}

/**
 *      calm ──speech over sound, out of its echo──▶ held ──voice or words──▶ calm (interrupted)
 *       ▲                           │
 *       │                           └──short, back-channel, or time is up──▶ playing_on ──words──▶ calm (interrupted)
 *       └────────────────────── nothing more to come, or other speech ──────────┘
 */
export type BargeInPhase = { readonly name: 'calm' } | { readonly name: 'held'; readonly doubt: Doubt } | { readonly name: 'playing_on'; readonly doubt: Doubt };

export interface BargeInState {
  readonly policy: BargeInPolicy;
  /** The policy's mode; `auto` is one of two. */
  mode: Exclude<BargeInPolicy['mode'], 'auto'>;
  phase: BargeInPhase;
  /** Items of the user whose speech began over the agent's, newest last, each with the responses that it began over: a safety phrase in it stops those. */
  readonly overSound: SparseMap<readonly string[]>;
  /** Present while the echo is looked at. */
  echo?: EchoState;
  readonly counts: { tentative: number; confirmed: number; resumed: number; belowEcho: number; mutedMs: number };
  /** The microphone lately, in dB of full scale: the loudest chunk (fading), the level over some 40 ms, and the quietest of that: the room. */
  readonly level: { peakDb: number; smoothDb: number; floorDb: number };
  /** Since when the agent sounds without a pause, and until when its room does. */
  soundsSinceMs?: number;
  soundsUntilMs: number;
}

export function createBargeIn(policy: BargeInPolicy): BargeInState {
  const mode = policy.mode === 'auto' ? 'two-stage' : policy.mode;
  const looksAtEcho = policy.mode === 'auto' || (mode === 'two-stage' && policy.aboveEchoDb > 0);
  return {
    policy,
    mode,
    phase: { name: 'calm' },
    overSound: NO_ENTRIES,
    ...(looksAtEcho ? { echo: createEcho(policy.mode === 'auto') } : {}),
    counts: { tentative: 0, confirmed: 0, resumed: 0, belowEcho: 0, mutedMs: 0 },
    level: { peakDb: -100, smoothDb: -100, floorDb: 0 },
    soundsUntilMs: -Infinity,
  };
}
