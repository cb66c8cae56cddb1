import type { HistoryItem } from '../events/history-item.js';
import type { ModelFunctionTool } from '../ports/model.js';

/** Who may be handed over to: an agent of a call, or of a text run. */
export interface HandoffTarget {
  readonly name: string;
}

/** How the new agent begins: it answers, stays silent until it is spoken to, or says these words. */
export type HandoffEntry = 'respond' | 'silent' | { readonly say: string };

/** What the functions of a hand-off are told. */
export interface HandoffContext {
  readonly fromAgent: string;
  readonly toAgent: string;
  /** Why, in the model's words or the application's; may be empty. */
  readonly reason: string;
  /** Aborted when the session ends or the function's time (5 s) is over. */
  readonly signal: AbortSignal;
}

/** Gives the items that the new agent shall know; the others are taken out of the model's conversation. */
export type HandoffFilter = (history: readonly HistoryItem[], context: HandoffContext) => readonly HistoryItem[] | Promise<readonly HistoryItem[]>;

/** Gives a text that stands for what was said so far. */
export type HandoffSummary = (history: readonly HistoryItem[], context: HandoffContext) => string | Promise<string>;

export interface HandoffOptions<To extends HandoffTarget = HandoffTarget> {
  readonly to: To;
  /** Tells the model when to hand over. */
  readonly description?: string;
  /** Default: `transfer_to_` and the agent's name with everything but letters, digits, `_` and `-` made `_`. */
  readonly toolName?: string;
  /** Which items stay. A call and its output stay or go together; a call that is still running stays. Default: all, or none with a summary. */
  readonly inputFilter?: HandoffFilter;
  /**
   * What the new agent knows of the conversation: `all` (the default) leaves it as it is; `summary` lets the model write a summary as it hands
   * over, and a function writes one itself: the summary then stands in the place of what was said.
   */
  readonly carry?: 'all' | 'summary' | HandoffSummary;
  /** Default `respond`. */
  readonly entry?: HandoffEntry;
}

/** A way from one agent to another, made by {@link handoff}. */
export interface Handoff<To extends HandoffTarget = HandoffTarget> {
  readonly to: To;
  /** The tool by which the model hands over. */
  readonly definition: ModelFunctionTool;
  readonly inputFilter: HandoffFilter | undefined;
  readonly carry: 'all' | 'summary' | HandoffSummary;
  readonly entry: HandoffEntry;
}

/**
 * Describes how an agent hands over to another one. Throws `TypeError` for a tool name that models do not accept.
 *
 *     const front = new RealtimeAgent({
 *       name: 'Front desk',
 *       handoffs: [handoff({ to: billing, description: 'For questions about invoices.', carry: 'summary', entry: { say: 'Billing, hello.' } })],
 *     });
 */
export function handoff<To extends HandoffTarget>(options: HandoffOptions<To>): Handoff<To> {
  const { to, carry = 'all', entry = 'respond', inputFilter } = options;
  const name = options.toolName ?? `transfer_to_${to.name.replaceAll(/[^A-Za-z0-9_-]+/g, '_')}`.slice(0, 64);
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) throw new TypeError(`The tool name of a hand-off is 1 to 64 letters, digits, "_" or "-", not ${JSON.stringify(name)}.`);
  const properties = {
    reason: { type: 'string', description: 'Why, in a few words.' },
    ...(carry === 'summary' ? { summary: { type: 'string', description: 'Everything of the conversation so far that the next agent has to know.' } } : {}),
  };
  const description = options.description ?? `Hands the conversation over to ${to.name}.`;
  const parameters = { type: 'object', properties, required: Object.keys(properties) };
  return { to, carry, entry, inputFilter, definition: { name, description, parameters } };
}

/** What the model wrote as it hands over; what it left out is empty. */
export function readHandoffArguments(argumentsJson: string): { reason: string; summary: string } {
  let given: unknown;
  try {
    given = JSON.parse(argumentsJson);
  } catch {
    given = undefined;
  }
  const { reason, summary } = (typeof given === 'object' && given !== null ? given : {}) as Record<string, unknown>;
  return { reason: typeof reason === 'string' ? reason : '', summary: typeof summary === 'string' ? summary : '' };
}
