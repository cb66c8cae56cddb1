import { describe, expect, expectTypeOf, it } from 'vitest';
import type { FlatRunEvent } from '../../../session/index.js';
import { STEP_DIALECT_START, stepTranslator, translateToSteps } from '../../../src/event-stream/index.js';
import type { TerminalEndEvent, TerminalErrorEvent, TypedEvent, StepEvent } from '../../../src/event-stream/index.js';
import { random } from '../../helpers/random.js';
import { serveRuns } from './served-runs.js';

const runId = 'r1';
const start: FlatRunEvent = { type: 'run.start', runId, agentName: 'Ava' };
const text = (delta: string): FlatRunEvent => ({ type: 'response.text.delta', runId, itemId: 'm1', delta });
const called: FlatRunEvent = { type: 'response.function_call.done', runId, callId: 'c1', name: 'book', arguments: '{"people":2}' };
const output: FlatRunEvent = { type: 'response.function_call.output', runId, callId: 'c1', name: 'book', output: '"ok"', outcome: 'ok' };
const stepDone = (step: number, words: string): FlatRunEvent => ({ type: 'run.step.done', runId, step, text: words });
const runDone = (end: 'completed' | 'cancelled' | 'interrupted' = 'completed'): FlatRunEvent => ({ type: 'run.done', runId, text: 'Done.', end });

function translate(...events: readonly (FlatRunEvent | TerminalErrorEvent | TerminalEndEvent)[]): TypedEvent[] {
  const translator = stepTranslator();
  return events.flatMap((event) => [...translator(event)]);
}
const types = (events: readonly TypedEvent[]): string[] => events.map(({ type }) => type);

