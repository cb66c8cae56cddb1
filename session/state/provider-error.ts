import { ProviderError } from '../errors.js';
import type { ModelErrorInfo } from '../ports/model.js';
import { providerHint } from './provider-hints.js';

/** What the model reported, as an error of ours: a limit of rate or credit and an expired session have codes of their own. */
export function providerError(code: 'PROVIDER_ERROR' | 'RESPONSE_FAILED' | 'TRANSCRIPTION_FAILED', message: string, error: ModelErrorInfo, eventId?: string): ProviderError {
  const limited = error.code === 'rate_limit_exceeded' || error.code === 'insufficient_quota' || error.code === 'inference_rate_limit_exceeded';
  const expired = error.code === 'session_expired';
  const hint = providerHint(error);
  return new ProviderError(limited ? 'PROVIDER_RATE_LIMITED' : expired ? 'PROVIDER_SESSION_EXPIRED' : code, message, {
    stage: code === 'TRANSCRIPTION_FAILED' ? 'transcription' : 'model',
    retryable: error.code === 'rate_limit_exceeded' || error.code === 'inference_rate_limit_exceeded' || isFaultOfServer(error),
    providerCode: error.code,
    eventId,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Something of a response that was owed has not come. */
export function timeout(message: string): ProviderError {
  return new ProviderError('RESPONSE_TIMEOUT', message, {
    retryable: true,
    hint: 'Ask again; if it happens often, the provider is overloaded or not compatible.',
  });
}

/** A server that names no reason has a fault as well. */
function isFaultOfServer({ code, kind }: ModelErrorInfo): boolean {
  return kind === 'server_error' || code === 'server_error' || (kind === undefined && code === undefined);
}
