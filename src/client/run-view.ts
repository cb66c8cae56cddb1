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

/** One piece of what an agent does, in the order in which the pieces began. */
export type RunPart =
  | { readonly type: 'text'; readonly itemId: string; readonly text: string }
  | { readonly type: 'reasoning'; readonly itemId: string; readonly text: string }
  | { readonly type: 'call'; readonly call: RunCall }
  /** Another agent has taken over. */
  | { readonly type: 'agent'; readonly agentName: string };

/** `idle`: none was begun. `stopping`: it was asked to stop and has not ended yet. The last four are ends. */
export type RunStatus = 'idle' | 'connecting' | 'running' | 'reconnecting' | 'stopping' | 'completed' | 'cancelled' | 'interrupted' | 'failed';

/** What a person sees of a run at a moment. Plain data. */
export interface RunView {
  readonly status: RunStatus;
  readonly runId?: string;
  readonly agentName?: string;
  readonly parts: readonly RunPart[];
  /** How many of the parts belong to answers that are done. */
  readonly settledParts: number;
  /** Events that were lost on the way: something may be missing until the answer is done. */
  readonly lostEvents: number;
  readonly error?: RunProblem;
}

export const EMPTY_RUN: RunView = { status: 'idle', parts: [], settledParts: 0, lostEvents: 0 };

/** Whether a run is on. */
export function isRunActive({ status }: RunView): boolean {
  return status === 'connecting' || status === 'running' || status === 'reconnecting' || status === 'stopping';
}

/** What the agent has said so far, or has reasoned: an empty line between two pieces. */
export function runText({ parts }: RunView, type: 'text' | 'reasoning' = 'text'): string {
  return parts.flatMap((part) => (part.type === type && part.text !== '' ? [part.text] : [])).join('\n\n');
}

/** All tool calls so far, in order. */
export function runCalls({ parts }: RunView): readonly RunCall[] {
  return parts.flatMap((part) => (part.type === 'call' ? [part.call] : []));
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
      // A run tells who begins as well: that one has not taken over from anybody.
      if (event.agentName === view.agentName) return view;
      return { ...view, agentName: event.agentName, parts: [...view.parts, { type: 'agent', agentName: event.agentName }] };
    case 'response.text.delta':
      return withDelta(view, 'text', event.itemId, event.delta);
    case 'response.reasoning.delta':
      return withDelta(view, 'reasoning', event.itemId, event.delta);
    case 'response.function_call_arguments.delta': {
      const known = callOf(view, event);
      return withCall(view, { ...known, arguments: known.arguments + event.delta, state: 'asking' });
    }
    case 'response.function_call.done':
      return withCall(view, { ...callOf(view, event), arguments: event.arguments, state: 'running' });
    case 'response.function_call.progress':
      return withCall(view, { ...callOf(view, event), progress: event.update });
    case 'response.function_call.output':
      return withCall(view, { ...callOf(view, event), state: 'done', output: event.output, outcome: event.outcome });
    case 'run.step.done':
      return withStep(view, event.text);
    case 'run.done':
      return { ...view, status: event.end };
    case 'run.error':
      return { ...view, status: 'failed', error: event.error };
    case 'end':
      return event.reason === 'done' ? { ...view, status: 'completed' } : event.reason === 'stopped' ? { ...view, status: 'cancelled' } : { ...view, status: 'failed', error: END_PROBLEMS[event.reason] };
  }
}

/** What a server means that ends a run by itself. */
const END_PROBLEMS: Readonly<Record<Exclude<Extract<RunStreamEvent, { readonly type: 'end' }>['reason'], 'done' | 'stopped'>, RunProblem>> = {
  disconnected: { code: 'RUN_STREAM_LOST', message: 'The server gave the run up, because nobody read it for a while.', hint: 'Ask again.' },
  timeout: { code: 'RUN_STREAM_LOST', message: 'The run took longer than the server allows.', hint: 'Ask for less at once.' },
  closing: { code: 'GATEWAY_CLOSING', message: 'The server went away during the run.', hint: 'Ask again in a moment.' },
  failed: { code: 'RUN_STREAM_LOST', message: 'The run failed.', hint: 'The log of the server says why.' },
};

function withDelta(view: RunView, type: 'text' | 'reasoning', itemId: string, delta: string): RunView {
  const at = view.parts.findIndex((part, index) => index >= view.settledParts && part.type === type && part.itemId === itemId);
  const known = view.parts[at];
  return { ...view, parts: withPart(view.parts, at, { type, itemId, text: known?.type === type ? known.text + delta : delta }) };
}

/** An answer is done and its whole text is known: what a gap has taken out of it is there again. */
function withStep(view: RunView, text: string): RunView {
  const settled = view.parts.slice(0, view.settledParts);
  const step = view.parts.slice(view.settledParts);
  const said = step.map((part) => (part.type === 'text' ? part.text : '')).join('');
  if (said === text || runText({ ...view, parts: step }) === text) return { ...view, settledParts: view.parts.length };
  const first = step.find((part) => part.type === 'text');
  const whole: RunPart = { type: 'text', itemId: first?.itemId ?? '', text };
  const mended = first === undefined ? [...step, whole] : step.flatMap((part): readonly RunPart[] => (part === first ? [whole] : part.type === 'text' ? [] : [part]));
  return { ...view, parts: [...settled, ...mended], settledParts: settled.length + mended.length };
}

function callOf(view: RunView, { callId, name }: { readonly callId: string; readonly name: string }): RunCall {
  return runCalls(view).find((call) => call.callId === callId) ?? { callId, name, arguments: '', state: 'running' };
}

function withCall(view: RunView, call: RunCall): RunView {
  const at = view.parts.findIndex((part) => part.type === 'call' && part.call.callId === call.callId);
  return { ...view, parts: withPart(view.parts, at, { type: 'call', call }) };
}

/** `at` below 0 puts it at the end. */
function withPart(parts: readonly RunPart[], at: number, part: RunPart): readonly RunPart[] {
  return at < 0 ? [...parts, part] : parts.map((each, index) => (index === at ? part : each));
}
