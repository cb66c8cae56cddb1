import { ProviderError, TransportError, VoicewireError, errorText } from '../../../session/index.js';
import type { ModelErrorInfo } from '../../../session/index.js';
import { HostError } from '../../host/errors.js';
import { readErrorInfo } from '../../protocol/openai-realtime/wire-error.js';
import { isObject } from '../../protocol/openai-realtime/wire-fields.js';

/**
 * What the `openai` package threw, as an error of ours. Its own object is not kept as the cause: it holds the server's whole answer, and servers
 * repeat keys in it.
 */
export function requestError(error: unknown, host: string, secrets: readonly string[]): VoicewireError {
  if (error instanceof VoicewireError) return error;
  const thrown = isObject(error) ? error : {};
  const status = typeof thrown['status'] === 'number' ? thrown['status'] : undefined;
  if (status !== undefined) return statusError(status, infoOf(thrown, secrets), host, waitOf(thrown['headers']));
  // What is said of a header that cannot be sent repeats it.
  if (error instanceof TypeError) return new HostError('USAGE', `The request could not be made: ${redact(errorText(error), secrets)}`, { hint: 'Look at apiKey and headers: a header is plain ASCII without line breaks.' });
  const network = systemErrorOf(error);
  const code = network?.code;
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET') {
    return new TransportError('MODEL_CONNECTION_LOST', `${host} hung up before it answered (${code}).`, { retryable: true, hint: 'Ask again; if it happens each time, look into the log of the server, and whether it wants https: instead of http:.', cause: network?.error });
  }
  return new TransportError('MODEL_UNREACHABLE', `No connection to ${host}${code === undefined ? '' : ` (${code})`}.`, {
    stage: 'connect',
    retryable: true,
    hint: code === 'ECONNREFUSED' ? 'Nothing listens there: check the port, and that the server runs.' : 'Check the address and the network.',
    ...(network === undefined ? { cause: redact(errorText(error), secrets) } : { cause: network.error }),
  });
}

/** The server said within its stream that it could not go on. */
export function streamError(info: ModelErrorInfo, host: string, secrets: readonly string[]): ProviderError {
  return providerErrorOf({ ...info, message: redact(info.message, secrets) }, host, undefined, undefined);
}

function statusError(status: number, info: ModelErrorInfo, host: string, waitText: string | undefined): VoicewireError {
  if (status === 401 || status === 403) {
    return new TransportError('MODEL_UNAUTHORIZED', `${host} refused the credentials (HTTP ${status}): ${info.message}`, { stage: 'connect', status });
  }
  if (status === 404) {
    return new TransportError('MODEL_NOT_FOUND', `${host} has nothing at this address (HTTP 404): ${info.message}`, {
      stage: 'connect',
      status,
      hint: "Check the path of the address (most end in /v1), the name of the model, and whether the server speaks this API: many have api: 'chat' alone.",
    });
  }
  return providerErrorOf(info, host, status, waitText);
}

function providerErrorOf(info: ModelErrorInfo, host: string, status: number | undefined, waitText: string | undefined): ProviderError {
  const spent = info.code === 'insufficient_quota' || status === 402;
  const limited = spent || status === 429 || info.code === 'rate_limit_exceeded';
  const itsFault = status === undefined ? info.kind === 'server_error' || info.code === 'server_error' || (info.kind === undefined && info.code === undefined) : status === 408 || status === 409 || status >= 500;
  const hint = spent
    ? 'The account has no credit left: pay, or use another key.'
    : limited && waitText !== undefined
      ? `The server asks to wait ${waitText}.`
      : status !== undefined && status < 500 && !limited && status !== 408 && status !== 409
        ? 'The server does not take the request as it is: the message says which part; settings that a model does not know are left out.'
        : undefined;
  return new ProviderError(limited ? 'PROVIDER_RATE_LIMITED' : 'PROVIDER_ERROR', `${host}${status === undefined ? '' : ` (HTTP ${status})`}: ${info.message}`, {
    retryable: !spent && (limited || itsFault),
    providerCode: info.code ?? info.kind,
    status,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The package keeps the `error` member of the answer; servers that write it otherwise are in its message, which begins with the status. */
function infoOf(thrown: Readonly<Record<string, unknown>>, secrets: readonly string[]): ModelErrorInfo {
  const { error, message } = thrown;
  const info = isObject(error) || typeof error === 'string' ? readErrorInfo(error) : { message: errorText(message).replace(/^\d{3} /, '') };
  return { ...info, message: redact(info.message, secrets) };
}

/** Also the begin of a secret, where a long text was cut within it. */
function redact(text: string, secrets: readonly string[]): string {
  return secrets.reduce((left, secret) => {
    let end = left.endsWith('…') ? secret.length - 1 : 0;
    while (end > 3 && !left.endsWith(`${secret.slice(0, end)}…`)) end -= 1;
    const uncut = end > 3 ? `${left.slice(0, -end - 1)}…` : left;
    return uncut.replaceAll(secret, '[redacted]');
  }, text);
}

/** `Retry-After` (RFC 9110 section 10.2.3), when it counts seconds. */
function waitOf(headers: unknown): string | undefined {
  if (!(headers instanceof Headers)) return undefined;
  const seconds = headers.get('retry-after');
  return seconds !== null && /^\d+(\.\d+)?$/.test(seconds) ? `${seconds} s` : undefined;
}

/** The innermost error of the machine (`ECONNREFUSED`, …) among the causes. */
function systemErrorOf(error: unknown): { readonly code: string; readonly error: Error } | undefined {
  for (let each = error, depth = 0; each instanceof Error && depth < 8; each = each.cause, depth += 1) {
    const code = (each as { readonly code?: unknown }).code;
    if (typeof code === 'string' && /^(E[A-Z]|UND_ERR|ERR_)/.test(code)) return { code, error: each };
  }
  return undefined;
}
