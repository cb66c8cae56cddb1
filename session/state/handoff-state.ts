import type { ModelConfig } from '../ports/model.js';
import { NO_ENTRIES } from './sparse.js';
import type { SparseMap } from './sparse.js';

/** What a state has to know of an agent. The agent itself has functions and lives in the runtime, under this id. */
export interface AgentProfile {
  readonly agentId: string;
  readonly name: string;
  readonly instructions?: string;
  readonly voice?: string;
  /** Its own tools and those by which it hands over. */
  readonly tools: ModelConfig['tools'];
}

/** A hand-off that is ready to be made. */
export interface HandoffPlan {
  /** Given by whoever wants it; comes back in `handoff_settled`. */
  readonly handoffId: string;
  readonly agent: AgentProfile;
  readonly reason: string;
  readonly entry: 'respond' | 'silent' | { readonly say: string };
  /** Items to be taken out of the model's conversation. */
  readonly drop: readonly string[];
  /** A text that stands in their place. */
  readonly carried?: string;
  /** Present when the model asked for it: the call that has to be answered. */
  readonly call?: { readonly callId: string; readonly durationMs: number };
}

export interface HandoffState {
  /** The hand-off that waits for the model to confirm the new configuration; meanwhile no response is asked for. */
  current?: {
    readonly plan: HandoffPlan;
    /** Of the `configure` that was sent. */
    eventId: string;
    /** When that was. */
    sentMs: number;
    config: ModelConfig;
    /** In which the call was made, when the model asked for it. */
    readonly responseId?: string;
    /** The voice that stays although the new agent has another. */
    keptVoice?: string;
  };
  /** Hand-offs of the application that wait for the current one. */
  readonly waiting: HandoffPlan[];
  /** Each `configure` that the model has not answered, oldest first: it answers in order. */
  readonly configures: string[];
  /** Responses that began under an agent that has handed over since. */
  readonly former: SparseMap<{ readonly agentId: string; readonly name: string }>;
}

export function createHandoffState(): HandoffState {
  return { waiting: [], configures: [], former: NO_ENTRIES };
}
