import { assertNever } from '../../session/index.js';
import type { FlatRunEvent } from '../../session/index.js';
import type { TypedEvent } from './run.js';
import { isTerminal } from './terminal-event.js';
import type { TerminalEndEvent, TerminalErrorEvent } from './terminal-event.js';

/** A run in the words of front ends that show an agent's work step by step. One step is one answer of the model and the tools that it called. */
export type StepEvent =
  | { readonly type: 'AGENT_START'; readonly runId: string; readonly agentName: string }
  /** `end`: `handoff` when another agent goes on. */
  | { readonly type: 'AGENT_FINISH'; readonly runId: string; readonly agentName: string; readonly end: 'completed' | 'cancelled' | 'interrupted' | 'handoff' | 'failed'; readonly text?: string }
  | { readonly type: 'STEP_START'; readonly runId: string; readonly step: number }
  | { readonly type: 'STEP_FINISH'; readonly runId: string; readonly step: number; readonly text: string }
  | { readonly type: 'TOOL_CALL_START'; readonly runId: string; readonly callId: string; readonly name: string; readonly arguments: string }
  | { readonly type: 'TOOL_CALL_FINISH'; readonly runId: string; readonly callId: string; readonly name: string; readonly output: string; readonly outcome: 'ok' | 'error' | 'cancelled' | 'unsettled' | 'rejected' }
  | { readonly type: 'LLM_CHUNK'; readonly runId: string; readonly itemId: string; readonly text: string }
  | { readonly type: 'THINKING'; readonly runId: string; readonly itemId: string; readonly text: string }
  | { readonly type: 'PROGRESS'; readonly runId: string; readonly callId: string; readonly name: string; readonly update: string | object }
  | { readonly type: 'ERROR'; readonly runId: string; readonly code: string; readonly message: string; readonly hint?: string };

/** Where a run is: plain data. An agent's name is there while its `AGENT_FINISH` is owed, a step's text while its `STEP_FINISH` is. */
export interface StepDialectState {
  readonly agentName?: string;
  /** Counts from 1. */
  readonly step: number;
  readonly text?: string;
}

export const STEP_DIALECT_START: StepDialectState = { step: 0 };

interface Translation {
  readonly state: StepDialectState;
  readonly events: readonly (StepEvent | TerminalEndEvent)[];
}

/**
 * Puts one event of a run into these words: none, one or several. Whatever the end, what was started is finished, and `end` is last. A step begins with the first
 * thing that the model says in it; what its tools tell after its `run.step.done` belongs to no new one.
 */
export function translateToSteps(state: StepDialectState, event: FlatRunEvent | TerminalErrorEvent | TerminalEndEvent): Translation {
  switch (event.type) {
    case 'run.start':
    case 'run.agent':
      return beginAgent(state, event.runId, event.agentName);
    case 'response.text.delta':
      return inStep(state, event.runId, { type: 'LLM_CHUNK', runId: event.runId, itemId: event.itemId, text: event.delta }, event.delta);
    case 'response.reasoning.delta':
      return inStep(state, event.runId, { type: 'THINKING', runId: event.runId, itemId: event.itemId, text: event.delta });
    case 'response.function_call_arguments.delta':
      return inStep(state, event.runId);
    case 'response.function_call.done':
      return inStep(state, event.runId, { type: 'TOOL_CALL_START', runId: event.runId, callId: event.callId, name: event.name, arguments: event.arguments });
    case 'response.function_call.progress':
      return { state, events: [{ ...event, type: 'PROGRESS' }] };
    case 'response.function_call.output':
      return { state, events: [{ ...event, type: 'TOOL_CALL_FINISH' }] };
    case 'run.step.done': {
      const open = inStep(state, event.runId);
      const { text: _, ...closed } = open.state;
      return { state: { ...closed, step: event.step }, events: [...open.events, { type: 'STEP_FINISH', runId: event.runId, step: event.step, text: event.text }] };
    }
    case 'run.done':
      return { state: { step: state.step }, events: [...finish(state, event.runId, event.end, event.text), { type: 'end', runId: event.runId, reason: event.end === 'cancelled' ? 'stopped' : 'done' }] };
    case 'run.error': {
      const { runId = '', error } = event;
      return { state: { step: state.step }, events: [{ type: 'ERROR', runId, ...error }, ...finish(state, runId, 'failed'), { type: 'end', runId, reason: 'failed' }] };
    }
    case 'end':
      return { state: { step: state.step }, events: [...finish(state, event.runId ?? '', event.reason === 'done' ? 'completed' : 'cancelled'), event] };
    default:
      return assertNever(event);
  }
}

/** A translator for one run, as a {@link RunDesk} takes it. What is not of a flat run goes through as it is. */
export function stepTranslator(): (event: TypedEvent) => readonly TypedEvent[] {
  let state = STEP_DIALECT_START;
  return (event) => {
    if (!isFlat(event)) return [event];
    const translation = translateToSteps(state, event);
    state = translation.state;
    return translation.events;
  };
}

function beginAgent(state: StepDialectState, runId: string, agentName: string): Translation {
  if (state.agentName === agentName) return { state, events: [] };
  return { state: { agentName, step: state.step }, events: [...finish(state, runId, 'handoff'), { type: 'AGENT_START', runId, agentName }] };
}

function inStep(state: StepDialectState, runId: string, event?: StepEvent, words = ''): Translation {
  const opens: StepEvent[] = state.text === undefined ? [{ type: 'STEP_START', runId, step: state.step + 1 }] : [];
  const step = state.text === undefined ? state.step + 1 : state.step;
  return { state: { ...state, step, text: (state.text ?? '') + words }, events: event === undefined ? opens : [...opens, event] };
}

function finish(state: StepDialectState, runId: string, end: Extract<StepEvent, { type: 'AGENT_FINISH' }>['end'], text?: string): StepEvent[] {
  const step: StepEvent[] = state.text === undefined ? [] : [{ type: 'STEP_FINISH', runId, step: state.step, text: state.text }];
  if (state.agentName === undefined) return step;
  return [...step, { type: 'AGENT_FINISH', runId, agentName: state.agentName, end, ...(text === undefined ? {} : { text }) }];
}

function isFlat(event: TypedEvent): event is FlatRunEvent | TerminalErrorEvent | TerminalEndEvent {
  return isTerminal(event.type) || event.type.startsWith('response.') || event.type === 'run.start' || event.type === 'run.agent' || event.type === 'run.step.done';
}
