import type { TextInputItem, TextModel } from '../ports/text-model.js';
import type { Clock } from '../ports/clock.js';
import type { Logger } from '../ports/logger.js';
import type { WhenFull } from '../stream/channel.js';
import type { ConversationMemory } from './conversation-memory.js';
import type { RunState } from './run-state.js';

/** What the user said, items of a conversation, or a run that waited for a person and goes on. */
export type RunInput = string | readonly TextInputItem[] | RunState;

export interface RunOptions<Context = unknown> {
  /** Handed to the functions of the application: instructions and tools. */
  readonly context?: Context;
  /** For agents that have no model of their own. */
  readonly model?: TextModel;
  /** The conversation of before; what the run adds to it is kept there. Borrowed. */
  readonly session?: ConversationMemory;
  /** How many items of the session the model is told; default all. */
  readonly sessionLimit?: number;
  /** How many answers the run may ask the model for, from 1; default 10. */
  readonly maxTurns?: number;
  /** Events kept for a reader that is behind, from 1; default 1000. */
  readonly queueSize?: number;
  /** What happens when they are as many. Default `wait`: the model is not read any further until the reader has caught up. */
  readonly whenFull?: Exclude<WhenFull, 'coalesce'>;
  /** Ends the run; it and its streams then reject with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Time for the whole run, in ms, from the first read; default: no limit. */
  readonly timeoutMs?: number;
  /** How long the model may say nothing while it owes something, in ms; default 300 000. The time of a slow reader is not counted. */
  readonly idleTimeoutMs?: number;
  readonly clock: Clock;
  /** By which its events are known. */
  readonly runId: string;
  readonly logger?: Logger;
}

/** An agent whose instructions want a context is not run without one. */
export type ContextFor<Context> = unknown extends Context ? object : { readonly context: Context };

export const RUN_DEFAULTS = { maxTurns: 10, queueSize: 1_000, idleTimeoutMs: 300_000 } as const;

/** Throws `RangeError` for a number that cannot be. */
export function checkRunOptions({ maxTurns = 1, timeoutMs = 1, idleTimeoutMs = 1 }: Pick<RunOptions, 'maxTurns' | 'timeoutMs' | 'idleTimeoutMs'>): void {
  if (!Number.isInteger(maxTurns) || maxTurns < 1) throw new RangeError(`maxTurns must be a whole number from 1, not ${maxTurns}.`);
  if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs must be above 0, not ${timeoutMs}.`);
  if (!(idleTimeoutMs > 0)) throw new RangeError(`idleTimeoutMs must be above 0, not ${idleTimeoutMs}.`);
}
