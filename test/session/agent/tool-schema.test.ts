import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { z } from 'zod';
import * as mini from 'zod/mini';
import { tool } from '../../../session/index.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

test('a zod schema gives the model its input side as JSON schema', () => {
  const made = tool({ name: 'book', description: 'Books.', parameters: z.object({ people: z.number().int().default(2), day: z.string().optional() }), execute: () => '' });
  const { $schema: _dialect, ...expected } = z.toJSONSchema(z.object({ people: z.number().int().default(2), day: z.string().optional() }), { io: 'input' });
  expect(made.definition.parameters).toEqual(expected);
});

test('arguments are checked and completed by the schema, and a problem names its place', async () => {
  const made = tool({ name: 'book', description: 'Books.', parameters: z.object({ people: z.number().default(2), guests: z.array(z.string()) }), execute: (args) => args });
  const bad = made.parse('{"guests":["Ada",7]}');
  expect(bad.ok ? '' : bad.problem).toContain('guests.1: Invalid input: expected string, received number');
  const good = made.parse('{"guests":["Ada"]}');
  expect(good.ok && (await good.run({} as never))).toEqual({ people: 2, guests: ['Ada'] });
});

test('a schema that cannot be given as JSON schema is refused when the tool is made', () => {
  expect(() => tool({ name: 'book', description: 'Books.', parameters: mini.object({ people: mini.number() }), execute: () => '' })).toThrow(/z\.toJSONSchema/);
});

test('importing the conversation loads no zod: it is imported for its types alone', () => {
  const files = ['audio', 'session'].flatMap((room) => readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }).map((file) => join(root, room, file))).filter((file) => file.endsWith('.ts'));
  const lines = files.flatMap((file) => readFileSync(file, 'utf8').split('\n')).filter((line) => /from 'zod/.test(line));
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.filter((line) => !line.startsWith('import type '))).toEqual([]);
});
