import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Agent, RealtimeAgent, handoff, run, runStreamed, tool } from '../../../session/index.js';
import type { HandoffOptions, TextInputItem } from '../../../session/index.js';
import { scriptedTextModel } from '../../../src/provider/scripted/scripted-text-model.js';
import type { ScriptedTurn } from '../../../src/provider/scripted/scripted-text-model.js';
import { collect, inShort, runOptions } from '../../helpers/run-harness.js';

const lookUp = tool({ name: 'look_up', description: '', parameters: { type: 'object' }, execute: () => 'found' });
const billing = new Agent({ name: 'Billing', instructions: 'You bill.' });
const handsOver: ScriptedTurn = { text: 'One moment.', calls: [{ name: 'look_up' }, { name: 'transfer_to_Billing', arguments: { reason: 'an invoice', summary: 'Wants invoice 7.' } }] };

function desk(how: Omit<HandoffOptions, 'to'> = {}, to = billing) {
  return new Agent({ name: 'Front', tools: [lookUp], handoffs: [handoff({ to, ...how })] });
}

describe('a hand-off of a run', () => {
  it('is told in order, and the new agent answers with tools and instructions of its own', async () => {
    const model = scriptedTextModel([handsOver, 'Billing here.'], { deltaCharacters: 99 });
    const events = await collect(runStreamed(desk(), 'My invoice', runOptions({ model })));
    expect(inShort(events).filter((name) => !name.startsWith('raw'))).toEqual([
      ...['agent_updated_stream_event', 'message_output_created', 'tool_called', 'handoff_requested', 'tool_output', 'tool_output'],
      ...['handoff_occured', 'agent_updated_stream_event', 'message_output_created'],
    ]);
    const occured = events.find((event) => event.type === 'run_item_stream_event' && event.name === 'handoff_occured');
    expect(occured).toMatchObject({ alias: 'handoff_occurred', item: { type: 'handoff', fromAgent: 'Front', toAgent: 'Billing', reason: 'an invoice' } });
    expect(events.map(({ info }) => info.agentName).filter((name, index, all) => name !== all[index - 1])).toEqual(['Front', 'Billing']);
    expect(model.requests[1]).toMatchObject({ instructions: 'You bill.', tools: [] });
  });

  it('takes the old agent’s tools away: a call to one of them is answered as unknown', async () => {
    const model = scriptedTextModel([handsOver, { calls: [{ name: 'look_up' }] }, 'Sorry.']);
    const { history } = await run(desk(), 'My invoice', runOptions({ model }));
    expect(history.filter((item) => item.type === 'function_call_output').at(-1)).toMatchObject({ name: 'look_up', outcome: 'error', output: expect.stringContaining('There is no tool') as string });
  });

  it.each<[string, Omit<HandoffOptions, 'to'>, (string | undefined)[]]>([
    ['all', {}, ['My invoice', 'One moment.', 'look_up', 'transfer_to_Billing', 'found', '{"handing_over_to":"Billing"}']],
    ['the model’s summary', { carry: 'summary' }, ['What was said before, in short: Wants invoice 7.', 'transfer_to_Billing', '{"handing_over_to":"Billing"}']],
    ['a summary of the application', { carry: (history) => `${history.length} items` }, ['What was said before, in short: 5 items', 'transfer_to_Billing', '{"handing_over_to":"Billing"}']],
    ['what a filter leaves', { inputFilter: (history) => history.filter((item) => item.type === 'message' && item.role === 'user') }, ['My invoice', 'transfer_to_Billing', '{"handing_over_to":"Billing"}']],
  ])('carries %s', async (_name, how, expected) => {
    const model = scriptedTextModel([handsOver, 'Billing here.']);
    await run(desk(how), 'My invoice', runOptions({ model }));
    const inWords = (item: TextInputItem): string => (item.type === 'message' ? item.text : item.type === 'function_call' ? item.name : item.type === 'function_call_output' ? item.output : '');
    expect(model.requests[1]?.input.map(inWords)).toEqual(expected);
  });

  it('begins with words that are given, told like an answer, and asks nobody', async () => {
    const model = scriptedTextModel([handsOver]);
    const running = runStreamed(desk({ entry: { say: 'Billing, hello.' } }), 'My invoice', runOptions({ model }));
    expect((await collect(running.toTextStream())).join('')).toBe('One moment.\nBilling, hello.');
    expect(await running.finalOutput).toBe('Billing, hello.');
    expect(running.agent).toBe(billing);
    const flat = await collect(runStreamed(desk({ entry: { say: 'Billing, hello.' } }), 'My invoice', runOptions({ model: scriptedTextModel([handsOver]) })).flatEvents());
    expect(flat.slice(-2)).toMatchObject([{ type: 'run.step.done', step: 2, text: 'Billing, hello.' }, { type: 'run.done', text: 'Billing, hello.' }]);
  });

  it('may be silent: the run ends, and the new agent has the conversation', async () => {
    const result = await run(desk({ entry: 'silent' }), 'My invoice', runOptions({ model: scriptedTextModel([handsOver]) }));
    expect([result.finalOutput, result.agent, result.state.agentName]).toEqual(['', billing, 'Billing']);
  });

  it('that cannot be prepared leaves the old agent where it was, and tells it', async () => {
    const model = scriptedTextModel([handsOver, 'I do it myself.']);
    const broken = desk({ inputFilter: () => Promise.reject(new Error('no database')) });
    const result = await run(broken, 'My invoice', runOptions({ model }));
    expect([result.finalOutput, result.agent]).toEqual(['I do it myself.', broken]);
    expect(JSON.stringify(model.requests[1]?.input)).toContain('did not work');
  });

  it('to an agent of another model takes nothing along that only the first one understands', async () => {
    const first = scriptedTextModel([{ reasoning: 'Hm.', calls: [{ name: 'transfer_to_Other' }] }]);
    const second = scriptedTextModel(['Here.']);
    const raw: TextInputItem = { type: 'other', kind: 'reasoning', raw: { secret: true } };
    const front = new Agent({ name: 'Front', model: first, handoffs: [new Agent({ name: 'Other', model: second })] });
    await run(front, [raw, { type: 'message', role: 'user', text: 'Hi' }], runOptions({}));
    expect(first.requests[0]?.input).toContainEqual(raw);
    expect(second.requests[0]?.input).not.toContainEqual(raw);
  });

  it('may go back and forth between agents that name each other', async () => {
    const back: Agent = new Agent({ name: 'Back', handoffs: () => [front] });
    const front: Agent = new Agent({ name: 'Front', handoffs: () => [back] });
    const model = scriptedTextModel([{ calls: [{ name: 'transfer_to_Back' }] }, { calls: [{ name: 'transfer_to_Front' }] }, 'Front again.']);
    expect((await run(front, 'Hi', runOptions({ model }))).agent).toBe(front);
  });
});

