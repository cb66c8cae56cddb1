import { assertNever } from '../../../session/index.js';
import type { ErrorStage, EventInfo, SessionEvent, VoicewireError } from '../../../session/index.js';

/** An error as JSON: never its cause or its stack, which may name files or hold what a third party said. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly stage: ErrorStage;
  readonly retryable: boolean;
  readonly hint?: string;
}

/** Stays in the gateway: sound travels in binary frames; the others are for the application that runs the session, and may be large. */
type KeptBack = 'audio' | 'error' | 'raw_model_event' | 'tool_arguments_delta';

/** A session event as it stands in an `event` message. */
export type WireSessionEvent = Exclude<SessionEvent, { readonly type: KeptBack }> | { readonly type: 'error'; readonly info: EventInfo; readonly error: WireError };

export type WireSessionEventType = WireSessionEvent['type'];

/** A `Record`, so that an event added to the union must be added here. */
const known: Readonly<Record<WireSessionEventType, true>> = {
  agent_start: true,
  agent_end: true,
  tool_start: true,
  tool_end: true,
  audio_end: true,
  audio_interrupted: true,
  history_added: true,
  history_updated: true,
  transcript_delta: true,
  input_speech_started: true,
  input_speech_stopped: true,
  input_committed: true,
  turn_metrics: true,
  connection: true,
  pressure: true,
  error: true,
};

export function isWireEventType(type: string): type is WireSessionEventType {
  return Object.hasOwn(known, type);
}

/** What of a session event goes to the client; `undefined` for those that stay in the gateway. */
export function toWireEvent(event: SessionEvent): WireSessionEvent | undefined {
  switch (event.type) {
    case 'audio':
    case 'raw_model_event':
    case 'tool_arguments_delta':
      return undefined;
    case 'error':
      return { type: 'error', info: event.info, error: toWireError(event.error) };
    case 'agent_start':
    case 'agent_end':
    case 'tool_start':
    case 'tool_end':
    case 'audio_end':
    case 'audio_interrupted':
    case 'history_added':
    case 'history_updated':
    case 'transcript_delta':
    case 'input_speech_started':
    case 'input_speech_stopped':
    case 'input_committed':
    case 'turn_metrics':
    case 'connection':
    case 'pressure':
      return event;
    default:
      return assertNever(event);
  }
}

export function toWireError(error: VoicewireError): WireError {
  return {
    code: error.code,
    message: error.message,
    stage: error.stage,
    retryable: error.retryable,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}
