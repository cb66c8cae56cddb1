import type { IdSource } from './ids.js';
import type { JsonObject, SentEvent, ServerEvent } from './wire.js';

/** Another spelling of the protocol than the one that the emulator thinks in. */
export interface Dialect {
  /** Reads a client's event. Throws a `Refusal` with the path of the field as the client wrote it. */
  toCurrent(event: JsonObject): JsonObject;
  /** Writes an event of the session: none, one, or several. */
  fromCurrent(event: ServerEvent & { readonly event_id: string }): readonly SentEvent[];
}

/** Makes the dialect of one session. */
export type DialectFactory = (conversationId: string, ids: IdSource) => Dialect;
