import type { ToldError } from '../error-text.js';
import type { TextModelEvent, TextOutputItem } from '../ports/text-model.js';

/** What stands on every event of a run. */
export interface RunInfo {
  readonly runId: string;
  readonly agentName: string;
  /** Counts the model's answers from 1; 0 before the first. */
  readonly turn: number;
  /** Ms of the run's clock. */
  readonly timestamp: number;
}

/** Something that a run has produced. */
export type RunItem =
  | TextOutputItem
  | { readonly type: 'function_call_output'; readonly callId: string; readonly name: string; readonly output: string; readonly outcome: 'ok' | 'error' | 'cancelled' | 'unsettled' | 'rejected' }
  | { readonly type: 'handoff'; readonly callId: string; readonly fromAgent: string; readonly toAgent: string; readonly reason: string };

/** `handoff_occured` keeps the spelling that front ends know; `alias` has the right one beside it. */
export type RunItemEventName =
  | 'message_output_created'
  | 'tool_called'
  | 'tool_output'
  | 'handoff_requested'
  | 'handoff_occured'
  | 'reasoning_item_created'
  | 'mcp_approval_requested'
  | 'mcp_list_tools';

/** What a run tells while it runs. Plain data: it can be sent anywhere as JSON. */
export type RunEvent =
  | { readonly type: 'raw_response_event'; readonly data: TextModelEvent; readonly info: RunInfo }
  | { readonly type: 'run_item_stream_event'; readonly name: RunItemEventName; readonly alias?: 'handoff_occurred'; readonly item: RunItem; readonly info: RunInfo }
  | { readonly type: 'agent_updated_stream_event'; readonly newAgent: string; readonly info: RunInfo }
  /** A tool tells how far it is. */
  | { readonly type: 'tool_progress_stream_event'; readonly callId: string; readonly name: string; readonly update: string | object; readonly info: RunInfo };

/** How a run ended. Exactly one of them, exactly once. */
export type RunEnd =
  /** `incomplete`: the provider has cut the answer off; why, in its word. */
  | { readonly status: 'completed'; readonly incomplete?: string }
  /** `by`: the caller (`cancel()`, an abort), a reader that left its loop, or a time-out. */
  | { readonly status: 'cancelled'; readonly by: 'caller' | 'reader' | 'timeout' }
  | { readonly status: 'failed'; readonly error: unknown }
  /** A call waits for `approve` or `reject`. */
  | { readonly status: 'interrupted'; readonly pending: readonly { readonly callId: string; readonly name: string; readonly arguments: string }[] };

/** The same run in one flat line of events; each step is one answer of the model. Plain data. */
export type FlatRunEvent =
  | { readonly type: 'run.start'; readonly runId: string; readonly agentName: string }
  | { readonly type: 'response.text.delta'; readonly runId: string; readonly itemId: string; readonly delta: string }
  | { readonly type: 'response.reasoning.delta'; readonly runId: string; readonly itemId: string; readonly delta: string }
  | { readonly type: 'response.function_call_arguments.delta'; readonly runId: string; readonly callId: string; readonly name: string; readonly delta: string }
  | { readonly type: 'response.function_call.done'; readonly runId: string; readonly callId: string; readonly name: string; readonly arguments: string }
  | { readonly type: 'response.function_call.progress'; readonly runId: string; readonly callId: string; readonly name: string; readonly update: string | object }
  | { readonly type: 'response.function_call.output'; readonly runId: string; readonly callId: string; readonly name: string; readonly output: string; readonly outcome: 'ok' | 'error' | 'cancelled' | 'unsettled' | 'rejected' }
  | { readonly type: 'run.agent'; readonly runId: string; readonly agentName: string }
  | { readonly type: 'run.step.done'; readonly runId: string; readonly step: number; readonly text: string }
  | { readonly type: 'run.done'; readonly runId: string; readonly text: string; readonly end: 'completed' | 'cancelled' | 'interrupted' }
  | { readonly type: 'run.error'; readonly runId: string; readonly error: ToldError };
