import type { IncomingMessage, ServerResponse } from 'node:http';
import { SOCKET_PATH } from '../protocol/voicewire/index.js';
import type { Refusal } from './doors.js';
import { readPageFiles } from './page-files.js';

export interface HttpPagesOptions {
  /** The built page; without it `/` is a short text. */
  readonly pageDir: string | undefined;
  /** The door of host names: a page served under an attacker's name could speak to the socket as its own origin. */
  readonly refuse: (request: IncomingMessage) => Refusal | undefined;
  /** Answers what is no page, behind the door of host names; false for an address that is not its own. */
  readonly runs: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** What `/healthz` says. */
  readonly health: () => Readonly<Record<string, string | number>>;
}

/**
 * What the gateway answers over plain HTTP: the page, `/healthz`, and 404. Throws `HostError` `PAGE_NOT_BUILT` when the page is asked for and
 * not there. The handler itself never throws, whatever the request.
 */
export function httpPages(options: HttpPagesOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const page = options.pageDir === undefined ? undefined : readPageFiles(options.pageDir);

  function answer(request: IncomingMessage, response: ServerResponse): void {
    setSecurityHeaders(request, response);
    const refusal = options.refuse(request);
    if (refusal !== undefined) return sendText(response, refusal.status, refusal.body);
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (path === '/healthz') return sendJson(response, options.health());
    if (options.runs?.(request, response) === true) return;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return sendText(response, 405, 'Only GET and HEAD are answered here.\n');
    }
    if (page === undefined && path === '/') return sendText(response, 200, `A voicewire gateway. Voice clients connect to ${SOCKET_PATH}.\n`);
    if (page?.(path, request, response) !== true) sendText(response, 404, 'There is nothing at this address.\n');
  }

  return (request, response) => {
    try {
      answer(request, response);
    } catch {
      if (!response.headersSent) sendText(response, 400, 'This request cannot be answered.\n');
      else response.destroy();
    }
  };
}

/** The page talks to its own socket and to nothing else, and nobody frames it. Its address may hold a token: it is told to nobody. */
function setSecurityHeaders(request: IncomingMessage, response: ServerResponse): void {
  // Not every browser lets 'self' stand for a WebSocket of the same host. The character set keeps a hostile Host header out of the policy.
  const host = /^[\w.[\]:-]+$/.test(request.headers.host ?? '') ? (request.headers.host ?? '') : '';
  const sockets = host === '' ? '' : ` ws://${host} wss://${host}`;
  const policy = [
    "default-src 'none'",
    "script-src 'self' blob:",
    "worker-src 'self' blob:",
    "style-src 'self'",
    "img-src 'self' data:",
    "media-src 'self' blob:",
    `connect-src 'self'${sockets}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  response.setHeader('Content-Security-Policy', policy.join('; '));
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Permissions-Policy', 'microphone=(self), camera=(), geolocation=()');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(text);
}

function sendJson(response: ServerResponse, value: Readonly<Record<string, string | number>>): void {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(`${JSON.stringify(value)}\n`);
}
