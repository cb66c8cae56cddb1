import { createSessionState } from '../../session/index.js';
import type { SessionState } from '../../session/index.js';

/** The state at the start of a session that an older version recorded: what has been added to the state since is as it is in a new one. */
export function withNewMembers(recorded: SessionState): SessionState {
  return filled(recorded, createSessionState(recorded.config, 'clock', { agent: recorded.agent }));
}

function filled<T extends object>(value: T, defaults: T): T {
  const missing = Object.entries(defaults).filter(([name, fresh]) => fresh !== undefined && !(name in value));
  for (const [name, fresh] of Object.entries(defaults)) {
    const own: unknown = value[name as keyof T];
    if (isPlain(fresh) && isPlain(own)) filled(own, fresh);
  }
  return Object.assign(value, Object.fromEntries(missing));
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
