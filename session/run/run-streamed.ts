import type { Agent, AnyAgent } from '../agent/agent.js';
import type { ContextFor, RunInput, RunOptions } from './run-options.js';
import { createRunState } from './run-state.js';
import type { RunState } from './run-state.js';
import { StreamedRun } from './streamed-run.js';

/**
 * Makes a run of an agent; it begins when it is read, or when its end is awaited. With the state of a run that was interrupted, which may have been
 * written as JSON, that run goes on: calls that were approved are run, rejected ones are answered, and those without a decision wait on. Throws `TypeError`
 * for a state that is not one of those, or of an agent that cannot be reached from this one.
 */
export function runStreamed<Context, Output>(agent: Agent<Context, Output>, input: RunInput, options: RunOptions<Context> & ContextFor<Context>): StreamedRun<Context, Output> {
  return createRun(agent, input, options);
}

/** The same for callers who have seen to the context. */
export function createRun<Context, Output>(agent: AnyAgent<Context>, input: RunInput, options: RunOptions<Context>): StreamedRun<Context, Output> {
  if (!isState(input)) return new StreamedRun(agent, createRunState(options.runId, agent.name, input), options);
  if (input.status !== 'interrupted') throw new TypeError(`Only a run that waits can go on, and this one is ${input.status}.`);
  const owner = reachable(agent).find(({ name }) => name === input.agentName);
  if (owner === undefined) throw new TypeError(`The run is ${input.agentName}'s, and ${agent.name} cannot hand over to an agent of that name.`);
  return new StreamedRun(owner, structuredClone(input), options);
}

/** The agent, and all to whom it and they may hand over. */
function reachable<Context>(agent: AnyAgent<Context>): AnyAgent<Context>[] {
  const found = [agent];
  for (const each of found) for (const { to } of each.handoffs) if (!found.includes(to)) found.push(to);
  return found;
}

function isState(input: RunInput): input is RunState {
  return typeof input === 'object' && 'runId' in input;
}
