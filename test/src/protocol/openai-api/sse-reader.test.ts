import { describe, expect, it } from 'vitest';
import { SseReader } from '../../../../src/protocol/openai-api/sse-reader.js';
import { random } from '../../../helpers/random.js';

const STREAM = ': a comment\r\nevent: one\r\ndata: {"a":"é🙂"}\r\n\r\nid: 7\ndata:two\ndata: lines\n\ndata\n\n\rnot a field\rdata: three\r\revent: nothing\n\ndata: [DONE]\n\n';
const MESSAGES = [
  { event: 'one', data: '{"a":"é🙂"}' },
  { event: '', data: 'two\nlines' },
  { event: '', data: '' },
  { event: '', data: 'three' },
  { event: '', data: '[DONE]' },
];

function read(pieces: readonly Uint8Array[]): unknown[] {
  const reader = new SseReader(1000);
  return pieces.flatMap((piece) => reader.push(piece));
}

describe('a reader of event streams', () => {
  const bytes = new TextEncoder().encode(STREAM);

  it('gives the same for every cut into two', () => {
    for (let at = 0; at <= bytes.length; at += 1) expect(read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(MESSAGES);
  });

  it('gives the same for any cuts', () => {
    const { seed, int } = random();
    for (let round = 0; round < 50; round += 1) {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; ) {
        const length = int(1, 9);
        pieces.push(bytes.slice(at, at + length));
        at += length;
      }
      expect(read(pieces), `TEST_SEED=${seed}`).toEqual(MESSAGES);
    }
  });

  it('keeps nothing of the bytes that it was lent', () => {
    const reader = new SseReader(1000);
    const lent = new TextEncoder().encode('data: one');
    reader.push(lent);
    lent.fill(0);
    expect(reader.push(new TextEncoder().encode('\n\n'))).toEqual([{ event: '', data: 'one' }]);
  });

  it('gives no event whose end has not come', () => {
    expect(read([new TextEncoder().encode('data: one\n')])).toEqual([]);
  });

  it.each([
    ['a line', ['data: ', 'x'.repeat(600), 'x'.repeat(600)]],
    ['many lines', Array.from({ length: 200 }, () => 'data: x\n')],
  ])('holds %s to its limit', (_, texts) => {
    expect(() => read(texts.map((text) => new TextEncoder().encode(text)))).toThrow(RangeError);
  });

  it('has its limit for each event anew', () => {
    expect(read(Array.from({ length: 50 }, () => new TextEncoder().encode(`data: ${'x'.repeat(500)}\n\n`)))).toHaveLength(50);
  });
});
