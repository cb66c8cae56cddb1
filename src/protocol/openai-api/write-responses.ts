import type { TextInputItem, TextRequest } from '../../../session/index.js';
import { isObject } from '../openai-realtime/wire-fields.js';
import type { WireObject } from '../openai-realtime/wire-fields.js';
import { isStrictSchema } from './strict-schema.js';

export interface ResponsesRequestOptions {
  readonly model: string;
  readonly stream: boolean;
  readonly store: boolean;
  /** Ask for reasoning in a form that can be handed back, which only reasoning models allow to be asked. */
  readonly encryptedReasoning: boolean;
  readonly reasoningSummary?: 'auto' | 'concise' | 'detailed' | undefined;
}

/** The body of `POST /responses`. `JSON.stringify` leaves out what is `undefined`, and so keeps the model's own default. */
export function writeResponsesRequest(request: TextRequest, options: ResponsesRequestOptions): WireObject {
  const { settings = {}, output } = request;
  const effort = settings.reasoningEffort;
  const summary = options.reasoningSummary;
  return {
    model: options.model,
    stream: options.stream,
    store: options.store,
    include: options.encryptedReasoning ? ['reasoning.encrypted_content'] : undefined,
    instructions: request.instructions,
    input: request.input.flatMap((item) => writeInputItem(item, options.store)),
    tools: request.tools.length === 0 ? undefined : request.tools.map((tool) => ({
      type: 'function',
      name: tool.name,
      description: tool.description,
      parameters: tool.parameters,
      // Left out it would be true, and most schemas would be refused.
      strict: isStrictSchema(tool.parameters),
    })),
    tool_choice: typeof settings.toolChoice === 'object' ? { type: 'function', name: settings.toolChoice.name } : settings.toolChoice,
    parallel_tool_calls: settings.parallelToolCalls,
    temperature: settings.temperature,
    top_p: settings.topP,
    max_output_tokens: settings.maxOutputTokens,
    reasoning: effort === undefined && summary === undefined ? undefined : { effort, summary },
    text: output && { format: { type: 'json_schema', name: output.name, schema: output.schema, strict: isStrictSchema(output.schema) } },
  };
}

function writeInputItem(item: TextInputItem, store: boolean): object[] {
  switch (item.type) {
    case 'message':
      if (item.role !== 'user' || item.images === undefined || item.images.length === 0) return [{ type: 'message', role: item.role, content: item.text }];
      return [
        {
          type: 'message',
          role: 'user',
          content: [
            ...(item.text === '' ? [] : [{ type: 'input_text', text: item.text }]),
            ...item.images.map(({ url, detail }) => ({ type: 'input_image', image_url: url, detail: detail ?? 'auto' })),
          ],
        },
      ];
    case 'function_call':
      return [{ type: 'function_call', call_id: item.callId, name: item.name, arguments: item.arguments }];
    case 'function_call_output':
      return [{ type: 'function_call_output', call_id: item.callId, output: item.output }];
    case 'other':
      return writeProviderItem(item.raw, store);
  }
}

/**
 * As it came, except for members that the server answers with and does not take (`status: null`). Reasoning that is neither kept by the server nor
 * encrypted would be asked for by an id that means nothing; what another API's model said is not for this one.
 */
function writeProviderItem(raw: unknown, store: boolean): object[] {
  if (!isObject(raw) || typeof raw['type'] !== 'string') return [];
  if (raw['type'] === 'reasoning' && !store && typeof raw['encrypted_content'] !== 'string') return [];
  return [Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== null))];
}
