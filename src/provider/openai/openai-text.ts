import { ProtocolError, produced } from '../../../session/index.js';
import type { Send, TextModel, TextModelEvent, TextRequest } from '../../../session/index.js';
import { BadField } from '../../protocol/openai-realtime/wire-fields.js';
import { ChatReader } from '../../protocol/openai-text/read-chat.js';
import { ResponsesReader } from '../../protocol/openai-text/read-responses.js';
import { SseReader } from '../../protocol/openai-text/sse-reader.js';
import { StreamError } from '../../protocol/openai-text/text-reader.js';
import type { TextReader } from '../../protocol/openai-text/text-reader.js';
import { writeChatRequest } from '../../protocol/openai-text/write-chat.js';
import { writeResponsesRequest } from '../../protocol/openai-text/write-responses.js';
import type { ApiAnswer } from './api-answer.js';
import { streamError } from './api-error.js';
import { OpenaiServer } from './openai-server.js';
import type { OpenaiServerOptions } from './openai-server.js';

/** The largest event of a stream and the largest answer in one piece. An answer of 100 000 tokens has half a MiB. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Models that reason before they speak, and may be asked for their reasoning in a form that can be handed back. */
const REASONING_MODELS = /^(o\d|gpt-5(?!.*chat)|codex|computer-use)/;

export interface OpenaiTextOptions extends OpenaiServerOptions {
  readonly model: string;
  /** Default: `responses` of OpenAI itself, `chat` (Chat Completions) of any other server, which is what most of them have. */
  readonly api?: 'responses' | 'chat';
  /** False asks for the answer in one piece. Default true. */
  readonly stream?: boolean;
  /** `responses`: whether the provider keeps the conversation. Default false: each request has all of it, and reasoning comes back encrypted. */
  readonly store?: boolean;
  /**
   * `responses`: whether to ask for encrypted reasoning, so that the model goes on with its thoughts after a tool has run. Default: where nothing is
   * stored and the name is of a model that reasons (`o3`, `gpt-5`, …); others refuse the wish.
   */
  readonly encryptedReasoning?: boolean;
  /** `responses`: asks for a summary of the reasoning, which comes as `reasoning_delta`. OpenAI allows it to verified organizations. */
  readonly reasoningSummary?: 'auto' | 'concise' | 'detailed';
  /** Further members of the request's body as the API spells them; they replace ours. `tools` are added to those of the agent: MCP servers, say. */
  readonly body?: Readonly<Record<string, unknown>>;
}

/**
 * A text model of OpenAI or of a compatible server, over the `openai` package, which is loaded with the first request. Throws `HostError` `USAGE` at once
 * for options that cannot be meant. An answer that stops before it is whole rejects with `MODEL_CONNECTION_LOST`, however much of it was there.
 */
export function openaiText(options: OpenaiTextOptions): TextModel {
  const server = new OpenaiServer(options);
  const api = options.api ?? (server.isOpenai ? 'responses' : 'chat');
  return {
    label: options.model,
    respond: (request, { signal }) =>
      produced(async (send, life) => {
        const answer = await server.request((client) => (api === 'chat' ? client.chat.completions : client.responses), bodyOf(request, api, server.isOpenai, options), life);
        await relay(answer, api === 'chat' ? new ChatReader(newId, callIdsOf(request)) : new ResponsesReader(newId), send);
      }, signal),
  };
}

function bodyOf(request: TextRequest, api: 'responses' | 'chat', isOpenai: boolean, options: OpenaiTextOptions): object {
  const { model, stream = true, store = false, reasoningSummary, body: { tools: moreTools, ...rest } = {} } = options;
  const encryptedReasoning = options.encryptedReasoning ?? (isOpenai && !store && REASONING_MODELS.test(model));
  const body = api === 'chat' ? writeChatRequest(request, { model, stream, isOpenai }) : writeResponsesRequest(request, { model, stream, store, encryptedReasoning, reasoningSummary });
  const tools = [...(Array.isArray(body['tools']) ? (body['tools'] as unknown[]) : []), ...(Array.isArray(moreTools) ? (moreTools as unknown[]) : [])];
  return { ...body, ...(tools.length === 0 ? {} : { tools }), ...rest };
}

/** From the bytes of an answer to events, until the answer is whole. */
async function relay(answer: ApiAnswer, reader: TextReader, send: Send<TextModelEvent>): Promise<void> {
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
  const begin = String.fromCharCode(first?.find((byte) => byte > 0x20) ?? 0);
  return contentType === 'text/html' || begin === '{' || begin === '[' || begin === '<';
}

async function relayStream(answer: ApiAnswer, first: Uint8Array | undefined, reader: TextReader, send: Send<TextModelEvent>): Promise<void> {
  const messages = new SseReader(MAX_MESSAGE_BYTES);
  for (let bytes = first; bytes !== undefined; bytes = await answer.read()) {
    for (const { event, data } of messages.push(bytes)) {
      const events = data === '[DONE]' ? reader.end('done') : reader.read(parseJson(data), event);
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

async function relayWhole(answer: ApiAnswer, first: Uint8Array | undefined, reader: TextReader, send: Send<TextModelEvent>): Promise<void> {
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

function callIdsOf({ input }: TextRequest): Set<string> {
  return new Set(input.flatMap((item) => (item.type === 'function_call' ? [item.callId] : [])));
}

function newId(): string {
  return `answer-${globalThis.crypto.randomUUID()}`;
}
