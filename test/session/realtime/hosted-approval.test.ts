import { describe, expect, it } from 'vitest';
import type { ModelInput } from '../../../session/index.js';
import { openHarness } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';

function request(id: string, json = '{"to":"Ann"}'): ModelInput[] {
  const item = { type: 'mcp_approval_request', id, serverLabel: 'mail', name: 'send', arguments: json } as const;
  return [
    { type: 'response_created', responseId: `r_${id}` },
    { type: 'output_item_added', responseId: `r_${id}`, outputIndex: 0, item },
    { type: 'item_done', item },
    { type: 'output_item_done', responseId: `r_${id}`, outputIndex: 0, item },
    { type: 'response_done', responseId: `r_${id}`, status: 'completed', output: [item] },
  ];
}

interface Desk extends Harness {
  /** The connection is lost, and made again. */
  lose(meanwhile?: () => void): Promise<void>;
  decisions(): unknown[];
  /** What the model was told in words since the last connection was opened. */
  notes(): string[];
}

async function desk(options: Parameters<typeof openHarness>[0] = {}): Promise<Desk> {
  const harness = await openHarness({ reconnect: {}, ...options });
  const { model, clock } = harness;
  let from = 0;
  const told = () => model.commands.slice(from).flatMap((command) => (command.type === 'create_item' ? [command.item] : []));
  return {
    ...harness,
    async lose(meanwhile = () => {}) {
      from = model.commands.length;
      model.closeFromPeer(1006);
      meanwhile();
      await clock.advanceAsync(2_000, 50);
      await settle();
      expect(harness.of('connection').at(-1)?.connection.state).toBe('resumed');
    },
    decisions: () => told().flatMap((item) => (item.type === 'mcp_approval_response' ? [[item.approvalRequestId, item.approve, item.reason]] : [])),
    notes: () => told().flatMap((item) => (item.type === 'message' && item.role === 'system' ? item.content.flatMap((part) => (part.type === 'input_text' ? [part.text] : [])) : [])),
  };
}

describe('a hosted call that waits for approval while the connection is lost', () => {
  it('is made when a person agrees: the model is told so in words, asks again, and is answered at once', async () => {
    const { model, session, of, lose, notes, decisions } = await desk();
    model.push(...request('q1'));
    await lose();
    expect(model.commandsOf('create_response').length).toBe(0);
    session.approve('q1');
    expect(notes()).toEqual([expect.stringMatching(/send at mail with the arguments \{"to":"Ann"\}.*not been run.*agreed.*again/u) as string]);
    expect(model.commandsOf('create_response').length).toBe(1);
    model.push(...request('q2', '{ "to": "Ann" }'));
    expect(decisions()).toEqual([['q2', true, undefined]]);
    expect(of('tool_approval_required').map(({ callId }) => callId)).toEqual(['q1']);
    // The decision was about one call.
    model.push(...request('q3'));
    expect(of('tool_approval_required').map(({ callId }) => callId)).toEqual(['q1', 'q3']);
  });

  it('is not made when a person refuses, nor when nobody decides in time', async () => {
    const { model, session, clock, lose, notes, decisions } = await desk({ toolLimits: { approvalTimeoutMs: 30_000 } });
    model.push(...request('q1'), ...request('q2', '{"to":"Bob"}'));
    await lose(() => session.reject('q1', { reason: 'Not Ann.' }));
    expect(notes()).toEqual([expect.stringMatching(/Ann.*refused it \(Not Ann\.\): do not make it/u) as string]);
    // The model answers, or it would be taken for mute.
    model.push({ type: 'response_created', responseId: 'r1' }, { type: 'response_done', responseId: 'r1', status: 'completed', output: [] });
    clock.advance(28_000);
    expect(notes()[1]).toMatch(/Bob.*refused it \(Nobody decided in time\.\)/u);
    expect(decisions()).toEqual([]);
  });

  it('goes on waiting under its old id when the model asks again by itself', async () => {
    const { model, session, of, lose, notes, decisions } = await desk();
    model.push(...request('q1'));
    await lose();
    model.push(...request('q2'));
    expect(of('tool_approval_required').map(({ callId }) => callId)).toEqual(['q1']);
    session.approve('q1');
    expect([decisions(), notes()]).toEqual([[['q2', true, undefined]], []]);
  });

  it('with other arguments is another call, about which the person is asked', async () => {
    const { model, session, of, lose, decisions } = await desk();
    model.push(...request('q1'));
    await lose();
    session.approve('q1');
    model.push(...request('q2', '{"to":"Bob"}'));
    expect([decisions(), of('tool_approval_required').map(({ callId }) => callId)]).toEqual([[], ['q1', 'q2']]);
  });
});

describe('a hosted call of which it is not known whether it ran', () => {
  it('is told to the application and to the model, and is not made again by itself', async () => {
    const { model, session, of, lose, notes, decisions } = await desk();
    model.push(...request('q1'));
    session.approve('q1');
    await lose();
    expect(of('error')).toMatchObject([{ error: { code: 'TOOL_FAILED', callId: 'q1', message: expect.stringContaining('not known') as string } }]);
    expect([decisions(), notes()]).toEqual([[], [expect.stringMatching(/not known whether it ran\. Do not make it again/u) as string]]);
    await lose();
    expect(of('error').length).toBe(1);
  });

  it('was seen to begin: then it has ended as what it was, and nothing more is told of its approval', async () => {
    const { model, session, of, lose, notes } = await desk();
    const call = { type: 'mcp_call', id: 'm1', serverLabel: 'mail', name: 'send', arguments: '{"to":"Ann"}' } as const;
    model.push(...request('q1'));
    session.approve('q1');
    model.push({ type: 'item_added', item: { ...call, approvalRequestId: 'q1' } }, { type: 'item_done', item: { ...call, output: 'sent' } });
    await lose();
    expect([of('error'), notes()]).toEqual([[], []]);
    model.push({ type: 'item_added', item: { ...call, id: 'm2' } }, { type: 'mcp_call_running', itemId: 'm2' });
    await lose();
    expect(of('tool_end')).toMatchObject([{ callId: 'm1', outcome: 'ok' }, { callId: 'm2', outcome: 'unsettled' }]);
    expect(notes()).toEqual([expect.stringContaining('not known what came of it') as string]);
  });
});
