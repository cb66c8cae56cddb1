import { describe, expect, it } from 'vitest';
import { Agent, InProcessMemory, run, runStreamed, tool } from '../../../session/index.js';
import type { ConversationMemory, RunState, TextInputItem } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { scriptedTextModel } from '../../../src/provider/scripted/scripted-text-model.js';
import { runOptions } from '../../helpers/run-harness.js';
import { settle } from '../../helpers/settle.js';

const agent = new Agent({ name: 'Ava' });
const said = (role: 'user' | 'assistant', text: string): TextInputItem => ({ type: 'message', role, text });
const call: TextInputItem = { type: 'function_call', callId: 'c1', name: 'pay', arguments: '{}' };

describe('the session of a run', () => {
  it('is what the model is told before the input, and gets what the run adds, once', async () => {
    const session = new InProcessMemory([said('user', 'a'), said('assistant', 'b')]);
    const model = scriptedTextModel(['Yes.']);
    await run(agent, [said('user', 'c'), said('user', 'd')], runOptions({ model, session }));
    expect(model.requests[0]?.input).toEqual([said('user', 'a'), said('assistant', 'b'), said('user', 'c'), said('user', 'd')]);
    expect(session.items()).toEqual([...(model.requests[0]?.input ?? []), said('assistant', 'Yes.')]);
  });

  it('may be told in part: outputs whose calls are cut off are left out', async () => {
    const session = new InProcessMemory([said('user', 'a'), call, { type: 'function_call_output', callId: 'c1', output: 'x' }, said('assistant', 'b')]);
    const model = scriptedTextModel(['Yes.']);
    await run(agent, 'c', runOptions({ model, session, sessionLimit: 2 }));
    expect(model.requests[0]?.input).toEqual([said('assistant', 'b'), said('user', 'c')]);
  });

  it('in the process has room for so many items, and counts what it drops', () => {
    const session = new InProcessMemory([said('user', 'a')], { maxItems: 2 });
    session.add([said('user', 'b'), said('user', 'c')]);
    expect([session.items(), session.dropped]).toEqual([[said('user', 'b'), said('user', 'c')], 1]);
    expect(() => new InProcessMemory([], { maxItems: 0 })).toThrow(RangeError);
  });

  it('of a process that crashed is mended: a call without an output gets one, for good', async () => {
    const session = new InProcessMemory([said('user', 'a'), call]);
    const model = scriptedTextModel(['Yes.']);
    await run(agent, 'b', runOptions({ model, session }));
    expect(model.requests[0]?.input[2]).toMatchObject({ type: 'function_call_output', callId: 'c1', output: expect.stringContaining('unsettled') as string });
    expect(session.items()).toEqual([...(model.requests[0]?.input ?? []), said('assistant', 'Yes.')]);
  });

  it('has everything by the end of a run that waits, and what came after it', async () => {
    const session = new InProcessMemory();
    const pay = tool({ name: 'pay', description: '', parameters: { type: 'object' }, needsApproval: true, execute: () => 'paid' });
    const payer = new Agent({ name: 'Ava', tools: [pay] });
    const model = scriptedTextModel([{ calls: [{ name: 'pay' }] }, 'Done.']);
    const waiting = await run(payer, 'Pay', runOptions({ model, session }));
    expect(session.items().map(({ type }) => type)).toEqual(['message', 'function_call']);
    const state = waiting.state as RunState;
    if (state.waiting !== undefined) for (const each of state.waiting.calls) each.decision = { approve: true };
    await run(payer, state, runOptions({ model, session }));
    expect(session.items().map(({ type }) => type)).toEqual(['message', 'function_call', 'function_call_output', 'message']);
  });

  it.each<[string, Partial<ConversationMemory>, number]>([
    ['cannot be read', { items: () => Promise.reject(new Error('no disk')) }, 0],
    ['cannot be written', { add: () => Promise.reject(new Error('no disk')) }, 1],
    ['throws', { items: () => { throw new Error('no disk'); } }, 0],
  ])('that %s fails the run', async (_name, broken, asked) => {
    const model = scriptedTextModel(['Yes.']);
    const session = Object.assign(new InProcessMemory(), broken);
    await expect(run(agent, 'a', runOptions({ model, session }))).rejects.toMatchObject({ code: 'MEMORY_FAILED', message: expect.not.stringContaining('no disk') as string, cause: { message: 'no disk' } });
    expect(model.requests).toHaveLength(asked);
  });

  it.each<[string, Partial<ConversationMemory>]>([
    ['read', { items: () => new Promise(() => {}) }],
    ['written', { add: () => new Promise(() => {}) }],
  ])('that is never %s fails the run after five seconds', async (_name, stuck) => {
    const clock = new ManualClock();
    const running = run(agent, 'a', runOptions({ model: scriptedTextModel(['Yes.']), session: Object.assign(new InProcessMemory(), stuck), clock })).catch((error: unknown) => error);
    await settle();
    clock.advance(5_000);
    expect(await running).toMatchObject({ code: 'MEMORY_FAILED' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('that is never written does not keep a run from being cancelled', async () => {
    const clock = new ManualClock();
    const session = Object.assign(new InProcessMemory(), { add: () => new Promise<void>(() => {}) });
    const running = runStreamed(agent, 'a', runOptions({ model: scriptedTextModel([{ text: 'Well', hangs: true }]), session, clock }));
    for await (const event of running) if (event.type === 'raw_response_event') break;
    await settle();
    clock.advance(5_000);
    expect(await running.end).toEqual({ status: 'cancelled', by: 'reader' });
    expect(clock.pendingTimers).toBe(0);
  });
});
