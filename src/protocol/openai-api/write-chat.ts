import type { TextInputItem, TextRequest } from '../../../session/index.js';
import { isObject } from '../openai-realtime/wire-fields.js';
import type { WireObject } from '../openai-realtime/wire-fields.js';
import { isStrictSchema } from './strict-schema.js';

export interface ChatRequestOptions {
  readonly model: string;
  readonly stream: boolean;
  /** OpenAI's own service has renamed a member that many compatible servers know by its old name alone. */
  readonly isOriginal: boolean;
}

interface AssistantMessage {
  readonly role: 'assistant';
  content: string | null;
  tool_calls?: object[];
  reasoning_content?: string;
}

/** The body of `POST /chat/completions`. `JSON.stringify` leaves out what is `undefined`, and so keeps the model's own default. */
export function writeChatRequest(request: TextRequest, options: ChatRequestOptions): WireObject {
  const { settings = {}, output } = request;
  const hasTools = request.tools.length > 0;
  return {
    model: options.model,
    stream: options.stream,
    stream_options: options.stream ? { include_usage: true } : undefined,
    messages: writeMessages(request),
    tools: hasTools
      ? request.tools.map((tool) => ({
          type: 'function',
          function: { name: tool.name, description: tool.description, parameters: tool.parameters, strict: isStrictSchema(tool.parameters) || undefined },
        }))
      : undefined,
    // Without tools both are refused.
    tool_choice: !hasTools ? undefined : typeof settings.toolChoice === 'object' ? { type: 'function', function: { name: settings.toolChoice.name } } : settings.toolChoice,
    parallel_tool_calls: hasTools ? settings.parallelToolCalls : undefined,
    temperature: settings.temperature,
    top_p: settings.topP,
    [options.isOriginal ? 'max_completion_tokens' : 'max_tokens']: settings.maxOutputTokens,
    reasoning_effort: settings.reasoningEffort,
    response_format: output && { type: 'json_schema', json_schema: { name: output.name, schema: output.schema, strict: isStrictSchema(output.schema) } },
  };
}

/** Calls stand in one message with what the model said before them, and their outputs must follow at once. */
function writeMessages({ instructions, input }: TextRequest): object[] {
  const messages: object[] = instructions === undefined || instructions === '' ? [] : [{ role: 'system', content: instructions }];
  let open: AssistantMessage | undefined;
  let reasoning: string | undefined;
  const assistant = (content: string | null): AssistantMessage => {
    const message: AssistantMessage = { role: 'assistant', content };
    messages.push(message);
    return message;
  };
  for (const item of input) {
    switch (item.type) {
      case 'message':
        open = item.role === 'assistant' ? assistant(item.text) : undefined;
        if (item.role !== 'assistant') messages.push({ role: item.role, content: writeContent(item) });
        if (item.role === 'user') reasoning = undefined;
        break;
      case 'function_call':
        open ??= assistant(null);
        // Servers that show their reasoning want it back beside the calls that it led to, and nowhere else.
        if (reasoning !== undefined) open.reasoning_content = reasoning;
        reasoning = undefined;
        open.tool_calls = [...(open.tool_calls ?? []), { id: item.callId, type: 'function', function: { name: item.name, arguments: item.arguments === '' ? '{}' : item.arguments } }];
        break;
      case 'function_call_output':
        open = undefined;
        messages.push({ role: 'tool', tool_call_id: item.callId, content: item.output });
        break;
      case 'other':
        // What another API's model has thought is not for this one.
        if (isObject(item.raw) && typeof item.raw['reasoning_content'] === 'string') reasoning = item.raw['reasoning_content'];
        break;
    }
  }
  return messages;
}

function writeContent(item: Extract<TextInputItem, { type: 'message' }>): string | object[] {
  if (item.role !== 'user' || item.images === undefined || item.images.length === 0) return item.text;
  return [...(item.text === '' ? [] : [{ type: 'text', text: item.text }]), ...item.images.map(({ url, detail }) => ({ type: 'image_url', image_url: { url, detail } }))];
}
