import type { Fault } from './fault.js';
import type { Speech } from './speech.js';

/** Words, or a pause between them. */
export type MessagePart = { readonly text: string } | { readonly silenceMs: number };

/** One thing that a response does. A response is a list of them, done one after the other. */
export type PlanStep =
  /**
   * An item of the assistant. `speech` is its sound where the brain has it already; else the emulator's voice speaks the words. With `more` the item
   * stays open, and a message that comes next goes on in it: so an answer can be heard while the rest of it is still being thought.
   */
  | { readonly kind: 'message'; readonly parts: readonly MessagePart[]; readonly speech?: Speech; readonly phase?: 'commentary' | 'final_answer'; readonly more?: boolean; /** Is told which item they are in. */ readonly onItem?: (itemId: string) => void }
  /** `onCall` is told the id that the call was given. `arguments` is JSON. */
  | { readonly kind: 'call'; readonly name: string; readonly arguments: string; readonly onCall?: (callId: string) => void }
  /** A call of a hosted MCP server: made, and answered, on this side. */
  | { readonly kind: 'mcp'; readonly server: string; readonly name: string; readonly arguments: string; readonly output: string | null; readonly error: string | null }
  | { readonly kind: 'wait'; readonly ms: number }
  /** Ends the response as `failed`. */
  | { readonly kind: 'fail'; readonly code: string; readonly message: string; readonly errorType: string }
  /** Ends the response as `incomplete`. */
  | { readonly kind: 'stop'; readonly reason: 'max_output_tokens' | 'content_filter' }
  /** An `error` event beside the response, which goes on. */
  | { readonly kind: 'error'; readonly code: string; readonly message: string }
  | { readonly kind: 'fault'; readonly fault: Fault };

export function sayStep(text: string): PlanStep {
  return { kind: 'message', parts: [{ text }] };
}

/** The words of a message, without its pauses. */
export function wordsOf(parts: readonly MessagePart[]): string {
  return parts.flatMap((part) => ('text' in part ? [part.text] : [])).join(' ');
}
