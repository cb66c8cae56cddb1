import { handoff } from './handoff.js';
import type { Handoff } from './handoff.js';
import type { HostedMcpTool } from './hosted-mcp-tool.js';
import { refuseTwins } from './refuse-twins.js';
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
  readonly handoffs?: readonly (RealtimeAgent | Handoff<RealtimeAgent>)[] | (() => readonly (RealtimeAgent | Handoff<RealtimeAgent>)[]);
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
  #handoffs: readonly Handoff<RealtimeAgent>[] | undefined;

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
  get handoffs(): readonly Handoff<RealtimeAgent>[] {
    this.#handoffs ??= this.#resolve(typeof this.#handoffsGiven === 'function' ? this.#handoffsGiven() : this.#handoffsGiven);
    return this.#handoffs;
  }

  #resolve(given: readonly (RealtimeAgent | Handoff<RealtimeAgent>)[]): readonly Handoff<RealtimeAgent>[] {
    const handoffs = given.map((each) => (each instanceof RealtimeAgent ? handoff({ to: each }) : each));
    refuseTwins(this.name, [...this.tools, ...handoffs.map(({ definition }) => definition)].map(({ name }) => name));
    return handoffs;
  }
}

function isFunction(tool: Tool | HostedMcpTool): tool is Tool {
  return 'parse' in tool;
}
