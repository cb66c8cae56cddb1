import type { RunStreamEvent } from './run-stream.js';

/** What went wrong, for people and for code: a `VoicewireError`, or what the server said of the run. */
export interface RunProblem {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** A tool call as far as it is known. */
export interface RunCall {
  readonly callId: string;
  readonly name: string;
  /** A JSON text; grows while `state` is `asking`. */
  readonly arguments: string;
  readonly state: 'asking' | 'running' | 'done';
  /** The last word of a tool that tells how far it is. */
  readonly progress?: string | object;
  readonly output?: string;
  readonly outcome?: 'ok' | 'error' | 'cancelled' | 'unsettled' | 'rejected';
}

/** `idle`: none was begun. `stopping`: it was asked to stop and has not ended yet. The last four are ends. */
export type RunStatus = 'idle' | 'connecting' | 'running' | 'reconnecting' | 'stopping' | 'completed' | 'cancelled' | 'interrupted' | 'failed';

/** What a person sees of a run at a moment. */
export interface RunView {
  readonly status: RunStatus;
  readonly runId?: string;
  readonly agentName?: string;
  /** What the agent has said in all its answers, an empty line between two. */
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly RunCall[];
  /** Events that were lost on the way: something may be missing until the answer is done. */
  readonly lostEvents: number;
  readonly error?: RunProblem;
  /** The part of `text` that belongs to answers that are done. */
  readonly settledText: string;
}

export const EMPTY_RUN: RunView = { status: 'idle', text: '', reasoning: '', calls: [], lostEvents: 0, settledText: '' };

/** Whether a run is on. */
export function isRunActive({ status }: RunView): boolean {
  return status === 'connecting' || status === 'running' || status === 'reconnecting' || status === 'stopping';
}

/** The view after one more event. Neither is changed. */
export function foldRunEvent(view: RunView, event: RunStreamEvent): RunView {
  switch (event.type) {
    case 'connection':
      // A run that is being stopped is so also while its events are out of reach.
      return view.status === 'stopping' ? view : { ...view, status: event.state === 'open' ? 'running' : 'reconnecting' };
    case 'gap':
      return { ...view, lostEvents: view.lostEvents + event.to - event.from + 1 };
    case 'run.start':
      return { ...view, runId: event.runId, agentName: event.agentName };
    case 'run.agent':
      return { ...view, agentName: event.agentName };
    case 'response.text.delta': {
      const first = view.text === view.settledText && view.settledText !== '';
      return { ...view, text: view.text + (first ? '\n\n' : '') + event.delta };
    }
    case 'response.reasoning.delta':
      return { ...view, reasoning: view.reasoning + event.delta };
    case 'run.step.done': {
      // The whole text of the answer: what a gap has taken out of it is there again.
      const text = [view.settledText, event.text].filter((part) => part !== '').join('\n\n');
      return { ...view, text, settledText: text };
    }
    case 'response.function_call_arguments.delta': {
      const known = view.calls.find(({ callId }) => callId === event.callId);
      return withCall(view, { callId: event.callId, name: event.name, arguments: (known?.arguments ?? '') + event.delta, state: 'asking' });
    }
    case 'response.function_call.done':
      return withCall(view, { callId: event.callId, name: event.name, arguments: event.arguments, state: 'running' });
    case 'response.function_call.progress':
      return withCall(view, { ...callOf(view, event), progress: event.update });
    case 'response.function_call.output':
      return withCall(view, { ...callOf(view, event), state: 'done', output: event.output, outcome: event.outcome });
    case 'run.done':
      return { ...view, status: event.end };
    case 'run.error':
      return { ...view, status: 'failed', error: event.error };
  }
}

function callOf(view: RunView, { callId, name }: { readonly callId: string; readonly name: string }): RunCall {
  return view.calls.find((call) => call.callId === callId) ?? { callId, name, arguments: '', state: 'running' };
}

function withCall(view: RunView, call: RunCall): RunView {
  const known = view.calls.some(({ callId }) => callId === call.callId);
  return { ...view, calls: known ? view.calls.map((each) => (each.callId === call.callId ? call : each)) : [...view.calls, call] };
}
