import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Agent, handoff, run, runStreamed, tool } from '../../../session/index.js';
import { scriptedTextModel } from '../../../src/provider/scripted/scripted-text-model.js';
import { collect, inShort, runOptions } from '../../helpers/run-harness.js';

const weather = tool({ name: 'weather', description: 'The weather.', parameters: z.object({ city: z.string() }), execute: ({ city }) => `Sunny in ${city}.` });

describe('a run', () => {
  it('tells an answer as it comes, and gives it whole at the end', async () => {
    const model = scriptedTextModel(['Good morning!']);
    const running = runStreamed(new Agent({ name: 'Ava', instructions: 'Be kind.' }), 'Hi', runOptions({ model }));
    const events = await collect(running);
    expect(inShort(events)).toEqual(['agent_updated_stream_event', 'raw:response_started', 'raw:text_delta', 'raw:text_delta', 'raw:text_delta', 'raw:item_done', 'message_output_created', 'raw:response_done']);
    expect(await running.finalOutput).toBe('Good morning!');
    expect(await running.end).toEqual({ status: 'completed' });
    expect(model.requests).toEqual([{ instructions: 'Be kind.', input: [{ type: 'message', role: 'user', text: 'Hi' }], tools: [] }]);
  });

  it('runs tools and asks again', async () => {
    const model = scriptedTextModel([{ text: 'Let me see.', calls: [{ name: 'weather', arguments: { city: 'Oslo' } }] }, 'It is sunny.']);
    const running = runStreamed(new Agent({ name: 'Ava', tools: [weather] }), 'Weather?', runOptions({ model }));
    const flat = await collect(running.flatEvents());
    expect(flat.filter(({ type }) => !type.endsWith('.delta'))).toEqual([
      { type: 'run.start', runId: 'run_1', agentName: 'Ava' },
      { type: 'run.agent', runId: 'run_1', agentName: 'Ava' },
      { type: 'response.function_call.done', runId: 'run_1', callId: 'call_1', name: 'weather', arguments: '{"city":"Oslo"}' },
      { type: 'run.step.done', runId: 'run_1', step: 1, text: 'Let me see.' },
      { type: 'response.function_call.output', runId: 'run_1', callId: 'call_1', name: 'weather', output: 'Sunny in Oslo.', outcome: 'ok' },
      { type: 'run.step.done', runId: 'run_1', step: 2, text: 'It is sunny.' },
      { type: 'run.done', runId: 'run_1', text: 'It is sunny.', end: 'completed' },
    ]);
    expect(model.requests[1]?.input.slice(1)).toEqual([
      { type: 'message', role: 'assistant', text: 'Let me see.' },
      { type: 'function_call', callId: 'call_1', name: 'weather', arguments: '{"city":"Oslo"}' },
      { type: 'function_call_output', callId: 'call_1', output: 'Sunny in Oslo.' },
    ]);
  });

  it('hands over, once for an answer', async () => {
    const model = scriptedTextModel([{ calls: [{ name: 'transfer_to_Billing', arguments: { reason: 'invoice' } }, { name: 'transfer_to_Sales', arguments: {} }] }, 'Billing here.']);
    const billing = new Agent({ name: 'Billing' });
    const front = new Agent({ name: 'Front', handoffs: [billing, handoff({ to: new Agent({ name: 'Sales' }) })] });
    const result = await run(front, 'My invoice', runOptions({ model }));
    expect(result.finalOutput).toBe('Billing here.');
    expect(result.agent).toBe(billing);
    expect(result.history.map(({ type }) => type)).toEqual(['function_call', 'function_call', 'function_call_output', 'function_call_output', 'handoff', 'message']);
    expect(model.requests[1]?.tools).toEqual([]);
  });
});
