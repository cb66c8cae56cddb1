import { createTally } from '../cost/cost-meter.js';
import type { Tally } from '../cost/cost-meter.js';
import type { TextInputItem } from '../ports/text-model.js';
import type { FunctionCall } from './next-action.js';
import type { RunEnd, RunItem } from './run-event.js';

/** A call of which a person has to decide, and what was decided. */
export interface WaitingCall extends FunctionCall {
  decision?: { readonly approve: true } | { readonly approve: false; readonly reason: string };
}

/**
 * Where a run stands. Plain data, changed in place while the run goes on: it can be written as JSON when the run has ended, and a run that waits for
 * a person goes on from it, also in another process.
 *
 *      new ──first read──▶ running ──▶ completed | cancelled | failed
 *                             ▲ └────▶ interrupted ──approve, reject──┐
 *                             └───────────────────────────────────────┘
 */
export interface RunState {
  readonly runId: string;
  /** Who has the conversation: the last one that it was handed to. */
  agentName: string;
  /** How many answers the model was asked for. */
  turn: number;
  status: 'new' | 'running' | RunEnd['status'];
  /** What the model is told next, oldest first. */
  conversation: TextInputItem[];
  /** What the run has produced. */
  readonly items: RunItem[];
  /** The words of the newest answer, as far as they are known. */
  text: string;
  /** Calls of the newest answer that wait for a person, and the hand-off that comes after them. */
  waiting: { readonly calls: readonly WaitingCall[]; readonly handOver?: FunctionCall } | undefined;
  readonly tally: Tally;
}

export function createRunState(runId: string, agentName: string, input: string | readonly TextInputItem[]): RunState {
  const conversation: TextInputItem[] = typeof input === 'string' ? [{ type: 'message', role: 'user', text: input }] : [...input];
  return { runId, agentName, turn: 0, status: 'new', conversation, items: [], text: '', waiting: undefined, tally: createTally() };
}
