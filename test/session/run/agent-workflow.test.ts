import { describe, expect, it } from 'vitest';
import { Agent, InProcessMemory, agentWorkflow, tool } from '../../../session/index.js';
import type { AgentWorkflowOptions, TextModel, Workflow } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { scriptedTextModel } from '../../../src/provider/scripted/scripted-text-model.js';
import { collect } from '../../helpers/run-harness.js';
import { settle } from '../../helpers/settle.js';

function workflow(agent: Agent, model: TextModel, extra: Partial<AgentWorkflowOptions> = {}): Workflow {
  let runs = 0;
  return agentWorkflow(agent, { model, clock: new ManualClock(), newRunId: () => `run_${(runs += 1)}`, ...extra });
}

const never = new AbortController().signal;
const agent = new Agent({ name: 'Ava' });

describe('an agent in a pipeline', () => {
  it('answers turn after turn, in one conversation', async () => {
    const model = scriptedTextModel(['Hello.', 'Sunny.']);
    const talk = workflow(agent, model);
    const first = talk.answer({ text: 'Hi', signal: never });
    await settle();
    expect(model.requests).toEqual([]);
    expect((await collect(first)).join('')).toBe('Hello.');
    expect((await collect(talk.answer({ text: 'Weather?', signal: never }))).join('')).toBe('Sunny.');
    expect(model.requests[1]?.input.map((item) => (item.type === 'message' ? item.text : ''))).toEqual(['Hi', 'Hello.', 'Weather?']);
  });

  it('goes on from what was heard of an answer that was interrupted', async () => {
    const session = new InProcessMemory();
    const model = scriptedTextModel(['It is sunny today, and it will be tomorrow.', 'As I said.']);
    const talk = workflow(agent, model, { session });
    const turn = new AbortController();
    const reason = new Error('barge-in');
    const reading = (async () => {
      for await (const _piece of talk.answer({ text: 'Weather?', signal: turn.signal })) if (model.eventsRead > 4) turn.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
    const cutting = talk.heard?.('It is', ' sunny today');
    // The next turn waits for the cut by itself.
    expect((await collect(talk.answer({ text: 'What?', signal: never }))).join('')).toBe('As I said.');
    await cutting;
    expect(model.requests[1]?.input).toEqual([
      { type: 'message', role: 'user', text: 'Weather?' },
      { type: 'message', role: 'assistant', text: 'It is', interrupted: true },
      { type: 'message', role: 'user', text: 'What?' },
    ]);
  });

  it('cuts an answer that was written to its end before the user spoke', async () => {
    const session = new InProcessMemory();
    const talk = workflow(agent, scriptedTextModel(['One. Two. Three.']), { session });
    await collect(talk.answer({ text: 'Count', signal: never }));
    await talk.heard?.('One.', 'Two. Three.');
    expect(session.items().at(-1)).toEqual({ type: 'message', role: 'assistant', text: 'One.', interrupted: true });
  });

  it('leaves earlier answers alone when nothing of the newest was kept', async () => {
    const session = new InProcessMemory();
    const add = session.add.bind(session);
    const talk = workflow(agent, scriptedTextModel(['Sunny.', 'Rainy.']), { session });
    await collect(talk.answer({ text: 'Today?', signal: never }));
    // A turn that was given up before its run began.
    const given = new AbortController();
    const words = talk.answer({ text: 'And then?', signal: given.signal })[Symbol.asyncIterator]();
    const next = words.next();
    given.abort(new Error('barge-in'));
    await expect(next).rejects.toThrow('barge-in');
    await talk.heard?.('', '');
    expect(session.items().map((item) => (item.type === 'message' ? item.text : ''))).toEqual(['Today?', 'Sunny.']);
    session.add = () => {
      throw new Error('full');
    };
    await expect(collect(talk.answer({ text: 'Tomorrow?', signal: never }))).rejects.toMatchObject({ code: 'MEMORY_FAILED' });
    session.add = add;
    await talk.heard?.('Rai', 'ny.');
    expect(session.items().map((item) => (item.type === 'message' ? item.text : ''))).toEqual(['Today?', 'Sunny.']);
  });

  it('is let go of while a next() is pending: the request ends', async () => {
    const model = scriptedTextModel([{ text: 'Well', hangs: true }, 'Again.']);
    const talk = workflow(agent, model);
    const words = talk.answer({ text: 'Hi', signal: never })[Symbol.asyncIterator]();
    await words.next();
    const pending = words.next();
    await settle();
    await words.return?.();
    expect((await pending).done).toBe(true);
    expect((await words.next()).done).toBe(true);
    expect([model.open, model.givenUp]).toEqual([0, 1]);
    expect((await collect(talk.answer({ text: 'And?', signal: never }))).join('')).toBe('Again.');
  });

  it('hands over for good: the next turn is the new agent’s', async () => {
    const model = scriptedTextModel([{ calls: [{ name: 'transfer_to_Billing', arguments: { reason: 'r' } }] }, 'Billing here.', 'Still billing.']);
    const talk = workflow(new Agent({ name: 'Front', instructions: 'front', handoffs: [new Agent({ name: 'Billing', instructions: 'billing' })] }), model);
    await collect(talk.answer({ text: 'My bill', signal: never }));
    await collect(talk.answer({ text: 'And?', signal: never }));
    expect(model.requests.map(({ instructions }) => instructions)).toEqual(['front', 'billing', 'billing']);
  });

  it('greets, and what was heard of it counts', async () => {
    const model = scriptedTextModel(['Yes?']);
    const talk = workflow(agent, model, { greeting: 'Good morning, how can I help?' });
    expect(await collect(talk.greeting?.() as AsyncIterable<string>)).toEqual(['Good morning, how can I help?']);
    await talk.heard?.('Good morning,', 'how can I help?');
    await collect(talk.answer({ text: 'Hi', signal: never }));
    expect(model.requests[0]?.input[0]).toEqual({ type: 'message', role: 'assistant', text: 'Good morning,', interrupted: true });
    expect(workflow(agent, model).greeting).toBeUndefined();
  });

  it('asks about calls that need a person, and goes on', async () => {
    const done: string[] = [];
    const pay = tool({ name: 'pay', description: '', parameters: { type: 'object' }, needsApproval: true, execute: () => (done.push('paid'), 'paid') });
    const payer = new Agent({ name: 'Ava', tools: [pay] });
    const answers = [{ text: 'I pay.', calls: [{ name: 'pay' }] }, 'Done.'];
    const asked: string[] = [];
    const talk = workflow(payer, scriptedTextModel(answers), { approve: ({ name }) => (asked.push(name), Promise.resolve(true)) });
    expect((await collect(talk.answer({ text: 'Pay', signal: never }))).join('')).toBe('I pay.\nDone.');
    expect([asked, done]).toEqual([['pay'], ['paid']]);
    await expect(collect(workflow(payer, scriptedTextModel(answers)).answer({ text: 'Pay', signal: never }))).rejects.toMatchObject({ code: 'RUN_WAITS' });
  });

  it('gives up while a person is asked', async () => {
    const pay = tool({ name: 'pay', description: '', parameters: { type: 'object' }, needsApproval: true, execute: () => 'paid' });
    const turn = new AbortController();
    const talk = workflow(new Agent({ name: 'Ava', tools: [pay] }), scriptedTextModel([{ calls: [{ name: 'pay' }] }]), { approve: () => new Promise(() => {}) });
    const reading = collect(talk.answer({ text: 'Pay', signal: turn.signal }));
    await settle();
    turn.abort(new Error('hung up'));
    await expect(reading).rejects.toThrow('hung up');
  });
});
