import type { VoicewireError } from '../errors.js';
import type { ResponseResult } from '../events/response-result.js';
import type { HistoryItem } from '../events/history-item.js';
import type { SessionEventBody } from '../events/session-event.js';
import type { ModelCommand } from '../ports/model.js';
import type { TimerName } from './session-input.js';

/** What became known of a response that somebody asked for. */
export type HandleNews =
  | { readonly name: 'created'; readonly responseId: string; readonly guessed: boolean }
  | { readonly name: 'first_audio'; readonly itemId: string }
  | { readonly name: 'done'; readonly result: ResponseResult };

/** What a step wants done; the runtime does it, in order. */
export type SessionEffect =
  /** To the connection that serves, or to the attempt that is named. */
  | { readonly type: 'send'; readonly command: ModelCommand; readonly attemptId?: number }
  /** `agentName`: of an agent that has handed over since; otherwise the event is the current agent's. */
  | { readonly type: 'emit'; readonly event: SessionEventBody; readonly agentName?: string }
  /** Find the tool, with the agent that called it, and read its arguments; `tool_prepared` answers, or `handoff`. */
  | { readonly type: 'prepare_tool'; readonly agentId: string; readonly callId: string; readonly name: string; readonly argumentsJson: string }
  /** Run a call that was prepared. */
  | { readonly type: 'run_tool'; readonly callId: string }
  /** Forget a call that was prepared: it will not run. */
  | { readonly type: 'drop_tool'; readonly callId: string }
  /** This agent has the conversation from here on. */
  | { readonly type: 'use_agent'; readonly agentId: string }
  /** Have a text checked; `verdict` answers, once. */
  | {
      readonly type: 'check_text';
      readonly checkId: string;
      readonly of: 'output' | 'input';
      readonly text: string;
      readonly agentName: string;
      readonly itemId: string;
      readonly responseId?: string;
    }
  | { readonly type: 'handoff_settled'; readonly handoffId: string; readonly error?: VoicewireError }
  | { readonly type: 'abort_tools'; readonly reason: string }
  /** A timer of the same name is replaced. */
  | { readonly type: 'arm_timer'; readonly timer: TimerName; readonly delayMs: number }
  | { readonly type: 'cancel_timer'; readonly timer: TimerName }
  /** The model has confirmed the configuration: `connect()` resolves. */
  | { readonly type: 'ready' }
  /** The model refused the configuration, or went away before it was confirmed: `connect()` rejects. */
  | { readonly type: 'connect_failed'; readonly error: unknown }
  /** Sum up what the model is about to forget; `summarised` answers. */
  | { readonly type: 'summarise'; readonly job: number; readonly items: readonly HistoryItem[]; readonly previous?: string }
  | { readonly type: 'tell_handle'; readonly handleId: string; readonly news: HandleNews }
  /** The model owes something and is mute: a new connection is the cure. */
  | { readonly type: 'recover_connection'; readonly reason: string }
  /** Opens a connection to a model of the list; what comes of it carries the attempt's id. */
  | { readonly type: 'open_connection'; readonly attemptId: number; readonly modelIndex: number }
  /** From here on this connection is the one that serves. */
  | { readonly type: 'use_connection'; readonly attemptId: number }
  /** One attempt's, or all of them. */
  | { readonly type: 'close_connection'; readonly reason: string; readonly attemptId?: number }
  /** A model does not answer and is not tried until then, or is well again (0). */
  | { readonly type: 'model_health'; readonly modelIndex: number; readonly restsUntilMs: number }
  /** The session is over; nothing follows. */
  | { readonly type: 'finished' };
