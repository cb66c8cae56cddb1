/**
 * Errors by who must act: the caller ({@link InvalidStateError}), the peer ({@link ProtocolError}), the network ({@link TransportError}),
 * the provider ({@link ProviderError}), a tool or hook of the application ({@link ToolError}). People match `error.code`.
 */
export type InvalidStateCode = 'SESSION_CLOSED' | 'SESSION_NOT_CONNECTED' | 'SESSION_ALREADY_CONNECTED' | 'CHANNEL_FULL' | 'RUN_ALREADY_READ' | 'PIPELINE_BUSY' | 'PIPELINE_NOT_RUNNING';
export type ProtocolErrorCode = 'PROTOCOL_BAD_EVENT' | 'PROTOCOL_BAD_FRAME' | 'AUDIO_FORMAT_MISMATCH';
export type TransportErrorCode =
  | 'MODEL_UNREACHABLE'
  | 'MODEL_UNAUTHORIZED'
  | 'MODEL_NOT_FOUND'
  | 'MODEL_REFUSED'
  | 'MODEL_CONNECTION_LOST'
  | 'CONNECT_TIMEOUT'
  | 'TRANSPORT_CLOSED'
  | 'PLAYBACK_STALLED'
  | 'STREAM_TIMEOUT';
export type ProviderErrorCode = 'PROVIDER_ERROR' | 'PROVIDER_RATE_LIMITED' | 'PROVIDER_SESSION_EXPIRED' | 'RESPONSE_FAILED' | 'RESPONSE_INCOMPLETE' | 'RESPONSE_TIMEOUT' | 'RESPONSE_TOO_LONG' | 'SPEECH_UNANSWERED' | 'SPEECH_NOT_ENDED' | 'AUDIO_UNDECODED' | 'AUDIO_MISMATCH' | 'AUDIO_STUCK' | 'TRANSCRIPTION_FAILED' | 'SYNTHESIS_FAILED' | 'HISTORY_EDIT_FAILED';
export type ToolErrorCode = 'TOOL_FAILED' | 'TOOL_CALL_CONFLICT' | 'HANDLER_FAILED' | 'HANDOFF_FAILED' | 'GUARDRAIL_FAILED';
export type RunErrorCode = 'RUN_MAX_TURNS' | 'RUN_CANCELLED' | 'RUN_TIMEOUT' | 'RUN_WAITS' | 'GUARDRAIL_TRIPPED' | 'OUTPUT_INVALID' | 'OUTPUT_REFUSED' | 'MEMORY_FAILED';
export type PipelineErrorCode = 'STAGE_FAILED' | 'STAGE_TIMEOUT' | 'MICROPHONE_OVERFLOW';
export type SessionErrorCode = InvalidStateCode | ProtocolErrorCode | TransportErrorCode | ProviderErrorCode | ToolErrorCode | RunErrorCode | PipelineErrorCode;

/** Which part of a session an error comes from. */
export type ErrorStage = 'call' | 'connect' | 'transport' | 'protocol' | 'model' | 'transcription' | 'tool' | 'handoff' | 'guardrail' | 'handler' | 'audio' | 'host' | 'run' | 'pipeline';

/**
 * At which end of the session something failed: with the model (its network, server or account), with whoever listens, in a tool or check of the
 * application, or in the application's own use of voicewire. Where it is not `model`, the model can still speak.
 */
export type ErrorLeg = 'model' | 'client' | 'tool' | 'application';