describe('agents', () => {
  it('cannot be without a name, have two tools of one name, or end a run in two forms', () => {
    expect(() => new Agent({ name: ' ' })).toThrow(TypeError);
    expect(() => new Agent({ name: 'A', tools: [lookUp, lookUp] })).toThrow(/look_up/);
    const structured = new Agent({ name: 'S', output: z.object({ a: z.string() }) });
    // @ts-expect-error the compiler says so, too
    expect(() => new Agent({ name: 'A', handoffs: [structured] })).toThrow(/same output/);
    expect(() => new Agent({ name: 'A', output: z.object({ a: z.string() }), handoffs: [handoff({ to: structured, entry: { say: 'Hello' } })] })).toThrow(/respond/);
  });

  it('of a call and of a run share tools and the making of hand-offs', () => {
    const voice = new RealtimeAgent({ name: 'Voice', tools: [lookUp], handoffs: [handoff({ to: new RealtimeAgent({ name: 'Billing' }) })] });
    expect(desk().tools[0]).toBe(voice.tools[0]);
    expect(desk().handoffs[0]?.definition).toEqual(voice.handoffs[0]?.definition);
  });

  it('write instructions from the context of the run, before each answer', async () => {
    const model = scriptedTextModel(['Hello.']);
    const agent = new Agent<{ user: string }>({ name: 'Ava', instructions: async ({ context, agent: { name } }) => `${name} speaks with ${context.user}.` });
    await run(agent, 'Hi', runOptions({ model, context: { user: 'Zoe' } }));
    expect(model.requests[0]?.instructions).toBe('Ava speaks with Zoe.');
    // @ts-expect-error a context is wanted
    expect(() => runStreamed(agent, 'Hi', runOptions({ model }))).not.toThrow();
  });
});
