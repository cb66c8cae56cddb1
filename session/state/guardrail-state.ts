import type { GuardrailPolicy } from '../ports/guardrail-policy.js';
import type { ModelInput } from '../ports/model.js';
import { NO_ENTRIES } from './sparse.js';
import type { SparseMap } from './sparse.js';

/** Something of a response that waits until the text that came before it is checked. */
export interface HeldInput {
  readonly input: Extract<ModelInput, { type: 'audio_delta' | 'audio_done' | 'response_done' }>;
  /** The version of the text that has to be checked first. */
  readonly version: number;
  readonly untilMs: number;
}

/** A response whose words are checked. Its text grows in versions: a check of one covers all that came before. */
export interface GuardedResponse {
  readonly responseId: string;
  readonly agentName: string;
  itemId: string;
  text: string;
  version: number;
  /** The newest version that was given to a check, and the length of its text. */
  sentVersion: number;
  sentLength: number;
  /** The newest version that has passed. */
  passedVersion: number;
  inFlight: number;
  /** A sentence or the text has ended since the last check. */
  due: boolean;
  tripped: boolean;
  readonly held: HeldInput[];
}

export interface GuardrailState {
  readonly policy: GuardrailPolicy;
  readonly responses: SparseMap<GuardedResponse>;
  /** Checks under way, by their ids. */
  readonly checks: SparseMap<{ readonly of: 'output'; readonly responseId: string; readonly version: number } | { readonly of: 'input'; readonly itemId: string }>;
  /** What is held no longer and is to be dealt with in this step. */
  readonly released: ModelInput[];
  /** The user's newest words. */
  newestUserItem?: string;
  /** The model is about to answer words of the user that have tripped. */
  refusesTurn: boolean;
  tripsInARow: number;
}

const OFF: GuardrailPolicy = { output: false, input: false, debounceCharacters: 80, holdBackMs: 0, closed: false };

export function createGuardrails(policy: GuardrailPolicy = OFF): GuardrailState {
  return { policy, responses: NO_ENTRIES, checks: NO_ENTRIES, released: [], refusesTurn: false, tripsInARow: 0 };
}
