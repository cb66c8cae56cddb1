import type { ModelInput, ModelItem } from '../../session/index.js';
import type { Harness } from './session-harness.js';

export type Call = readonly [callId: string, name: string, argumentsJson: string];

export function callItem(callId: string, name: string, json: string, status: 'in_progress' | 'completed' | 'incomplete'): ModelItem {
  return { type: 'function_call', id: `item_${callId}`, callId, name, arguments: json, status };
}

/** The model calls tools in one response. */
export function calls(responseId: string, ...list: readonly Call[]): ModelInput[] {
  return [
    { type: 'response_created', responseId },
    ...list.flatMap((call, outputIndex) => oneCall(responseId, outputIndex, call)),
    { type: 'response_done', responseId, status: 'completed', output: list.map(([callId, name, json]) => callItem(callId, name, json, 'completed')) },
  ];
}

/** One call of a response, from its item to its end. */
export function oneCall(responseId: string, outputIndex: number, [callId, name, json]: Call): ModelInput[] {
  return [
    { type: 'output_item_added', responseId, outputIndex, item: callItem(callId, name, '', 'in_progress') },
    { type: 'arguments_delta', responseId, itemId: `item_${callId}`, callId, delta: json },
    { type: 'arguments_done', responseId, itemId: `item_${callId}`, callId, name, arguments: json },
    { type: 'output_item_done', responseId, outputIndex, item: callItem(callId, name, json, 'completed') },
  ];
}

/** What the model was given for each call, in order, by call id. */
export function outputsOf({ model }: Harness): [callId: string, output: unknown][] {
  return model.commandsOf('create_item').flatMap(({ item }) => (item.type === 'function_call_output' ? [[item.callId, JSON.parse(item.output) as unknown] as [string, unknown]] : []));
}

export function outputs(harness: Harness): Record<string, unknown> {
  return Object.fromEntries(outputsOf(harness));
}
