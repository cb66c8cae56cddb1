import { describe, expect, expectTypeOf, it } from 'vitest';
import { onlyItems, onlyText, onlyTools } from '../../../session/index.js';
import type { FlatRunEvent, RunEvent, RunInfo, Stream } from '../../../session/index.js';
import { mockStream } from '../../../src/testing.js';
import { gather } from '../../helpers/gather.js';

const info: RunInfo = { runId: 'r', agentName: 'Ava', turn: 1, timestamp: 0 };
const call = { type: 'function_call', id: 'i2', callId: 'c1', name: 'weather', arguments: '{}' } as const;
const rich: readonly RunEvent[] = [
  { type: 'raw_response_event', data: { type: 'response_started', responseId: 'x' }, info },
  { type: 'raw_response_event', data: { type: 'text_delta', itemId: 'i1', delta: 'Hel' }, info },
  { type: 'raw_response_event', data: { type: 'reasoning_delta', itemId: 'i0', delta: 'hm' }, info },
  { type: 'raw_response_event', data: { type: 'text_delta', itemId: 'i1', delta: 'lo' }, info },
  { type: 'run_item_stream_event', name: 'message_output_created', item: { type: 'message', id: 'i1', text: 'Hello' }, info },
  { type: 'run_item_stream_event', name: 'tool_called', item: call, info },
  { type: 'agent_updated_stream_event', newAgent: 'Bob', info },
];
const flat: readonly FlatRunEvent[] = [
  { type: 'run.start', runId: 'r', agentName: 'Ava' },
  { type: 'response.text.delta', runId: 'r', itemId: 'i1', delta: 'Hel' },
  { type: 'response.text.delta', runId: 'r', itemId: 'i1', delta: 'lo' },
  { type: 'response.function_call_arguments.delta', runId: 'r', callId: 'c1', name: 'weather', delta: '{}' },
  { type: 'response.function_call.done', runId: 'r', callId: 'c1', name: 'weather', arguments: '{}' },
  { type: 'response.function_call.output', runId: 'r', callId: 'c1', name: 'weather', output: 'rain', outcome: 'ok' },
  { type: 'run.done', runId: 'r', text: 'Hello', end: 'completed' },
];

describe('filters of runs', () => {
  it('give the words of either view', async () => {
    expect(await gather(onlyText(mockStream(rich)))).toEqual(['Hel', 'lo']);
    expect(await gather(onlyText(mockStream(flat)))).toEqual(['Hel', 'lo']);
  });

  it('give the items of a name, or all', async () => {
    expect((await gather(onlyItems(mockStream(rich), 'tool_called'))).map(({ item }) => item)).toEqual([call]);
    expect((await gather(onlyItems(mockStream(rich)))).map(({ name }) => name)).toEqual(['message_output_created', 'tool_called']);
  });

  it('give what tells of tools', async () => {
    const tools = onlyTools(mockStream(flat));
    expectTypeOf(tools).toExtend<Stream<{ readonly callId: string; readonly name: string }>>();
    expect((await gather(tools)).map(({ type }) => type)).toEqual(['response.function_call_arguments.delta', 'response.function_call.done', 'response.function_call.output']);
  });
});
