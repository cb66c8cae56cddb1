/**
 * Who may come in: pure decisions about the head of a request, made before anything is opened or paid for. A browser sends `Origin`, and a
 * page elsewhere must not be able to talk through its visitor's browser; a name that an attacker points at 127.0.0.1 (DNS rebinding) has the
 * attacker's name in `Host`. So both are compared exactly, never by "contains".
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { SUBPROTOCOL, TOKEN_SUBPROTOCOL_PREFIX } from '../protocol/voicewire/index.js';

export interface DoorRules {
  /** Empty: no token is asked for. */
  readonly token: string | undefined;
  /** Origins beside our own, exactly as a browser writes them: `https://app.example.com`. */
  readonly allowedOrigins: readonly string[];
  /** Host names beside the loopback names, without a port: `voice.example.com`. */
  readonly allowedHosts: readonly string[];
}

/** What the doors look at of a request. */
export interface RequestHead {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
  /** The `Sec-WebSocket-Protocol` header as it came. */
  readonly protocols: string | undefined;
  /** Address of this machine that the connection came in on. */
  readonly localAddress: string | undefined;
}

export type Refusal = { readonly status: 401 | 403 | 426 | 503; readonly headers?: Readonly<Record<string, string>>; readonly body: string };

/** The doors of the voice socket, in order: host, origin, token, subprotocol. `undefined` lets the request in. */
export function refuseSocket(head: RequestHead, rules: DoorRules): Refusal | undefined {
  const refusal = refuseHost(head, rules) ?? refuseOrigin(head, rules) ?? refuseToken(head, rules);
  if (refusal !== undefined) return refusal;
  if (offeredProtocols(head.protocols).has(SUBPROTOCOL)) return undefined;
  return { status: 426, headers: { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': SUBPROTOCOL }, body: `This socket speaks the subprotocol ${SUBPROTOCOL}; offer it.\n` };
}

/** `Host` must be a loopback name, an allowed name, or the very address that the connection came in on, which no DNS name can fake. */
export function refuseHost(head: RequestHead, rules: DoorRules): Refusal | undefined {
  const name = hostName(head.host);
  if (name !== undefined && (isLoopbackHost(name) || rules.allowedHosts.some((allowed) => allowed.toLowerCase() === name) || isOwnAddress(name, head.localAddress))) return undefined;
  return { status: 403, body: 'This host name is not allowed here. Start the gateway with it as an allowed host.\n' };
}

/** Whether a name or address can only mean this machine: `localhost` and its subdomains (RFC 6761), 127.0.0.0/8 and ::1. */
export function isLoopbackHost(name: string): boolean {
  const bare = name.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (bare === 'localhost' || bare.endsWith('.localhost')) return true;
  return isIP(bare) === 4 ? bare.startsWith('127.') : bare === '::1';
}

/** The name in a `Host` header: lower case, without the port, an IPv6 address without its brackets; `undefined` for anything that is not a plain host. */
export function hostName(host: string | undefined): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host ?? '');
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

function isOwnAddress(name: string, localAddress: string | undefined): boolean {
  return isIP(name) !== 0 && name === localAddress?.toLowerCase().replace(/^::ffff:/, '');
}

/** No `Origin` is a client that is not a browser; it has to know the token, where there is one. `null` is a page without an origin: refused. */
export function refuseOrigin(head: RequestHead, rules: DoorRules): Refusal | undefined {
  if (head.origin === undefined) return undefined;
  if (head.origin !== 'null' && (isOwnOrigin(head) || rules.allowedOrigins.includes(head.origin))) return undefined;
  return { status: 403, body: 'This page may not talk to the gateway: its origin is not allowed.\n' };
}

/** Whether the page that asks came from the address that it asks. */
export function isOwnOrigin({ origin, host = '' }: RequestHead): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

export function refuseToken(head: RequestHead, rules: DoorRules): Refusal | undefined {
  if (rules.token === undefined) return undefined;
  const given = bearerToken(head.authorization) ?? protocolToken(head.protocols);
  if (given !== undefined && sameSecret(given, rules.token)) return undefined;
  return { status: 401, headers: { 'WWW-Authenticate': 'Bearer' }, body: 'A token is needed: as "Authorization: Bearer <token>" or as a subprotocol.\n' };
}

function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
}

function protocolToken(protocols: string | undefined): string | undefined {
  for (const offered of offeredProtocols(protocols)) {
    if (offered.startsWith(TOKEN_SUBPROTOCOL_PREFIX)) return offered.slice(TOKEN_SUBPROTOCOL_PREFIX.length);
  }
  return undefined;
}

function offeredProtocols(header: string | undefined): ReadonlySet<string> {
  return new Set((header ?? '').split(',').map((part) => part.trim()));
}

/** Compares digests of equal length, so that the time taken tells neither the length nor how much was right. */
function sameSecret(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
