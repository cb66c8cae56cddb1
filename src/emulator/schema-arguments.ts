/** How deep arguments are made; a schema that refers to itself has no end. */
const MAX_DEPTH = 8;

/** The plainest arguments that fit a JSON schema: its own defaults and examples first, and of what it requires only. */
export function schemaArguments(schema: unknown): Readonly<Record<string, unknown>> {
  const made = valueFor(schema, MAX_DEPTH);
  return typeof made === 'object' && made !== null && !Array.isArray(made) ? (made as Record<string, unknown>) : {};
}

function valueFor(schema: unknown, depth: number): unknown {
  if (typeof schema !== 'object' || schema === null || depth === 0) return null;
  const rule = schema as Readonly<Record<string, unknown>>;
  for (const key of ['default', 'const']) if (rule[key] !== undefined) return rule[key];
  for (const key of ['examples', 'enum']) if (Array.isArray(rule[key]) && rule[key].length > 0) return (rule[key] as unknown[])[0];
  for (const key of ['anyOf', 'oneOf', 'allOf']) if (Array.isArray(rule[key]) && rule[key].length > 0) return valueFor((rule[key] as unknown[])[0], depth - 1);
  switch (Array.isArray(rule['type']) ? rule['type'][0] : rule['type']) {
    case 'string':
      return 'x'.repeat(Math.min(256, Math.max(0, numberIn(rule['minLength'], 0))));
    case 'integer':
    case 'number':
      return numberIn(rule['minimum'], typeof rule['exclusiveMinimum'] === 'number' ? rule['exclusiveMinimum'] + 1 : 0);
    case 'boolean':
      return false;
    case 'array':
      return Array.from({ length: Math.min(16, numberIn(rule['minItems'], 0)) }, () => valueFor(rule['items'], depth - 1));
    case 'null':
      return null;
    default:
      return objectFor(rule, depth);
  }
}

function objectFor(rule: Readonly<Record<string, unknown>>, depth: number): unknown {
  const properties = (typeof rule['properties'] === 'object' ? rule['properties'] : null) ?? {};
  const required = Array.isArray(rule['required']) ? rule['required'].filter((name) => typeof name === 'string') : [];
  return Object.fromEntries(required.map((name) => [name, valueFor((properties as Readonly<Record<string, unknown>>)[name], depth - 1)]));
}

function numberIn(value: unknown, fallback: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? Math.min(value, 1_000_000) : fallback;
}