export interface VoicewireErrorOptions {
  readonly stage: ErrorStage;
  /** Default: that of the stage. */
  readonly leg?: ErrorLeg;
  /** Whether the same thing may succeed when it is tried again. Default false. */
  readonly retryable?: boolean;
  /** What to do about it, as a sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

const LEG_OF_STAGE: Readonly<Record<ErrorStage, ErrorLeg>> = {
  call: 'application',
  connect: 'model',
  transport: 'model',
  protocol: 'model',
  model: 'model',
  transcription: 'model',
  tool: 'tool',
  handoff: 'tool',
  guardrail: 'tool',
  handler: 'application',
  audio: 'model',
  pipeline: 'application',
  host: 'client',
  run: 'application',
};

/** What to do, where whoever made the error had nothing better to say: no error of a session is without it. */
const HINTS: Readonly<Record<SessionErrorCode, string>> = {
  SESSION_CLOSED: 'Make a new RealtimeSession.',
  SESSION_NOT_CONNECTED: 'Await connect() first.',
  SESSION_ALREADY_CONNECTED: 'Call connect() once; make a new session for another conversation.',
  CHANNEL_FULL: 'Read the events faster, or give the loop a larger capacity.',
  PIPELINE_BUSY: 'Wait for the events of the first run to end, or make a pipeline for each conversation.',
  PIPELINE_NOT_RUNNING: 'Begin to read the events of process() first.',
  PROTOCOL_BAD_EVENT: 'The message was skipped. If there are more, the peer speaks another protocol or another version of it.',
  AUDIO_FORMAT_MISMATCH: 'Send the audio in the format that is declared, or declare the one that it has.',
  PROTOCOL_BAD_FRAME: 'Use the same version of voicewire on both sides.',
  MODEL_UNREACHABLE: 'Check the address and the network.',
  MODEL_UNAUTHORIZED: 'Check that the key is complete, not expired, and allowed to use this model.',
  MODEL_NOT_FOUND: 'Check the path of the address and the name of the model.',
  MODEL_REFUSED: 'Check that the address is one of a realtime WebSocket.',
  MODEL_CONNECTION_LOST: 'Connect again; if it happens at once each time, check the address, the key and the model name.',
  CONNECT_TIMEOUT: 'The network or the provider is slow: try again, or allow more time.',
  TRANSPORT_CLOSED: 'Open the socket again.',
  PLAYBACK_STALLED: 'The player has stopped or its connection is gone. What it did not report counts as not heard.',
  STREAM_TIMEOUT: 'Whoever feeds the stream is stuck or slow: try again, or allow more time.',
  PROVIDER_ERROR: "Look up the provider's own code in its documentation.",
  PROVIDER_RATE_LIMITED: 'Try again in a moment; if it happens often, ask the provider for a higher limit, or name a second model.',
  PROVIDER_SESSION_EXPIRED: 'A session that may reconnect goes on by itself; otherwise begin a new conversation.',
  RESPONSE_FAILED: 'Ask again. If it happens often, the provider has a fault, or refuses what it is asked.',
  RESPONSE_INCOMPLETE: 'Raise maxOutputTokens where that was the reason; a content filter is the provider’s decision.',
  RESPONSE_TIMEOUT: 'Ask again; if it happens often, the provider is overloaded or not compatible.',
  RESPONSE_TOO_LONG: 'Ask the agent for short answers, or raise anomalies.maxResponseMs.',
  SPEECH_UNANSWERED: 'A new connection is usually the cure; if it happens in each call, compare the audio format that is sent with the one that is configured.',
  SPEECH_NOT_ENDED: 'Nothing need be done; if it happens often, look at the turn detection that is configured.',
  AUDIO_UNDECODED: 'The server speaks another dialect of the protocol, or its audio was lost on the way: look at raw_model_event.',
  AUDIO_MISMATCH: 'The provider lost a part of the sound, or made too much of it. Report it with the id of the response.',
  AUDIO_STUCK: 'The provider’s voice is broken: stop the response and ask again, or take another voice.',
  TRANSCRIPTION_FAILED: 'The model has heard the user all the same; only the written words are missing.',
  SYNTHESIS_FAILED: 'Ask again; if it happens with each text, check the model, the voice and the format that the server gives.',
  HISTORY_EDIT_FAILED: 'Look at session.history for what the model has, and edit again from there.',
  TOOL_FAILED: 'See the cause.',
  TOOL_CALL_CONFLICT: 'This is a fault of the model or its server; ask it again for what is missing.',
  HANDLER_FAILED: 'See the cause: it is what the function of the application threw.',
  HANDOFF_FAILED: 'The agent of before goes on. See the cause, or the provider’s code, for what the new one was refused for.',
  RUN_ALREADY_READ: 'Read a run once, before you await its finalOutput; what two readers need, one reader can hand to both.',
  RUN_MAX_TURNS: 'Raise maxTurns, or tell the agent when to stop calling tools.',
  RUN_CANCELLED: 'Nothing need be done: somebody did not want the answer any more.',
  RUN_TIMEOUT: 'Allow more time (timeoutMs), or ask for less.',
  RUN_WAITS: 'Call approve() or reject() for each waiting call, and run on with the state.',
  GUARDRAIL_TRIPPED: 'Tell the user that this cannot be answered; nothing of it was kept in the conversation.',
  OUTPUT_INVALID: 'Ask again, make the schema simpler, or describe its fields.',
  OUTPUT_REFUSED: 'The model does not want to answer this; its words are in the message.',
  MEMORY_FAILED: 'See the cause: the conversation is not kept.',
  STAGE_FAILED: 'See the cause: it is what the stage threw. The next turn goes through the same stages.',
  STAGE_TIMEOUT: 'The service behind the stage is slow or gone: try again, or allow more time with the option timeouts.',
  MICROPHONE_OVERFLOW: 'Read the events faster, or raise input.queueMs; a source that can wait needs no dropping.',
  GUARDRAIL_FAILED: 'See why the check failed; onFailure of the guardrails says what becomes of texts that were not checked.',
};

/** What every error of voicewire is: what happened (`message`), a stable `code`, and what to do (`hint`). */
export class VoicewireError<Code extends string = string> extends Error {
  override readonly name: string = 'VoicewireError';
  readonly code: Code;
  readonly stage: ErrorStage;
  readonly leg: ErrorLeg;
  readonly retryable: boolean;
  readonly hint: string | undefined;

