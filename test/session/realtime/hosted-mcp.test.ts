import { describe, expect, it } from 'vitest';
import { RealtimeAgent, RealtimeSession, hostedMcpTool } from '../../../session/index.js';
import type { ModelInput, ModelItem } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { scriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import { openHarness, speechStarts } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';

type McpCall = Extract<ModelItem, { type: 'mcp_call' }>;

function mcpCall(more: Partial<McpCall> = {}): McpCall {
  return { type: 'mcp_call', id: 'm1', serverLabel: 'docs', name: 'search', arguments: '', ...more };
}

/** The model lets the server run a call, within one response. */
function hosted(responseId: string, end: Partial<McpCall>): ModelInput[] {
  const done = mcpCall({ arguments: '{"q":"x"}', ...end });
  return [
    { type: 'response_created', responseId },
    { type: 'output_item_added', responseId, outputIndex: 0, item: mcpCall() },
    { type: 'item_added', item: mcpCall() },
    { type: 'mcp_arguments_delta', responseId, itemId: 'm1', delta: '{"q":"x"}' },
    { type: 'mcp_call_running', itemId: 'm1' },
    { type: 'item_done', item: done },
    { type: 'output_item_done', responseId, outputIndex: 0, item: done },
    { type: 'response_done', responseId, status: 'completed', output: [done] },
  ];
}

function request(id: string, name = 'send'): ModelInput[] {
  const item = { type: 'mcp_approval_request', id, serverLabel: 'mail', name, arguments: '{"to":"Ann"}' } as const;
  return [
    { type: 'response_created', responseId: `r_${id}` },
    { type: 'output_item_added', responseId: `r_${id}`, outputIndex: 0, item },
    { type: 'item_added', item },
    { type: 'item_done', item },
    { type: 'output_item_done', responseId: `r_${id}`, outputIndex: 0, item },
    { type: 'response_done', responseId: `r_${id}`, status: 'completed', output: [item] },
  ];
}

function decisions({ model }: Harness): unknown[] {
  return model.commandsOf('create_item').flatMap(({ item }) => (item.type === 'mcp_approval_response' ? [[item.approvalRequestId, item.approve, item.reason]] : []));
}

describe('hostedMcpTool()', () => {
  it('is part of the agent, and of what the model is told', async () => {
    const model = scriptedModel();
    const docs = hostedMcpTool({ serverLabel: 'docs', serverUrl: 'https://docs.example/mcp', requireApproval: 'never' });
    const agent = new RealtimeAgent({ name: 'Ava', tools: [docs] });
    expect([agent.tools, agent.hostedTools]).toEqual([[], [docs]]);
    await using session = new RealtimeSession(agent, { model, clock: new ManualClock() });
    await session.connect();
    expect(model.commandsOf('configure')[0]?.config.tools).toEqual([{ type: 'mcp', serverLabel: 'docs', serverUrl: 'https://docs.example/mcp', requireApproval: 'never' }]);
    expect(() => new RealtimeAgent({ name: 'Ava', tools: [docs, docs] })).toThrow(/docs/);
  });

  it('needs a label, and one place where the server is', () => {
    expect(() => hostedMcpTool({ serverLabel: 'two words', serverUrl: 'https://x' })).toThrow(TypeError);
    expect(() => hostedMcpTool({ serverLabel: 'x' })).toThrow(TypeError);
    expect(() => hostedMcpTool({ serverLabel: 'x', serverUrl: 'https://x', connectorId: 'c' })).toThrow(TypeError);
  });
});

describe('the tools of a server', () => {
  it('are told when they have been listed, and an error when they could not be', async () => {
    const { model, of } = await openHarness();
    model.push(
      { type: 'item_added', item: { type: 'mcp_list_tools', id: 'l1', serverLabel: 'docs', tools: [] } },
      { type: 'item_done', item: { type: 'mcp_list_tools', id: 'l1', serverLabel: 'docs', tools: [{ name: 'search', description: 'Searches.' }] } },
      { type: 'mcp_list_failed', itemId: 'l2' },
    );
    expect(of('mcp_tools')).toMatchObject([{ itemId: 'l1', serverLabel: 'docs', tools: [{ name: 'search', description: 'Searches.' }] }]);
    expect(of('error')).toMatchObject([{ error: { code: 'TOOL_FAILED', hint: expect.stringContaining('l2') as string } }]);
  });
});

describe('a call of a hosted tool', () => {
  it('is told like any other, with its server, and then the model is asked to speak, once', async () => {
    const { model, of, session, clock } = await openHarness();
    const inputs = hosted('r1', { output: 'found' });
    model.push(...inputs.slice(0, 5));
    clock.advance(3_000);
    model.push(...inputs.slice(5));
    expect(of('tool_start')).toMatchObject([{ callId: 'm1', itemId: 'm1', responseId: 'r1', toolName: 'search', serverLabel: 'docs' }]);
    expect(of('tool_arguments_delta')).toMatchObject([{ callId: 'm1', textSoFar: '{"q":"x"}' }]);
    expect(of('tool_end')).toMatchObject([{ callId: 'm1', toolName: 'search', arguments: '{"q":"x"}', output: 'found', outcome: 'ok', durationMs: 3_000, serverLabel: 'docs' }]);
    expect(session.history).toEqual([{ type: 'mcp_call', itemId: 'm1', serverLabel: 'docs', name: 'search', arguments: '{"q":"x"}', output: 'found' }]);
    expect(model.commandsOf('create_item')).toEqual([]);
    expect(model.commandsOf('create_response').length).toBe(1);
  });

  it('that failed says so', async () => {
    const { model, of, session } = await openHarness();
    model.push(...hosted('r1', { error: { message: 'busy', kind: 'http_error' } }));
    expect(of('tool_end')).toMatchObject([{ outcome: 'error', output: 'busy' }]);
    expect(session.history).toMatchObject([{ type: 'mcp_call', error: 'busy' }]);
    expect(model.commandsOf('create_response').length).toBe(1);
  });

  it('is unsettled when the response or the session ends while the server runs it, cancelled when it never ran', async () => {
    for (const [inputs, outcome] of [[5, 'unsettled'], [4, 'cancelled']] as const) {
      const { model, of, session } = await openHarness();
      model.push(...hosted('r1', {}).slice(0, inputs), { type: 'response_done', responseId: 'r1', status: 'cancelled', reason: 'turn_detected', output: [] });
      expect(of('tool_end')).toMatchObject([{ callId: 'm1', outcome }]);
      model.push(...hosted('r2', {}).slice(0, inputs).map((input): ModelInput => JSON.parse(JSON.stringify(input).replaceAll('"m1"', '"m2"')) as ModelInput));
      await session.close();
      expect(of('tool_end')).toMatchObject([{ callId: 'm1' }, { callId: 'm2', outcome }]);
    }
  });

  it('may be silent for a minute while its server works, and no longer', async () => {
    const { model, of, clock } = await openHarness();
    model.push(...hosted('r1', {}).slice(0, 5));
    clock.advance(59_000);
    expect(of('error')).toEqual([]);
    clock.advance(2_000);
    expect(of('error')).toMatchObject([{ error: { message: expect.stringContaining('60 s') as string } }]);
    clock.advance(10_000);
    expect(of('tool_end')).toMatchObject([{ outcome: 'unsettled' }]);
  });

  it('outside of a response leads to an answer too', async () => {
    const { model, of } = await openHarness();
    model.push({ type: 'item_added', item: mcpCall() }, { type: 'mcp_call_running', itemId: 'm1' }, { type: 'item_done', item: mcpCall({ arguments: '{}', output: 'sent', approvalRequestId: 'q1' }) });
    expect(of('tool_end')).toMatchObject([{ outcome: 'ok', output: 'sent' }]);
    expect(model.commandsOf('create_response').length).toBe(1);
  });
});

describe('a hosted call that needs approval', () => {
  it('waits for a person, whose decision goes to the model, once', async () => {
    const harness = await openHarness();
    harness.model.push(...request('q1'));
    expect(harness.of('tool_approval_required')).toMatchObject([{ callId: 'q1', itemId: 'q1', toolName: 'send', arguments: '{"to":"Ann"}', serverLabel: 'mail' }]);
    expect(harness.model.commandsOf('create_response')).toEqual([]);
    harness.session.approve('q1');
    harness.session.reject('q1');
    harness.model.push(...request('q1').slice(2, 4));
    expect(decisions(harness)).toEqual([['q1', true, undefined]]);
    expect(harness.model.commands.slice(-2).map(({ type }) => type)).toEqual(['create_item', 'create_response']);
    expect(harness.of('tool_approval_required').length).toBe(1);
  });

  it('is refused with the reason', async () => {
    const harness = await openHarness();
    harness.model.push(...request('q1'));
    harness.session.reject('q1', { reason: 'Not Ann.' });
    expect(decisions(harness)).toEqual([['q1', false, 'Not Ann.']]);
  });

  it('follows a decision for good, of this tool of this server', async () => {
    const harness = await openHarness();
    harness.model.push(...request('q1'), ...request('q2'), ...request('q3', 'delete'));
    harness.session.approve('q1', { always: true });
    expect(decisions(harness)).toEqual([['q1', true, undefined], ['q2', true, undefined]]);
    harness.model.push(...request('q4'));
    expect(decisions(harness).slice(2)).toEqual([['q4', true, undefined]]);
    expect(harness.of('tool_approval_required').map(({ callId }) => callId)).toEqual(['q1', 'q2', 'q3']);
  });

  it('is refused when nobody decides in time, where the session sets a time', async () => {
    const harness = await openHarness({ toolLimits: { approvalTimeoutMs: 30_000 } });
    harness.model.push(...request('q1'));
    harness.clock.advance(29_999);
    expect(decisions(harness)).toEqual([]);
    harness.clock.advance(1);
    expect(decisions(harness)).toEqual([['q1', false, expect.stringContaining('in time') as string]]);
  });

  it('beyond what anybody can decide is refused, oldest first', async () => {
    const harness = await openHarness();
    for (let index = 0; index < 66; index += 1) harness.model.push(...request(`q${index}`));
    expect(decisions(harness).map((decision) => (decision as string[])[0])).toEqual(['q0', 'q1']);
  });

  it('is decided while the user speaks, and the model is asked when it is free', async () => {
    const harness = await openHarness();
    harness.model.push(...request('q1'), speechStarts('u1'));
    harness.session.approve('q1');
    expect(decisions(harness).length).toBe(1);
    expect(harness.model.commandsOf('create_response')).toEqual([]);
  });
});
