import { InvalidStateError, ProtocolError, ProviderError, ToolError, TransportError, VoicewireError } from '../../session/index.js';
import { HostError } from '../host/errors.js';

/**
 * Values to JSON and back. A session's inputs, state and events are plain data, with a few things that JSON has no word for: bytes, maps, sets,
 * errors, `undefined` in a list, and numbers that are none. Each becomes an object with one key that begins with `$`.
 */
export interface Encoding {
  /** How bytes are written. */
  readonly bytes: (bytes: Uint8Array) => object;
}

export interface Decoding {
  /** The bytes of an `$audio` reference. */
  readonly audio: (ref: Readonly<Record<string, unknown>>) => Uint8Array;
}

export const INLINE: Encoding = { bytes: (bytes) => ({ $bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64') }) };

/** Members that are `undefined`, and functions, are left out. */
export function encode(value: unknown, encoding: Encoding = INLINE): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : { $number: String(value) };
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return encoding.bytes(value);
  if (Array.isArray(value)) return value.map((each) => listed(each, encoding));
  if (value instanceof Map) return { $map: [...value].map(([key, each]) => [listed(key, encoding), listed(each, encoding)]) };
  if (value instanceof Set) return { $set: [...value].map((each) => listed(each, encoding)) };
  if (value instanceof Error) return { $error: encodeError(value, encoding) };
  const plain: Record<string, unknown> = {};
  let marked = false;
  for (const [key, each] of Object.entries(value)) {
    if (each === undefined || typeof each === 'function') continue;
    marked ||= key.startsWith('$');
    put(plain, key, typeof each === 'string' ? each : encode(each, encoding));
  }
  return marked ? { $object: Object.entries(plain) } : plain;
}

/** A member of any name. Fifty objects a second and more are made here, so that the usual names take the short way. */
function put(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}

function listed(value: unknown, encoding: Encoding): unknown {
  return value === undefined || typeof value === 'function' ? { $undefined: true } : encode(value, encoding);
}

/** Its facts. The cause is left out: it may be anything, a socket say, and hold what nobody meant to write down. */
function encodeError(error: Error, encoding: Encoding): object {
  const { name, message, cause: _cause, stack: _stack, ...facts } = { ...error, name: error.name, message: error.message } as Error & Record<string, unknown>;
  return { name, message, ...(encode(facts, encoding) as object) };
}

const CLASSES: ReadonlyMap<string, { readonly prototype: Error }> = new Map<string, { readonly prototype: Error }>(
  [InvalidStateError, ProtocolError, ProviderError, ToolError, TransportError, HostError, VoicewireError].map((each) => [each.name, each]),
);

/** The opposite of {@link encode}. */
export function decode(written: unknown, decoding: Decoding): unknown {
  if (typeof written !== 'object' || written === null) return written;
  if (Array.isArray(written)) return written.map((each) => decode(each, decoding));
  const record = written as Readonly<Record<string, unknown>>;
  if ('$audio' in record) return decoding.audio(record);
  const names = Object.keys(record);
  const [first] = names;
  if (first?.startsWith('$')) return decodeTagged(first, record[first], decoding);
  const plain: Record<string, unknown> = {};
  for (const name of names) {
    const each = record[name];
    put(plain, name, typeof each === 'object' ? decode(each, decoding) : each);
  }
  return plain;
}

function decodeTagged(tag: string, value: unknown, decoding: Decoding): unknown {
  const pairs = (): [unknown, unknown][] => (value as [unknown, unknown][]).map(([key, each]) => [decode(key, decoding), decode(each, decoding)]);
  switch (tag) {
    case '$bytes':
      return Uint8Array.from(Buffer.from(String(value), 'base64'));
    case '$number':
      return Number(value);
    case '$undefined':
      return undefined;
    case '$map':
      return new Map(pairs());
    case '$set':
      return new Set((value as unknown[]).map((each) => decode(each, decoding)));
    case '$object':
      return Object.fromEntries(pairs() as [string, unknown][]);
    case '$error':
      return decodeError(decode(value, decoding) as Record<string, unknown>);
    default:
      throw new TypeError(`There is no ${tag} in this format.`);
  }
}

/** An error of the class that it had, as far as the class is ours. */
function decodeError({ name, message, ...facts }: Record<string, unknown>): Error {
  const error = new Error(String(message));
  const known = CLASSES.get(String(name));
  if (known !== undefined) Object.setPrototypeOf(error, known.prototype);
  if (error.name !== name) Object.defineProperty(error, 'name', { value: name, configurable: true });
  return Object.assign(error, facts);
}