  constructor(code: Code, message: string, options: VoicewireErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.stage = options.stage;
    this.leg = options.leg ?? LEG_OF_STAGE[options.stage];
    this.retryable = options.retryable ?? false;
    this.hint = options.hint;
  }
}

/** The caller's mistake: thrown at once, never retried. */
export class InvalidStateError extends VoicewireError<InvalidStateCode> {
  override readonly name = 'InvalidStateError';
  constructor(code: InvalidStateCode, message: string, hint?: string) {
    super(code, message, { stage: 'call', hint: hint ?? HINTS[code] });
  }
}

/** The peer sent what its protocol does not allow. */
export class ProtocolError extends VoicewireError<ProtocolErrorCode> {
  override readonly name = 'ProtocolError';
  constructor(code: ProtocolErrorCode, message: string, options: { cause?: unknown; hint?: string; stage?: ErrorStage } = {}) {
    super(code, message, { ...options, stage: options.stage ?? 'protocol', hint: options.hint ?? HINTS[code] });
  }
}

/** The network, or the server's door: the connection could not be opened or is gone. */
export class TransportError extends VoicewireError<TransportErrorCode> {
  override readonly name = 'TransportError';
  /** Close code of the socket (RFC 6455 section 7.4), where there was a close. */
  readonly closeCode: number | undefined;
  /** HTTP status with which the server's door answered, where it refused the handshake. */
  readonly status: number | undefined;
  constructor(code: TransportErrorCode, message: string, options: Omit<VoicewireErrorOptions, 'stage'> & { closeCode?: number; status?: number; stage?: ErrorStage } = {}) {
    super(code, message, { ...options, stage: options.stage ?? 'transport', hint: options.hint ?? HINTS[code] });
    this.closeCode = options.closeCode;
    this.status = options.status;
  }
}

/** The provider refused or failed something; the session goes on. */
export class ProviderError extends VoicewireError<ProviderErrorCode> {
  override readonly name = 'ProviderError';
  /** The provider's own code. */
  readonly providerCode: string | undefined;
  /** The id of our command that was refused. */
  readonly eventId: string | undefined;
  /** HTTP status of the answer, where it was one. */
  readonly status: number | undefined;
  constructor(
    code: ProviderErrorCode,
    message: string,
    options: Omit<VoicewireErrorOptions, 'stage'> & { stage?: ErrorStage; providerCode?: string | undefined; eventId?: string | undefined; status?: number | undefined } = {},
  ) {
    super(code, message, { ...options, stage: options.stage ?? 'model', hint: options.hint ?? HINTS[code] });
    this.providerCode = options.providerCode;
    this.eventId = options.eventId;
    this.status = options.status;
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
      hint: options.hint ?? HINTS[code],
      ...(options.cause === undefined ? {} : { cause: options.cause }),
    });
    this.toolName = options.toolName;
    this.callId = options.callId;
  }
}

/** A text run did not give what was asked of it: it was ended, took too long, or its answer must not stand. */
export class RunError extends VoicewireError<RunErrorCode> {
  override readonly name = 'RunError';
  constructor(code: RunErrorCode, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(code, message, { ...options, stage: 'run', hint: HINTS[code] });
  }
}

/** A part of a voice pipeline failed or took too long; the turn ends, the next one is tried again. */
export class PipelineError extends VoicewireError<PipelineErrorCode> {
  override readonly name = 'PipelineError';
  constructor(code: PipelineErrorCode, message: string, options: { cause?: unknown; hint?: string; leg?: ErrorLeg; retryable?: boolean } = {}) {
    super(code, message, { ...options, stage: 'pipeline', hint: options.hint ?? HINTS[code] });
  }
}

/** The end of a `switch` over a closed union. */
export function assertNever(value: never): never {
  throw new TypeError(`Unexpected value: ${JSON.stringify(value)}`);
}
