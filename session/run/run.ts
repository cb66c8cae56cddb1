import type { Agent, AnyAgent } from '../agent/agent.js';
import type { CallCost, SessionUsage } from '../events/usage.js';
import type { RunEnd, RunItem } from './run-event.js';
import type { ContextFor, RunInput, RunOptions } from './run-options.js';
import type { RunState } from './run-state.js';
import { runStreamed } from './run-streamed.js';

/** A run that has ended. */
export interface RunResult<Context = unknown, Output = string> {
  /** `completed` or `interrupted`: with every other end, `run` rejects. */
  readonly end: RunEnd;
  /** Absent when the run waits for a person. */
  readonly finalOutput: Output | undefined;
  /** What it has produced. */
  readonly history: readonly RunItem[];
  readonly usage: SessionUsage;
  readonly cost: CallCost;
  /** Who has the conversation. */
  readonly agent: AnyAgent<Context>;
  readonly state: Readonly<RunState>;
}

/** Runs an agent to its end. Rejects like `finalOutput` of a streamed run, but not for one that waits for a person. */
export async function run<Context, Output>(agent: Agent<Context, Output>, input: RunInput, options: RunOptions<Context> & ContextFor<Context>): Promise<RunResult<Context, Output>> {
  const running = runStreamed(agent, input, options);
  const end = await running.end;
  const finalOutput = end.status === 'interrupted' ? undefined : await running.finalOutput;
  const { history, usage, cost, agent: last, state } = running;
  return { end, finalOutput, history, usage, cost, agent: last, state };
}
