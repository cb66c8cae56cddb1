import type { PlaybackReport } from '../../audio/index.js';
import type { HistoryItem, NewHistoryItem } from '../events/history-item.js';
import type { ResponsePriority } from '../events/response-wish.js';
import type { ToolOutcome } from '../events/session-event.js';
import type { GuardrailResult } from '../ports/guardrail-policy.js';
import type { ModelClose, ModelContentPart, ModelInput, ResponseRequest } from '../ports/model.js';
import type { ToolPlan } from '../ports/tool-plan.js';
import type { HandoffPlan } from './handoff-state.js';

/** What tools, and people who decide about them, say. */
export type ToolInput =
  /** The tool was found (or not), and its arguments were read. */
  | { readonly type: 'tool_prepared'; readonly callId: string; readonly ok: true; readonly plan: ToolPlan }
  | { readonly type: 'tool_prepared'; readonly callId: string; readonly ok: false; readonly problem: string }
  | { readonly type: 'tool_decision'; readonly callId: string; readonly approve: boolean; readonly always: boolean; readonly reason?: string }
  | { readonly type: 'tool_progress'; readonly callId: string; readonly progress: string | object }
  /** `respond`: what the result itself wishes; absent leaves it to the tool. */
  | { readonly type: 'tool_settled'; readonly callId: string; readonly outcome: ToolOutcome; readonly output: string; readonly durationMs: number; readonly respond?: boolean }
  /** A call that was given up as unsettled has ended after all. */
  | { readonly type: 'tool_late'; readonly callId: string; readonly outcome: ToolOutcome; readonly output: string; readonly respond?: boolean };

/** The application edits what the model knows. */
export type HistoryInput =
  | { readonly type: 'update_history'; readonly items: readonly (HistoryItem | NewHistoryItem)[] }
  /** `text` `null` takes the key away. */
  | { readonly type: 'set_context'; readonly key: string; readonly text: string | null };

/** What the application says about what is to stay in the model's memory. */
export type ContextInput =
  | { readonly type: 'pin'; readonly itemId: string; readonly pinned: boolean }
  /** No text: the function failed. */
  | { readonly type: 'summarised'; readonly job: number; readonly text?: string; readonly error?: unknown };

/** What the application, a tool or the clock says to a session. */
export type AppInput =
  | { readonly type: 'connect' }
  /** A model's socket is open. Without an id it is the only attempt that there is. `unixMs` is the wall's time, where it is known. */
  | { readonly type: 'connection_opened'; readonly attemptId?: number; readonly unixMs?: number }
  | { readonly type: 'connection_failed'; readonly attemptId: number; readonly error: unknown }
  | { readonly type: 'connection_closed'; readonly attemptId?: number; readonly close: ModelClose }
  /** The connection is of no use, though its socket may be open: it is to be replaced. */
  | { readonly type: 'recover'; readonly reason: string }
  /** Something that the model said on one connection. */
  | { readonly type: 'from_model'; readonly attemptId: number; readonly input: ModelInput }
  /** `queuedBytes` is what the socket has not taken yet. The bytes are borrowed until the step's effects are done. */
  | { readonly type: 'microphone'; readonly bytes: Uint8Array; readonly queuedBytes: number }
  /** `handleId`, here and below: whoever wants to know what becomes of the response. */
  | { readonly type: 'commit'; readonly handleId?: string }
  | { readonly type: 'message'; readonly content: readonly ModelContentPart[]; readonly respond: boolean; readonly handleId?: string }
  | { readonly type: 'respond'; readonly request: ResponseRequest; readonly priority?: ResponsePriority; readonly handleId?: string }
  | { readonly type: 'withdraw'; readonly handleId: string }
  | { readonly type: 'interrupt' }
  | { readonly type: 'playback'; readonly report: PlaybackReport }
  /** There is somebody who hears what is said from now on. */
  | { readonly type: 'listener_started' }
  | ToolInput
  | { readonly type: 'handoff'; readonly plan: HandoffPlan }
  | HistoryInput
  | { readonly type: 'verdict'; readonly checkId: string; readonly result: GuardrailResult }
  | ContextInput
  /** Another session has found out how a model is: until when it is not to be tried; 0 when it is well. */
  | { readonly type: 'model_health'; readonly modelIndex: number; readonly restsUntilMs: number }
  | { readonly type: 'timer'; readonly timer: TimerName }
  | { readonly type: 'close'; readonly reason: string };

/** Every reason for which a session does anything. A recording of a session is a list of these, each with its time. */
export type SessionInput = AppInput | ModelInput;

/** `budget_warning`, `budget_limit`: of the time of a call. `budget_drain`: look whether the goodbye was heard. `budget_stop`: the end, whatever happens. */
export type BudgetTimer = 'budget_warning' | 'budget_limit' | 'budget_drain' | 'budget_stop';

/** `connect_attempt`: an attempt has had its time. `reconnect`: the next one is due. `rotation`: look for a quiet moment to change the connection. */
export type ConnectionTimer = 'connect_attempt' | 'reconnect' | 'rotation';

/**
 * `response_retry`: ask again after a collision. `barge_in`: the agent's sound has been held long enough. `tools`: something of a call falls due.
 * `watchdog`: look whether what is owed has come. `handoff_overdue`: the model did not confirm a hand-off.
 * `guardrail_hold`: audio has been kept for a check for long enough. `history_edit`: an edit of the history has waited long enough.
 * `context_summary`: a summary has. `failure`: look whether a failure has been heard, or must be told. `greeting`: look whether the agent may say its
 * first words.
 */
export type TimerName =
  | 'response_retry'
  | 'barge_in'
  | 'tools'
  | 'watchdog'
  | 'handoff_overdue'
  | 'history_edit'
  | 'context_summary'
  | 'guardrail_hold'
  | 'failure'
  | 'greeting'
  | BudgetTimer
  | ConnectionTimer;
