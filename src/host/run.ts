import { run as runOnAnyClock, runStreamed as runStreamedOnAnyClock } from '../../session/index.js';
import type { Agent, Clock, RunInput, RunResult, RunOptions as OptionsWithClock, StreamedRun } from '../../session/index.js';
import { systemClock } from './system-clock.js';

/** `clock`: default the machine's own; tests give a manual one. `runId`: default a random UUID, or that of the run that goes on. */
export type RunOptions<Context> = Omit<OptionsWithClock<Context>, 'clock' | 'runId' | 'context'> & Pick<OptionsWithClock<Context>, 'context'> & { readonly clock?: Clock; readonly runId?: string };

/** Whether options may be left out: not where the agent asks for a context. */
type Given<Context> = unknown extends Context ? readonly [options?: RunOptions<Context>] : readonly [options: RunOptions<Context>];

/** `runStreamed` of `session/`, with the machine's clock and an id of its own where none is given. */
export function runStreamed<Context, Output>(agent: Agent<Context, Output>, input: RunInput, ...[options]: Given<Context>): StreamedRun<Context, Output> {
  return runStreamedOnAnyClock(agent, input, onThisMachine(options));
}

/** `run` of `session/`, likewise. */
export function run<Context, Output>(agent: Agent<Context, Output>, input: RunInput, ...[options]: Given<Context>): Promise<RunResult<Context, Output>> {
  return runOnAnyClock(agent, input, onThisMachine(options));
}

function onThisMachine<Context>(options: RunOptions<Context> | undefined): OptionsWithClock<Context> {
  return { clock: systemClock, runId: globalThis.crypto.randomUUID(), ...options } as OptionsWithClock<Context>;
}
