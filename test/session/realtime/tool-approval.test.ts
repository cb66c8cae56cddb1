import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RealtimeAgent, tool } from '../../../session/index.js';
import type { Tool } from '../../../session/index.js';
import { openHarness } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';
import { calls, outputs, outputsOf } from '../../helpers/tool-calls.js';

function transfer(needsApproval: boolean | ((args: { cents: number }) => boolean) = true): { tool: Tool; sent: number[] } {
  const sent: number[] = [];
  const made = tool({ name: 'transfer', description: 'Sends money.', parameters: z.object({ cents: z.number() }), needsApproval, execute: ({ cents }) => (sent.push(cents), cents) });
  return { tool: made, sent };
}

async function asked(cents: number, options: Parameters<typeof openHarness>[0] = {}): Promise<{ harness: Harness; sent: number[] }> {
  const { tool: made, sent } = transfer();
  const harness = await openHarness({ tools: [made], ...options });
  harness.model.push(...calls('r1', ['c1', 'transfer', `{"cents":${cents}}`]));
  await settle();
  return { harness, sent };
}

describe('a tool that needs approval', () => {
  it('waits for a person, and runs when the person agrees', async () => {
    const { harness, sent } = await asked(5);
    expect(harness.of('tool_approval_required')).toMatchObject([{ callId: 'c1', itemId: 'item_c1', toolName: 'transfer', arguments: '{"cents":5}' }]);
    harness.clock.advance(600_000);
    await settle();
    expect(sent).toEqual([]);
    expect(harness.model.commandsOf('create_response')).toEqual([]);
    harness.session.approve('c1');
    await settle();
    expect(sent).toEqual([5]);
    expect(outputs(harness)).toEqual({ c1: 5 });
    expect(harness.model.commandsOf('create_response').length).toBe(1);
  });

  it('does not run when the person refuses; the model hears why', async () => {
    const { harness, sent } = await asked(5);
    harness.session.reject('c1', { reason: 'Too much.' });
    harness.session.approve('c1');
    await settle();
    expect(sent).toEqual([]);
    expect(outputsOf(harness)).toEqual([['c1', { error: expect.stringMatching(/not approved.*Too much\./) as string }]]);
    expect(harness.of('tool_end')).toMatchObject([{ callId: 'c1', outcome: 'cancelled' }]);
    expect(harness.model.commandsOf('create_response').length).toBe(1);
  });

  it('may be approved in the handler of the event', async () => {
    const { tool: made, sent } = transfer();
    const harness = await openHarness({ tools: [made] });
    harness.session.on('tool_approval_required', ({ callId }) => harness.session.approve(callId));
    harness.model.push(...calls('r1', ['c1', 'transfer', '{"cents":1}']));
    await settle();
    expect(sent).toEqual([1]);
  });

  it('only for some arguments asks only for those', async () => {
    const { tool: made, sent } = transfer(({ cents }) => cents > 100);
    const harness = await openHarness({ tools: [made] });
    harness.model.push(...calls('r1', ['c1', 'transfer', '{"cents":100}'], ['c2', 'transfer', '{"cents":101}']));
    await settle();
    expect(sent).toEqual([100]);
    expect(harness.of('tool_approval_required').map(({ callId }) => callId)).toEqual(['c2']);
  });

  it('whose condition throws does not run', async () => {
    const { tool: made, sent } = transfer(() => {
      throw new Error('no rules');
    });
    const harness = await openHarness({ tools: [made] });
    harness.model.push(...calls('r1', ['c1', 'transfer', '{"cents":1}']));
    await settle();
    expect(sent).toEqual([]);
    expect(outputs(harness)).toEqual({ c1: { error: expect.stringMatching(/was not run: no rules/) as string } });
  });

  it('keeps a decision for good, for the calls that wait too', async () => {
    const { tool: made, sent } = transfer();
    const harness = await openHarness({ tools: [made] });
    harness.model.push(...calls('r1', ['c1', 'transfer', '{"cents":1}'], ['c2', 'transfer', '{"cents":2}']));
    harness.session.approve('c2', { always: true });
    await settle();
    expect(sent).toEqual([1, 2]);
    harness.model.push(...calls('r2', ['c3', 'transfer', '{"cents":3}']));
    await settle();
    expect(sent).toEqual([1, 2, 3]);
    expect(harness.of('tool_approval_required').length).toBe(2);
  });

  it('keeps a refusal for good', async () => {
    const { harness, sent } = await asked(5);
    harness.session.reject('c1', { always: true });
    harness.model.push({ type: 'response_created', responseId: 'mine' }, { type: 'response_done', responseId: 'mine', status: 'completed', output: [] });
    harness.model.push(...calls('r2', ['c2', 'transfer', '{"cents":3}']));
    await settle();
    expect(sent).toEqual([]);
    expect(harness.of('tool_approval_required').length).toBe(1);
    expect(outputs(harness)).toMatchObject({ c2: { error: expect.stringContaining('not approved') as string } });
  });

  it('is refused when nobody decides in time, where the session sets a time', async () => {
    const { harness, sent } = await asked(5, { toolLimits: { approvalTimeoutMs: 30_000 } });
    harness.clock.advance(29_999);
    await settle();
    expect(harness.of('tool_end')).toEqual([]);
    harness.clock.advance(1);
    harness.session.approve('c1');
    await settle();
    expect(sent).toEqual([]);
    expect(outputs(harness)).toEqual({ c1: { error: expect.stringContaining('nobody decided in time') as string } });
  });

  it('that nobody decides about is cancelled when the session closes', async () => {
    const { harness } = await asked(5);
    await harness.session.close();
    expect(harness.of('tool_end')).toMatchObject([{ callId: 'c1', outcome: 'cancelled' }]);
    expect(() => harness.session.approve('c1')).toThrow(expect.objectContaining({ code: 'SESSION_CLOSED' }) as Error);
  });

  it('is run by the agent that asked, also when another has the conversation by then', async () => {
    const { harness, sent } = await asked(5);
    const other = transfer(false);
    const handedOver = harness.session.updateAgent(new RealtimeAgent({ name: 'Bob', tools: [other.tool] }));
    await settle();
    await settle();
    await handedOver;
    harness.session.approve('c1');
    await settle();
    expect([sent, other.sent]).toEqual([[5], []]);
    expect(outputs(harness)).toEqual({ c1: 5 });
  });

  it('keeps a decision for good for the agent it was made about, not for another', async () => {
    const { harness } = await asked(5);
    harness.session.approve('c1', { always: true });
    await settle();
    const other = transfer();
    await harness.session.updateAgent(new RealtimeAgent({ name: 'Bob', tools: [other.tool] }), { entry: 'silent' });
    const { model } = harness;
    model.push({ type: 'response_created', responseId: 'r2' }, { type: 'response_done', responseId: 'r2', status: 'completed', output: [] });
    model.push(...calls('r3', ['c2', 'transfer', '{"cents":7}']));
    await settle();
    expect(other.sent).toEqual([]);
    expect(harness.of('tool_approval_required').map(({ callId }) => callId)).toEqual(['c1', 'c2']);
  });

  it('is not moved by a decision about a call that nobody made', async () => {
    const { harness, sent } = await asked(5);
    harness.session.approve('other', { always: true });
    harness.session.reject('', { always: true });
    await settle();
    expect(sent).toEqual([]);
    expect(harness.of('tool_end')).toEqual([]);
  });
});
