/**
 * What a text run asks of a language model, in words of its own: no wire names stand here. A provider turns a {@link TextRequest} into its own request
 * and its own stream into {@link TextModelEvent} values.
 */
import type { NewHistoryItem } from '../events/history-item.js';
import type { Usage } from '../events/usage.js';
import type { ModelErrorInfo, ModelFunctionTool, ToolChoice } from './model.js';

/** An item that only its provider understands (encrypted reasoning, a hosted tool's call): handed back to the same provider as it came. */
export interface ProviderItem {
  readonly type: 'other';
  readonly kind: string;
  readonly raw: unknown;
}

/** What the model is told: the conversation so far, oldest first. */
export type TextInputItem = NewHistoryItem | ProviderItem;

/** What the answer must be: JSON that fits the schema. */
export interface TextOutputFormat {
  /** 1..64 letters, digits, `_` or `-`. */
  readonly name: string;
  readonly schema: Readonly<Record<string, unknown>>;
}

/** What a model may be told beside the conversation; a member that is left out keeps the model's own default. */
export interface TextSettings {
  readonly temperature?: number;
  readonly topP?: number;
  readonly maxOutputTokens?: number;
  readonly toolChoice?: ToolChoice;
  readonly parallelToolCalls?: boolean;
  readonly reasoningEffort?: 'minimal' | 'low' | 'medium' | 'high';
}

export interface TextRequest {
  readonly instructions?: string;
  readonly input: readonly TextInputItem[];
  readonly tools: readonly ModelFunctionTool[];
  readonly output?: TextOutputFormat;
  readonly settings?: TextSettings;
}

/** One finished entry of an answer. */
export type TextOutputItem =
  | { readonly type: 'message'; readonly id: string; readonly text: string; /** The model's words for not answering. */ readonly refusal?: string }
  | { readonly type: 'function_call'; readonly id: string; readonly callId: string; readonly name: string; /** A JSON text. */ readonly arguments: string }
  /** `raw` is handed back with the next request, where the provider wants that. */
  | { readonly type: 'reasoning'; readonly id: string; readonly text: string; readonly raw?: unknown }
  | { readonly type: 'mcp_list_tools'; readonly id: string; readonly serverLabel: string; readonly raw: unknown }
  | { readonly type: 'mcp_approval_request'; readonly id: string; readonly serverLabel: string; readonly name: string; readonly arguments: string; readonly raw: unknown }
  | { readonly type: 'other'; readonly id: string; readonly kind: string; readonly raw: unknown };

/**
 * One thing that the model said. Between `response_started` and `response_done` everything belongs to one response. A model that does not stream gives
 * `response_started` and `response_done` alone, the output in one piece.
 */
export type TextModelEvent =
  | { readonly type: 'response_started'; readonly responseId: string }
  | { readonly type: 'text_delta'; readonly itemId: string; readonly delta: string }
  | { readonly type: 'reasoning_delta'; readonly itemId: string; readonly delta: string }
  | { readonly type: 'function_call_started'; readonly itemId: string; readonly callId: string; readonly name: string }
  | { readonly type: 'arguments_delta'; readonly itemId: string; readonly callId: string; readonly delta: string }
  | { readonly type: 'item_done'; readonly item: TextOutputItem }
  | {
      readonly type: 'response_done';
      readonly responseId: string;
      readonly status: 'completed' | 'incomplete' | 'failed';
      /** Why it is incomplete, in the provider's word (`max_output_tokens`, `content_filter`, …). */
      readonly reason?: string;
      readonly error?: ModelErrorInfo;
      readonly usage?: Usage;
      /** All items of the answer, in order; those that came as `item_done` are the same. */
      readonly output: readonly TextOutputItem[];
    }
  /** A message of the provider that has no meaning above. */
  | { readonly type: 'raw'; readonly name: string; readonly raw: unknown };

/** A language model somewhere. */
export interface TextModel {
  /** For people, and for prices: `gpt-5-mini`, `script`. */
  readonly label: string;
  /**
   * Asks once. Nothing is sent before the first `next()`. `return()` and an abort of `signal` end the request, also while a `next()` is pending; after an
   * abort the iteration rejects with `signal.reason`. Rejects with a `VoicewireError` for a server that cannot be reached, refuses, or breaks off; a
   * response that the model itself fails is no rejection: it ends in `response_done`.
   */
  respond(request: TextRequest, options: { readonly signal: AbortSignal }): AsyncIterable<TextModelEvent>;
}
