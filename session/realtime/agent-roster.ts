import type { RealtimeAgent } from '../agent/realtime-agent.js';
import type { AgentProfile } from '../state/handoff-state.js';

/** Agents kept besides the newest: late calls of an agent that has handed over are still its own. */
const MAX_AGENTS = 64;

/** The agents of one session by the ids under which the state knows them. */
export class AgentRoster {
  readonly #byId = new Map<string, RealtimeAgent>();
  readonly #ids = new Map<RealtimeAgent, string>();
  #count = 0;

  /** What the state has to know of an agent; the same agent always has the same id while it is remembered. */
  profile(agent: RealtimeAgent): AgentProfile {
    const agentId = this.#ids.get(agent) ?? `agent_${(this.#count += 1)}`;
    // Newest last, so that what is forgotten is what was not used for longest.
    this.#byId.delete(agentId);
    this.#byId.set(agentId, agent);
    this.#ids.set(agent, agentId);
    if (this.#byId.size > MAX_AGENTS) this.#forgetOldest();
    return {
      agentId,
      name: agent.name,
      ...(agent.instructions === undefined ? {} : { instructions: agent.instructions }),
      ...(agent.voice === undefined ? {} : { voice: agent.voice }),
      tools: [...agent.tools, ...agent.handoffs, ...agent.hostedTools].map(({ definition }) => definition),
    };
  }

  get(agentId: string): RealtimeAgent | undefined {
    return this.#byId.get(agentId);
  }

  /** Another agent that has a tool of this name. */
  ownerOf(toolName: string): RealtimeAgent | undefined {
    return [...this.#byId.values()].find((agent) => hasTool(agent, toolName));
  }

  #forgetOldest(): void {
    for (const [agentId, agent] of this.#byId) {
      this.#byId.delete(agentId);
      this.#ids.delete(agent);
      return;
    }
  }
}

export function hasTool(agent: RealtimeAgent, toolName: string): boolean {
  return agent.tools.some(({ name }) => name === toolName) || agent.handoffs.some(({ definition }) => definition.name === toolName);
}
