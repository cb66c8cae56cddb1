import { TransportError, VoicewireError } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import { CLOSE } from '../protocol/voicewire/index.js';
import type { TransportClose } from '../transport/transport.js';

/**
 * What a socket that did not open means to a client of a gateway. The transport speaks of models, since that is what it mostly connects to.
 * Anything that is no transport error (an abort's reason) is passed on as it is.
 */
export function connectFailure(error: unknown, url: string): unknown {
  if (!(error instanceof TransportError)) return error;
  const where = new URL(url).host;
  switch (error.code) {
    case 'MODEL_UNREACHABLE':
    case 'CONNECT_TIMEOUT':
    case 'MODEL_CONNECTION_LOST':
    case 'TRANSPORT_CLOSED':
      return new HostError('GATEWAY_UNREACHABLE', `No gateway answers at ${where}: ${error.message}`, {
        hint: `Start one with "voicewire serve", and check address and port.${error.hint === undefined ? '' : ` ${error.hint}`}`,
        retryable: true,
        cause: error,
      });
    case 'MODEL_UNAUTHORIZED':
      return refused(where, error, 'Pass the token that the gateway was started with, and open it under an address that it allows.');
    case 'MODEL_NOT_FOUND':
      return refused(where, error, 'Something else listens there, or the path is wrong: a gateway has its socket at /v1/voice.');
    case 'MODEL_REFUSED':
      return refused(where, error, 'It may be full: try again in a moment. Otherwise its log says why.');
    case 'PLAYBACK_STALLED':
    case 'STREAM_TIMEOUT':
      // Said of an open conversation; no attempt to connect ends so.
      return error;
  }
}

/** Why an open conversation ended; `undefined` when it simply ended. */
export function closeFailure(close: TransportClose, told: VoicewireError | undefined): VoicewireError | undefined {
  if (close.code === CLOSE.ended) return undefined;
  if (told !== undefined) return told;
  if (close.byUs) return undefined;
  const why = close.reason === '' ? `close code ${close.code}` : `${close.reason} (close code ${close.code})`;
  const because = close.error === undefined ? {} : { cause: close.error };
  switch (close.code) {
    case CLOSE.goingAway:
      return new HostError('GATEWAY_CLOSING', `The gateway is shutting down: ${why}.`, { hint: 'Connect again in a moment.', retryable: true, ...because });
    case CLOSE.tryLater:
      return new HostError('GATEWAY_FULL', `The gateway cannot serve this conversation: ${why}.`, { hint: 'Try again in a moment.', retryable: true, ...because });
    case CLOSE.badData:
    case CLOSE.policy:
    case CLOSE.tooBig:
      return new HostError('CLIENT_BAD_MESSAGE', `The gateway did not accept what this client sent: ${why}.`, { hint: 'Use the same version of voicewire on both sides.', ...because });
    default:
      return new HostError('CONNECTION_LOST', `The connection to the gateway was lost: ${why}.`, { hint: 'Check the network, and connect again.', retryable: true, ...because });
  }
}

/** An `error` message of the gateway, as an error. Its code may be any of the session's or the gateway's. */
export function gatewayFailure(message: { readonly code: string; readonly message: string; readonly hint?: string }): VoicewireError {
  return new VoicewireError(message.code, message.message, { stage: 'host', ...(message.hint === undefined ? {} : { hint: message.hint }) });
}

function refused(where: string, cause: TransportError, hint: string): HostError {
  return new HostError('GATEWAY_REFUSED', `The gateway at ${where} refused the connection: ${cause.message}`, { hint, cause });
}
