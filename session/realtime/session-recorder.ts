import type { SessionEvent } from '../events/session-event.js';
import type { ModelCommand } from '../ports/model.js';
import type { SessionInput } from '../state/session-input.js';
import type { SessionState } from '../state/session-state.js';

/** What a session is when it is about to take its first input. */
export interface SessionStart {
  readonly sessionId: string;
  readonly agentName: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** For people: the models, in the order of preference. */
  readonly model: string;
  /** Borrowed until the call returns. */
  readonly state: SessionState;
  readonly nowMs: number;
  /** The wall's time, where the clock knows it. */
  readonly unixMs?: number;
}

/**
 * Sees what a session is told and what it tells, in order. Inputs with their times are the whole of it: `step` gives the rest again. Everything is
 * borrowed until the call returns. A recorder must neither wait nor throw; what it cannot do it tells elsewhere.
 */
export interface SessionRecorder {
  /** Once, before the first input. */
  onStart(start: SessionStart): void;
  /** Before the input is dealt with. */
  onInput(input: SessionInput, nowMs: number): void;
  onCommand(command: ModelCommand, attemptId: number | undefined, nowMs: number): void;
  /** `decided`: by `step`. The other events are told by the runtime itself: a handler that threw, say. */
  onEvent(event: SessionEvent, decided: boolean): void;
  /** Once, after everything else; alone for a session that never began. */
  onEnd(nowMs: number): void;
}
