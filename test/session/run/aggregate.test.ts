import { describe, expect, it } from 'vitest';
import { Agent, EMPTY_AGGREGATE, RunAggregator, aggregateRun, runStreamed, tool } from '../../../session/index.js';
import type { FlatRunEvent } from '../../../session/index.js';
import { scriptedTextModel } from '../../../src/provider/scripted/scripted-text-model.js';
import type { ScriptedTurn } from '../../../src/provider/scripted/scripted-text-model.js';
import { collect, runOptions } from '../../helpers/run-harness.js';

const look = tool({ name: 'look', description: '', parameters: { type: 'object' }, execute: (_args, { progress }) => (progress('half'), 'seen') });
const ask = tool({ name: 'ask', description: '', parameters: { type: 'object' }, needsApproval: true, execute: () => 'asked' });
const make = (turns: readonly ScriptedTurn[]) => runStreamed(new Agent({ name: 'Front', tools: [look, ask], handoffs: [new Agent({ name: 'Back' })] }), 'Hi', runOptions({ model: scriptedTextModel(turns) }));
const whole: ScriptedTurn[] = [{ reasoning: 'Hm.', text: 'Let me see.', calls: [{ name: 'look', arguments: { at: 'sky' } }, { name: 'transfer_to_Back' }] }, 'It is blue.'];

describe('the sum of a run', () => {
  it('is everything that was said and done, from flat events', async () => {
    const run = (await collect(make(whole).flatEvents())).reduce(aggregateRun, EMPTY_AGGREGATE);
    expect(run).toEqual({
      runId: 'run_1',
      agentName: 'Back',
      text: 'It is blue.',
      reasoning: 'Hm.',
      calls: [
        { callId: 'call_1', name: 'look', arguments: '{"at":"sky"}', status: 'ended', progress: 'half', output: 'seen', outcome: 'ok' },
        { callId: 'call_2', name: 'transfer_to_Back', arguments: '{}', status: 'ended', output: '{"handing_over_to":"Back"}', outcome: 'ok' },
      ],
      steps: ['Let me see.', 'It is blue.'],
      end: { status: 'completed' },
      itemId: '',
    });
  });

  it('is the same from the events of the run and its end', async () => {
    const running = make(whole);
    const sum = new RunAggregator();
    for await (const event of running) sum.add(event);
    sum.end(await running.end);
    expect(sum.value).toEqual((await collect(make(whole).flatEvents())).reduce(aggregateRun, EMPTY_AGGREGATE));
  });

  it('is at each moment what was known then, and leaves the one before as it was', async () => {
    const events = await collect(make(whole).flatEvents());
    const sums: unknown[] = [EMPTY_AGGREGATE];
    for (const event of events) sums.push(Object.freeze(aggregateRun(sums.at(-1) as typeof EMPTY_AGGREGATE, event)));
    const texts = sums.map((sum) => (sum as typeof EMPTY_AGGREGATE).text);
    expect(texts).toContain('Let me');
    expect(EMPTY_AGGREGATE.calls).toEqual([]);
    // Plain data, that can be sent and folded anywhere.
    const sent = JSON.parse(JSON.stringify(events)) as FlatRunEvent[];
    expect(sent.reduce(aggregateRun, EMPTY_AGGREGATE)).toEqual(sums.at(-1));
  });

  it('says how a run ended otherwise, and what became of its calls', async () => {
    const waits = (await collect(make([{ calls: [{ name: 'ask' }] }]).flatEvents())).reduce(aggregateRun, EMPTY_AGGREGATE);
    expect([waits.end, waits.calls[0]?.status]).toEqual([{ status: 'interrupted' }, 'waiting']);
    const fails = (await collect(make([{ text: 'Well', calls: [{ name: 'look' }], fails: { message: 'Out of luck.' } }]).flatEvents())).reduce(aggregateRun, EMPTY_AGGREGATE);
    expect([fails.end, fails.calls[0]?.status]).toMatchObject([{ status: 'failed', error: { code: 'RESPONSE_FAILED' } }, 'given_up']);
    const running = make(whole);
    const sum = new RunAggregator();
    for await (const event of running.flatEvents()) if (sum.add(event).text !== '') running.cancel();
    expect(sum.value).toMatchObject({ text: expect.stringMatching(/^Let/) as string, end: { status: 'cancelled' } });
  });
});
