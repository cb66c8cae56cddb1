import { describe, expect, it } from 'vitest';
import { EventStreamParser } from '../../../../src/protocol/sse/parse.js';
import type { EventStreamParserOptions, ServerSentEvent } from '../../../../src/protocol/sse/parse.js';
import { random } from '../../../helpers/random.js';

const encoder = new TextEncoder();

interface Reading {
  readonly events: readonly ServerSentEvent[];
  readonly lastEventId: string;
  readonly retryMs: number | undefined;
  readonly error?: unknown;
}

/** What a parser makes of a stream that arrives in these pieces. Pieces are overwritten once they have been read: they were borrowed. */
function read(pieces: readonly Uint8Array[], options: EventStreamParserOptions = {}): Reading {
  const parser = new EventStreamParser(options);
  const events: ServerSentEvent[] = [];
  let error: unknown;
  try {
    for (const piece of pieces) {
      const bytes = piece.slice();
      for (const event of parser.push(bytes)) events.push(event);
      bytes.fill(0x2a);
    }
  } catch (thrown) {
    error = thrown;
  }
  return { events, lastEventId: parser.lastEventId, retryMs: parser.retryMs, ...(error === undefined ? {} : { error }) };
}

const readText = (text: string, options?: EventStreamParserOptions): Reading => read([encoder.encode(text)], options);
const dataOf = (text: string): string[] => readText(text).events.map(({ data }) => data);

/** The rules of the specification once more, without bytes, cuts or limits: decode all, split all, walk the lines. */
function readPlainly(bytes: Uint8Array): Reading {
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\r|\n/);
  lines.pop();
  const events: ServerSentEvent[] = [];
  let [type, data, id, lastEventId] = ['', '', '', ''];
  let retryMs: number | undefined;
  for (const line of lines) {
    const [, field = '', value = ''] = /^([^:]*)(?::[ ]?)?([^]*)$/.exec(line) ?? [];
    if (line === '') {
      lastEventId = id;
      if (data !== '') events.push({ type: type === '' ? 'message' : type, data: data.slice(0, -1), lastEventId });
      [type, data] = ['', ''];
    } else if (field === 'event') type = value;
    else if (field === 'data') data += `${value}\n`;
    else if (field === 'id' && !value.includes('\0')) id = value;
    else if (field === 'retry' && /^[0-9]+$/.test(value)) retryMs = Number(value);
  }
  return { events, lastEventId, retryMs };
}

const FIXTURE = encoder.encode(
  '\uFEFF: hello\r\nretry: 1500\r\n\r\nid: r1:1\nevent: run.start\ndata: {"runId":"r1"}\n\nid: r1:2\rdata: drei Zeilen: äöü €\rdata:  🎧 two spaces\rdata\r\r' +
    ': heartbeat\n\nevent: ping\ndata: {}\n\nid: bad\0id\ndata: keeps the id\n\nid\ndata: no id\n\ndata:\n\nretry: 12x\nunknown: field\nid: r1:9\n\nid: r1:10\ndata: never whole\n',
);

