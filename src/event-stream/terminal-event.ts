import { toldError } from '../../session/index.js';
import type { ToldError } from '../../session/index.js';

/** Why a run or a stream is over. `stopped`: somebody asked; `disconnected`: no reader was left. */
export type TerminalReason = 'done' | 'failed' | 'stopped' | 'disconnected' | 'timeout' | 'closing';

/** The last event of a run whose source gave none. */
export interface TerminalEndEvent {
  readonly type: 'end';
  readonly reason: TerminalReason;
  readonly runId?: string;
}

/** The last event of a run whose source threw. */
export interface TerminalErrorEvent {
  readonly type: 'run.error';
  readonly error: ToldError;
  readonly runId?: string;
}

const TERMINAL_TYPES: ReadonlySet<string> = new Set(['run.done', 'run.error', 'end']);

/** Whether an event of this name is the last one of its stream. */
export function isTerminal(type: string | undefined): boolean {
  return type !== undefined && TERMINAL_TYPES.has(type);
}

/** What readers are told of an error. */
export function failedEvent(error: unknown, runId?: string): TerminalErrorEvent {
  return { type: 'run.error', ...(runId === undefined ? {} : { runId }), error: toldError(error) };
}
