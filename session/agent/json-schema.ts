/** A plain JSON schema of an arguments object. */
export type JsonSchema = { readonly type: 'object' } & Readonly<Record<string, unknown>>;

type Schema = Readonly<Record<string, unknown>>;

/** Problems after this many are not told: a model mends a few at a time. */
const MAX_PROBLEMS = 8;

/**
 * What of `value` does not fit `schema`, as sentences for a model; empty when it fits. It looks at `type`, `enum`, `const`, `required`, `properties`,
 * `additionalProperties: false`, `items`, and the limits of numbers, texts and lists. Any other keyword is passed over: models are told of it, and
 * the tool itself must look.
 */
export function misfits(schema: Schema, value: unknown): readonly string[] {
  const problems: string[] = [];
  check(schema, value, '', problems);
  return problems.slice(0, MAX_PROBLEMS);
}

function check(schema: Schema, value: unknown, path: string, problems: string[]): void {
  if (problems.length >= MAX_PROBLEMS) return;
  const say = (problem: string): void => void problems.push(`${path === '' ? 'arguments' : path}: ${problem}`);
  const { type, enum: allowed } = schema;
  const types = typeof type === 'string' ? [type] : Array.isArray(type) ? (type as unknown[]) : [];
  if (types.length > 0 && !types.some((each) => isOfType(each, value))) return say(`must be ${types.join(' or ')}`);
  if (Array.isArray(allowed) && !allowed.some((each) => JSON.stringify(each) === JSON.stringify(value))) return say(`must be one of ${JSON.stringify(allowed)}`);
  if ('const' in schema && JSON.stringify(schema['const']) !== JSON.stringify(value)) return say(`must be ${JSON.stringify(schema['const'])}`);
  if (typeof value === 'number') return within(schema, 'minimum', 'maximum', value, 'value', say);
  if (typeof value === 'string') return within(schema, 'minLength', 'maxLength', value.length, 'length', say);
  if (Array.isArray(value)) {
    within(schema, 'minItems', 'maxItems', value.length, 'count', say);
    if (isSchema(schema['items'])) for (const [index, each] of value.entries()) check(schema['items'], each, `${path}[${index}]`, problems);
    return;
  }
  if (isSchema(value)) checkMembers(schema, value, path, problems);
}

function checkMembers(schema: Schema, value: Schema, path: string, problems: string[]): void {
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const properties = isSchema(schema['properties']) ? schema['properties'] : {};
  for (const name of Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : []) {
    if (typeof name === 'string' && !Object.hasOwn(value, name)) problems.push(`${at(name)}: is missing`);
  }
  for (const [name, member] of Object.entries(value)) {
    const own = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (isSchema(own)) check(own, member, at(name), problems);
    else if (own === undefined && schema['additionalProperties'] === false) problems.push(`${at(name)}: is not known`);
  }
}

function within(schema: Schema, least: string, most: string, size: number, what: string, say: (problem: string) => void): void {
  const [min, max] = [schema[least], schema[most]];
  if (typeof min === 'number' && size < min) say(`the ${what} must be at least ${min}`);
  if (typeof max === 'number' && size > max) say(`the ${what} must be at most ${max}`);
}

function isOfType(type: unknown, value: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isSchema(value);
    case 'integer':
      return Number.isInteger(value);
    case 'number':
    case 'string':
    case 'boolean':
      return typeof value === type;
    default:
      return true;
  }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
