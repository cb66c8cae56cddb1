import type { RealtimeAgent } from '../agent/realtime-agent.js';
import type { AgentProfile } from '../state/handoff-state.js';

/** Agents kept besides the newest: late calls of an agent that has handed over are still its own. */
const MAX_AGENTS = 64;

/** The agents of one session by the ids under which the state knows them. */
export class AgentRoster {
  /** The one that was used last stands last. */
  readonly #known: { readonly agentId: string; readonly agent: RealtimeAgent }[] = [];
  #count = 0;

  /** What the state has to know of an agent; the same agent always has the same id while it is remembered. */
  profile(agent: RealtimeAgent): AgentProfile {
    const at = this.#known.findIndex((each) => each.agent === agent);
    const known = this.#known.splice(at, at === -1 ? 0 : 1)[0] ?? { agentId: `agent_${(this.#count += 1)}`, agent };
    this.#known.push(known);
    if (this.#known.length > MAX_AGENTS) this.#known.shift();
    return {
      agentId: known.agentId,
      name: agent.name,
      ...(agent.instructions === undefined ? {} : { instructions: agent.instructions }),
      ...(agent.voice === undefined ? {} : { voice: agent.voice }),
      tools: [...agent.tools, ...agent.handoffs, ...agent.hostedTools].map(({ definition }) => definition),
    };
  }

  get(agentId: string): RealtimeAgent | undefined {
    return this.#known.find((each) => each.agentId === agentId)?.agent;
  }

  /** Another agent that has a tool of this name. */
  ownerOf(toolName: string): RealtimeAgent | undefined {
    return this.#known.find(({ agent }) => hasTool(agent, toolName))?.agent;
  }
}

export function hasTool(agent: RealtimeAgent, toolName: string): boolean {
  return agent.tools.some(({ name }) => name === toolName) || agent.handoffs.some(({ definition }) => definition.name === toolName);
}
