import { describe, expect, it } from 'vitest';
import type { TextModelEvent, TextOutputItem } from '../../../session/index.js';
import { createAnswer, readAnswer, saidSoFar } from '../../../session/run/answer.js';

const message: TextOutputItem = { type: 'message', id: 'm', text: 'Hello there.' };
const call: TextOutputItem = { type: 'function_call', id: 'i', callId: 'c', name: 'look', arguments: '{"a":1}' };
const text = (delta: string, itemId = 'm'): TextModelEvent => ({ type: 'text_delta', itemId, delta });
const done = (output: readonly TextOutputItem[]): TextModelEvent => ({ type: 'response_done', responseId: 'r', status: 'completed', output });

function read(...events: readonly TextModelEvent[]) {
  const draft = createAnswer();
  return { draft, told: events.flatMap((event) => readAnswer(draft, event)) };
}

describe('an answer that comes', () => {
  it('as it should is told as it is', () => {
    const events: TextModelEvent[] = [{ type: 'response_started', responseId: 'r' }, text('Hello '), text('there.'), { type: 'item_done', item: message }, { type: 'raw', name: 'x', raw: 1 }, done([message])];
    expect(read(...events).told).toEqual(events);
  });

  it('in one piece is told in deltas, and each item as done', () => {
    expect(read(done([{ type: 'reasoning', id: 'h', text: 'Hm.' }, message, call])).told).toEqual([
      { type: 'reasoning_delta', itemId: 'h', delta: 'Hm.' },
      { type: 'item_done', item: { type: 'reasoning', id: 'h', text: 'Hm.' } },
      text('Hello there.'),
      { type: 'item_done', item: message },
      { type: 'function_call_started', itemId: 'i', callId: 'c', name: 'look' },
      { type: 'arguments_delta', itemId: 'i', callId: 'c', delta: '{"a":1}' },
      { type: 'item_done', item: call },
      done([{ type: 'reasoning', id: 'h', text: 'Hm.' }, message, call]),
    ]);
  });

  it('with deltas that were not all gets the rest of them; where they were another text, the item is what counts', () => {
    expect(read(text('Hello '), { type: 'item_done', item: message }).told).toEqual([text('Hello '), text('there.'), { type: 'item_done', item: message }]);
    expect(read(text('Hullo '), { type: 'item_done', item: message }).told).toEqual([text('Hullo '), { type: 'item_done', item: message }]);
  });

  it('without its items at the end has those that came before', () => {
    const { draft } = read({ type: 'item_done', item: message }, done([]));
    expect(draft.finished?.output).toEqual([message]);
  });

  it('and is given up has its finished items, and the words of one that was not', () => {
    const { draft } = read({ type: 'item_done', item: call }, text('Half a '), text('sentence'), { type: 'reasoning_delta', itemId: 'h', delta: 'Hm' }, { type: 'arguments_delta', itemId: 'j', callId: 'd', delta: '{"a' });
    expect(saidSoFar(draft)).toEqual([call, { type: 'message', id: 'm', text: 'Half a sentence' }]);
  });
});
