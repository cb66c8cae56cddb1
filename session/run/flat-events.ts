import { toldError } from '../error-text.js';
import type { FlatRunEvent, RunEnd, RunEvent } from './run-event.js';

/** What the flat view has to remember of a run. Plain data. */
export interface FlatState {
  readonly runId: string;
  step: number;
  /** The words of the newest answer; its messages stand on lines of their own. */
  text: string;
  itemId?: string;
  /** The tools that calls are for. */
  readonly names: Map<string, string>;
}

export function createFlatState(runId: string): FlatState {
  return { runId, step: 0, text: '', names: new Map() };
}

/** A run's event as flat events: none, one or several. Pure but for `state`, which it takes over. */
export function flattenEvent(state: FlatState, event: RunEvent): FlatRunEvent[] {
  const { runId } = state;
  switch (event.type) {
    case 'raw_response_event':
      return flattenModelEvent(state, event.data);
    case 'run_item_stream_event': {
      const { item } = event;
      if (item.type !== 'function_call_output') return [];
      const { callId, name, output, outcome } = item;
      return [{ type: 'response.function_call.output', runId, callId, name, output, outcome }];
    }
    case 'agent_updated_stream_event':
      return [{ type: 'run.agent', runId, agentName: event.newAgent }];
    case 'tool_progress_stream_event':
      return [{ type: 'response.function_call.progress', runId, callId: event.callId, name: event.name, update: event.update }];
  }
}

/** The last flat event of a run. */
export function flattenEnd({ runId, text }: FlatState, end: RunEnd): FlatRunEvent {
  switch (end.status) {
    case 'completed':
    case 'interrupted':
      return { type: 'run.done', runId, text, end: end.status };
    case 'cancelled':
      if (end.by !== 'timeout') return { type: 'run.done', runId, text, end: end.status };
      return { type: 'run.error', runId, error: { code: 'RUN_TIMEOUT', message: 'The run took longer than it may.' } };
    case 'failed':
      return { type: 'run.error', runId, error: toldError(end.error) };
  }
}

function flattenModelEvent(state: FlatState, event: Extract<RunEvent, { type: 'raw_response_event' }>['data']): FlatRunEvent[] {
  const { runId, names } = state;
  switch (event.type) {
    case 'response_started':
      state.text = '';
      return [];
    case 'text_delta':
      if (state.text !== '' && state.itemId !== event.itemId) state.text += '\n';
      state.itemId = event.itemId;
      state.text += event.delta;
      return [{ type: 'response.text.delta', runId, itemId: event.itemId, delta: event.delta }];
    case 'reasoning_delta':
      return [{ type: 'response.reasoning.delta', runId, itemId: event.itemId, delta: event.delta }];
    case 'function_call_started':
      names.set(event.callId, event.name);
      return [];
    case 'arguments_delta':
      return [{ type: 'response.function_call_arguments.delta', runId, callId: event.callId, name: names.get(event.callId) ?? '', delta: event.delta }];
    case 'item_done': {
      const { item } = event;
      return item.type === 'function_call' ? [{ type: 'response.function_call.done', runId, callId: item.callId, name: item.name, arguments: item.arguments }] : [];
    }
    case 'response_done':
      state.step += 1;
      return [{ type: 'run.step.done', runId, step: state.step, text: state.text }];
    case 'raw':
      return [];
  }
}
