import { produced } from '../../../session/index.js';
import type { TextModel, TextRequest } from '../../../session/index.js';
import { ChatReader } from '../../protocol/openai-api/read-chat.js';
import { ResponsesReader } from '../../protocol/openai-api/read-responses.js';
import { writeChatRequest } from '../../protocol/openai-api/write-chat.js';
import { writeResponsesRequest } from '../../protocol/openai-api/write-responses.js';
import { OpenaiServer } from './openai-server.js';
import type { OpenaiServerOptions } from './openai-server.js';
import { relayAnswer } from './relay-answer.js';

/** Models of OpenAI that reason, by their names. Others refuse to be asked for encrypted reasoning: "Encrypted content is not supported with this model". */
const REASONING_MODELS = /^(ft:)?(o\d|gpt-[5-9]|codex)(?!.*-chat)/;

export interface OpenaiTextOptions extends OpenaiServerOptions {
  readonly model: string;
  /** Default: `responses` of OpenAI's own service (Azure too), `chat` (Chat Completions) of any other server, which is what most of them have. */
  readonly api?: 'responses' | 'chat';
  /** False asks for the answer in one piece. Default true. */
  readonly stream?: boolean;
  /** `responses`: whether the provider keeps the conversation. Default false: each request has all of it, and reasoning comes back encrypted. */
  readonly store?: boolean;
  /**
   * `responses`: whether to ask for encrypted reasoning, so that the model goes on with its thoughts after a tool has run. Default: where nothing is
   * stored and OpenAI's own service is asked for a model that reasons by its name (`o3`, `gpt-5-mini`, …). Say it for a deployment on Azure.
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
  const api = options.api ?? (server.isOriginal ? 'responses' : 'chat');
  return {
    label: options.model,
    respond: (request, { signal }) =>
      produced(async (send, life) => {
        const answer = await server.request((client) => (api === 'chat' ? client.chat.completions : client.responses), bodyOf(request, api, server.isOriginal, options), life);
        await relayAnswer(answer, api === 'chat' ? new ChatReader(newId, callIdsOf(request)) : new ResponsesReader(newId), send);
      }, signal),
  };
}

function bodyOf(request: TextRequest, api: 'responses' | 'chat', isOriginal: boolean, options: OpenaiTextOptions): object {
  const { model, stream = true, store = false, reasoningSummary, body: { tools: moreTools, ...rest } = {} } = options;
  const encryptedReasoning = options.encryptedReasoning ?? (isOriginal && !store && REASONING_MODELS.test(model));
  const body = api === 'chat' ? writeChatRequest(request, { model, stream, isOriginal }) : writeResponsesRequest(request, { model, stream, store, encryptedReasoning, reasoningSummary });
  const tools = [...(Array.isArray(body['tools']) ? (body['tools'] as unknown[]) : []), ...(Array.isArray(moreTools) ? (moreTools as unknown[]) : [])];
  return { ...body, ...(tools.length === 0 ? {} : { tools }), ...rest };
}

function callIdsOf({ input }: TextRequest): Set<string> {
  return new Set(input.flatMap((item) => (item.type === 'function_call' ? [item.callId] : [])));
}

function newId(): string {
  return `answer-${globalThis.crypto.randomUUID()}`;
}
