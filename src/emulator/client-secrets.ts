import { numberAt, objectAt, oneOf, onlyFields, required, stringAt } from './checks.js';
import { IdSource } from './ids.js';
import { DEFAULT_CONFIG, updatedConfig } from './session-config.js';
import type { SessionConfig } from './session-config.js';
import { sessionResource } from './session-resource.js';
import { DEFAULT_TRANSLATION, updatedTranslation } from './translation-config.js';
import type { TranslationConfig } from './translation-config.js';
import { translationResource } from './translation-session.js';

/** A key for one browser: it opens sessions with this configuration until it expires. */
export type ClientSecret = { readonly value: string; readonly model: string | undefined; readonly expiresAt: number } & (
  | { readonly kind: 'realtime' | 'transcription'; readonly config: SessionConfig }
  | { readonly kind: 'translation'; readonly config: TranslationConfig }
);

const DEFAULT_SECONDS = 600;
const DEFAULT_MODEL = 'gpt-realtime';
/** The oldest go first; nobody opens so many in the two hours that a secret can live. */
const MAX_SECRETS = 10_000;

/** The short-lived keys that `POST /v1/realtime/client_secrets` gives out. */
export class ClientSecrets {
  readonly #secrets = new Map<string, ClientSecret>();
  readonly #seed: number;
  #count = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Makes one; `body` is the request's, parsed. Gives the answer's body. Throws a `Refusal`. */
  create(body: unknown, unixSeconds: number): unknown {
    const request = body === undefined ? {} : objectAt(body, 'body');
    onlyFields(request, '', ['expires_after', 'session']);
    const seconds = secondsAt(request['expires_after']);
    const session = request['session'] === undefined ? { type: 'realtime' } : objectAt(request['session'], 'session');
    const kind = session['type'] === undefined ? 'realtime' : oneOf(session['type'], 'session.type', ['realtime', 'transcription']);
    const model = typeof session['model'] === 'string' ? session['model'].slice(0, 128) : undefined;
    const config = updatedConfig(DEFAULT_CONFIG, { type: kind, ...session }, { kind, model: model ?? DEFAULT_MODEL, spoken: false, responding: false });
    const ids = this.#nextIds(unixSeconds);
    const secret: ClientSecret = { value: `ek_${ids.letters(32)}`, kind, model, config, expiresAt: Math.floor(unixSeconds) + seconds };
    this.#keep(secret);
    return { value: secret.value, expires_at: secret.expiresAt, session: sessionResource({ id: ids.next('sess'), kind, model: model ?? DEFAULT_MODEL, expiresAt: 0 }, config) };
  }

  /** The same for a session that translates. */
  createTranslation(body: unknown, unixSeconds: number): unknown {
    const request = objectAt(body, 'body');
    onlyFields(request, '', ['expires_after', 'session']);
    const seconds = secondsAt(request['expires_after']);
    const session = objectAt(required(request, 'session', ''), 'session');
    const model = stringAt(required(session, 'model', 'session'), 'session.model', 128);
    const config = updatedTranslation(DEFAULT_TRANSLATION, session, ['model']);
    const ids = this.#nextIds(unixSeconds);
    const secret: ClientSecret = { value: `ek_${ids.letters(32)}`, kind: 'translation', model, config, expiresAt: Math.floor(unixSeconds) + seconds };
    this.#keep(secret);
    return { value: secret.value, expires_at: secret.expiresAt, session: translationResource(ids.next('sess'), model, 0, config) };
  }

  #nextIds(unixSeconds: number): IdSource {
    this.#count += 1;
    return new IdSource(this.#seed + this.#count, unixSeconds);
  }

  #keep(secret: ClientSecret): void {
    this.#secrets.set(secret.value, secret);
    for (const oldest of this.#secrets.keys()) if (this.#secrets.size > MAX_SECRETS) this.#secrets.delete(oldest);
  }

  /** The secret of that value, while it lives. */
  find(value: string, unixSeconds: number): ClientSecret | undefined {
    const secret = this.#secrets.get(value);
    return secret !== undefined && unixSeconds < secret.expiresAt ? secret : undefined;
  }
}

function secondsAt(value: unknown): number {
  if (value === undefined) return DEFAULT_SECONDS;
  const after = objectAt(value, 'expires_after');
  onlyFields(after, 'expires_after', ['anchor', 'seconds']);
  if (after['anchor'] !== undefined) oneOf(after['anchor'], 'expires_after.anchor', ['created_at']);
  return after['seconds'] === undefined ? DEFAULT_SECONDS : numberAt(after['seconds'], 'expires_after.seconds', 10, 7_200, 'integer');
}
