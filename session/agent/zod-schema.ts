/**
 * A zod schema is asked itself for its JSON schema and to check values (the Standard Schema interface), so that importing voicewire loads no zod:
 * whoever has a schema has loaded it.
 */
import type { $ZodType, output } from 'zod/v4/core';

export type Checked<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly problems: readonly string[] };

export function isZod(schema: object): schema is $ZodType {
  return '_zod' in schema;
}

/** What goes into the schema, as JSON schema. Throws `TypeError` for a schema of an older zod. */
export function jsonSchemaOf(schema: $ZodType): Readonly<Record<string, unknown>> {
  const { jsonSchema } = schema['~standard'] as { readonly jsonSchema?: { input(options: { readonly target: string }): Record<string, unknown> } };
  if (jsonSchema === undefined) throw new TypeError('This schema cannot be given as JSON schema by itself. Make it with z of "zod" from 4.2 on, or pass z.toJSONSchema(schema).');
  const { $schema: _dialect, ...plain } = jsonSchema.input({ target: 'draft-2020-12' });
  return plain;
}

/** Whether a value fits, and what the schema makes of it. `whole` names the value itself in the words of a problem. */
export function checkWith<Schema extends $ZodType>(schema: Schema, value: unknown, whole: string): Checked<output<Schema>> {
  const checked = schema['~standard'].validate(value);
  if (checked instanceof Promise) throw new TypeError('A schema of what a model gives must not check anything asynchronously.');
  if (checked.issues === undefined) return { ok: true, value: checked.value as output<Schema> };
  return { ok: false, problems: checked.issues.map(({ path = [], message }) => `${path.length === 0 ? whole : path.join('.')}: ${message}`) };
}
