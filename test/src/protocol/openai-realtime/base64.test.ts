import { expect, test } from 'vitest';
import { base64For } from '../../../../src/protocol/openai-realtime/base64.js';
import type { Base64Host } from '../../../../src/protocol/openai-realtime/base64.js';

/** The methods that new hosts have, as the standard describes them, for hosts that do not have them yet. */
class NewUint8Array extends Uint8Array<ArrayBuffer> {
  static fromBase64(text: string): Uint8Array {
    if (!/^\s*([A-Za-z0-9+/]\s*)*=?\s*=?\s*$/.test(text)) throw new SyntaxError('not base64');
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  }
  toBase64(this: Uint8Array): string {
    return btoa(Array.from(this, (byte) => String.fromCharCode(byte)).join(''));
  }
}

const hosts: [string, Base64Host][] = [
  ['Node', { Buffer: Buffer as unknown as NonNullable<Base64Host['Buffer']> }],
  ['a browser', { atob, btoa }],
  ['a new host', { Uint8Array: NewUint8Array as unknown as NonNullable<Base64Host['Uint8Array']> }],
];

test.each(hosts)('%s: bytes of every length and value go round, exactly sized, from any offset', (_name, host) => {
  const { decode, encode } = base64For(host);
  const all = Uint8Array.from({ length: 700 }, (_, index) => (index * 7) & 255);
  for (let length = 0; length < 300; length += 1) {
    const part = all.subarray(length % 5, (length % 5) + length);
    const text = encode(part);
    expect(text).toBe(Buffer.from(part).toString('base64'));
    const back = decode(text);
    expect(back).toEqual(part);
    expect([back?.constructor, back?.byteOffset, back?.buffer.byteLength]).toEqual([Uint8Array, 0, length]);
    expect(decode(text.replaceAll('=', ''))).toEqual(part);
  }
});

test.each(hosts)('%s: what is not base64 is refused, all hosts alike', (_name, host) => {
  const { decode } = base64For(host);
  for (const text of ['A', 'AAAAA', 'AA=', 'AAA==', 'A===', 'AA A', 'AAA\n', 'AA-_', 'AAé=', '!!!!', '=', '====', 'AA==AA==']) expect(decode(text), text).toBeUndefined();
});
