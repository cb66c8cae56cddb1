import { describe, expect, it } from 'vitest';
import { nextAction } from '../../../session/index.js';
import type { TextOutputItem, TurnRules } from '../../../session/index.js';

const rules: TurnRules = { turn: 1, maxTurns: 3, handoffNames: ['transfer_to_B', 'transfer_to_C'], structured: false };
const message = (text: string, refusal?: string): TextOutputItem => ({ type: 'message', id: `m_${text}`, text, ...(refusal === undefined ? {} : { refusal }) });
const call = (callId: string, name: string): TextOutputItem => ({ type: 'function_call', id: `i_${callId}`, callId, name, arguments: '{}' });
const made = (callId: string, name: string) => ({ callId, name, arguments: '{}' });
const decide = (output: readonly TextOutputItem[], more: Partial<TurnRules> = {}, status: 'completed' | 'incomplete' | 'failed' = 'completed') => nextAction({ responseId: 'r', status, output }, { ...rules, ...more });

describe('what follows from an answer', () => {
  it('is the end, with all its words', () => {
    expect(decide([message('One.'), { type: 'reasoning', id: 'r', text: 'Hm.' }, message('Two.')])).toEqual({ type: 'finish', text: 'One.\nTwo.' });
    expect(decide([])).toEqual({ type: 'finish', text: '' });
    expect(decide([message('', 'No.')])).toEqual({ type: 'finish', text: 'No.' });
  });

  it('is its calls; an id that comes twice is one of them', () => {
    expect(decide([message('Wait.'), call('1', 'a'), call('2', 'b'), call('1', 'a')])).toEqual({ type: 'call', calls: [made('1', 'a'), made('2', 'b')], refused: [] });
  });

  it('is the first of its hand-offs, after its calls', () => {
    expect(decide([call('1', 'transfer_to_C'), call('2', 'a'), call('3', 'transfer_to_B')])).toEqual({ type: 'call', calls: [made('2', 'a')], handOver: made('1', 'transfer_to_C'), refused: [made('3', 'transfer_to_B')] });
  });

  it('is a failure when the model may not be asked again, and nothing is begun', () => {
    expect(decide([call('1', 'a')], { turn: 3 })).toMatchObject({ type: 'fail', error: { code: 'RUN_MAX_TURNS' } });
    expect(decide([message('Done.')], { turn: 3 })).toMatchObject({ type: 'finish' });
    // A hand-off may end the run without another answer.
    expect(decide([call('1', 'transfer_to_B')], { turn: 3 })).toMatchObject({ type: 'call' });
  });

  it('is a failure for an answer that failed, was cut, or waits for what no run can give', () => {
    expect(decide([message('Half')], {}, 'failed')).toMatchObject({ type: 'fail', error: { code: 'RESPONSE_FAILED' } });
    expect(decide([message('Half')], {}, 'incomplete')).toEqual({ type: 'finish', text: 'Half', incomplete: 'unknown' });
    expect(decide([call('1', 'a')], {}, 'incomplete')).toMatchObject({ type: 'fail', error: { code: 'RESPONSE_INCOMPLETE' } });
    expect(decide([message('{"a":1}')], { structured: true }, 'incomplete')).toMatchObject({ type: 'fail', error: { code: 'RESPONSE_INCOMPLETE' } });
    expect(decide([message('', 'No.')], { structured: true })).toMatchObject({ type: 'fail', error: { code: 'OUTPUT_REFUSED' } });
    expect(decide([{ type: 'mcp_approval_request', id: 'x', serverLabel: 'docs', name: 'search', arguments: '{}', raw: {} }])).toMatchObject({ type: 'fail', error: { code: 'RESPONSE_FAILED', providerCode: 'mcp_approval_request' } });
  });
});
