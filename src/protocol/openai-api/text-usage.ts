import type { Usage } from '../../../session/index.js';
import { amount, isObject, objectOr } from '../openai-realtime/wire-fields.js';

/** Usage of either API: `input_tokens` and so on, or `prompt_tokens` and so on. Undefined where the server tells none. */
export function readTextUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const chat = value['prompt_tokens'] !== undefined;
  const inputTokens = amount(value, chat ? 'prompt_tokens' : 'input_tokens');
  const outputTokens = amount(value, chat ? 'completion_tokens' : 'output_tokens');
  if (inputTokens + outputTokens === 0) return undefined;
  const input = objectOr(value, chat ? 'prompt_tokens_details' : 'input_tokens_details');
  const output = objectOr(value, chat ? 'completion_tokens_details' : 'output_tokens_details');
  const audioIn = Math.min(amount(input, 'audio_tokens'), inputTokens);
  const audioOut = Math.min(amount(output, 'audio_tokens'), outputTokens);
  return {
    totalTokens: amount(value, 'total_tokens') || inputTokens + outputTokens,
    inputTokens,
    outputTokens,
    // Images are billed as text tokens here; neither API counts them apart.
    input: { text: inputTokens - audioIn, audio: audioIn, image: 0, cached: Math.min(amount(input, 'cached_tokens'), inputTokens) },
    output: { text: outputTokens - audioOut, audio: audioOut },
  };
}
