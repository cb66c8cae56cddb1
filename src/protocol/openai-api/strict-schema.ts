import { isObject } from '../openai-realtime/wire-fields.js';

/** Deeper than any schema that a person wrote. */
const MAX_DEPTH = 32;

/**
 * Whether a provider that guarantees a schema (`strict`) takes this one: each object names all its members as required and allows no others. Asked
 * to be strict with any other, it refuses the whole request; the answer is checked here in any case.
 */
export function isStrictSchema(schema: unknown, depth = 0): boolean {
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(schema)) return schema.every((each) => isStrictSchema(each, depth + 1));
  if (!isObject(schema)) return true;
  const { properties, required, additionalProperties } = schema;
  if (schema['type'] === 'object' || properties !== undefined) {
    if (additionalProperties !== false || !isObject(properties)) return false;
    const named = new Set(Array.isArray(required) ? (required as unknown[]) : []);
    if (!Object.keys(properties).every((name) => named.has(name))) return false;
  }
  // What stands in these is data, not a schema.
  return Object.entries(schema).every(([keyword, value]) =>
    keyword === 'enum' || keyword === 'const' || keyword === 'default' || keyword === 'examples' || keyword === 'required'
      ? true
      : keyword === 'properties' || keyword === '$defs' || keyword === 'definitions'
        ? isObject(value) && Object.values(value).every((each) => isStrictSchema(each, depth + 1))
        : isStrictSchema(value, depth + 1),
  );
}
