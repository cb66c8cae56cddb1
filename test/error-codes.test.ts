import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
}

/** The members of the unions of codes in a source file. */
function codesIn(source: string): string[] {
  return [...source.matchAll(/export type \w+Code =([^;]+);/g)].flatMap(([, union]) => [...(union as string).matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code as string)).sort();
}

/** The codes in the first column of the tables of a README. */
function codesListed(readme: string): string[] {
  return [...readme.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code as string).sort();
}

describe('error codes', () => {
  it.each([
    ['audio/errors.ts', 'audio/README.md'],
    ['session/errors.ts', 'session/README.md'],
    ['src/host/errors.ts', 'src/README.md'],
  ])('of %s are those that %s lists', (source, readme) => {
    const codes = codesIn(read(source));
    expect(codes.length).toBeGreaterThan(2);
    expect(codesListed(read(readme))).toEqual(codes);
  });

  it('are all used', () => {
    const files = ['audio', 'session', 'src'].flatMap((room) =>
      readdirSync(new URL(`../${room}`, import.meta.url), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.endsWith('errors.ts'))
        .map((name) => read(`${room}/${name}`)),
    );
    const everything = files.join('\n') + read('src/client/connection-errors.ts');
    const codes = ['audio/errors.ts', 'session/errors.ts', 'src/host/errors.ts'].flatMap((source) => codesIn(read(source)));
    expect(codes.filter((code) => !everything.includes(`'${code}'`))).toEqual([]);
  });
});
