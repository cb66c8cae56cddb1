import type { RealtimeModel } from '../ports/model.js';
import type { ModelHealth } from './model-health.js';
import { DEFAULT_POLICY } from '../state/link-state.js';
import type { ConnectionPolicy } from '../state/link-state.js';

/** What happens when an open connection is lost. Times in ms. */
export interface ReconnectOptions {
  /** Attempts in a row before the session gives up; default 8. The count begins anew after 10 s of service. */
  readonly maxAttempts?: number;
  /** The delay before the first attempt; each further one doubles it. Half of each delay is drawn. Default 250. */
  readonly baseDelayMs?: number;
  /** The longest delay; default 8 000. */
  readonly maxDelayMs?: number;
  /** Time without a connection after which no further attempt is made; default 60 000. */
  readonly giveUpAfterMs?: number;
  /** For one attempt, from the opening to the confirmed configuration; default 10 000. */
  readonly attemptTimeoutMs?: number;
  /** Microphone audio kept for the next connection: this much from before the loss, and this much from after it. Default 6 000. */
  readonly keepAudioMs?: number;
  /** Items of the history that a new connection is told, newest first; default 300. */
  readonly carryItems?: number;
}

/** When a connection is changed before the model ends it. Times in ms. */
export interface RotationOptions {
  /** The model's longest session; default: what the model tells when it opens one, else what its provider states. */
  readonly sessionLimitMs?: number;
  /** So long before the end a new connection is made; it takes over in the next silence. At most a quarter of the limit; default 240 000. */
  readonly beforeMs?: number;
  /** So long before the end it takes over though somebody speaks. At most a twentieth of the limit; default 15 000. */
  readonly hardBeforeMs?: number;
}

/** When a model of a list rests. */
export interface FailoverOptions {
  /** Failures in a row after which a model rests; default 1. */
  readonly failures?: number;
  /** For how long, in ms; until then the session stays with the next one. Default 60 000. */
  readonly cooldownMs?: number;
  /** Time for an attempt while another model is left to try, in ms; default 1 500. */
  readonly attemptTimeoutMs?: number;
  /** Shared by several sessions, so that what one finds out of a model the others need not; default: each finds out for itself. */
  readonly health?: ModelHealth;
}

export interface ConnectionOptions {
  /** `false`: a lost connection ends the session. */
  readonly reconnect?: ReconnectOptions | false;
  /** `false`: the model's limit is met as a loss. */
  readonly rotation?: RotationOptions | false;
  readonly failover?: FailoverOptions;
}

/** Throws `RangeError` for a number that cannot be meant. `seedText` decides the jitter: the same text, the same delays. */
export function connectionPolicy(models: readonly RealtimeModel[], options: ConnectionOptions, seedText: string): ConnectionPolicy {
  const reconnect = options.reconnect === false ? {} : (options.reconnect ?? {});
  const rotation = options.rotation === false ? {} : (options.rotation ?? {});
  const { attemptTimeoutMs: fallbackTimeoutMs, failures, cooldownMs } = options.failover ?? {};
  const { sessionLimitMs, ...moments } = rotation;
  const policy: ConnectionPolicy = {
    ...DEFAULT_POLICY,
    ...defined(reconnect),
    ...defined(moments),
    ...(failures === undefined ? {} : { failures }),
    ...(cooldownMs === undefined ? {} : { cooldownMs }),
    ...(fallbackTimeoutMs === undefined ? {} : { fallbackTimeoutMs }),
    sessionLimitsMs: models.map((model) => sessionLimitMs ?? model.sessionLimitMs),
    reconnect: options.reconnect !== false,
    rotate: options.rotation !== false,
    overrideLimit: sessionLimitMs !== undefined,
    seed: hash(seedText),
  };
  for (const name of ['maxAttempts', 'failures'] as const) if (!(Number.isInteger(policy[name]) && policy[name] >= 1)) throw new RangeError(`${name} must be a whole number above 0, not ${policy[name]}.`);
  for (const name of ['baseDelayMs', 'maxDelayMs', 'giveUpAfterMs', 'attemptTimeoutMs', 'fallbackTimeoutMs', 'keepAudioMs', 'beforeMs', 'hardBeforeMs', 'cooldownMs', 'carryItems'] as const) {
    if (!(policy[name] >= 0)) throw new RangeError(`${name} must not be below 0, and is ${policy[name]}.`);
  }
  if (sessionLimitMs !== undefined && !(sessionLimitMs > 0)) throw new RangeError(`sessionLimitMs must be above 0, not ${sessionLimitMs}.`);
  return policy;
}

function defined<T extends object>(values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
