import { describe, expect, it } from 'vitest';
import { isStrictSchema } from '../../../../src/protocol/openai-api/strict-schema.js';

const closed = (properties: object, required = Object.keys(properties)): object => ({ type: 'object', properties, required, additionalProperties: false });

describe('a schema that a provider can guarantee', () => {
  it.each<[string, unknown]>([
    ['a closed object with all its members required', closed({ city: { type: 'string' } })],
    ['one in another, in a list, in a union', closed({ a: closed({}), b: { type: 'array', items: closed({ c: { type: 'number' } }) }, d: { anyOf: [closed({}), { type: 'null' }] } })],
    ['one whose members are called like keywords', closed({ properties: { type: 'string' }, required: { type: 'string' }, enum: { type: 'string' } })],
    ['one with values that look like schemas', closed({ a: { enum: [{ type: 'object' }], default: { properties: {} } } })],
    ['one with definitions', { ...closed({ a: { $ref: '#/$defs/b' } }), $defs: { b: closed({}) } }],
  ])('is %s', (_, schema) => {
    expect(isStrictSchema(schema)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['an object that allows more', { type: 'object', properties: {}, required: [] }],
    ['a member that may be left out', closed({ a: {}, b: {} }, ['a'])],
    ['an open object deep inside', closed({ a: { type: 'array', items: { anyOf: [{ type: 'object' }] } } })],
    ['an open object among the definitions', { ...closed({}), $defs: { b: { type: 'object' } } }],
    ['an object without properties', { type: 'object', additionalProperties: false }],
  ])('is not %s', (_, schema) => {
    expect(isStrictSchema(schema)).toBe(false);
  });

  it('is not one without an end', () => {
    const schema: Record<string, unknown> = {};
    schema['items'] = schema;
    expect(isStrictSchema(schema)).toBe(false);
  });
});
