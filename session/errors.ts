/**
 * Errors by who must act: the caller ({@link InvalidStateError}), the peer ({@link ProtocolError}), the network ({@link TransportError}),
 * the provider ({@link ProviderError}), a tool or hook of the application ({@link ToolError}). People match `error.code`.
 */
export type InvalidStateCode = 'SESSION_CLOSED' | 'SESSION_NOT_CONNECTED' | 'SESSION_ALREADY_CONNECTED' | 'CHANNEL_FULL';
export type ProtocolErrorCode = 'PROTOCOL_BAD_EVENT' | 'PROTOCOL_BAD_FRAME' | 'AUDIO_FORMAT_MISMATCH';
export type TransportErrorCode =
  | 'MODEL_UNREACHABLE'
  | 'MODEL_UNAUTHORIZED'
  | 'MODEL_NOT_FOUND'
  | 'MODEL_REFUSED'
  | 'MODEL_CONNECTION_LOST'
  | 'CONNECT_TIMEOUT'
  | 'TRANSPORT_CLOSED'
  | 'PLAYBACK_STALLED';
export type ProviderErrorCode = 'PROVIDER_ERROR' | 'PROVIDER_RATE_LIMITED' | 'PROVIDER_SESSION_EXPIRED' | 'RESPONSE_FAILED' | 'RESPONSE_TIMEOUT' | 'SPEECH_UNANSWERED' | 'SPEECH_NOT_ENDED' | 'AUDIO_UNDECODED' | 'TRANSCRIPTION_FAILED' | 'HISTORY_EDIT_FAILED';
export type ToolErrorCode = 'TOOL_FAILED' | 'TOOL_CALL_CONFLICT' | 'HANDLER_FAILED' | 'HANDOFF_FAILED' | 'GUARDRAIL_FAILED';
export type SessionErrorCode = InvalidStateCode | ProtocolErrorCode | TransportErrorCode | ProviderErrorCode | ToolErrorCode;

/** Which part of a session an error comes from. */
export type ErrorStage = 'call' | 'connect' | 'transport' | 'protocol' | 'model' | 'transcription' | 'tool' | 'handoff' | 'guardrail' | 'handler' | 'audio' | 'host';

export interface VoicewireErrorOptions {
  readonly stage: ErrorStage;
  /** Whether the same thing may succeed when it is tried again. Default false. */
  readonly retryable?: boolean;
  /** What to do about it, as a sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** What every error of voicewire is: what happened (`message`), a stable `code`, and what to do (`hint`). */
export class VoicewireError<Code extends string = string> extends Error {
  override readonly name: string = 'VoicewireError';
  readonly code: Code;
  readonly stage: ErrorStage;
  readonly retryable: boolean;
  readonly hint: string | undefined;

  constructor(code: Code, message: string, options: VoicewireErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.stage = options.stage;
    this.retryable = options.retryable ?? false;
    this.hint = options.hint;
  }
}

/** The caller's mistake: thrown at once, never retried. */
export class InvalidStateError extends VoicewireError<InvalidStateCode> {
  override readonly name = 'InvalidStateError';
  constructor(code: InvalidStateCode, message: string, hint?: string) {
    super(code, message, { stage: 'call', ...(hint === undefined ? {} : { hint }) });
  }
}

/** The peer sent what its protocol does not allow. */
export class ProtocolError extends VoicewireError<ProtocolErrorCode> {
  override readonly name = 'ProtocolError';
  constructor(code: ProtocolErrorCode, message: string, options: { cause?: unknown; hint?: string; stage?: ErrorStage } = {}) {
    super(code, message, { ...options, stage: options.stage ?? 'protocol' });
  }
}

/** The network, or the server's door: the connection could not be opened or is gone. */
export class TransportError extends VoicewireError<TransportErrorCode> {
  override readonly name = 'TransportError';
  /** Close code of the socket (RFC 6455 section 7.4), where there was a close. */
  readonly closeCode: number | undefined;
  constructor(code: TransportErrorCode, message: string, options: Omit<VoicewireErrorOptions, 'stage'> & { closeCode?: number; stage?: ErrorStage } = {}) {
    super(code, message, { ...options, stage: options.stage ?? 'transport' });
    this.closeCode = options.closeCode;
  }
}

/** The provider refused or failed something; the session goes on. */
export class ProviderError extends VoicewireError<ProviderErrorCode> {
  override readonly name = 'ProviderError';
  /** The provider's own code. */
  readonly providerCode: string | undefined;
  /** The id of our command that was refused. */
  readonly eventId: string | undefined;
  constructor(
    code: ProviderErrorCode,
    message: string,
    options: Omit<VoicewireErrorOptions, 'stage'> & { stage?: ErrorStage; providerCode?: string | undefined; eventId?: string | undefined } = {},
  ) {
    super(code, message, { ...options, stage: options.stage ?? 'model' });
    this.providerCode = options.providerCode;
    this.eventId = options.eventId;
  }
}

/** A tool or a handler of the application failed; the model is told, the session goes on. */
export class ToolError extends VoicewireError<ToolErrorCode> {
  override readonly name = 'ToolError';
  readonly toolName: string | undefined;
  readonly callId: string | undefined;
  constructor(code: ToolErrorCode, message: string, options: { cause?: unknown; toolName?: string; callId?: string; hint?: string; stage?: ErrorStage } = {}) {
    super(code, message, {
      stage: options.stage ?? 'tool',
      ...(options.hint === undefined ? {} : { hint: options.hint }),
      ...(options.cause === undefined ? {} : { cause: options.cause }),
    });
    this.toolName = options.toolName;
    this.callId = options.callId;
  }
}

/** The end of a `switch` over a closed union. */
export function assertNever(value: never): never {
  throw new TypeError(`Unexpected value: ${JSON.stringify(value)}`);
}