describe('EventStreamParser', () => {
  it('reads the examples of the specification', () => {
    expect(dataOf('data: YHOO\ndata: +2\ndata: 10\n\n')).toEqual(['YHOO\n+2\n10']);
    expect(readText(': test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n').events).toEqual([
      { type: 'message', data: 'first event', lastEventId: '1' },
      { type: 'message', data: 'second event', lastEventId: '' },
      { type: 'message', data: ' third event', lastEventId: '' },
    ]);
    expect(dataOf('data\n\ndata\ndata\n\ndata:')).toEqual(['', '\n']);
    expect(dataOf('data:test\n\ndata: test\n\n')).toEqual(['test', 'test']);
  });

  it('takes CR, LF and CRLF for the end of a line, mixed too', () => {
    expect(dataOf('data: a\rdata: b\r\ndata: c\n\r\ndata: d\r\r')).toEqual(['a\nb\nc', 'd']);
  });

  it('gives an event at its blank line, without waiting for the byte after a CR', () => {
    expect(dataOf('data: a\r\r')).toEqual(['a']);
    expect(read(['data: a\r', '\n', '\r', '\n', 'data: b', '\n', '\n'].map((text) => encoder.encode(text))).events.map(({ data }) => data)).toEqual(['a', 'b']);
  });

  it('skips the LF of a CRLF only where it stands right behind the CR', () => {
    expect(read(['data: a\r', 'data: b', '\n', '\n'].map((text) => encoder.encode(text))).events.map(({ data }) => data)).toEqual(['a\nb']);
  });

  it('strips a byte order mark once, at the very beginning', () => {
    expect(dataOf('\uFEFFdata: a\n\n')).toEqual(['a']);
    expect(dataOf('\uFEFF\n\uFEFFdata: a\n\ndata: b\n\n')).toEqual(['b']);
    expect(dataOf('\uFEFF\uFEFFdata: a\n\n')).toEqual([]);
  });

  it('keeps the last id, leaves one with NUL out, and takes an empty one', () => {
    const { events, lastEventId } = readText('id: 7\ndata: a\n\nid: x\0\ndata: b\n\ndata: c\n\nid\ndata: d\n\n');
    expect(events.map((event) => event.lastEventId)).toEqual(['7', '7', '7', '']);
    expect(lastEventId).toBe('');
  });

  it('counts an id only when its event is whole, so that an event that was cut is asked for again', () => {
    expect(readText('id: 1\ndata: a\n\nid: 2\ndata: b\n').lastEventId).toBe('1');
    expect(readText('id: 1\n\n').lastEventId).toBe('1');
  });

  it('takes a retry of digits, and no other', () => {
    expect(readText('retry: 250\n').retryMs).toBe(250);
    for (const value of ['', '-1', '1.5', '1e3', '10 ', '٣']) expect(readText(`retry: ${value}\n`).retryMs, value).toBeUndefined();
  });

  it('drops an event that the stream ends in', () => {
    expect(dataOf('data: a\n\ndata: b\n')).toEqual(['a']);
    expect(dataOf('data: a\n\ndata: b')).toEqual(['a']);
  });

  it('forgets the name of an event without data', () => {
    expect(readText('event: x\n\ndata: a\n\n').events).toEqual([{ type: 'message', data: 'a', lastEventId: '' }]);
  });

  it('gives the same, cut at every byte', () => {
    const whole = readPlainly(FIXTURE);
    expect(whole.events.length).toBeGreaterThan(5);
    expect(read([FIXTURE])).toEqual(whole);
    for (let at = 0; at <= FIXTURE.length; at += 1) expect(read([FIXTURE.subarray(0, at), FIXTURE.subarray(at)]), `cut at ${at}`).toEqual(whole);
    expect(read([...FIXTURE].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  it('reads random streams in random pieces as the rules say', () => {
    const dice = random();
    console.log(`seed ${dice.seed}`);
    const parts = ['data', 'data:', ': x', 'event: e', 'id: 4', 'id', 'retry: 9', 'retry:x', 'é', '😀', '\uFEFF', '\0', ':', ' ', '\n', '\n', '\r', '\r\n', '\n\n', 'data: y\n\n'];
    for (let round = 0; round < 1_500; round += 1) {
      const bytes = encoder.encode(Array.from({ length: dice.int(1, 40) }, () => dice.pick(parts)).join(''));
      // Broken UTF-8 becomes the replacement character, wherever the cut is.
      if (dice.next() < 0.2) bytes[dice.int(0, bytes.length)] = dice.int(0x80, 0x100);
      const pieces: Uint8Array[] = [];
      for (let from = 0; from < bytes.length; ) {
        const to = from + dice.int(0, 9);
        pieces.push(bytes.subarray(from, to));
        from = to;
      }
      expect(read(pieces), JSON.stringify(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))).toEqual(readPlainly(bytes));
    }
  });

  it('refuses a line that is too long, also one that never ends, after what came before it', () => {
    const long = `data: ok\n\ndata: ${'x'.repeat(60)}\n\n`;
    for (const reading of [readText(long, { maxEventBytes: 64 }), read([...encoder.encode(long)].map((byte) => Uint8Array.of(byte)), { maxEventBytes: 64 })]) {
      expect(reading.events.map(({ data }) => data)).toEqual(['ok']);
      expect(reading.error).toMatchObject({ name: 'ProtocolError', code: 'PROTOCOL_BAD_FRAME', hint: expect.stringContaining('maxEventBytes') });
    }
    const endless = new EventStreamParser({ maxEventBytes: 64 });
    const feed = (): void => { for (let bytes = 0; bytes < 1_000; bytes += 10) for (const event of endless.push(new Uint8Array(10).fill(0x3a))) expect(event).toBeUndefined(); };
    expect(feed).toThrow(/more than 64 bytes/);
    expect(feed).toThrow(/more than 64 bytes/);
  });

  it('takes an event that is exactly as long as it may be, and none that is longer', () => {
    expect(readText(`data: ${'x'.repeat(57)}\n\n`, { maxEventBytes: 64 }).events).toHaveLength(1);
    expect(readText('data: 1\n'.repeat(8) + '\n', { maxEventBytes: 64 }).events).toHaveLength(1);
    expect(readText('data: 1\n'.repeat(9) + '\n', { maxEventBytes: 64 }).error).toMatchObject({ code: 'PROTOCOL_BAD_FRAME' });
    expect(readText('data\n'.repeat(13) + '\n', { maxEventBytes: 64 }).error).toMatchObject({ code: 'PROTOCOL_BAD_FRAME' });
    // Each event counts for itself.
    expect(readText(`data: ${'x'.repeat(40)}\n\n`.repeat(20), { maxEventBytes: 64 }).events).toHaveLength(20);
    expect(() => new EventStreamParser({ maxEventBytes: 0 })).toThrow(RangeError);
  });

  it('is not worn out by heartbeats: comments count for themselves alone', () => {
    const { events, error } = readText(': heartbeat\n'.repeat(1_000) + 'data: a\n\n', { maxEventBytes: 64 });
    expect([events.length, error]).toEqual([1, undefined]);
  });

  it('looks at each byte of a chunk a bounded number of times, however many lines it has', () => {
    let looked = 0;
    class Counting extends Uint8Array {
      override indexOf(byte: number, from = 0): number {
        const at = super.indexOf(byte, from);
        looked += (at === -1 ? this.length : at + 1) - from;
        return at;
      }
    }
    const bytes = new Counting(encoder.encode('data: line\n\n'.repeat(10_000)));
    expect([...new EventStreamParser().push(bytes)]).toHaveLength(10_000);
    expect(looked).toBeLessThanOrEqual(2 * bytes.length);
  });
});
