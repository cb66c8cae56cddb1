import type { HistoryChange, HistoryItem, ModelInput, ModelItem } from '../../session/index.js';
import type { Random } from './random.js';
import { tone } from './session-harness.js';

/**
 * What a model says of one conversation, as streams: the order within a stream is a promise of the protocol (or of sense: the pieces of a text
 * come in order), the order between streams is not.
 */
export type Streams = readonly (readonly ModelInput[])[];

export function spokenTurn(itemId: string, previousItemId: string | null, words: readonly string[]): Streams {
  const item: ModelItem = { type: 'message', id: itemId, role: 'user', status: 'completed', content: [{ type: 'input_audio', transcript: null }] };
  return [
    [
      { type: 'speech_started', itemId, audioStartMs: 0 },
      { type: 'speech_stopped', itemId, audioEndMs: 900 },
      { type: 'input_committed', itemId, previousItemId },
    ],
    [{ type: 'item_added', item, previousItemId }],
    [{ type: 'item_done', item }],
    [
      ...words.map((word, index): ModelInput => ({ type: 'user_transcript_delta', itemId, contentIndex: 0, delta: index === 0 ? word : ` ${word}` })),
      { type: 'user_transcript', itemId, contentIndex: 0, text: `${words.join(' ')}.`, final: true },
    ],
  ];
}

export function spokenAnswer(responseId: string, itemId: string, previousItemId: string, words: readonly string[]): Streams {
  const begun: ModelItem = { type: 'message', id: itemId, role: 'assistant', status: 'in_progress', content: [] };
  const text = words.join(' ');
  const done: ModelItem = { ...begun, status: 'completed', content: [{ type: 'output_audio', transcript: text }] };
  return [
    [{ type: 'response_created', responseId }],
    [{ type: 'output_item_added', responseId, outputIndex: 0, item: begun }],
    [{ type: 'item_added', item: begun, previousItemId }],
    [
      ...words.map((word, index): ModelInput => ({ type: 'output_text_delta', of: 'audio', responseId, itemId, contentIndex: 0, delta: index === 0 ? word : ` ${word}` })),
      { type: 'output_text_done', of: 'audio', responseId, itemId, contentIndex: 0, text },
    ],
    [
      { type: 'audio_delta', responseId, itemId, contentIndex: 0, bytes: tone(100) },
      { type: 'audio_done', responseId, itemId, contentIndex: 0 },
    ],
    [{ type: 'item_done', item: done }],
    [{ type: 'output_item_done', responseId, outputIndex: 0, item: done }],
    [{ type: 'response_done', responseId, status: 'completed', output: [done] }],
  ];
}

export function toolCall(responseId: string, itemId: string, previousItemId: string): Streams {
  const begun: ModelItem = { type: 'function_call', id: itemId, callId: `call_${itemId}`, name: 'find', arguments: '', status: 'in_progress' };
  const done: ModelItem = { ...begun, arguments: '{"q":1}', status: 'completed' };
  const output: ModelItem = { type: 'function_call_output', id: `${itemId}_output`, callId: begun.callId, output: '42' };
  return [
    [{ type: 'response_created', responseId }],
    [{ type: 'output_item_added', responseId, outputIndex: 0, item: begun }],
    [{ type: 'item_added', item: begun, previousItemId }],
    [
      { type: 'arguments_delta', responseId, itemId, callId: begun.callId, delta: '{"q"' },
      { type: 'arguments_delta', responseId, itemId, callId: begun.callId, delta: ':1}' },
      { type: 'arguments_done', responseId, itemId, callId: begun.callId, name: 'find', arguments: '{"q":1}' },
    ],
    [{ type: 'item_done', item: done }],
    [{ type: 'output_item_done', responseId, outputIndex: 0, item: done }],
    [{ type: 'response_done', responseId, status: 'completed', output: [done] }],
    [{ type: 'item_added', item: output, previousItemId: itemId }],
    [{ type: 'item_done', item: output }],
  ];
}

/** A call: speech, an answer, speech, a tool call and its output, the answer to that, something typed, an answer that is cut short by the model. */
export function wholeCall(): Streams {
  const cut: ModelItem = { type: 'message', id: 'a3', role: 'assistant', status: 'incomplete', content: [{ type: 'output_audio', transcript: 'Well I' }] };
  const typed: ModelItem = { type: 'message', id: 't1', role: 'user', status: 'completed', content: [{ type: 'input_text', text: 'Thanks' }, { type: 'input_image' }] };
  return [
    ...spokenTurn('u1', null, ['Hello', 'there']),
    ...spokenAnswer('r1', 'a1', 'u1', ['Good', 'morning', 'to', 'you']),
    ...spokenTurn('u2', 'a1', ['Find', 'it']),
    ...toolCall('r2', 'f1', 'u2'),
    ...spokenAnswer('r3', 'a2', 'f1_output', ['Forty', 'two']),
    [{ type: 'item_added', item: typed, previousItemId: 'a2' }],
    [{ type: 'item_done', item: typed }],
    [{ type: 'response_created', responseId: 'r4' }],
    [{ type: 'item_added', item: { ...cut, status: 'in_progress', content: [] }, previousItemId: 't1' }],
    [{ type: 'output_text_delta', of: 'audio', responseId: 'r4', itemId: 'a3', contentIndex: 0, delta: 'Well I' }],
    [{ type: 'item_done', item: cut }],
    [{ type: 'output_item_done', responseId: 'r4', outputIndex: 0, item: cut }],
    [{ type: 'response_done', responseId: 'r4', status: 'cancelled', reason: 'turn_detected', output: [cut] }],
  ];
}

/** One of the orders in which the streams may come, each of their events drawn twice with the chance `doubled`. */
export function interleave(rng: Random, streams: Streams, doubled = 0): ModelInput[] {
  const rest = streams.map((stream) => [...stream]);
  const inputs: ModelInput[] = [];
  for (let left = rest.filter((stream) => stream.length > 0); left.length > 0; left = rest.filter((stream) => stream.length > 0)) {
    const input = rng.pick(left).shift() as ModelInput;
    inputs.push(input);
    const pieces = input.type.endsWith('_delta');
    if (!pieces && rng.next() < doubled) inputs.push(input);
  }
  return inputs;
}

/** What a list becomes that follows the change sets. Throws for a change that does not fit what was told before. */
export function applyChanges(changes: readonly HistoryChange[], built: HistoryItem[] = []): HistoryItem[] {
  const indexOf = (itemId: string): number => {
    const index = built.findIndex((item) => item.itemId === itemId);
    if (index === -1) throw new Error(`No item ${itemId} was told of.`);
    return index;
  };
  for (const change of changes) {
    if (change.op === 'insert') {
      if (built.some(({ itemId }) => itemId === change.item.itemId)) throw new Error(`Item ${change.item.itemId} was put in twice.`);
      built.splice(change.afterItemId === null ? 0 : indexOf(change.afterItemId) + 1, 0, change.item);
    } else if (change.op === 'update') built[indexOf(change.item.itemId)] = change.item;
    else built.splice(indexOf(change.itemId), 1);
  }
  return built;
}
