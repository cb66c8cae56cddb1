import type { Answer } from './server.js';
import { pieces } from './responses-wire.js';

export interface ChatAnswer {
  readonly id?: string;
  readonly text?: string;
  readonly refusal?: string;
  readonly reasoning?: string;
  readonly calls?: readonly { readonly id?: string; readonly name: string; readonly arguments: object }[];
  readonly finishReason?: string;
}

export const CHAT_USAGE = {
  prompt_tokens: 36,
  completion_tokens: 87,
  total_tokens: 123,
  prompt_tokens_details: { cached_tokens: 4, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 20, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
};

/** The chunks of a streamed completion, in the order and with the members of the real API, usage asked for. */
export function chatChunks(answer: ChatAnswer): Record<string, unknown>[] {
  const { id = 'chatcmpl-1', text = '', refusal = '', reasoning = '', calls = [], finishReason = calls.length > 0 ? 'tool_calls' : 'stop' } = answer;
  const head = { id, object: 'chat.completion.chunk', created: 1_741_569_952, model: 'gpt-4.1-mini-2025-04-14', service_tier: 'default', system_fingerprint: 'fp_test' };
  const chunk = (delta: object, finish_reason: string | null = null): Record<string, unknown> => ({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason }], usage: null, obfuscation: 'aBc' });
  return [
    chunk({ role: 'assistant', content: calls.length > 0 && text === '' ? null : '', refusal: null }),
    ...pieces(reasoning).map((reasoning_content) => chunk({ reasoning_content })),
    ...pieces(text).map((content) => chunk({ content })),
    ...pieces(refusal).map((words) => chunk({ refusal: words })),
    ...calls.flatMap((call, index) => [
      chunk({ tool_calls: [{ index, ...(call.id === undefined ? {} : { id: call.id }), type: 'function', function: { name: call.name, arguments: '' } }] }),
      ...(JSON.stringify(call.arguments).match(/.{1,6}/g) ?? []).map((args) => chunk({ tool_calls: [{ index, function: { arguments: args } }] })),
    ]),
    chunk({}, finishReason),
    { ...head, choices: [], usage: CHAT_USAGE, obfuscation: '' },
  ];
}

/** In the framing of the real API: data, a blank line, and `[DONE]` at the end. */
export function chatSse(chunks: readonly object[]): string {
  return `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`;
}

export function streamedChat(answer: ChatAnswer): Answer {
  return { parts: [chatSse(chatChunks(answer))] };
}

export function wholeChat(answer: ChatAnswer): Answer {
  const { id = 'chatcmpl-1', text, refusal, reasoning, calls = [], finishReason = calls.length > 0 ? 'tool_calls' : 'stop' } = answer;
  const message = {
    role: 'assistant',
    content: text ?? null,
    refusal: refusal ?? null,
    annotations: [],
    ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map((call) => ({ ...(call.id === undefined ? {} : { id: call.id }), type: 'function', function: { name: call.name, arguments: JSON.stringify(call.arguments) } })) }),
  };
  const body = { id, object: 'chat.completion', created: 1_741_569_952, model: 'gpt-4.1-mini-2025-04-14', choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason }], usage: CHAT_USAGE };
  return { contentType: 'application/json', parts: [JSON.stringify(body)] };
}
