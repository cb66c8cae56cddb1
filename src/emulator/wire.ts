/**
 * The wire of the realtime protocol as the emulator speaks it (the current dialect). Spellings here are those of the protocol; nothing of
 * them leaves this folder.
 */

/** Every event that the emulator can send in the current dialect. */
export const SERVER_EVENT_TYPES = [
  'error',
  'session.created',
  'session.updated',
  'conversation.item.added',
  'conversation.item.done',
  'conversation.item.deleted',
  'conversation.item.retrieved',
  'conversation.item.truncated',
  'conversation.item.input_audio_transcription.delta',
  'conversation.item.input_audio_transcription.completed',
  'conversation.item.input_audio_transcription.failed',
  'conversation.item.input_audio_transcription.segment',
  'input_audio_buffer.cleared',
  'input_audio_buffer.committed',
  'input_audio_buffer.speech_started',
  'input_audio_buffer.speech_stopped',
  'input_audio_buffer.timeout_triggered',
  'response.created',
  'response.done',
  'response.output_item.added',
  'response.output_item.done',
  'response.content_part.added',
  'response.content_part.done',
  'response.output_audio.delta',
  'response.output_audio.done',
  'response.output_audio_transcript.delta',
  'response.output_audio_transcript.done',
  'response.output_text.delta',
  'response.output_text.done',
  'response.function_call_arguments.delta',
  'response.function_call_arguments.done',
  'response.mcp_call_arguments.delta',
  'response.mcp_call_arguments.done',
  'response.mcp_call.in_progress',
  'response.mcp_call.completed',
  'response.mcp_call.failed',
  'mcp_list_tools.in_progress',
  'mcp_list_tools.completed',
  'mcp_list_tools.failed',
  'rate_limits.updated',
] as const;

export type ServerEventType = (typeof SERVER_EVENT_TYPES)[number];

/** Every event of a session that translates. */
export const TRANSLATION_EVENT_TYPES = ['error', 'session.created', 'session.updated', 'session.closed', 'session.input_transcript.delta', 'session.output_transcript.delta', 'session.output_audio.delta'] as const;

export type TranslationEventType = (typeof TRANSLATION_EVENT_TYPES)[number];

/** One server event, without the `event_id` that it is given on its way out. */
export interface ServerEvent {
  readonly type: ServerEventType | TranslationEventType;
  readonly [field: string]: unknown;
}

/** An event as it leaves, in whichever dialect. */
export interface SentEvent {
  readonly type: string;
  readonly event_id: string;
  readonly [field: string]: unknown;
}

export type WireFormat = { readonly type: 'audio/pcm'; readonly rate: 24000 } | { readonly type: 'audio/pcmu' } | { readonly type: 'audio/pcma' };

export type WirePart =
  | { readonly type: 'input_text'; readonly text: string }
  | { readonly type: 'input_audio'; readonly transcript: string | null }
  | { readonly type: 'input_image' }
  | { readonly type: 'output_text'; readonly text: string }
  | { readonly type: 'output_audio'; readonly transcript: string | null };

export type WireStatus = 'in_progress' | 'completed' | 'incomplete';

export interface WireMessage {
  readonly id: string;
  readonly type: 'message';
  readonly status: WireStatus;
  readonly role: 'user' | 'assistant' | 'system';
  /** Models that reason tell what they say before they are done from the answer itself. */
  readonly phase?: 'commentary' | 'final_answer';
  readonly content: readonly WirePart[];
}

/** An item as it is echoed: without audio bytes, and without `object`. */
export type WireItem =
  | WireMessage
  | {
      readonly id: string;
      readonly type: 'function_call';
      readonly status: WireStatus;
      readonly name: string;
      readonly call_id: string;
      readonly arguments: string;
    }
  | { readonly id: string; readonly type: 'function_call_output'; readonly call_id: string; readonly output: string }
  | { readonly id: string; readonly type: 'mcp_list_tools'; readonly server_label: string; readonly tools: readonly unknown[] }
  | {
      readonly id: string;
      readonly type: 'mcp_call';
      readonly server_label: string;
      readonly name: string;
      readonly arguments: string;
      readonly approval_request_id: string | null;
      readonly output: string | null;
      readonly error: { readonly type: 'tool_execution_error'; readonly message: string } | null;
    }
  | { readonly id: string; readonly type: 'mcp_approval_request'; readonly server_label: string; readonly name: string; readonly arguments: string }
  | { readonly id: string; readonly type: 'mcp_approval_response'; readonly approval_request_id: string; readonly approve: boolean; readonly reason: string | null };

export type JsonObject = { readonly [key: string]: unknown };

/** A client's event that is not carried out. It becomes one `error` event that names the client's `event_id`; the session goes on. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: string;
  readonly param: string | null;

  constructor(code: string, message: string, param: string | null = null) {
    super(message);
    this.code = code;
    this.param = param;
  }
}

/** The `error` event that answers the client's event `eventId` (null: nobody's). */
export function errorEvent(code: string, message: string, param: string | null = null, eventId: string | null = null, type = 'invalid_request_error'): ServerEvent {
  return { type: 'error', error: { type, code, message, param, event_id: eventId } };
}
