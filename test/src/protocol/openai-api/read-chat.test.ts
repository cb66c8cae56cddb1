import { describe, expect, it } from 'vitest';
import { ChatReader } from '../../../../src/protocol/openai-api/read-chat.js';
import { StreamError } from '../../../../src/protocol/openai-api/answer-reader.js';
import type { TextModelEvent, TextOutputItem } from '../../../../session/index.js';

type Delta = Record<string, unknown>;

/** What a server's deltas become, and how the answer ends. */
function answer(deltas: readonly Delta[], options: { taken?: string[]; finish?: string | null; by?: 'done' | 'eof'; id?: string } = {}): TextModelEvent[] {
  const { taken = [], finish = 'stop', by = 'done', id = 'r1' } = options;
  let made = 0;
  const reader = new ChatReader(() => `made-${(made += 1)}`, new Set(taken));
  return [
    ...deltas.flatMap((delta) => reader.read({ id, choices: [{ index: 0, delta, finish_reason: null }] })),
    ...reader.read({ id, choices: [{ index: 0, delta: {}, finish_reason: finish }] }),
    ...reader.end(by),
  ];
}

function outputOf(events: readonly TextModelEvent[]): readonly TextOutputItem[] {
  const end = events.at(-1);
  return end?.type === 'response_done' ? end.output : [];
}

function callsOf(events: readonly TextModelEvent[]): string[] {
  return outputOf(events).flatMap((item) => (item.type === 'function_call' ? [`${item.callId} ${item.name}(${item.arguments})`] : []));
}

const call = (members: Delta, name?: string, args?: unknown): Delta => ({ ...members, function: { ...(name === undefined ? {} : { name }), ...(args === undefined ? {} : { arguments: args }) } });

