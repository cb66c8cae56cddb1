import { describe, expect, it } from 'vitest';
import type { RunStreamEvent } from '../../../src/client/run-stream.js';
import { EMPTY_RUN, foldRunEvent, isRunActive, runCalls, runText } from '../../../src/client/run-view.js';
import type { RunView } from '../../../src/client/run-view.js';

const runId = 'r1';
const fold = (...events: readonly RunStreamEvent[]): RunView => events.reduce(foldRunEvent, EMPTY_RUN);
const says = (delta: string): RunStreamEvent => ({ type: 'response.text.delta', runId, itemId: 'm', delta });

describe('foldRunEvent', () => {
  it('adds up text and reasoning, and puts an empty line between two answers', () => {
    const view = fold(
      { type: 'run.start', runId, agentName: 'Ava' },
      { type: 'response.reasoning.delta', runId, itemId: 'r', delta: 'Let me ' },
      { type: 'response.reasoning.delta', runId, itemId: 'r', delta: 'think.' },
      says('One '),
      says('moment.'),
      { type: 'run.step.done', runId, step: 1, text: 'One moment.' },
      says('It '),
      says('rains.'),
    );
    expect(view).toMatchObject({ runId, agentName: 'Ava' });
    expect([runText(view), runText(view, 'reasoning')]).toEqual(['One moment.\n\nIt rains.', 'Let me think.']);
  });

  it('has no empty line for an answer that says nothing', () => {
    expect(runText(fold({ type: 'run.step.done', runId, step: 1, text: '' }, says('Hi.'), { type: 'run.step.done', runId, step: 2, text: 'Hi.' }))).toBe('Hi.');
  });

  it('follows a tool call from its first letter to its output', () => {
    const call = { runId, callId: 'c1', name: 'weather' } as const;
    const asking = fold({ type: 'response.function_call_arguments.delta', ...call, delta: '{"city":' }, { type: 'response.function_call_arguments.delta', ...call, delta: '"Rome"}' });
    expect(runCalls(asking)).toEqual([{ callId: 'c1', name: 'weather', arguments: '{"city":"Rome"}', state: 'asking' }]);
    const running = foldRunEvent(foldRunEvent(asking, { type: 'response.function_call.done', ...call, arguments: '{"city":"Rome"}' }), { type: 'response.function_call.progress', ...call, update: 'half' });
    expect(runCalls(running)).toEqual([{ callId: 'c1', name: 'weather', arguments: '{"city":"Rome"}', state: 'running', progress: 'half' }]);
    const done = foldRunEvent(running, { type: 'response.function_call.output', ...call, output: '21', outcome: 'ok' });
    expect(runCalls(done)).toEqual([{ callId: 'c1', name: 'weather', arguments: '{"city":"Rome"}', state: 'done', progress: 'half', output: '21', outcome: 'ok' }]);
    expect(runCalls(asking)[0]?.state).toBe('asking');
    // What came before it may be lost.
    expect(runCalls(fold({ type: 'response.function_call.output', ...call, output: '21', outcome: 'ok' }))).toHaveLength(1);
  });

  it('counts what is lost, and has the whole text again when the answer is done', () => {
    const holed = fold(says('It '), { type: 'gap', from: 3, to: 7 }, says('rains.'));
    expect([runText(holed), holed.lostEvents]).toEqual(['It rains.', 5]);
    expect(runText(foldRunEvent(holed, { type: 'run.step.done', runId, step: 1, text: 'It never rains.' }))).toBe('It never rains.');
    expect(runText(fold({ type: 'gap', from: 1, to: 7 }, { type: 'run.step.done', runId, step: 1, text: 'It never rains.' }))).toBe('It never rains.');
  });

  it('keeps the pieces in the order in which they began, and mends only the answer that is done', () => {
    const call = { runId, callId: 'c1', name: 'weather' } as const;
    const view = fold(
      says('First.'),
      { type: 'run.step.done', runId, step: 1, text: 'First.' },
      { type: 'response.reasoning.delta', runId, itemId: 'r', delta: 'Hm.' },
      says('A '),
      { type: 'response.function_call.done', ...call, arguments: '{}' },
      says('b.'),
      { type: 'response.text.delta', runId, itemId: 'm2', delta: 'C.' },
      { type: 'run.agent', runId, agentName: 'Bo' },
    );
    expect(view.parts.map((part) => (part.type === 'call' ? 'call' : part.type === 'agent' ? part.agentName : part.text))).toEqual(['First.', 'Hm.', 'A b.', 'call', 'C.', 'Bo']);
    // Two messages of one answer, as the server may put them together.
    for (const text of ['A b.C.', 'A b.\n\nC.']) expect(foldRunEvent(view, { type: 'run.step.done', runId, step: 2, text }).parts).toEqual(view.parts);
    const mended = foldRunEvent(view, { type: 'run.step.done', runId, step: 2, text: 'A b and C.' });
    expect([mended.parts.length, mended.settledParts, runText(mended)]).toEqual([5, 5, 'First.\n\nA b and C.']);
  });

  it('tells where the run is, and how it ended', () => {
    const error = new Error() as never;
    const states = fold({ type: 'connection', state: 'open' });
    expect([states.status, isRunActive(states)]).toEqual(['running', true]);
    const lost = foldRunEvent(states, { type: 'connection', state: 'reconnecting', attempt: 1, delayMs: 1, error });
    expect(lost.status).toBe('reconnecting');
    expect(foldRunEvent({ ...lost, status: 'stopping' }, { type: 'connection', state: 'open' }).status).toBe('stopping');
    const done = foldRunEvent(lost, { type: 'run.done', runId, text: '', end: 'interrupted' });
    expect([done.status, isRunActive(done)]).toEqual(['interrupted', false]);
    expect(foldRunEvent(lost, { type: 'run.error', runId, error: { code: 'X', message: 'No.' } })).toMatchObject({ status: 'failed', error: { code: 'X' } });
  });

  it('takes the server’s word for the end where the run gave none', () => {
    const end = (reason: Extract<RunStreamEvent, { type: 'end' }>['reason']): RunView => fold({ type: 'connection', state: 'open' }, { type: 'end', runId, reason });
    expect([end('done').status, end('stopped').status]).toEqual(['completed', 'cancelled']);
    for (const reason of ['disconnected', 'timeout', 'closing', 'failed'] as const) expect(end(reason)).toMatchObject({ status: 'failed', error: { message: expect.any(String) } });
  });
});
