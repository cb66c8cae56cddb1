import { Refusal } from './wire.js';
import type { JsonObject } from './wire.js';

/**
 * Checks of what a client sent. Each returns the value, typed, or throws a {@link Refusal} whose `param` is the path of the field
 * (`session.audio.input.format.type`), as the protocol's own errors have it.
 */
export function objectAt(value: unknown, path: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(path, 'an object', value);
  return value as JsonObject;
}

export function arrayAt(value: unknown, path: string, maxLength: number): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongType(path, 'an array', value);
  if (value.length > maxLength) throw new Refusal('array_above_max_length', `'${path}' has ${value.length} elements; at most ${maxLength} are accepted.`, path);
  return value as readonly unknown[];
}

export function stringAt(value: unknown, path: string, maxLength = 256_000): string {
  if (typeof value !== 'string') throw wrongType(path, 'a string', value);
  if (value.length > maxLength) {
    throw new Refusal(
      'string_above_max_length',
      `'${path}' is too long: ${value.length} characters, and at most ${maxLength} are accepted.`,
      path,
    );
  }
  return value;
}

/** Bytes that are written as base64. */
export function bytesAt(value: unknown, path: string): Uint8Array {
  if (typeof value !== 'string') throw wrongType(path, 'a string of base64', value);
  const bytes = Buffer.from(value, 'base64');
  // Fifty times a second and caller: the decoder skips what is no base64, so that the length tells; of other alphabets it takes two letters.
  const padding = value.endsWith('==') ? 2 : value.endsWith('=') ? 1 : 0;
  if (value.length % 4 !== 0 || bytes.length !== (value.length / 4) * 3 - padding || value.includes('-') || value.includes('_')) {
    throw new Refusal('invalid_value', `'${path}' is not base64 of audio bytes.`, path);
  }
  return bytes;
}

export function booleanAt(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw wrongType(path, 'a boolean', value);
  return value;
}

export function numberAt(value: unknown, path: string, min: number, max: number, kind: 'integer' | 'decimal'): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || (kind === 'integer' && !Number.isInteger(value))) {
    throw wrongType(path, kind === 'integer' ? 'an integer' : 'a decimal', value);
  }
  if (value < min) throw new Refusal(`${kind}_below_min_value`, `'${path}' is ${value}; the least value accepted is ${min}.`, path);
  if (value > max) throw new Refusal(`${kind}_above_max_value`, `'${path}' is ${value}; the greatest value accepted is ${max}.`, path);
  return value;
}

export function oneOf<Value extends string>(value: unknown, path: string, allowed: readonly Value[]): Value {
  const text = stringAt(value, path);
  if (!allowed.includes(text as Value)) {
    throw new Refusal('invalid_value', `'${path}' cannot be '${text.slice(0, 64)}'; it is one of ${allowed.map((name) => `'${name}'`).join(', ')}.`, path);
  }
  return text as Value;
}

/** Refuses fields that the protocol does not know here: a misspelt field must not pass in silence. */
export function onlyFields(value: JsonObject, path: string, allowed: readonly string[]): void {
  for (const key of Object.keys(value)) {
    if (!allowed.includes(key)) {
      const full = path === '' ? key.slice(0, 64) : `${path}.${key.slice(0, 64)}`;
      throw new Refusal('unknown_parameter', `There is no parameter '${full}' here.`, full);
    }
  }
}

export function required(value: JsonObject, key: string, path: string): unknown {
  if (!Object.hasOwn(value, key)) {
    const full = path === '' ? key : `${path}.${key}`;
    throw new Refusal('missing_required_parameter', `The parameter '${full}' is required.`, full);
  }
  return value[key];
}

/** A free-form JSON value that is kept and echoed. Its depth is bounded, so that writing it back can never exhaust the stack. */
export function jsonAt(value: unknown, path: string, depthLeft = 64): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depthLeft === 0) throw new Refusal('invalid_value', `'${path}' is nested too deeply; at most 64 levels are accepted.`, path);
  for (const inner of Object.values(value)) jsonAt(inner, path, depthLeft - 1);
  return value;
}

/** At most 16 pairs, keys up to 64 and values up to 512 characters. */
export function metadataAt(value: unknown, path: string): Readonly<Record<string, string>> | null {
  if (value === null) return null;
  const pairs = Object.entries(objectAt(value, path));
  if (pairs.length > 16) throw new Refusal('object_above_max_properties', `'${path}' has ${pairs.length} pairs; at most 16 are accepted.`, path);
  for (const [key, text] of pairs) {
    stringAt(key, path, 64);
    stringAt(text, `${path}.${key}`, 512);
  }
  return Object.fromEntries(pairs) as Record<string, string>;
}

function wrongType(path: string, expected: string, value: unknown): Refusal {
  const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
  return new Refusal('invalid_type', `'${path}' must be ${expected} and is ${got}.`, path);
}
