import { createFlatState, flattenEnd, flattenEvent } from './flat-events.js';
import type { FlatState } from './flat-events.js';
import type { FlatRunEvent, RunEnd, RunEvent } from './run-event.js';

/** A call as a front end shows it. */
export interface AggregatedCall {
  readonly callId: string;
  readonly name: string;
  /** A JSON text, as far as it is known. */
  readonly arguments: string;
  /**
   *      arguing ──▶ running ──▶ ended
   *                     └──▶ waiting (for a person) | given_up (the run has ended before it)
   */
  readonly status: 'arguing' | 'running' | 'ended' | 'waiting' | 'given_up';
  /** What the tool has told last of how far it is. */
  readonly progress?: string | object;
  readonly output?: string;
  readonly outcome?: Extract<FlatRunEvent, { type: 'response.function_call.output' }>['outcome'];
}

/** Everything that is known of a run. Plain data; a new value after each change, in which what has not changed is the same. */
export interface RunAggregate {
  readonly runId: string;
  /** Who has the conversation. */
  readonly agentName: string;
  /** The words of the newest answer, as far as they have come; its messages stand on lines of their own. */
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly AggregatedCall[];
  /** The words of each answer that is over. */
  readonly steps: readonly string[];
  readonly end?: { readonly status: 'completed' | 'cancelled' | 'interrupted' } | { readonly status: 'failed'; readonly error: Extract<FlatRunEvent, { type: 'run.error' }>['error'] };
  /** Of which message the newest words are; empty between two answers. */
  readonly itemId: string;
}

export const EMPTY_AGGREGATE: RunAggregate = { runId: '', agentName: '', text: '', reasoning: '', calls: [], steps: [], itemId: '' };

/** Folds one flat event in. Pure: `events.reduce(aggregateRun, EMPTY_AGGREGATE)`. */
export function aggregateRun(run: RunAggregate, event: FlatRunEvent): RunAggregate {
  switch (event.type) {
    case 'run.start':
      return { ...EMPTY_AGGREGATE, runId: event.runId, agentName: event.agentName };
    case 'run.agent':
      return { ...run, agentName: event.agentName };
    case 'response.text.delta': {
      const before = run.itemId === '' ? '' : run.itemId === event.itemId ? run.text : `${run.text}\n`;
      return { ...run, text: before + event.delta, itemId: event.itemId };
    }
    case 'response.reasoning.delta':
      return { ...run, reasoning: run.reasoning + event.delta };
    case 'response.function_call_arguments.delta': {
      const { callId, name, delta } = event;
      return withCall(run, callId, (call) => ({ ...call, name, arguments: call.arguments + delta }));
    }
    case 'response.function_call.done': {
      const { callId, name, arguments: args } = event;
      return withCall(run, callId, (call) => ({ ...call, name, arguments: args, status: 'running' }));
    }
    case 'response.function_call.progress':
      return withCall(run, event.callId, (call) => ({ ...call, name: event.name, progress: event.update }));
    case 'response.function_call.output': {
      const { callId, name, output, outcome } = event;
      return withCall(run, callId, (call) => ({ ...call, name, output, outcome, status: 'ended' }));
    }
    case 'run.step.done':
      return { ...run, text: event.text, steps: [...run.steps, event.text], itemId: '' };
    case 'run.done':
      return { ...endCalls(run, event.end === 'interrupted' ? 'waiting' : 'given_up'), text: event.text, end: { status: event.end } };
    case 'run.error':
      return { ...endCalls(run, 'given_up'), end: { status: 'failed', error: event.error } };
  }
}

function withCall(run: RunAggregate, callId: string, change: (call: AggregatedCall) => AggregatedCall): RunAggregate {
  const known = run.calls.findLast((call) => call.callId === callId);
  const changed = change(known ?? { callId, name: '', arguments: '', status: 'arguing' });
  return { ...run, calls: known === undefined ? [...run.calls, changed] : run.calls.map((call) => (call === known ? changed : call)) };
}

function endCalls(run: RunAggregate, status: 'waiting' | 'given_up'): RunAggregate {
  if (run.calls.every((call) => call.status === 'ended')) return run;
  return { ...run, calls: run.calls.map((call) => (call.status === 'ended' ? call : { ...call, status })) };
}

/** Folds the events of a run, of either kind, as they come. */
export class RunAggregator {
  #value = EMPTY_AGGREGATE;
  #flat: FlatState | undefined;

  get value(): RunAggregate {
    return this.#value;
  }

  /** Takes an event in, and gives what is known now. */
  add(event: RunEvent | FlatRunEvent): RunAggregate {
    if (!isRunEvent(event)) return this.#fold(event);
    if (this.#flat === undefined) this.#fold({ type: 'run.start', runId: event.info.runId, agentName: event.info.agentName });
    this.#flat ??= createFlatState(event.info.runId);
    for (const each of flattenEvent(this.#flat, event)) this.#fold(each);
    return this.#value;
  }

  /** The end of a run whose events were not flat ones: those tell it themselves. */
  end(end: RunEnd): RunAggregate {
    return this.#fold(flattenEnd(this.#flat ?? createFlatState(this.#value.runId), end));
  }

  #fold(event: FlatRunEvent): RunAggregate {
    this.#value = aggregateRun(this.#value, event);
    return this.#value;
  }
}

function isRunEvent(event: RunEvent | FlatRunEvent): event is RunEvent {
  return 'info' in event;
}
