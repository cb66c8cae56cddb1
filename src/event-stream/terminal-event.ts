import { VoicewireError, errorText } from '../../session/index.js';

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
  readonly error: { readonly code: string; readonly message: string; readonly hint?: string };
  readonly runId?: string;
}

const TERMINAL_TYPES: ReadonlySet<string> = new Set(['run.done', 'run.error', 'end']);

/** Whether an event of this name is the last one of its stream. */
export function isTerminal(type: string | undefined): boolean {
  return type !== undefined && TERMINAL_TYPES.has(type);
}

/** What readers are told of an error. The words of one that is not ours stay here: they may hold what is nobody's business outside. */
export function failedEvent(error: unknown, runId?: string): TerminalErrorEvent {
  const known = error instanceof VoicewireError;
  const told = known
    ? { code: error.code, message: errorText(error), ...(error.hint === undefined ? {} : { hint: error.hint }) }
    : { code: 'RUN_FAILED', message: 'The run failed.', hint: 'The log of the server says more.' };
  return { type: 'run.error', ...(runId === undefined ? {} : { runId }), error: told };
}

/** What a log may say of an error: its kind, not its words. */
export function errorFields(error: unknown): { readonly error: string; readonly code?: string } {
  return { error: error instanceof Error ? error.name : typeof error, ...(error instanceof VoicewireError ? { code: error.code } : {}) };
}
