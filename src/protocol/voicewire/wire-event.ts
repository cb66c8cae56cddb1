import { SESSION_EVENT_TYPES } from '../../../session/index.js';
import type { ErrorStage, SessionEvent, VoicewireError } from '../../../session/index.js';

/** An error as JSON: never its cause or its stack, which may name files or hold what a third party said. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly stage: ErrorStage;
  readonly retryable: boolean;
  readonly hint?: string;
}

/** Stays in the gateway: sound travels in binary frames; the others are for the application that runs the session, and may be large. */
type KeptBack = 'audio' | 'error' | 'failure' | 'transfer_requested' | 'raw_model_event' | 'response_waiting' | 'tool_arguments_delta';

/** A session event as it stands in an `event` message. */
export type WireSessionEvent = Exclude<SessionEvent, { readonly type: KeptBack }> | WithWireError<Extract<SessionEvent, { readonly type: 'error' | 'failure' | 'transfer_requested' }>>;

type WithWireError<Event> = Event extends { readonly error: VoicewireError } ? Omit<Event, 'error'> & { readonly error: WireError } : never;

export type WireSessionEventType = WireSessionEvent['type'];

const keptBack: Readonly<Record<KeptBack, true>> = { audio: true, error: true, failure: true, transfer_requested: true, raw_model_event: true, response_waiting: true, tool_arguments_delta: true };
const wireTypes: ReadonlySet<string> = new Set([...SESSION_EVENT_TYPES.filter((type) => !Object.hasOwn(keptBack, type)), 'error', 'failure', 'transfer_requested']);

export function isWireEventType(type: string): type is WireSessionEventType {
  return wireTypes.has(type);
}

/** What of a session event goes to the client; `undefined` for those that stay in the gateway. */
export function toWireEvent(event: SessionEvent): WireSessionEvent | undefined {
  switch (event.type) {
    case 'audio':
    case 'raw_model_event':
    case 'response_waiting':
    case 'tool_arguments_delta':
      return undefined;
    case 'error':
    case 'failure':
    case 'transfer_requested':
      return { ...event, error: toWireError(event.error) };
    default:
      return event;
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
