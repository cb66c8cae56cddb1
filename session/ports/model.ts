/**
 * What a session asks of a realtime speech model, in words of its own: no wire names stand here. A provider opens the connection, its
 * protocol turns wire messages into {@link ModelInput} values and {@link ModelCommand} values into wire messages.
 */
import type { AudioFormat } from '../../audio/index.js';
import type { McpToolInfo } from '../events/history-item.js';
import type { TranscriptionUsage, Usage } from '../events/usage.js';

// ---- what the model is told ----

/** How the model finds the end of a user's turn; `null` means that the application commits by hand. */
export type TurnDetection =
  | {
      readonly type: 'server_vad';
      /** 0..1 */
      readonly threshold?: number;
      readonly prefixPaddingMs?: number;
      readonly silenceMs?: number;
      /** Whether the model answers by itself when a turn ends (default true). */
      readonly createResponse?: boolean;
      /** Whether the model stops generating by itself when the user speaks (default true). */
      readonly interruptResponse?: boolean;
      readonly idleTimeoutMs?: number | null;
    }
  | {
      readonly type: 'semantic_vad';
      readonly eagerness?: 'low' | 'medium' | 'high' | 'auto';
      readonly createResponse?: boolean;
      readonly interruptResponse?: boolean;
    };

/** A function that the model may call; `parameters` is a JSON schema of the arguments object. */
export interface ModelFunctionTool {
  readonly type?: 'function';
  readonly name: string;
  readonly description?: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** The tools of an MCP server, which the model's provider lists and calls itself. */
export interface ModelMcpTool {
  readonly type: 'mcp';
  /** How its tools are told apart from those of other servers. */
  readonly serverLabel: string;
  /** Where it is; or a connector of the provider. */
  readonly serverUrl?: string;
  readonly connectorId?: string;
  readonly serverDescription?: string;
  /** A secret, as are the values of `headers`. */
  readonly authorization?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Which of its tools the model may use; default all. */
  readonly allowedTools?: readonly string[];
  /** Which of them a person must agree to; the provider's default is `always`. */
  readonly requireApproval?: 'always' | 'never' | { readonly always?: readonly string[]; readonly never?: readonly string[] };
}

export type ModelTool = ModelFunctionTool | ModelMcpTool;

export type ToolChoice = 'auto' | 'none' | 'required' | { readonly name: string };

/** The whole configuration of a model session; a member that is left out keeps the model's own default. */
export interface ModelConfig {
  readonly instructions?: string;
  readonly outputModality: 'audio' | 'text';
  /** Fixed for the life of a connection. */
  readonly inputFormat: AudioFormat;
  /** Fixed for the life of a connection. */
  readonly outputFormat: AudioFormat;
  readonly voice?: string;
  /** 0.25..1.5 */
  readonly speed?: number;
  readonly tools: readonly ModelTool[];
  readonly toolChoice?: ToolChoice;
  readonly turnDetection?: TurnDetection | null;
  /** Which model writes down what the user says; `null` turns it off. */
  readonly transcription?: { readonly model?: string; readonly language?: string; readonly prompt?: string } | null;
  readonly noiseReduction?: 'near_field' | 'far_field' | null;
  readonly maxOutputTokens?: number | 'inf';
}

export type ModelContentPart =
  | { readonly type: 'input_text'; readonly text: string }
  | { readonly type: 'input_audio'; readonly transcript: string | null }
  /** `url` is a data URL of a PNG or JPEG when it goes out; a model need not send it back. */
  | { readonly type: 'input_image'; readonly url?: string; readonly detail?: 'auto' | 'low' | 'high' }
  | { readonly type: 'output_text'; readonly text: string }
  | { readonly type: 'output_audio'; readonly transcript: string | null };

export type ModelItemStatus = 'in_progress' | 'completed' | 'incomplete';

/** One entry of the model's conversation. */
export type ModelItem =
  | {
      readonly type: 'message';
      readonly id: string;
      readonly role: 'user' | 'assistant' | 'system';
      readonly status: ModelItemStatus;
      readonly content: readonly ModelContentPart[];
    }
  | {
      readonly type: 'function_call';
      readonly id: string;
      readonly callId: string;
      readonly name: string;
      /** A JSON text, as far as it is known. */
      readonly arguments: string;
      readonly status: ModelItemStatus;
    }
  | { readonly type: 'function_call_output'; readonly id: string; readonly callId: string; readonly output: string }
  /** The tools that an MCP server offers; none yet while they are being listed. */
  | { readonly type: 'mcp_list_tools'; readonly id: string; readonly serverLabel: string; readonly tools: readonly McpToolInfo[] }
  /** A call that the provider makes; `output` or `error` when it has ended. */
  | {
      readonly type: 'mcp_call';
      readonly id: string;
      readonly serverLabel: string;
      readonly name: string;
      readonly arguments: string;
      readonly output?: string;
      readonly error?: ModelErrorInfo;
      readonly approvalRequestId?: string;
    }
  | { readonly type: 'mcp_approval_request'; readonly id: string; readonly serverLabel: string; readonly name: string; readonly arguments: string }
  /** An item of a kind that has no meaning here (a provider's own); kept as it came. */
  | { readonly type: 'other'; readonly id: string; readonly kind: string; readonly raw: unknown };

/** An item that we put into the conversation. */
export type NewModelItem =
  | { readonly type: 'message'; readonly id: string; readonly role: 'user' | 'assistant' | 'system'; readonly content: readonly ModelContentPart[] }
  | { readonly type: 'function_call'; readonly id: string; readonly callId: string; readonly name: string; readonly arguments: string }
  | { readonly type: 'function_call_output'; readonly id: string; readonly callId: string; readonly output: string }
  | { readonly type: 'mcp_approval_response'; readonly id: string; readonly approvalRequestId: string; readonly approve: boolean; readonly reason?: string };

/** What a single response asks beside the session's configuration. */
export interface ResponseRequest {
  readonly instructions?: string;
  readonly outputModality?: 'audio' | 'text';
  readonly toolChoice?: ToolChoice;
  readonly maxOutputTokens?: number | 'inf';
  /** At most 16 pairs, keys of 64 and values of 512 characters; comes back in `response_created`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * `none`: beside the conversation. It is written and not spoken, calls no tools, changes no history, and may be generated while another response
   * is; its text is in the result of its handle. The session gives it up after 30 s and does not ask again when the connection is lost.
   */
  readonly conversation?: 'none';
  /** What a response beside the conversation is about; without it, the conversation. */
  readonly input?: readonly { readonly role: 'user' | 'assistant' | 'system'; readonly text: string }[];
}

/** `eventId` comes back in `model_error` when the command was refused. */
export type ModelCommand =
  | { readonly type: 'configure'; readonly eventId: string; readonly config: ModelConfig }
  /** The bytes are borrowed until `send` returns. */
  | { readonly type: 'append_audio'; readonly bytes: Uint8Array }
  | { readonly type: 'commit_audio'; readonly eventId: string }
  | { readonly type: 'clear_audio'; readonly eventId: string }
  /** `previousItemId`: absent appends, `null` puts the item first. */
  | { readonly type: 'create_item'; readonly eventId: string; readonly item: NewModelItem; readonly previousItemId?: string | null }
  | { readonly type: 'delete_item'; readonly eventId: string; readonly itemId: string }
  | { readonly type: 'truncate_item'; readonly eventId: string; readonly itemId: string; readonly contentIndex: number; readonly audioEndMs: number }
  | { readonly type: 'create_response'; readonly eventId: string; readonly request: ResponseRequest }
  | { readonly type: 'cancel_response'; readonly eventId: string; readonly responseId?: string };

// ---- what the model says ----

/** What a response has used. */
export type TokenUsage = Usage;

export interface ModelErrorInfo {
  /** The provider's own code, e.g. `conversation_already_has_active_response`; absent where the provider gave none. */
  readonly code?: string;
  /** The provider's own; `protocol_error` is ours, of a message that could not be read and was skipped. */
  readonly kind?: string;
  readonly message: string;
  readonly param?: string;
}

export type ModelResponseStatus = 'completed' | 'cancelled' | 'incomplete' | 'failed';

/** One thing that the model said. The names are the session's own; a wire message may give several, or none. */
export type ModelInput =
  | { readonly type: 'model_session_created'; readonly modelSessionId: string; /** Unix seconds. */ readonly expiresAt?: number; /** The model's name. */ readonly model?: string }
  | {
      readonly type: 'model_session_configured';
      readonly inputFormat?: AudioFormat;
      readonly outputFormat?: AudioFormat;
      /** The end-of-turn silence that the model really uses. */
      readonly silenceMs?: number;
      readonly expiresAt?: number;
      readonly model?: string;
    }
  /** `audioStartMs` counts the audio sent since the session began. */
  | { readonly type: 'speech_started'; readonly itemId: string; readonly audioStartMs: number }
  | { readonly type: 'speech_stopped'; readonly itemId: string; readonly audioEndMs: number }
  | { readonly type: 'input_committed'; readonly itemId: string; readonly previousItemId?: string | null }
  | { readonly type: 'input_cleared' }
  /** `previousItemId`: `null` is the head of the conversation, absent is not known. */
  | { readonly type: 'item_added'; readonly item: ModelItem; readonly previousItemId?: string | null }
  | { readonly type: 'item_done'; readonly item: ModelItem }
  | { readonly type: 'item_deleted'; readonly itemId: string }
  | { readonly type: 'item_truncated'; readonly itemId: string; readonly contentIndex: number; readonly audioEndMs: number }
  | { readonly type: 'user_transcript_delta'; readonly itemId: string; readonly contentIndex: number; readonly delta: string }
  /** The whole text so far; `final` is false where a server repeats it as it grows. */
  | { readonly type: 'user_transcript'; readonly itemId: string; readonly contentIndex: number; readonly text: string; readonly final: boolean; readonly usage?: TranscriptionUsage }
  | { readonly type: 'user_transcript_failed'; readonly itemId: string; readonly contentIndex: number; readonly error: ModelErrorInfo }
  | { readonly type: 'response_created'; readonly responseId: string; readonly metadata?: Readonly<Record<string, string>>; /** It stands in no conversation. */ readonly beside?: true }
  | { readonly type: 'output_item_added'; readonly responseId: string; readonly outputIndex: number; readonly item: ModelItem }
  | { readonly type: 'output_item_done'; readonly responseId: string; readonly outputIndex: number; readonly item: ModelItem }
  /** `bytes` belong to the receiver. */
  | { readonly type: 'audio_delta'; readonly responseId: string; readonly itemId: string; readonly contentIndex: number; readonly bytes: Uint8Array }
  | { readonly type: 'audio_done'; readonly responseId: string; readonly itemId: string; readonly contentIndex: number }
  /** The text of what is spoken (`audio`) or written (`text`). */
  | { readonly type: 'output_text_delta'; readonly of: 'audio' | 'text'; readonly responseId: string; readonly itemId: string; readonly contentIndex: number; readonly delta: string }
  | { readonly type: 'output_text_done'; readonly of: 'audio' | 'text'; readonly responseId: string; readonly itemId: string; readonly contentIndex: number; readonly text: string }
  | { readonly type: 'arguments_delta'; readonly responseId: string; readonly itemId: string; readonly callId: string; readonly delta: string }
  | { readonly type: 'arguments_done'; readonly responseId: string; readonly itemId: string; readonly callId: string; readonly name?: string; readonly arguments: string }
  /** Of a hosted call, whose item is its id. */
  | { readonly type: 'mcp_arguments_delta'; readonly responseId: string; readonly itemId: string; readonly delta: string }
  | { readonly type: 'mcp_call_running'; readonly itemId: string }
  | { readonly type: 'mcp_list_failed'; readonly itemId: string }
  | {
      readonly type: 'response_done';
      readonly responseId: string;
      readonly status: ModelResponseStatus;
      /** Why it was cancelled or is incomplete, in the provider's word (`turn_detected`, `client_cancelled`, `max_output_tokens`, …). */
      readonly reason?: string;
      readonly error?: ModelErrorInfo;
      readonly usage?: TokenUsage;
      readonly output: readonly ModelItem[];
    }
  /** `eventId` is the id of our command that was refused, absent when the model did it by itself. */
  | { readonly type: 'model_error'; readonly error: ModelErrorInfo; readonly eventId?: string }
  /** The provider carries the call and plays this response itself: none of its audio comes over this connection. */
  | { readonly type: 'audio_elsewhere'; readonly responseId: string }
  /** A message that has no meaning above; it reaches the application untouched. */
  | { readonly type: 'raw_message'; readonly name: string; readonly raw: unknown };

// ---- the connection ----

/** Why a connection is gone. `code` and `reason` are those of RFC 6455 section 7. */
export interface ModelClose {
  readonly code: number;
  readonly reason: string;
  /** Whether we asked for it. */
  readonly byUs: boolean;
  readonly error?: Error;
}

export interface ModelConnection {
  /** Serialises and sends. Returns at once; after the close it does nothing. */
  send(command: ModelCommand): void;
  /** Bytes handed to the socket and not yet taken by the network. */
  readonly bufferedBytes: number;
  /** Polite close; resolves when the connection is gone. May be called twice. */
  close(reason?: string): Promise<void>;
}

export interface ModelConnectOptions {
  readonly signal: AbortSignal;
  /** Called in the order of arrival; never called after `onClose`. */
  readonly onInput: (input: ModelInput) => void;
  /** Called exactly once for a connection that was opened. */
  readonly onClose: (close: ModelClose) => void;
}

/** A realtime speech model somewhere. */
export interface RealtimeModel {
  /** For people: `gpt-realtime at api.openai.com`, `emulator`. */
  readonly label: string;
  /** The longest session that the provider allows, in ms; what it tells itself when it opens a session counts more. */
  readonly sessionLimitMs?: number;
  /**
   * Opens a socket. Resolves when it is open (the configuration comes after), rejects with a `VoicewireError` whose code says what is wrong
   * (`MODEL_UNREACHABLE`, `MODEL_UNAUTHORIZED`, …), or with `signal.reason`.
   */
  connect(options: ModelConnectOptions): Promise<ModelConnection>;
}
