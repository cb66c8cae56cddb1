import type { HistoryItem } from '../events/history-item.js';

/** `pass`, or why the text must not stand. `say`: words for the agent to say instead; without them it finds its own. */
export type GuardrailVerdict = 'pass' | { readonly tripped: true; readonly reason: string; readonly say?: string };

/** What a guardrail is told beside the text. */
export interface GuardrailContext {
  readonly agentName: string;
  readonly itemId: string;
  /** Present for what the agent says. */
  readonly responseId?: string;
  readonly history: readonly HistoryItem[];
  /** Aborted when the session ends, the check's time is over, or another guardrail has tripped on the same text. */
  readonly signal: AbortSignal;
}

/** A check of what is said. It may be asked about a growing text several times, also while an earlier answer is still to come. */
export interface Guardrail {
  readonly name: string;
  check(text: string, context: GuardrailContext): GuardrailVerdict | Promise<GuardrailVerdict>;
}

export interface GuardrailOptions {
  /** Checks of the agent's words, on the growing transcript of each response. */
  readonly output?: readonly Guardrail[];
  /** Checks of the user's words: of a typed message, and of speech when its transcript is final. */
  readonly input?: readonly Guardrail[];
  /** A check begins after so many new characters, or at the end of a sentence; default 80. With a hold-back each new text is checked at once. */
  readonly debounceCharacters?: number;
  /**
   * How long the agent's audio may be kept for a check, in ms, 0..10 000; default 0: audio is handed on at once. A longer time than the checks
   * need lets nothing of a forbidden sentence out, as long as the model sends a text before its sound, as providers do.
   */
  readonly holdBackMs?: number;
  /** Time for one check, in ms; default 2 000. */
  readonly timeoutMs?: number;
  /**
   * What a check that throws or takes too long means. `open` (default): the text passes, and held audio goes out when its time is over.
   * `closed`: it counts as tripped, and held audio waits for the verdict however long that takes.
   */
  readonly onFailure?: 'open' | 'closed';
}
