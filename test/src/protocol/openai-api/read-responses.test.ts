import { describe, expect, it } from 'vitest';
import { StreamError } from '../../../../src/protocol/openai-api/answer-reader.js';
import { ResponsesReader } from '../../../../src/protocol/openai-api/read-responses.js';
import type { TextModelEvent } from '../../../../session/index.js';
import { functionCall, message, reasoning, refusal, responseEvents, responseObject } from '../../../helpers/openai-server/index.js';
import type { WireItem } from '../../../helpers/openai-server/index.js';

function read(events: readonly unknown[]): TextModelEvent[] {
  const reader = new ResponsesReader(() => 'made');
  return events.flatMap((event) => reader.read(event, ''));
}

describe('events of a response', () => {
  it('give a text with its deltas, and everything else as it came', () => {
    const events = read(responseEvents([message('Hello you.', 'm1')]));
    expect(events.filter(({ type }) => type !== 'raw')).toEqual([
      { type: 'response_started', responseId: 'resp_1' },
      { type: 'text_delta', itemId: 'm1', delta: 'Hello' },
      { type: 'text_delta', itemId: 'm1', delta: ' you.' },
      { type: 'item_done', item: { type: 'message', id: 'm1', text: 'Hello you.' } },
      {
        type: 'response_done',
        responseId: 'resp_1',
        status: 'completed',
        usage: { totalTokens: 123, inputTokens: 36, outputTokens: 87, input: { text: 36, audio: 0, image: 0, cached: 4 }, output: { text: 87, audio: 0 } },
        output: [{ type: 'message', id: 'm1', text: 'Hello you.' }],
      },
    ]);
    expect(events.flatMap((event) => (event.type === 'raw' ? [event.name] : []))).toEqual(['response.in_progress', 'response.output_item.added', 'response.content_part.added', 'response.output_text.done', 'response.content_part.done']);
  });

  it('give the deltas of a refusal as they came, and its words with the item', () => {
    const events = read(responseEvents([refusal('I will not.', 'm1')]));
    expect(events).toContainEqual({ type: 'raw', name: 'response.refusal.delta', raw: expect.objectContaining({ delta: 'I', item_id: 'm1' }) });
    expect(events).toContainEqual({ type: 'item_done', item: { type: 'message', id: 'm1', text: '', refusal: 'I will not.' } });
  });

  it('give reasoning with what is handed back', () => {
    const item = reasoning('They are polite.', 'rs1');
    const events = read(responseEvents([item, message('Hi.', 'm1')]));
    expect(events).toContainEqual({ type: 'reasoning_delta', itemId: 'rs1', delta: ' are' });
    expect(events).toContainEqual({ type: 'item_done', item: { type: 'reasoning', id: 'rs1', text: 'They are polite.', raw: item } });
  });

  it('give calls that go on in turns', () => {
    const events = read(responseEvents([functionCall('look', { at: 'the moon' }, 'c1', 'f1'), functionCall('wait', {}, 'c2', 'f2')]));
    expect(events).toContainEqual({ type: 'function_call_started', itemId: 'f1', callId: 'c1', name: 'look' });
    expect(events).toContainEqual({ type: 'arguments_delta', itemId: 'f2', callId: 'c2', delta: '{}' });
    expect(events.at(-1)).toMatchObject({ output: [{ callId: 'c1', arguments: '{"at":"the moon"}' }, { callId: 'c2', arguments: '{}' }] });
  });

  it('give items of MCP servers and of tools that have no meaning here', () => {
    const list: WireItem = { id: 'l1', type: 'mcp_list_tools', server_label: 'shop', tools: [{ name: 'buy' }] };
    const request: WireItem = { id: 'a1', type: 'mcp_approval_request', server_label: 'shop', name: 'buy', arguments: '{"n":1}' };
    const search: WireItem = { id: 'w1', type: 'web_search_call', status: 'completed' };
    expect(read(responseEvents([list, request, search])).flatMap((event) => (event.type === 'item_done' ? [event.item] : []))).toEqual([
      { type: 'mcp_list_tools', id: 'l1', serverLabel: 'shop', raw: list },
      { type: 'mcp_approval_request', id: 'a1', serverLabel: 'shop', name: 'buy', arguments: '{"n":1}', raw: request },
      { type: 'other', id: 'w1', kind: 'web_search_call', raw: search },
    ]);
  });

  it.each([
    ['incomplete', { reason: 'max_output_tokens' }, { reason: 'max_output_tokens' }],
    ['incomplete', { reason: 'content_filter' }, { reason: 'content_filter' }],
    ['failed', { error: { code: 'server_error', message: 'It broke.' } }, { error: { code: 'server_error', message: 'It broke.' } }],
  ] as const)('say that a response is %s: %j', (status, end, expected) => {
    expect(read(responseEvents([message('Once', 'm1')], { status, ...end })).at(-1)).toMatchObject({ type: 'response_done', status, ...expected, output: [{ text: 'Once' }] });
  });

  it('count a cancelled response and one of an unknown status as failed', () => {
    for (const status of ['cancelled', 'lost']) {
      const [, end] = read([{ type: 'response.failed', response: { ...responseObject([]), status } }]);
      expect(end).toMatchObject({ type: 'response_done', status: 'failed' });
    }
  });

  it('keep the items that came where the end has none', () => {
    const events = responseEvents([message('Hi.', 'm1')]);
    const end = events.at(-1) as { response: WireItem };
    expect(read([...events.slice(0, -1), { ...end, response: { ...end.response, output: [] } }]).at(-1)).toMatchObject({ output: [{ id: 'm1', text: 'Hi.' }] });
  });

  it('do without what some servers leave out: the beginning, ids of items, the type within the message', () => {
    const reader = new ResponsesReader(() => 'made');
    expect(reader.read({ delta: 'Hi' }, 'response.output_text.delta')).toEqual([
      { type: 'response_started', responseId: 'made' },
      { type: 'text_delta', itemId: 'item-0', delta: 'Hi' },
    ]);
    reader.read({ type: 'response.output_item.added', output_index: 1, item: { type: 'function_call', call_id: 'c1', name: 'look' } }, '');
    expect(reader.read({ type: 'response.function_call_arguments.delta', output_index: 1, delta: '{' }, '')).toEqual([{ type: 'arguments_delta', itemId: 'item-1', callId: 'c1', delta: '{' }]);
  });

  it.each([
    [{ type: 'error', code: 'rate_limit_exceeded', message: 'slow down', param: null, sequence_number: 3 }],
    [{ type: 'error', error: { code: 'rate_limit_exceeded', message: 'slow down' } }],
    [{ error: { code: 'rate_limit_exceeded', message: 'slow down' } }],
  ])('that are an error throw it: %j', (event) => {
    try {
      read([event]);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(StreamError);
      expect((error as StreamError).info).toMatchObject({ code: 'rate_limit_exceeded', message: 'slow down' });
    }
  });

  it('after the end count for nothing', () => {
    expect(read([...responseEvents([]), { type: 'response.output_text.delta', item_id: 'm9', delta: 'late' }]).at(-1)).toMatchObject({ type: 'response_done' });
  });

  it.each([[null], [7], ['x'], [[]], [{}], [{ type: 'constructor' }], [{ type: '__proto__' }], [{ type: 'response.__proto__' }]])('may be anything: %j', (event) => {
    expect(() => read([event])).not.toThrow();
  });
});
