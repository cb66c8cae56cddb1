import { TransportError } from '../../session/index.js';

export function handshakeTimedOut(host: string, connectTimeoutMs: number): TransportError {
  return new TransportError('CONNECT_TIMEOUT', `${host} did not complete the WebSocket handshake within ${connectTimeoutMs} ms.`, {
    stage: 'connect',
    retryable: true,
    hint: 'Check the address and the network; a firewall that swallows packets looks like this.',
  });
}

/** The server answered, and not with a WebSocket. */
export function handshakeRefused(host: string, status: number): TransportError {
  if (status === 401 || status === 403) {
    return new TransportError('MODEL_UNAUTHORIZED', `${host} refused the credentials (HTTP ${status}).`, {
      stage: 'connect',
      status,
      hint: 'Check that the key is complete, not expired, and allowed to use this model.',
    });
  }
  if (status === 404) {
    return new TransportError('MODEL_NOT_FOUND', `${host} has nothing at this address (HTTP 404).`, { stage: 'connect', status, hint: 'Check the path of the address and the name of the model.' });
  }
  const redirected = status >= 300 && status < 400;
  return new TransportError('MODEL_REFUSED', `${host} refused the WebSocket (HTTP ${status}).`, {
    stage: 'connect',
    status,
    retryable: status === 429 || status >= 500,
    hint: redirected ? 'Redirects are not followed; use the final address.' : status === 429 ? 'Too many requests: try again later.' : 'Check that the address is one of a realtime WebSocket.',
  });
}
