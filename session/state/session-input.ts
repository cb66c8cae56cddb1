import type { PlaybackReport } from '../../audio/index.js';
import type { ToolOutcome } from '../events/session-event.js';
import type { ModelClose, ModelContentPart, ModelInput, ResponseRequest } from '../ports/model.js';

/** What the application, a tool or the clock says to a session. */
export type AppInput =
  /** The model's socket is open. */
  | { readonly type: 'connection_opened' }
  | { readonly type: 'connection_closed'; readonly close: ModelClose }
  /** `queuedBytes` is what the socket has not taken yet. The bytes are borrowed until the step's effects are done. */
  | { readonly type: 'microphone'; readonly bytes: Uint8Array; readonly queuedBytes: number }
  | { readonly type: 'commit' }
  | { readonly type: 'message'; readonly content: readonly ModelContentPart[]; readonly respond: boolean }
  | { readonly type: 'respond'; readonly request: ResponseRequest }
  | { readonly type: 'interrupt' }
  | { readonly type: 'playback'; readonly report: PlaybackReport }
  | { readonly type: 'tool_settled'; readonly callId: string; readonly outcome: ToolOutcome; readonly output: string; readonly durationMs: number }
  | { readonly type: 'timer'; readonly timer: TimerName }
  | { readonly type: 'close'; readonly reason: string };

/** Every reason for which a session does anything. A recording of a session is a list of these, each with its time. */
export type SessionInput = AppInput | ModelInput;

/**
 * `response_retry`: ask again after a collision. `response_overdue`: a response was asked for and never began. `barge_in`: the agent's sound has
 * been held long enough.
 */
export type TimerName = 'response_retry' | 'response_overdue' | 'barge_in';