describe('the dialect of steps', () => {
  it('has the ten names, and no other', () => {
    expectTypeOf<StepEvent['type']>().toEqualTypeOf<'AGENT_START' | 'AGENT_FINISH' | 'STEP_START' | 'STEP_FINISH' | 'TOOL_CALL_START' | 'TOOL_CALL_FINISH' | 'LLM_CHUNK' | 'THINKING' | 'ERROR' | 'PROGRESS'>();
  });

  it('takes every event of a flat run', () => {
    expectTypeOf<FlatRunEvent>().toExtend<Parameters<typeof translateToSteps>[1]>();
  });

  it('tells a run of two steps with a tool', () => {
    const told = translate(
      ...[start, { type: 'response.reasoning.delta', runId, itemId: 'm0', delta: 'Hm.' } as const, text('One mo'), text('ment.')],
      ...[{ type: 'response.function_call_arguments.delta', runId, callId: 'c1', name: 'book', delta: '{' } as const, called, stepDone(1, 'One moment.')],
      ...[{ type: 'response.function_call.progress', runId, callId: 'c1', name: 'book', update: 'half' } as const, output, text('Done.'), stepDone(2, 'Done.'), runDone()],
    );
    expect(told).toEqual([
      { type: 'AGENT_START', runId, agentName: 'Ava' },
      { type: 'STEP_START', runId, step: 1 },
      { type: 'THINKING', runId, itemId: 'm0', text: 'Hm.' },
      { type: 'LLM_CHUNK', runId, itemId: 'm1', text: 'One mo' },
      { type: 'LLM_CHUNK', runId, itemId: 'm1', text: 'ment.' },
      { type: 'TOOL_CALL_START', runId, callId: 'c1', name: 'book', arguments: '{"people":2}' },
      { type: 'STEP_FINISH', runId, step: 1, text: 'One moment.' },
      { type: 'PROGRESS', runId, callId: 'c1', name: 'book', update: 'half' },
      { type: 'TOOL_CALL_FINISH', runId, callId: 'c1', name: 'book', output: '"ok"', outcome: 'ok' },
      { type: 'STEP_START', runId, step: 2 },
      { type: 'LLM_CHUNK', runId, itemId: 'm1', text: 'Done.' },
      { type: 'STEP_FINISH', runId, step: 2, text: 'Done.' },
      { type: 'AGENT_FINISH', runId, agentName: 'Ava', end: 'completed', text: 'Done.' },
      { type: 'end', runId, reason: 'done' },
    ]);
  });

  it('tells a hand-off as one agent that finishes and another that starts', () => {
    expect(translate(start, { type: 'run.agent', runId, agentName: 'Ava' }, called, { type: 'run.agent', runId, agentName: 'Bo' }, runDone())).toEqual([
      { type: 'AGENT_START', runId, agentName: 'Ava' },
      { type: 'STEP_START', runId, step: 1 },
      expect.objectContaining({ type: 'TOOL_CALL_START' }),
      { type: 'STEP_FINISH', runId, step: 1, text: '' },
      { type: 'AGENT_FINISH', runId, agentName: 'Ava', end: 'handoff' },
      { type: 'AGENT_START', runId, agentName: 'Bo' },
      { type: 'AGENT_FINISH', runId, agentName: 'Bo', end: 'completed', text: 'Done.' },
      { type: 'end', runId, reason: 'done' },
    ]);
  });

  it.each([
    ['an error', { type: 'run.error', runId, error: { code: 'RUN_FAILED', message: 'No.' } }, ['ERROR', 'STEP_FINISH', 'AGENT_FINISH', 'end'], 'failed'],
    ['a stop that the run tells itself', runDone('cancelled'), ['STEP_FINISH', 'AGENT_FINISH', 'end'], 'stopped'],
    ['a stop that it does not', { type: 'end', runId, reason: 'disconnected' }, ['STEP_FINISH', 'AGENT_FINISH', 'end'], 'disconnected'],
  ] as const)('finishes what was started at %s', (_, last, wanted, reason) => {
    const told = translate(start, text('Half a sen'), last).slice(3);
    expect(types(told)).toEqual(wanted);
    expect(told).toContainEqual({ type: 'STEP_FINISH', runId, step: 1, text: 'Half a sen' });
    expect(told.at(-1)).toMatchObject({ reason });
  });

  it('lets through what is of no flat run', () => {
    const other = { type: 'raw_response_event', data: 1 } as TypedEvent;
    expect(stepTranslator()(other)).toEqual([other]);
  });

  it('balances whatever comes, and changes no state that it was given', () => {
    const { seed, int, pick } = random();
    const making: (() => FlatRunEvent)[] = [() => start, () => ({ type: 'run.agent', runId, agentName: pick(['Ava', 'Bo']) }), () => text('x'), () => called, () => output, () => stepDone(int(1, 9), 'y')];
    for (let round = 0; round < 200; round += 1) {
      const open = { AGENT: 0, STEP: 0 };
      let state = Object.freeze({ ...STEP_DIALECT_START });
      for (const event of [...Array.from({ length: int(0, 30) }, () => pick(making)()), pick([runDone(), { type: 'end', runId, reason: 'timeout' } as const])]) {
        const translation = translateToSteps(state, event);
        state = Object.freeze({ ...translation.state });
        for (const { type } of translation.events) {
          const [what, how] = type.split('_') as ['AGENT' | 'STEP', string];
          if (how === 'START' && what in open) open[what] += 1;
          if (how === 'FINISH' && what in open) open[what] -= 1;
          expect(open.AGENT >= 0 && open.AGENT <= 1 && open.STEP <= 1, `seed ${seed}`).toBe(true);
        }
      }
      expect(open.AGENT, `seed ${seed}`).toBe(0);
    }
  });

  it('is what a request gets that asks for it, to the last event, also when it fails', async () => {
    await using server = await serveRuns(async function* ({ input }) {
      yield* [start, text('Hi')];
      if (input === 'fail') throw new Error('no');
      yield runDone();
    });
    const [whole, broken] = [server.post({ input: 'x', dialect: 'steps' }), server.post({ input: 'fail', dialect: 'steps' })];
    await Promise.all([whole.over, broken.over]);
    expect(whole.events.map(({ event }) => event)).toEqual(['AGENT_START', 'STEP_START', 'LLM_CHUNK', 'STEP_FINISH', 'AGENT_FINISH', 'end']);
    expect(broken.events.map(({ event }) => event)).toEqual(['AGENT_START', 'STEP_START', 'LLM_CHUNK', 'ERROR', 'STEP_FINISH', 'AGENT_FINISH', 'end']);
    expect(JSON.parse(broken.events[3]?.data ?? '')).toMatchObject({ code: 'RUN_FAILED' });
  });
});
