import type { Stream } from '../stream/channel.js';
import { operator } from '../stream/operator.js';
import { filter } from '../stream/transform.js';
import type { FlatRunEvent, RunEvent, RunItemEventName } from './run-event.js';

/** The words of a run's answers as they come, from either view of it. */
export function onlyText(events: AsyncIterable<RunEvent | FlatRunEvent>): Stream<string> {
  return operator<RunEvent | FlatRunEvent, string>(events, (outlet) => ({
    onValue(event) {
      if (event.type === 'response.text.delta') outlet.push(event.delta);
      else if (event.type === 'raw_response_event' && event.data.type === 'text_delta') outlet.push(event.data.delta);
    },
  }));
}

type ItemEvent = Extract<RunEvent, { readonly type: 'run_item_stream_event' }>;

/** What a run has produced: items of these names, or all. */
export function onlyItems(events: AsyncIterable<RunEvent>, ...names: readonly RunItemEventName[]): Stream<ItemEvent> {
  return filter(events, (event): event is ItemEvent => event.type === 'run_item_stream_event' && (names.length === 0 || names.includes(event.name)));
}

type ToolEvent = Extract<FlatRunEvent, { readonly type: `response.function_call${string}` }>;

/** What tells of tools in the flat view: their arguments, calls, progress and outputs. */
export function onlyTools(events: AsyncIterable<FlatRunEvent>): Stream<ToolEvent> {
  return filter(events, (event): event is ToolEvent => event.type.startsWith('response.function_call'));
}
