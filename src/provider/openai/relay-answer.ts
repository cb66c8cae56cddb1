import { ProtocolError } from '../../../session/index.js';
import type { Send } from '../../../session/index.js';
import { StreamError } from '../../protocol/openai-api/answer-reader.js';
import type { AnswerReader } from '../../protocol/openai-api/answer-reader.js';
import { BadField } from '../../protocol/openai-realtime/wire-fields.js';
import { EventStreamParser } from '../../protocol/sse/parse.js';
import type { ApiAnswer } from './api-answer.js';
import { streamError } from './api-error.js';

/** The largest event of a stream and the largest answer in one piece. An answer of 100 000 tokens has half a MiB. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/**
 * From the bytes of an answer to events, until the answer is whole. Rejects with `MODEL_CONNECTION_LOST` where it ends before that, and with
 * `PROTOCOL_BAD_EVENT` where it cannot be read; the request has ended then.
 */
export async function relayAnswer<T>(answer: ApiAnswer, reader: AnswerReader<T>, send: Send<T>): Promise<void> {
  try {
    const first = await answer.read();
    if (isWhole(answer.contentType, first)) await relayWhole(answer, first, reader, send);
    else await relayStream(answer, first, reader, send);
  } catch (error) {
    const why = ourError(error, answer);
    answer.stop(why);
    throw why;
  }
}

/** Servers that do not stream although they were asked to are known by what they send: no line of an event stream begins like this. */
function isWhole(contentType: string, first: Uint8Array | undefined): boolean {
  if (first === undefined) return contentType !== 'text/event-stream';
  const begin = String.fromCharCode(first.find((byte) => byte > 0x20) ?? 0);
  return contentType === 'text/html' || begin === '{' || begin === '[' || begin === '<';
}

async function relayStream<T>(answer: ApiAnswer, first: Uint8Array | undefined, reader: AnswerReader<T>, send: Send<T>): Promise<void> {
  const parser = new EventStreamParser({ maxEventBytes: MAX_MESSAGE_BYTES });
  for (let bytes = first; bytes !== undefined; bytes = await answer.read()) {
    for (const { type, data } of parser.push(bytes)) {
      const events = data === '[DONE]' ? reader.end('done') : reader.read(parseJson(data), type);
      // The connection is let go before the reader has the last event: a reader that leaves then does not break it off.
      if (reader.done) answer.finish();
      for (const each of events) if (!(await send(each))) return;
      if (reader.done) return;
    }
  }
  const events = reader.end('eof');
  if (!reader.done) throw answer.brokenOff();
  answer.finish();
  for (const each of events) if (!(await send(each))) return;
}

async function relayWhole<T>(answer: ApiAnswer, first: Uint8Array | undefined, reader: AnswerReader<T>, send: Send<T>): Promise<void> {
  const text = await answer.text(MAX_MESSAGE_BYTES, first);
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    if (answer.contentType !== 'text/html' && !/^\s*</.test(text)) throw answer.brokenOff();
    throw new ProtocolError('PROTOCOL_BAD_EVENT', `${answer.host} answered with a web page.`, { hint: 'Check the address: another service listens there, or a proxy stands before the server.' });
  }
  const events = reader.readWhole(message);
  if (!reader.done) throw new ProtocolError('PROTOCOL_BAD_EVENT', `${answer.host} answered with JSON that is no answer of this API.`, { hint: "Check the path of the address, and api: 'chat' or 'responses'." });
  for (const each of events) if (!(await send(each))) return;
}

function ourError(error: unknown, { host, secrets }: ApiAnswer): unknown {
  if (error instanceof StreamError) return streamError(error.info, host, secrets);
  if (error instanceof BadField) return new ProtocolError('PROTOCOL_BAD_EVENT', `A message of ${host} has no usable ${error.field}.`, { hint: 'The server is not compatible with this API; look at its log and version.' });
  if (error instanceof SyntaxError) return new ProtocolError('PROTOCOL_BAD_EVENT', `A message of ${host} is not JSON.`, { hint: 'The server is not compatible with this API; look at its log and version.' });
  if (error instanceof ProtocolError && error.code === 'PROTOCOL_BAD_FRAME') return new ProtocolError('PROTOCOL_BAD_EVENT', `An event of ${host} is larger than ${MAX_MESSAGE_BYTES} bytes.`);
  if (error instanceof RangeError) return new ProtocolError('PROTOCOL_BAD_EVENT', error.message);
  return error;
}

/** What a parser says of a text that it cannot read repeats the text. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SyntaxError('not JSON');
  }
}
