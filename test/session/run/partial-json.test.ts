import { describe, expect, it } from 'vitest';
import { PartialJson } from '../../../session/run/partial-json.js';
import { random } from '../../helpers/random.js';
import type { Random } from '../../helpers/random.js';

const TEXTS = ['', 'plain', 'with "quotes" and \\ and /', 'line\nbreak\ttab\b\f\r', 'naïve façade', '😀 smile 𝒳', '\u0001\u2028', '}{][,:"', 'true', '__proto__', 'constructor'];

function randomValue(generator: Random, depth: number): unknown {
  const kind = generator.int(0, depth > 3 ? 5 : 7);
  if (kind === 0) return generator.pick(TEXTS);
  if (kind === 1) return generator.int(-1000, 1000);
  if (kind === 2) return (generator.next() - 0.5) * 10 ** generator.int(-20, 20);
  if (kind === 3) return generator.pick([true, false, null]);
  if (kind === 4) return generator.pick(TEXTS).repeat(generator.int(1, 4));
  if (kind === 5) return Array.from({ length: generator.int(0, 5) }, () => randomValue(generator, depth + 1));
  return Object.fromEntries(Array.from({ length: generator.int(0, 5) }, (_each, index) => [`${generator.pick(TEXTS)}${index}`, randomValue(generator, depth + 1)]));
}

/** JSON in a spelling of its own: spaces between tokens, characters as escapes. */
function spell(generator: Random, value: unknown): string {
  const space = (): string => generator.pick(['', '', '', ' ', '\n', '\t ']);
  if (typeof value === 'string') {
    return JSON.stringify(value).replaceAll(/[a-zé😀]/gu, (char) => (generator.next() < 0.2 ? [...Array(char.length).keys()].map((index) => `\\u${char.charCodeAt(index).toString(16).padStart(4, '0')}`).join('') : char)).replaceAll(/\\(?=[bfnrt"\\])/g, '\\');
  }
  if (Array.isArray(value)) return `[${space()}${value.map((each) => spell(generator, each)).join(`${space()},${space()}`)}${space()}]`;
  if (typeof value === 'object' && value !== null) return `{${space()}${Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}${space()}:${space()}${spell(generator, each)}`).join(`${space()},${space()}`)}${space()}}`;
  return JSON.stringify(value);
}

/** Whether a partial value may become the whole one: objects, arrays and strings grow at their end, everything else is complete. */
function isBeginning(part: unknown, whole: unknown): boolean {
  if (typeof part === 'string' && typeof whole === 'string') return whole.startsWith(part);
  if (Array.isArray(part) && Array.isArray(whole)) return part.length <= whole.length && part.every((each, index) => (index === part.length - 1 ? isBeginning(each, whole[index]) : same(each, whole[index])));
  if (isObject(part) && isObject(whole)) {
    const keys = Object.keys(part);
    const order = Object.keys(whole);
    return keys.every((key, index) => key === order[index] && (index === keys.length - 1 ? isBeginning(part[key], whole[key]) : same(part[key], whole[key])));
  }
  return same(part, whole);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function valueAfter(...pieces: string[]): unknown {
  const json = new PartialJson();
  for (const piece of pieces) json.push(piece);
  return json.value;
}

describe('JSON that is being written', () => {
  it('is at every moment a beginning of what it becomes, wherever it is cut', () => {
    const generator = random();
    for (let round = 0; round < 300; round += 1) {
      const written = spell(generator, randomValue(generator, 0));
      const whole: unknown = JSON.parse(written);
      const byCharacter = new PartialJson();
      for (let at = 0; at < written.length; at += 1) {
        byCharacter.push(written[at] as string);
        const about = `seed ${generator.seed}, round ${round}, offset ${at} of ${written}`;
        if (byCharacter.value !== undefined) expect(isBeginning(byCharacter.value, whole), about).toBe(true);
        // The same in one piece.
        if (round < 60) expect(JSON.stringify(valueAfter(written.slice(0, at + 1))), about).toBe(JSON.stringify(byCharacter.value));
      }
      byCharacter.end();
      expect(JSON.stringify(byCharacter.value), `seed ${generator.seed}, round ${round}`).toBe(JSON.stringify(whole));
      expect(byCharacter.complete).toBe(true);
    }
  });

  it.each([
    ['{"name":"Ad', { name: 'Ad' }],
    ['{"name":"Ada","na', { name: 'Ada' }],
    ['{"name":', {}],
    ['{"age":3', {}],
    ['{"age":36,', { age: 36 }],
    ['[true,fal', [true]],
    ['[1,2', [1]],
    ['{"a":{"b":[{"c":"x', { a: { b: [{ c: 'x' }] } }],
    ['"half \\ud83d', 'half '],
    ['"half \\u00e', 'half '],
    ['  ', undefined],
    ['12', undefined],
  ])('%s is already %j', (written, value) => {
    expect(valueAfter(written)).toEqual(value);
  });

  it('makes a key of the name __proto__ a key like any other', () => {
    const value = valueAfter('{"__proto__":{"admin":true}}');
    expect(Object.keys(value as object)).toEqual(['__proto__']);
    expect((value as { admin?: boolean }).admin).toBeUndefined();
  });

  it.each(['{"a" 1}', '{a:1}', '[1 2]', '[01]', 'tru!', '{"a":1]', '["a\nb"]', '"\\x"', '"\\u00zz"', '{} x', '[,]', '-'])('%s is broken there, and keeps what came before', (written) => {
    const json = new PartialJson();
    json.push(written);
    json.end();
    expect([json.broken, json.complete]).toEqual([true, false]);
    expect(() => JSON.parse(written) as unknown).toThrow();
  });

  it('grows in place: what has been read is not read again', () => {
    const json = new PartialJson();
    json.push('{"list":[{"a":1},{"b":"x');
    const value = json.value as { list: unknown[] };
    const [first, second] = value.list;
    json.push('y"},3],"more":true}');
    expect(json.value).toBe(value);
    expect(value.list[0]).toBe(first);
    expect(value.list[1]).toBe(second);
    expect(value).toEqual({ list: [{ a: 1 }, { b: 'xy' }, 3], more: true });
  });
});
