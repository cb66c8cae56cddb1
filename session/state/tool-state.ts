import type { BackgroundPolicy } from '../ports/background.js';
import type { ToolPlan } from '../ports/tool-plan.js';
import { NO_ENTRIES, NO_VALUES } from './sparse.js';
import type { SparseMap, SparseSet } from './sparse.js';

/** How many calls a session takes on at once. */
export interface ToolLimits {
  /** Calls that run at the same time, of all tools together. */
  readonly concurrency: number;
  /** Calls that wait, for a person or for room; one more is refused and answered so. */
  readonly queue: number;
  /** How long a person has to decide, in ms; absent: as long as the session lasts. */
  readonly approvalTimeoutMs?: number;
}

export const DEFAULT_TOOL_LIMITS: ToolLimits = { concurrency: 16, queue: 64 };

/**
 *      arguing ──▶ preparing ──┬──▶ approval ──approve──▶ queued ──room──▶ running ──┬──────────────────────▶ ended
 *         │            │       └────────────────────────▶   │                 └─ takes long ─▶ background ─┘
 *         └────────────┴── refused, rejected, cut off ──────┴──▶ ended
 */
export type CallPhase =
  | { readonly name: 'arguing' }
  | { readonly name: 'preparing' }
  | { readonly name: 'approval'; readonly plan: ToolPlan; readonly untilMs?: number }
  | { readonly name: 'queued'; readonly plan: ToolPlan }
  | { readonly name: 'running'; readonly plan: ToolPlan; readonly sinceMs: number; readonly acknowledgeAtMs?: number }
  /** The provider runs it; its output never passes us. */
  | { readonly name: 'hosted'; readonly serverLabel: string; readonly sinceMs: number; readonly running: boolean }
  /** The model has been told that it takes long: that was the call's one output. */
  | {
      readonly name: 'background';
      readonly plan: ToolPlan;
      readonly background: BackgroundPolicy;
      readonly sinceMs: number;
      /** Clips played so far, and when the next is due. */
      fillers: number;
      fillerAtMs?: number;
    };

/** A call that has not ended. */
export interface ToolCall {
  readonly callId: string;
  readonly itemId: string;
  readonly responseId: string;
  name: string;
  arguments: string;
  phase: CallPhase;
  /** The model has used its id for something else, and that has been told. */
  conflict?: true;
}

/** A call that has ended; kept so that the model's saying it again runs nothing. */
export interface EndedCall {
  readonly name: string;
  readonly arguments: string;
  /** What the model was told under the call's id; absent when it was told nothing. */
  readonly output?: string;
  conflict?: true;
  /** It was given up, and what it gives all the same is told to the model. */
  readonly announceLate?: { readonly respond: boolean };
}

/** The result of a call that had its output already. */
export interface WaitingResult {
  readonly callId: string;
  readonly name: string;
  readonly output: string;
  readonly respond: boolean;
  /** When it waits for quiet no longer. */
  readonly untilMs: number;
}

/** A call that the provider makes when a person agrees. */
export interface HostedRequest {
  readonly serverLabel: string;
  readonly name: string;
  readonly arguments: string;
  readonly untilMs?: number;
  /** By which the serving connection knows it; absent when it does not. */
  requestId?: string;
}

export interface IdlePause {
  /** Since when tools are at work. */
  sinceMs?: number;
  /** Whether the provider's timer has been turned off, and by which command that was last changed. */
  paused: boolean;
  eventId?: string;
  /** The model does not let it be changed. */
  refused: boolean;
  /** When it is looked next. */
  checkAtMs?: number;
}

export interface ToolsState {
  readonly limits: ToolLimits;
  /** The last calls that have ended, by call id. */
  readonly ended: SparseMap<EndedCall>;
  /** What a person has decided for good, by tool. */
  readonly decisions: SparseMap<'approve' | 'reject'>;
  /** Responses of which some call asks for an answer. */
  readonly wishes: SparseSet;
  /** Hosted calls that wait for a person, by the id under which the application knows them, and the last that were decided. */
  readonly hosted: SparseMap<HostedRequest>;
  readonly answered: SparseSet;
  /** Those that were agreed to and have not been seen to begin, by the id of the request. */
  readonly approved: SparseMap<HostedRequest>;
  /** Decisions about calls that the model has to ask for again, by the call. */
  readonly carried: SparseMap<{ readonly approve: boolean; readonly reason?: string }>;
  /** Results that wait until both sides are quiet, and when it is looked next. */
  readonly results: WaitingResult[];
  checkAtMs?: number;
  /** The provider's question whether anybody is there. */
  readonly idle: IdlePause;
  /** For when the timer is armed. */
  dueAtMs?: number;
}

export function createToolsState(limits: Partial<ToolLimits> = {}): ToolsState {
  return { limits: { ...DEFAULT_TOOL_LIMITS, ...limits }, ended: NO_ENTRIES, decisions: NO_ENTRIES, wishes: NO_VALUES, hosted: NO_ENTRIES, answered: NO_VALUES, approved: NO_ENTRIES, carried: NO_ENTRIES, results: [], idle: { paused: false, refused: false } };
}
