import type { ResponseRequest } from '../ports/model.js';

/** Who begins a conversation, and how. */
export interface GreetingPolicy {
  readonly who: 'agent' | 'caller' | 'whoever-first';
  /** What the model is asked for. */
  readonly request: ResponseRequest;
  /** Sound that was made before, with its words: it needs no model. */
  readonly clip?: { readonly bytes: Uint8Array; readonly text: string };
  readonly waitForSpeechMs: number;
  readonly waitForListener: boolean;
}

/**
 *      waiting ──listener there, model ready (or a clip), line quiet──▶ asked ──it sounds──▶ over
 *         │  ▲                                                            │
 *         │  └───────────── the caller is heard before it sounds ─────────┘ (agent)
 *         └──── the caller has said something ───────────────────────────────────────▶ over
 */
export type GreetingPhase =
  | { readonly name: 'over' }
  | {
      readonly name: 'waiting' | 'asked';
      /** Since when there is somebody to listen. */
      listenerMs?: number;
      /** When the microphone last had a voice in it. */
      voiceMs: number;
      /** The quietest of late, in dB of full scale. */
      roomDb: number;
    };

export interface GreetingState {
  readonly policy: GreetingPolicy;
  phase: GreetingPhase;
}

const NONE: GreetingPolicy = { who: 'caller', request: {}, waitForSpeechMs: 0, waitForListener: false };

export function createGreeting(policy: GreetingPolicy = NONE): GreetingState {
  return { policy, phase: policy.who === 'caller' ? { name: 'over' } : { name: 'waiting', voiceMs: -Infinity, roomDb: 0 } };
}
