import { VoicewireError } from '../../session/index.js';

/** Codes of {@link HostError}: what can go wrong around a session, on this machine or at its doors. */
export type HostErrorCode =
  // command line
  | 'USAGE'
  | 'FILE_NOT_FOUND'
  | 'FILE_NOT_WRITABLE'
  | 'NO_CONVERSATION'
  // optional packages
  | 'PACKAGE_MISSING'
  // conversations that are kept
  | 'CONVERSATION_INVALID'
  | 'CONVERSATION_IN_USE'
  | 'CONVERSATION_CLOSED'
  // servers
  | 'PORT_IN_USE'
  | 'ADDRESS_UNAVAILABLE'
  | 'TOKEN_REQUIRED'
  | 'PAGE_NOT_BUILT'
  // clients
  | 'GATEWAY_UNREACHABLE'
  | 'GATEWAY_REFUSED'
  | 'CONNECTION_LOST'
  | 'RUN_STREAM_LOST'
  | 'RUN_STOP_FAILED'
  | 'MICROPHONE_INSECURE_CONTEXT'
  | 'MICROPHONE_DENIED'
  | 'MICROPHONE_MISSING'
  | 'MICROPHONE_IN_USE'
  | 'AUDIO_SUSPENDED'
  | 'AUDIO_UNSUPPORTED'
  // the client socket
  | 'CLIENT_BAD_MESSAGE'
  | 'CLIENT_TOO_FAST'
  | 'START_TIMEOUT'
  | 'GATEWAY_FULL'
  | 'GATEWAY_CLOSING'
  // runs over HTTP
  | 'REQUEST_INVALID'
  | 'REQUEST_TOO_LARGE'
  | 'REQUEST_TIMEOUT'
  | 'RUN_NOT_FOUND'
  | 'RUNS_FULL'
  | 'TOO_MANY_RUNS'
  | 'TOO_MANY_READERS'
  // scripted callers
  | 'CALLER_TIMEOUT'
  | 'CALL_ENDED_EARLY'
  // the emulator
  | 'SCRIPT_INVALID'
  // recordings
  | 'RECORDING_INVALID'
  | 'RECORDING_VERSION'
  | 'RECORDING_AUDIO_MISSING'
  | 'RECORDING_MISMATCH';

/** An error of the host: a wrong flag, a port in use, a missing microphone. `message` says what and why, `hint` what to do. */
export class HostError extends VoicewireError<HostErrorCode> {
  override readonly name = 'HostError';
  constructor(code: HostErrorCode, message: string, options: { hint?: string; cause?: unknown; retryable?: boolean } = {}) {
    super(code, message, { stage: 'host', ...options });
  }
}
