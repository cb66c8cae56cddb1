import { describe, expect, it } from 'vitest';
import { encodeSse } from '../../../../src/protocol/sse/encode.js';
import { random } from '../../../helpers/random.js';
import { readSse } from '../../../helpers/sse-client.js';

describe('the text of a server-sent event', () => {
  it('has its fields on lines of their own, and an empty line at its end', () => {
    expect(encodeSse({ id: 'run:7', event: 'run.done', data: '{"a":1}' })).toBe('id: run:7\nevent: run.done\ndata: {"a":1}\n\n');
    expect(encodeSse({ retryMs: 2000, comment: 'hello' })).toBe(': hello\nretry: 2000\n\n');
    expect(encodeSse({ data: '' })).toBe('data: \n\n');
  });

  it.each([
    ['a\nb', ['a', 'b']],
    ['a\r\nb', ['a', 'b']],
    ['a\rb', ['a', 'b']],
    ['a\n\nb', ['a', '', 'b']],
    ['\n', ['', '']],
    ['a\nevent: evil\nid: 9', ['a', 'event: evil', 'id: 9']],
    [' leading, and: a colon', [' leading, and: a colon']],
    ['a\u2028b\u0085c', ['a\u2028b\u0085c']],
  ])('carries the data %j as the lines %j', (data, wanted) => {
    expect(readSse(encodeSse({ id: '1', data })).events).toEqual([{ event: 'message', id: '1', data: wanted.join('\n') }]);
  });

  it('cannot be left by a comment', () => {
    const text = encodeSse({ comment: 'a\n\ndata: evil\r\rid: 6' });
    expect(readSse(text)).toEqual({ events: [], comments: ['a', '', 'data: evil', '', 'id: 6'], lastId: '', retryMs: undefined });
  });

  it.each([{ id: 'a\nb' }, { id: 'a\rb' }, { id: 'a\0b' }, { event: 'a\nb' }, { event: 'a\r' }, { retryMs: 1.5 }, { retryMs: -1 }, { retryMs: Number.NaN }])('is not made of %j', (message) => {
    expect(() => encodeSse({ data: 'x', ...message })).toThrow(RangeError);
  });

  it('is read as it was written, whatever it holds', () => {
    const { seed, int, pick } = random();
    const text = (): string => Array.from({ length: int(0, 12) }, () => pick(['a', ' ', ':', '\n', '\r', 'data: ', 'id: 3', 'é', '\u2028', '😀', '\uFEFF'])).join('');
    const written = Array.from({ length: 300 }, (_, n) => ({ id: `r:${n}`, event: pick(['x', 'run.done', ' y:z']), data: text() }));
    const stream = `: first\n\n${written.map((message) => encodeSse({ ...message, comment: text() })).join('')}`;
    const wanted = written.map(({ data, ...rest }) => ({ ...rest, data: data.replaceAll(/\r\n|\r/g, '\n') }));
    expect(readSse(stream).events, `seed ${seed}`).toEqual(wanted);
  });
});
