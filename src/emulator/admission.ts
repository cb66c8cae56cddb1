import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Admission } from '../transport/ws-server.js';
import type { ClientSecret, ClientSecrets } from './client-secrets.js';

const KEY_PROTOCOL = 'openai-insecure-api-key.';
const SECRET_PREFIX = 'ek_';
const BETA_PROTOCOL = 'openai-beta.realtime-v1';

/** Who may come in: the holder of the key, of a client secret that lives, or anybody where no key is set. */
export function admit(request: IncomingMessage, apiKey: string | undefined, secrets: ClientSecrets, unixSeconds: number): Admission {
  const keys = keysOf(request);
  if (secretOf(request, secrets, unixSeconds) !== undefined) return { ok: true };
  const stale = keys.some((key) => key.startsWith(SECRET_PREFIX));
  if (!stale && (apiKey === undefined || keys.some((key) => sameText(key, apiKey)))) return { ok: true };
  const code = 'invalid_api_key';
  return refusal(401, stale ? 'The client secret is unknown here, or has expired.' : 'The key is missing or wrong.', code, { 'WWW-Authenticate': 'Bearer' });
}

/** An HTTP answer in the form of the API's errors. */
export function refusal(status: number, message: string, code: string, headers: Readonly<Record<string, string>> = {}): Extract<Admission, { ok: false }> {
  const type = status === 429 ? 'rate_limit_error' : status >= 500 ? 'server_error' : 'invalid_request_error';
  return { ok: false, status, headers: { 'Content-Type': 'application/json', ...headers }, body: `${JSON.stringify({ error: { type, code, message, param: null } })}\n` };
}

/** The client secret that a request carries. */
export function secretOf(request: IncomingMessage, secrets: ClientSecrets, unixSeconds: number): ClientSecret | undefined {
  for (const key of keysOf(request)) {
    const secret = secrets.find(key, unixSeconds);
    if (secret !== undefined) return secret;
  }
  return undefined;
}

/** Whether a client speaks the first version of the protocol. */
export function wantsBeta(request: IncomingMessage): boolean {
  return request.headers['openai-beta']?.includes('realtime=v1') === true || offered(request).includes(BETA_PROTOCOL);
}

/** Programs send their key in a header, browsers (which cannot) as a subprotocol. */
function keysOf(request: IncomingMessage): string[] {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const inProtocol = offered(request).find((name) => name.startsWith(KEY_PROTOCOL))?.slice(KEY_PROTOCOL.length);
  return [bearer, inProtocol].filter((key) => key !== undefined);
}

function offered(request: IncomingMessage): string[] {
  return (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
}

/** Takes the same time for every wrong key. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
