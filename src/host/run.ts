import { agentWorkflow as workflowOnAnyClock, run as runOnAnyClock, runStreamed as runStreamedOnAnyClock } from '../../session/index.js';
import type { Agent, AgentWorkflowOptions as WorkflowOptionsWithClock, Clock, ContextFor, RunInput, RunResult, RunOptions as OptionsWithClock, StreamedRun, Workflow } from '../../session/index.js';
import { systemClock } from './system-clock.js';

interface OnThisMachine {
  /** Default: the machine's own clock. Tests give a manual one. */
  readonly clock?: Clock;
}

export interface RunOptions<Context = unknown> extends Omit<OptionsWithClock<Context>, 'clock' | 'runId'>, OnThisMachine {
  /** By which its events are known; default a random UUID. A run that goes on keeps its own. */
  readonly runId?: string;
}

export interface AgentWorkflowOptions<Context = unknown> extends Omit<WorkflowOptionsWithClock<Context>, 'clock' | 'newRunId'>, OnThisMachine {}

/** They may be left out where the agent has a model of its own and asks for no context. */
type OptionsFor<Context> = unknown extends Context ? readonly [options?: RunOptions<Context>] : readonly [options: RunOptions<Context> & ContextFor<Context>];

/** `runStreamed` of `session/`, with the machine's clock and an id of its own where none is given. */
export function runStreamed<Context, Output>(agent: Agent<Context, Output>, input: RunInput, ...[options]: OptionsFor<Context>): StreamedRun<Context, Output> {
  return runStreamedOnAnyClock(agent, input, onThisMachine(options));
}

/** `run` of `session/`, likewise. */
export function run<Context, Output>(agent: Agent<Context, Output>, input: RunInput, ...[options]: OptionsFor<Context>): Promise<RunResult<Context, Output>> {
  return runOnAnyClock(agent, input, onThisMachine(options));
}

/** `agentWorkflow` of `session/`, likewise. */
export function agentWorkflow<Context>(agent: Agent<Context>, options: AgentWorkflowOptions<Context> & ContextFor<Context>): Workflow {
  return workflowOnAnyClock(agent, { clock: systemClock, newRunId: newId, ...options });
}

function onThisMachine<Context>(options: RunOptions<Context> | undefined): OptionsWithClock<Context> & ContextFor<Context> {
  return { clock: systemClock, runId: newId(), ...options } as OptionsWithClock<Context> & ContextFor<Context>;
}

function newId(): string {
  return globalThis.crypto.randomUUID();
}
