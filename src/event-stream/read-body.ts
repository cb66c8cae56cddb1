import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import { orAborted } from './read-until.js';
import { parseJson } from './run-requests.js';

export interface BodyLimits {
  readonly maxBodyBytes: number;
  /** From the head of the request to the last byte of its body. */
  readonly bodyTimeoutMs: number;
}

/** A body of 64 KiB holds a long letter. */
export function bodyLimits({ maxBodyBytes = 65_536, bodyTimeoutMs = 10_000 }: Partial<BodyLimits>): BodyLimits {
  return { maxBodyBytes, bodyTimeoutMs };
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
      if (bytes > maxBodyBytes) settle(() => reject(tooLarge(maxBodyBytes)));
    };
    const onEnd = (): void => settle(() => resolve(Buffer.concat(chunks).toString('utf8')));
    const onClose = (): void => settle(() => reject(new HostError('REQUEST_INVALID', 'The request ended in the middle of its body.', { hint: 'Send all of it.' })));
    const timer = clock.after(bodyTimeoutMs, () => settle(() => reject(tooSlow(bodyTimeoutMs))));
    // A peer that resets is no error of ours.
    request.on('error', () => {});
    request.on('data', onData).on('end', onEnd).on('close', onClose);
    if (request.destroyed) onClose();
  });
}

/** The same for a request of the Fetch standard. */
export async function readJsonBodyOf(request: Request, { maxBodyBytes, bodyTimeoutMs }: BodyLimits, clock: Clock): Promise<unknown> {
  const reader = request.body?.getReader();
  const late = new AbortController();
  const timer = clock.after(bodyTimeoutMs, () => late.abort());
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  try {
    while (reader !== undefined) {
      const part = await orAborted(reader.read(), late.signal);
      if (part === undefined) throw tooSlow(bodyTimeoutMs);
      if (part.done) break;
      bytes += part.value.byteLength;
      if (bytes > maxBodyBytes) throw tooLarge(maxBodyBytes);
      text += decoder.decode(part.value, { stream: true });
    }
  } catch (error) {
    reader?.cancel(error).catch(() => {});
    throw error;
  } finally {
    timer.cancel();
  }
  return parseJson(text + decoder.decode());
}

function tooLarge(maxBodyBytes: number): HostError {
  return new HostError('REQUEST_TOO_LARGE', `The body has more than ${maxBodyBytes} bytes.`, { hint: 'Send less at once.' });
}

function tooSlow(bodyTimeoutMs: number): HostError {
  return new HostError('REQUEST_TIMEOUT', `The body did not come within ${bodyTimeoutMs} ms.`, { hint: 'Send it at once.', retryable: true });
}
