import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ProtocolError } from '../../../../session/index.js';
import { MessageReader } from '../../../../src/protocol/openai-realtime/message-reader.js';
import { parseMessage } from '../../../../src/protocol/openai-realtime/parse.js';
import { DeltaScanner } from '../../../../src/protocol/openai-realtime/scan.js';
import { random } from '../../../helpers/random.js';
import type { Random } from '../../../helpers/random.js';

const audio = (length: number, first = 1): string => Buffer.from(Uint8Array.from({ length }, (_, index) => (first + index * 31) & 255)).toString('base64');

const usual = (fields: Record<string, unknown> = {}): Record<string, unknown> => ({
  type: 'response.output_audio.delta',
  event_id: 'event_C1',
  response_id: 'resp_1',
  item_id: 'item_1',
  output_index: 0,
  content_index: 0,
  delta: audio(400),
  ...fields,
});

/** What reading gives, an error included. */
function outcome(read: () => unknown): unknown {
  try {
    // As text: comparing bytes one by one takes vitest longer than everything else here.
    return JSON.stringify(read(), (_key, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value));
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

/** Both ways in, as bytes and as text, on one reader that has seen what came before, give what the full parser gives. */
function expectSame(reader: MessageReader, text: string, bytes: Uint8Array, hint: string): void {
  const expected = outcome(() => parseMessage(text));
  expect(outcome(() => reader.read(bytes)), `bytes, ${hint}`).toEqual(expected);
  expect(outcome(() => reader.read(text)), `text, ${hint}`).toEqual(expected);
}

test.each([
  ['OpenAI', JSON.stringify(usual())],
  ['the beta', JSON.stringify(usual({ type: 'response.audio.delta' }))],
  ['a server that writes blanks', JSON.stringify(usual(), null, 1).replaceAll('\n ', ' ').replaceAll('\n', '').replace('{ ', '{')],
  ['a server with the type at the end', JSON.stringify({ delta: audio(400), item_id: 'item_1', response_id: 'resp_1', rid: 'x', ts: 1785214083561, previous_item_id: null, type: 'response.output_audio.delta' })],
])('the usual form of %s needs no parser', (_name, text) => {
  const scanner = new DeltaScanner();
  const [expected] = parseMessage(text);
  expect(scanner.scan(text)).toEqual(expected);
  // The second is compared with the form of the first.
  expect(scanner.scan(text.replace('event_C1', 'event_some_other'))).toEqual(expected);
});

const words = (type: string, delta: string, fields: Record<string, unknown> = {}): string =>
  JSON.stringify({ type, event_id: 'event_C1', response_id: 'resp_1', item_id: 'item_1', output_index: 0, content_index: 0, delta, obfuscation: 'k3J9', ...fields });
const call = (delta: string, fields: Record<string, unknown> = {}): string =>
  JSON.stringify({ type: 'response.function_call_arguments.delta', event_id: 'event_C1', response_id: 'resp_1', item_id: 'item_1', output_index: 0, call_id: 'call_1', delta, ...fields });

test.each([
  ['what is said', words('response.output_audio_transcript.delta', ' Of course')],
  ['what is said, in the beta', words('response.audio_transcript.delta', ', sir')],
  ['what is written', words('response.output_text.delta', 'A \\ and a "quote"\n')],
  ['what is written, in the beta', words('response.text.delta', '')],
  ['arguments of a call', call('{"day":"Fri\u00e9day"'.replace('\u00e9', '\\u00e9'))],
])('a piece of %s needs no parser', (_name, text) => {
  const scanner = new DeltaScanner();
  const [expected] = parseMessage(text);
  expect(expected?.type).toMatch(/_delta$/);
  expect(scanner.scan(text)).toEqual(expected);
  expect(scanner.scan(text.replace('event_C1', 'event_some_other'))).toEqual(expected);
});

test('sound, words and calls that come in turns are each compared with their own form', () => {
  const reader = new MessageReader();
  const texts = [JSON.stringify(usual()), words('response.output_audio_transcript.delta', 'a'), call('{'), words('response.output_text.delta', 'b'), call('}', { call_id: 'call_2' }), words('response.output_audio_transcript.delta', 'c', { content_index: 1 })];
  for (let round = 0; round < 3; round += 1) for (const text of texts) expectSame(reader, text, Buffer.from(text), text);
});

test('bytes of a scanned delta are as long as the audio and share no memory with the message or with each other', () => {
  const reader = new MessageReader();
  const message = Buffer.from(JSON.stringify(usual()));
  const [first, second] = [message, message].map((each) => reader.read(each)[0] as { bytes: Uint8Array });
  expect(first?.bytes.constructor).toBe(Uint8Array);
  expect(first?.bytes.buffer.byteLength).toBe(400);
  expect(first?.bytes.buffer).not.toBe(second?.bytes.buffer);
});

test('a form that was learned does not stick: another item, another part, another dialect and other members are seen', () => {
  const reader = new MessageReader();
  const fields = [{}, { item_id: 'item_2' }, { content_index: 1 }, { response_id: 'resp_2' }, { type: 'response.audio.delta' }, { type: 'response.output_audio.done' }, { extra: 'x' }, { output_index: 12 }, {}];
  for (const each of fields) {
    const text = JSON.stringify(usual(each));
    expectSame(reader, text, Buffer.from(text), text.slice(0, 120));
  }
});

test.each([
  ['two members of one name', (text: string) => text.replace('"output_index":0', '"item_id":"item_9"')],
  ['an escaped name', (text: string) => text.replace('"delta"', '"del\\u0074a"')],
  ['escaped slashes in the audio', (text: string) => text.replace(/"delta":"(.{20})/, '"delta":"//$1').replaceAll('/', '\\/')],
  ['URL-safe letters in the audio', (text: string) => text.replace(/"delta":"..../, '"delta":"-_-_')],
  ['a line break in the audio', (text: string) => text.replace(/"delta":"..../, '"delta":"AA\nA')],
  ['a line break in an id', (text: string) => text.replace('event_C1', 'event\nC1')],
  ['audio that is cut off', (text: string) => text.replace(/.{9}"\}$/, '"}')],
  ['audio after its end', (text: string) => text.replace(/"\}$/, 'A"}')],
  ['no content index', (text: string) => text.replace('"content_index":0,', '')],
  ['a content index that is no index', (text: string) => text.replace('"content_index":0', '"content_index":"0"')],
  ['a number with a leading zero', (text: string) => text.replace('"output_index":0', '"output_index":00')],
  ['a fraction', (text: string) => text.replace('"content_index":0', '"content_index":0.5')],
  ['a number that is a whole one in another spelling', (text: string) => text.replace('"content_index":0', '"content_index":1e0')],
  ['a negative number', (text: string) => text.replace('"content_index":0', '"content_index":-0')],
  ['a nested look-alike', (text: string) => text.replace('"output_index":0', '"output_index":{"delta":"AAAA","item_id":"item_9"}')],
  ['a look-alike within a string', (text: string) => text.replace('event_C1', '\\",\\"delta\\":\\"AAAA')],
  ['no response', (text: string) => text.replace('"response_id":"resp_1",', '')],
  ['a content index that is null', (text: string) => text.replace('"content_index":0', '"content_index":null')],
  ['audio that is null', (text: string) => text.replace(/"delta":"[^"]*"/, '"delta":null')],
  ['audio that is a number', (text: string) => text.replace(/"delta":"[^"]*"/, '"delta":12')],
  ['half a null', (text: string) => text.replace('"output_index":0', '"output_index":nul')],
  ['a number beyond what a double holds', (text: string) => text.replace('"output_index":0', '"output_index":12345678901234567')],
  ['an id that is null', (text: string) => text.replace('"item_1"', 'null')],
  ['letters beyond ASCII', (text: string) => text.replace('event_C1', 'événement 🙂')],
  ['ids beyond ASCII', (text: string) => text.replace('item_1', 'élément')],
  ['a comma before the end', (text: string) => text.replace(/\}$/, ',}')],
  ['something after the end', (text: string) => `${text}x`],
  ['a blank after the end', (text: string) => `${text}\n`],
  ['a byte order mark', (text: string) => `\ufeff${text}`],
  ['two messages in one', (text: string) => text + text],
])('%s: the reader gives what the parser gives', (name, change) => {
  const reader = new MessageReader();
  const known = JSON.stringify(usual());
  const changed = change(known);
  expect(changed).not.toBe(known);
  // Before and after it a form has been learned.
  for (const text of [changed, known, changed, known]) expectSame(reader, text, Buffer.from(text), name);
});

test.each([
  ['words beyond ASCII', (delta: string) => JSON.stringify(delta + 'é 🙂 日')],
  ['words beyond ASCII, escaped', () => '"\\u00e9\\ud83d\\ude42"'],
  ['an escape that there is not', () => '"\\x41"'],
  ['an escape that is cut off', () => '"\\u00'],
  ['an escaped quote at the end', () => '"abc\\"'],
  ['an escaped backslash at the end', () => '"abc\\\\"'],
  ['a line break that is not escaped', () => '"a\nb"'],
  ['half a pair of surrogates', () => '"\\ud83d"'],
  ['null', () => 'null'],
  ['a number', () => '7'],
  ['an object', () => '{"delta":"x"}'],
  ['a slash', () => '"\\/"'],
])('%s as a piece of words: the reader gives what the parser gives', (name, write) => {
  for (const known of [words('response.output_audio_transcript.delta', 'abc'), call('abc')]) {
    const reader = new MessageReader();
    const changed = known.replace('"abc"', write('abc'));
    for (const text of [changed, known, changed, known]) expectSame(reader, text, Buffer.from(text), name);
  }
});

/** One message as some server might write it: mostly usual, sometimes anything that JSON allows. */
function anyMessage(chance: Random): string {
  const piece = chance.pick(['a', ' of', '{"', '":', '\\', 'day', '\n', '', 'é', '\ud83d']);
  const said: Record<string, unknown> = chance.pick([
    { delta: audio(chance.int(180, 500), chance.int(0, 256)) },
    { delta: audio(chance.int(180, 500), chance.int(0, 256)) },
    { type: chance.pick(['response.output_audio_transcript.delta', 'response.text.delta']), delta: piece },
    { type: 'response.function_call_arguments.delta', call_id: `call_${chance.int(0, 2)}`, delta: piece },
  ]);
  const members: [string, string][] = Object.entries(usual({ event_id: `event_${chance.int(0, 1000)}`, item_id: `item_${chance.int(0, 3)}`, ...said })).map(([key, value]) => [JSON.stringify(key), JSON.stringify(value)]);
  const odd = chance.next() < 0.5;
  const oddities: (() => void)[] = [
    () => members.push(['"obfuscation"', JSON.stringify('x'.repeat(chance.int(0, 20)))]),
    () => members.push([`"e${chance.int(0, 3)}"`, chance.pick(['null', 'null', '1785214083561', '12345678901234567', 'true', 'nulll', '1.5', '-3', '[]', '{"delta":"AAAA"}', '"\\"delta\\":\\"AAAA\\""', '"é"', '"\\\\"', '""', '007', '1e3', '"\t"'])]),
    () => void members.splice(chance.int(0, members.length), 1),
    () => members.push(chance.pick(members)),
    () => members.sort(() => chance.next() - 0.5),
    () => {
      const member = chance.pick(members);
      member[chance.int(0, 2)] = chance.pick(['"x"', '0', '1', '"response.audio.delta"', '"response.output_audio.delta"', '"response.audio.done"', '"delta"', '"content_index"', '"QUJD"', '"QUI="', '"QQ"', '"Q"']);
    },
    () => {
      // One letter of a name or value in its escaped form.
      const member = chance.pick(members);
      const side = chance.int(0, 2);
      member[side] = (member[side] as string).replace(/[A-Za-z/](?=[^"]*"$)/, (letter) => (letter === '/' ? '\\/' : `\\u00${letter.charCodeAt(0).toString(16)}`));
    },
  ];
  if (odd) for (let times = chance.int(1, 4); times > 0; times -= 1) chance.pick(oddities)();
  const blank = (): string => (odd && chance.next() < 0.1 ? chance.pick([' ', '  ', '\n', '\t']) : '');
  let text = `{${members.map(([key, value]) => `${blank()}${key}${blank()}:${blank()}${value}${blank()}`).join(',')}}`;
  if (chance.next() < 0.1) {
    // A byte that went wrong on the way.
    const at = chance.int(0, text.length);
    text = text.slice(0, at) + chance.pick(['"', '\\', '{', '}', ',', ':', '0', '', ' ', '-', '=', 'é', '\u0001']) + text.slice(at + chance.int(0, 2));
  }
  return text;
}

test('whatever JSON a server may write, the reader gives what the parser gives', () => {
  const { seed } = random();
  const chance = random(seed);
  let scanned = 0;
  for (let round = 0; round < 400; round += 1) {
    const reader = new MessageReader();
    const scanner = new DeltaScanner();
    for (let index = 0; index < 12; index += 1) {
      const text = anyMessage(chance);
      if (scanner.scan(text) !== undefined) scanned += 1;
      expectSame(reader, text, Buffer.from(text), `TEST_SEED=${seed}, round ${round}, message ${index}: ${text}`);
    }
  }
  expect(scanned, 'messages that needed no parser').toBeGreaterThan(1500);
});

const folder = process.env['REALTIME_TRACES'];
test.skipIf(folder === undefined)('every recorded message is read as the parser reads it, and no recorded audio delta needs the parser', () => {
  const files = readdirSync(folder as string, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.jsonl'));
  let deltas = 0;
  for (const file of files) {
    const reader = new MessageReader();
    for (const line of readFileSync(join(folder as string, file), 'utf8').split('\n').filter((each) => each.trim() !== '')) {
      const raw = JSON.parse(line) as { event?: object };
      const text = JSON.stringify(raw.event ?? raw);
      expectSame(reader, text, Buffer.from(text), file);
      // Some recordings hold only the beginning of the audio, which is then no base64 for either reader.
      if (!String(outcome(() => parseMessage(text))).includes('"audio_delta"')) continue;
      expect(new DeltaScanner().scan(text), text.slice(0, 200)).toBeDefined();
      deltas += 1;
    }
  }
  expect(deltas).toBeGreaterThan(0);
});
