import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import { parseJson } from './run-requests.js';

export interface BodyLimits {
  readonly maxBodyBytes: number;
  /** From the head of the request to the last byte of its body. */
  readonly bodyTimeoutMs: number;
}

/**
 * The JSON body of a request; one that a framework has read already is taken as it is. Rejects with `HostError` `REQUEST_TOO_LARGE`, `REQUEST_TIMEOUT` or
 * `REQUEST_INVALID`; also when the peer goes in the middle of it.
 */
export async function readJsonBody(request: IncomingMessage & { readonly body?: unknown }, limits: BodyLimits, clock: Clock): Promise<unknown> {
  if (request.body !== undefined) return typeof request.body === 'string' ? parseJson(request.body) : request.body;
  return parseJson(await readText(request, limits, clock));
}

function readText(request: IncomingMessage, { maxBodyBytes, bodyTimeoutMs }: BodyLimits, clock: Clock): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const settle = (act: () => void): void => {
      timer.cancel();
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      act();
    };
    const onData = (chunk: Uint8Array): void => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxBodyBytes) settle(() => reject(new HostError('REQUEST_TOO_LARGE', `The body has more than ${maxBodyBytes} bytes.`, { hint: 'Send less at once.' })));
    };
    const onEnd = (): void => settle(() => resolve(Buffer.concat(chunks).toString('utf8')));
    const onClose = (): void => settle(() => reject(new HostError('REQUEST_INVALID', 'The request ended in the middle of its body.', { hint: 'Send all of it.' })));
    const timer = clock.after(bodyTimeoutMs, () => {
      settle(() => reject(new HostError('REQUEST_TIMEOUT', `The body did not come within ${bodyTimeoutMs} ms.`, { hint: 'Send it at once.', retryable: true })));
    });
    // A peer that resets is no error of ours.
    request.on('error', () => {});
    request.on('data', onData).on('end', onEnd).on('close', onClose);
    if (request.destroyed) onClose();
  });
}