describe('chunks of chat completions', () => {
  it.each<[string, Delta[][], string[]]>([
    ['by index, in turns', [[call({ index: 0, id: 'a' }, 'f', '')], [call({ index: 1, id: 'b' }, 'g', '')], [call({ index: 0 }, undefined, '{"x"')], [call({ index: 1 }, undefined, '{}')], [call({ index: 0 }, undefined, ':1}')]], ['a f({"x":1})', 'b g({})']],
    ['all with index 0 and ids of their own', [[call({ index: 0, id: 'a' }, 'f', '{"x":1}')], [call({ index: 0, id: 'b' }, 'g', '{"y":2}')]], ['a f({"x":1})', 'b g({"y":2})']],
    ['with ids alone', [[call({ id: 'a' }, 'f', '{"x":1}')], [call({ id: 'b' }, 'g', '{}')]], ['a f({"x":1})', 'b g({})']],
    ['with names alone, one after the other', [[call({}, 'f', '{"x":1}')], [call({}, 'f', '{"x":2}')]], ['r1-call-0 f({"x":1})', 'r1-call-1 f({"x":2})']],
    ['without ids, in one chunk', [[call({}, 'f', '{"x":1}'), call({}, 'g', '{}')]], ['r1-call-0 f({"x":1})', 'r1-call-1 g({})']],
    ['whose id and name stand in each chunk', [[call({ index: 0, id: 'a' }, 'f', '{"x"')], [call({ index: 0, id: 'a' }, 'f', ':1}')]], ['a f({"x":1})']],
    ['whose name is repeated without an id', [[call({ index: 0 }, 'f', '{"x"')], [call({ index: 0 }, 'f', ':1}')]], ['r1-call-0 f({"x":1})']],
    ['whose arguments are an object', [[call({ index: 0, id: 'a' }, 'f', { x: 1 })]], ['a f({"x":1})']],
    ['without arguments', [[call({ index: 0, id: 'a' }, 'f')]], ['a f()']],
    ['with the same id twice', [[call({ index: 0, id: 'a' }, 'f', '{}')], [call({ index: 1, id: 'a' }, 'g', '{}')]], ['a f({})', 'r1-call-1 g({})']],
  ])('give calls %s', (_, deltas, expected) => {
    const events = answer(deltas.map((calls) => ({ tool_calls: calls })), { finish: 'tool_calls' });
    expect(callsOf(events)).toEqual(expected);
    // Each call begins once, and its deltas are its arguments.
    for (const item of outputOf(events)) {
      if (item.type !== 'function_call') continue;
      expect(events.filter((event) => event.type === 'function_call_started' && event.callId === item.callId)).toHaveLength(1);
      expect(events.flatMap((event) => (event.type === 'arguments_delta' && event.callId === item.callId ? [event.delta] : [])).join('')).toBe(item.arguments);
    }
  });

  it('give a call another id where the conversation has that one', () => {
    expect(callsOf(answer([{ tool_calls: [call({ index: 0, id: 'call_0' }, 'f', '{}')] }], { taken: ['call_0'] }))).toEqual(['r1-call-0 f({})']);
    expect(callsOf(answer([{ tool_calls: [call({ index: 0, id: 'call_0' }, 'f', '{}')] }], { taken: ['call_0', 'r1-call-0'] }))).toEqual(['call-made-1 f({})']);
  });

  it('give ids where the server has none', () => {
    const events = answer([{ content: 'Hi' }], { id: '' });
    expect(events[0]).toEqual({ type: 'response_started', responseId: 'made-1' });
    expect(outputOf(events)).toEqual([{ type: 'message', id: 'made-1-message', text: 'Hi' }]);
  });

  it.each<[string, Delta]>([
    ['reasoning_content', { reasoning_content: 'Hm.' }],
    ['reasoning', { reasoning: 'Hm.' }],
    ['parts of the content', { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] }] }],
  ])('give reasoning that is spelt as %s', (_, delta) => {
    const events = answer([delta, { content: [{ type: 'text', text: 'Hi' }] }]);
    expect(events).toContainEqual({ type: 'reasoning_delta', itemId: 'r1-reasoning', delta: 'Hm.' });
    expect(outputOf(events)).toEqual([
      { type: 'reasoning', id: 'r1-reasoning', text: 'Hm.', raw: { reasoning_content: 'Hm.' } },
      { type: 'message', id: 'r1-message', text: 'Hi' },
    ]);
  });

  it.each([
    ['stop', 'completed', undefined],
    ['tool_calls', 'completed', undefined],
    ['length', 'incomplete', 'max_output_tokens'],
    ['content_filter', 'incomplete', 'content_filter'],
    ['insufficient_system_resource', 'incomplete', 'insufficient_system_resource'],
    ['abort', 'incomplete', 'abort'],
    ['a word of its own', 'completed', undefined],
  ])('that finish with %s are %s', (finish, status, reason) => {
    expect(answer([{ content: 'Hi' }], { finish }).at(-1)).toMatchObject({ status, ...(reason === undefined ? {} : { reason }) });
  });

  it('are whole without a reason to finish only where the server says [DONE]', () => {
    expect(answer([{ content: 'Hi' }], { finish: null, by: 'done' }).at(-1)).toMatchObject({ type: 'response_done', status: 'completed' });
    expect(answer([{ content: 'Hi' }], { finish: null, by: 'eof' }).at(-1)).toMatchObject({ type: 'text_delta' });
    expect(answer([{ content: 'Hi' }], { by: 'eof' }).at(-1)).toMatchObject({ type: 'response_done' });
  });

  it.each([[{ error: { message: 'overloaded', type: 'server_error' } }], [{ error: 'overloaded' }]])('that are an error throw it: %j', (message) => {
    expect(() => new ChatReader(() => 'x', new Set()).read(message)).toThrow(StreamError);
  });

  it('without a meaning are given as they came', () => {
    const message = { object: 'progress', percent: 3 };
    expect(new ChatReader(() => 'x', new Set()).read(message)).toEqual([{ type: 'raw', name: 'progress', raw: message }]);
  });

  it.each([[null], [7], ['text'], [[]], [{ choices: 'x' }], [{ choices: [null] }], [{ choices: [{ delta: { tool_calls: [null, 3] } }] }]])('may be anything: %j', (message) => {
    expect(() => new ChatReader(() => 'x', new Set()).read(message)).not.toThrow();
  });
});
