import type { ConversationEntry } from './conversation.js';
import { textOf } from './conversation.js';

const INPUT_MS_PER_TOKEN = 100;
const OUTPUT_MS_PER_TOKEN = 50;
const TOKENS_PER_IMAGE = 85;
/** Prompts are cached in steps of so many tokens. */
const CACHE_STEP = 64;
const LIMIT_PER_MINUTE = 40_000;

/** What a model has read before it answers. */
export interface InputTokens {
  readonly text: number;
  readonly audio: number;
  readonly image: number;
  readonly cached: number;
}

/** About four letters a token, as for English text. */
export function textTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

export function inputAudioTokens(ms: number): number {
  return Math.round(ms / INPUT_MS_PER_TOKEN);
}

export function outputAudioTokens(ms: number): number {
  return Math.round(ms / OUTPUT_MS_PER_TOKEN);
}

/** Counts the instructions and the conversation; `before` is what the response before this one has read, which is cached. */
export function inputTokens(instructions: string, entries: readonly ConversationEntry[], before: number): InputTokens {
  let text = textTokens(instructions);
  let audio = 0;
  let image = 0;
  for (const { item, audioMs } of entries) {
    // What is heard counts as sound; its transcript is for people.
    text += item.type === 'message' && audioMs > 0 ? 0 : itemTokens(item);
    audio += inputAudioTokens(audioMs);
    if (item.type === 'message') image += TOKENS_PER_IMAGE * item.content.filter((part) => part.type === 'input_image').length;
  }
  return { text, audio, image, cached: Math.floor(Math.min(before, text) / CACHE_STEP) * CACHE_STEP };
}

function itemTokens(item: ConversationEntry['item']): number {
  switch (item.type) {
    case 'message':
      return textTokens(textOf(item));
    case 'function_call_output':
      return textTokens(item.output);
    case 'function_call':
    case 'mcp_call':
    case 'mcp_approval_request':
      return textTokens(item.name + item.arguments);
    case 'mcp_list_tools':
      return textTokens(JSON.stringify(item.tools));
    case 'mcp_approval_response':
      return 1;
  }
}

export function usageOf(input: InputTokens, outputText: number, outputAudio: number): unknown {
  const inputTotal = input.text + input.audio + input.image;
  return {
    total_tokens: inputTotal + outputText + outputAudio,
    input_tokens: inputTotal,
    output_tokens: outputText + outputAudio,
    input_token_details: {
      text_tokens: input.text,
      audio_tokens: input.audio,
      image_tokens: input.image,
      cached_tokens: input.cached,
      cached_tokens_details: { text_tokens: input.cached, audio_tokens: 0, image_tokens: 0 },
    },
    output_token_details: { text_tokens: outputText, audio_tokens: outputAudio },
  };
}

export const NO_USAGE = usageOf({ text: 0, audio: 0, image: 0, cached: 0 }, 0, 0);

/** The tokens of a minute: what is used comes back evenly. */
export class TokenAllowance {
  #used = 0;
  #sinceMs: number;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  take(tokens: number, nowMs: number): { readonly name: 'tokens'; readonly limit: number; readonly remaining: number; readonly reset_seconds: number } {
    const back = ((nowMs - this.#sinceMs) * LIMIT_PER_MINUTE) / 60_000;
    this.#sinceMs = nowMs;
    // An allowance that is used up stays at nothing: the emulator refuses nobody for it.
    this.#used = Math.min(LIMIT_PER_MINUTE, Math.max(0, this.#used - back) + tokens);
    return { name: 'tokens', limit: LIMIT_PER_MINUTE, remaining: Math.floor(LIMIT_PER_MINUTE - this.#used), reset_seconds: Number(((this.#used * 60) / LIMIT_PER_MINUTE).toFixed(3)) };
  }
}
