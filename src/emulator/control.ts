import type { IncomingMessage } from 'node:http';
import { refusal } from './admission.js';
import { readFault } from './fault.js';
import type { Fault } from './fault.js';
import type { HttpRefusal, Routes } from './http-routes.js';
import { Refusal } from './wire.js';

/** What the control endpoint steers. */
export interface Controlled {
  readonly faults: readonly Fault[];
  readonly sessions: readonly { readonly session: number; readonly model: string; readonly openMs: number }[];
  /** Sets a fault for every later session and every open one, or for the one with that number. */
  set(fault: Fault, session: number | undefined): boolean;
  clear(): void;
}

/**
 * The control endpoint on the emulator's own port. It answers programs of this machine only: neither other machines, nor a web page that a browser
 * of this machine shows (such a request has an `Origin`, or comes under a name that somebody else points at this address).
 */
export function controlRoutes(controlled: Controlled): Routes {
  const route = (answer: (request: IncomingMessage, body: unknown) => unknown): { admit: typeof admitLocal; answer: (request: IncomingMessage, body: unknown) => { status: number; body: unknown } } => ({
    admit: admitLocal,
    answer: (request, body) => ({ status: 200, body: answer(request, body) }),
  });
  return new Map([
    ['GET /emulator/faults', route(() => ({ faults: controlled.faults }))],
    [
      'POST /emulator/faults',
      route((request, body) => {
        const faults = (Array.isArray(body) ? body : [body]).map(faultFrom);
        const session = sessionOf(request);
        for (const fault of faults) if (!controlled.set(fault, session)) throw new Refusal('invalid_value', `There is no session ${session} open.`, 'session');
        return { faults: controlled.faults };
      }),
    ],
    [
      'DELETE /emulator/faults',
      route(() => {
        controlled.clear();
        return { faults: [] };
      }),
    ],
    ['GET /emulator/sessions', route(() => ({ sessions: controlled.sessions }))],
  ]);
}

function admitLocal(request: IncomingMessage): HttpRefusal | undefined {
  const address = request.socket.remoteAddress ?? '';
  const local = /^(127\.|::1$|::ffff:127\.)/.test(address);
  const named = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(request.headers.host ?? '');
  if (local && named && request.headers.origin === undefined) return undefined;
  const code = 'forbidden';
  return refusal(403, 'The control endpoint is for programs of this machine only.', code);
}

function faultFrom(value: unknown): Fault {
  const fault = readFault(value);
  if (typeof fault === 'string') throw new Refusal('invalid_value', `Not a fault: ${fault}.`, 'fault');
  return fault;
}

function sessionOf(request: IncomingMessage): number | undefined {
  const value = new URLSearchParams((request.url ?? '').split('?')[1] ?? '').get('session');
  if (value === null) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw new Refusal('invalid_value', "'session' is the number of a session.", 'session');
  return Number(value);
}
