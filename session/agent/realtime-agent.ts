import type { HistoryItem } from '../events/history-item.js';
import type { ModelFunctionTool } from '../ports/model.js';
import type { HostedMcpTool } from './hosted-mcp-tool.js';
import type { Tool } from './tool.js';

export interface RealtimeAgentOptions {
  readonly name: string;
  /** What the model is told to be and do. */
  readonly instructions?: string;
  /** Functions made by `tool()`, and MCP servers by `hostedMcpTool()`. */
  readonly tools?: readonly (Tool | HostedMcpTool)[];
  /** A voice of the provider; it cannot change once the agent has spoken. */
  readonly voice?: string;
  /**
   * To whom this agent may hand the conversation over: each becomes a tool `transfer_to_<name>`. A function is asked once, when the agent first
   * takes part in a session: so two agents can name each other.
   */
  readonly handoffs?: readonly (RealtimeAgent | Handoff)[] | (() => readonly (RealtimeAgent | Handoff)[]);
}

/** Who speaks: a name, instructions, tools and hand-offs. It holds no connection and may serve many sessions at once. */
export class RealtimeAgent {
  readonly name: string;
  readonly instructions: string | undefined;
  /** What the session runs. */
  readonly tools: readonly Tool[];
  /** What the model's provider runs. */
  readonly hostedTools: readonly HostedMcpTool[];
  readonly voice: string | undefined;
  readonly #handoffsGiven: NonNullable<RealtimeAgentOptions['handoffs']>;
  #handoffs: readonly Handoff[] | undefined;

  constructor(options: RealtimeAgentOptions) {
    if (options.name.trim() === '') throw new TypeError('An agent needs a name.');
    const all = options.tools ?? [];
    this.tools = all.filter(isFunction);
    this.hostedTools = all.filter((tool): tool is HostedMcpTool => !isFunction(tool));
    this.name = options.name;
    this.instructions = options.instructions;
    this.voice = options.voice;
    this.#handoffsGiven = options.handoffs ?? [];
    refuseTwins(this.name, [...this.tools.map(({ name }) => name), ...this.hostedTools.map(({ definition }) => `mcp:${definition.serverLabel}`)]);
    if (typeof this.#handoffsGiven !== 'function') this.#handoffs = this.#resolve(this.#handoffsGiven);
  }

  /** Throws `TypeError` when two of them, or one and a tool, have the same tool name. */
  get handoffs(): readonly Handoff[] {
    this.#handoffs ??= this.#resolve(typeof this.#handoffsGiven === 'function' ? this.#handoffsGiven() : this.#handoffsGiven);
    return this.#handoffs;
  }

  #resolve(given: readonly (RealtimeAgent | Handoff)[]): readonly Handoff[] {
    const handoffs = given.map((each) => (each instanceof RealtimeAgent ? handoff({ to: each }) : each));
    refuseTwins(this.name, [...this.tools, ...handoffs.map(({ definition }) => definition)].map(({ name }) => name));
    return handoffs;
  }
}

// ---- hand-offs ----

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

export interface HandoffOptions {
  readonly to: RealtimeAgent;
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
export interface Handoff {
  readonly to: RealtimeAgent;
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
export function handoff(options: HandoffOptions): Handoff {
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

function refuseTwins(agentName: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new TypeError(`Agent ${agentName} has two tools of the name ${name}.`);
    seen.add(name);
  }
}

function isFunction(tool: Tool | HostedMcpTool): tool is Tool {
  return 'parse' in tool;
}
