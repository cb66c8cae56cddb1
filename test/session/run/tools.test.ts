import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Agent, run, runStreamed, tool, toolResult } from '../../../session/index.js';
import type { FlatRunEvent, RunState, Tool, ToolContext } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { scriptedTextModel } from '../../../src/provider/scripted/scripted-text-model.js';
import type { ScriptedCall, ScriptedTurn } from '../../../src/provider/scripted/scripted-text-model.js';
import { collect, runOptions } from '../../helpers/run-harness.js';
import { random } from '../../helpers/random.js';
import { settle } from '../../helpers/settle.js';

type Output = Extract<FlatRunEvent, { type: 'response.function_call.output' }>;

const anything = { type: 'object' } as const;
const named = (name: string, execute: Parameters<typeof tool>[0]['execute'], rest: Partial<Parameters<typeof tool>[0]> = {}): Tool => tool({ name, description: name, parameters: anything, execute, ...rest });

async function outputs(tools: readonly Tool[], calls: readonly ScriptedCall[], clock = new ManualClock()): Promise<Output[]> {
  const running = runStreamed(new Agent({ name: 'Ava', tools }), 'Go', runOptions({ model: scriptedTextModel([{ calls }, 'Done.']), clock }));
  return (await collect(running.flatEvents())).filter((event): event is Output => event.type === 'response.function_call.output');
}

describe('the tools of a run', () => {
  it('get the context of the run, an id that never changes, and what fits their schema', async () => {
    let seen: (ToolContext & { n: number }) | undefined;
    const counts = tool({ name: 'count', description: '', parameters: z.object({ n: z.number() }), execute: ({ n }, context) => ((seen = { ...context, n }), 'ok') });
    const model = scriptedTextModel([{ calls: [{ name: 'count', arguments: { n: 3 } }] }, 'Done.']);
    await run(new Agent({ name: 'Ava', tools: [counts] }), 'Go', runOptions({ model, context: { user: 'u7' } }));
    expect(seen).toMatchObject({ n: 3, callId: 'call_1', idempotencyKey: 'run_1/call_1', context: { user: 'u7' } });
  });

  it('tell the model in words what went wrong', async () => {
    const tools = [named('throws', () => Promise.reject(new Error('No such booking.'))), tool({ name: 'strict', description: '', parameters: z.object({ n: z.number() }), execute: () => 1 })];
    const ended = await outputs(tools, [{ name: 'throws' }, { name: 'strict', arguments: { n: 'x' } }, { name: 'strict', arguments: '{"n":' }, { name: 'unknown' }]);
    expect(ended.map(({ name, outcome }) => [name, outcome])).toEqual(expect.arrayContaining([['throws', 'error'], ['strict', 'error'], ['strict', 'error'], ['unknown', 'error']]));
    expect(ended.find(({ name }) => name === 'throws')?.output).toContain('No such booking.');
    expect(ended.find(({ name }) => name === 'unknown')?.output).toContain('There are: throws, strict.');
  });

  it('that take too long are stopped, and called unsettled when they do not stop', async () => {
    const clock = new ManualClock();
    const stops = named('stops', (_args, { signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))), { timeoutMs: 1_000 });
    const ignores = named('ignores', () => new Promise<string>(() => {}), { timeoutMs: 1_000 });
    const ending = outputs([stops, ignores], [{ name: 'stops' }, { name: 'ignores' }], clock);
    await settle();
    clock.advance(1_000);
    await settle();
    clock.advance(500);
    expect((await ending).map(({ name, outcome }) => [name, outcome])).toEqual([['stops', 'cancelled'], ['ignores', 'unsettled']]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('run together, end in any order, and lead to one more question, each with its own output', async () => {
    const generator = random();
    for (let round = 0; round < 30; round += 1) {
      const finish = new Map<string, () => void>();
      const tools = Array.from({ length: 5 }, (_each, index) => named(`t${index}`, () => new Promise<string>((resolve) => finish.set(`t${index}`, () => resolve(`out ${index}`)))));
      const model = scriptedTextModel([{ calls: tools.map(({ name }) => ({ name })) }, 'Done.']);
      const running = runStreamed(new Agent({ name: 'Ava', tools }), 'Go', runOptions({ model }));
      const reading = collect(running);
      await settle();
      const names = [...finish.keys()];
      expect(names).toHaveLength(5);
      while (names.length > 0) {
        expect(model.requests).toHaveLength(1);
        finish.get(names.splice(generator.int(0, names.length), 1)[0] as string)?.();
        await settle();
      }
      await reading;
      expect(model.requests).toHaveLength(2);
      const told = model.requests[1]?.input.flatMap((item) => (item.type === 'function_call_output' ? [[item.callId, item.output]] : [])) ?? [];
      expect(Object.fromEntries(told), `seed ${generator.seed}`).toEqual(Object.fromEntries(tools.map((_tool, index) => [`call_${index + 1}`, `out ${index}`])));
    }
  });

  it('run no more of a kind at once than they allow', async () => {
    let now = 0;
    let most = 0;
    const one = named('one', async () => {
      most = Math.max(most, (now += 1));
      await settle();
      now -= 1;
    }, { concurrency: 2 });
    expect(await outputs([one], Array.from({ length: 7 }, () => ({ name: 'one' })))).toHaveLength(7);
    expect(most).toBe(2);
  });

  it('tell how far they are; while the reader is behind, only the newest waits', async () => {
    let progress: ToolContext['progress'] = () => {};
    let finish = (_result: string): void => {};
    const slow = named('slow', (_args, context) => ((progress = context.progress), new Promise<string>((resolve) => (finish = resolve))));
    const running = runStreamed(new Agent({ name: 'Ava', tools: [slow] }), 'Go', runOptions({ model: scriptedTextModel([{ calls: [{ name: 'slow' }] }, 'Done.']), queueSize: 1 }));
    const events = running.events();
    const seen: unknown[] = [];
    for (let called = false; !called; ) {
      const { value } = await events.next();
      called = value?.type === 'raw_response_event' && value.data.type === 'response_done';
    }
    await settle();
    for (let percent = 0; percent < 50; percent += 1) progress(`${percent} %`);
    await settle();
    progress('nearly done');
    finish('done');
    await settle();
    progress('too late');
    for await (const event of events) {
      if (event.type === 'tool_progress_stream_event') seen.push(event.update);
      if (event.type === 'run_item_stream_event' && event.name === 'tool_output') seen.push('output');
    }
    expect(seen).toEqual(['0 %', '49 %', 'output']);
  });

  it('that ask for no answer end the run with what was said before', async () => {
    const quiet = named('note', () => toolResult('noted', { respond: false }));
    const model = scriptedTextModel([{ text: 'I note it.', calls: [{ name: 'note' }] }, 'Never asked for.']);
    expect((await run(new Agent({ name: 'Ava', tools: [quiet] }), 'Note!', runOptions({ model }))).finalOutput).toBe('I note it.');
    expect(model.requests).toHaveLength(1);
  });

  it('are run once, though the model repeats a call', async () => {
    let runs = 0;
    const pay = named('pay', () => `paid ${(runs += 1)}`);
    const turns: ScriptedTurn[] = [{ calls: [{ name: 'pay', callId: 'c' }, { name: 'pay', callId: 'c' }] }, { calls: [{ name: 'pay', callId: 'c' }] }, { calls: [{ name: 'other', callId: 'c' }] }, 'Done.'];
    const { history } = await run(new Agent({ name: 'Ava', tools: [pay] }), 'Pay', runOptions({ model: scriptedTextModel(turns) }));
    expect(runs).toBe(1);
    expect(history.flatMap((item) => (item.type === 'function_call_output' ? [item.output] : []))).toEqual(['paid 1', 'paid 1', expect.stringContaining('was not run') as string]);
  });
});

describe('a call that needs a person', () => {
  const done: string[] = [];
  const pay = tool({ name: 'pay', description: '', parameters: z.object({ eur: z.number() }), needsApproval: ({ eur }) => eur > 10, execute: ({ eur }) => (done.push(`paid ${eur}`), 'paid') });
  const agent = new Agent({ name: 'Ava', tools: [pay] });
  const turns: ScriptedTurn[] = [{ text: 'I pay.', calls: [{ name: 'pay', arguments: { eur: 5 } }, { name: 'pay', arguments: { eur: 50 } }, { name: 'pay', arguments: { eur: 500 } }] }, 'All done.'];

  async function waiting() {
    done.length = 0;
    const model = scriptedTextModel(turns);
    const running = runStreamed(agent, 'Pay', runOptions({ model }));
    const flat = await collect(running.flatEvents());
    return { model, running, flat };
  }

  it('ends the run, which holds nothing while it waits; the others are run', async () => {
    const { model, running, flat } = await waiting();
    expect(flat.at(-1)).toEqual({ type: 'run.done', runId: 'run_1', text: 'I pay.', end: 'interrupted' });
    expect(await running.end).toEqual({ status: 'interrupted', pending: [{ callId: 'call_2', name: 'pay', arguments: '{"eur":50}' }, { callId: 'call_3', name: 'pay', arguments: '{"eur":500}' }] });
    await expect(running.finalOutput).rejects.toMatchObject({ code: 'RUN_WAITS' });
    expect([done, model.requests.length]).toEqual([['paid 5'], 1]);
  });

  it('goes on from its state, also from one that was written down', async () => {
    const { model, running } = await waiting();
    expect([running.approve('call_2'), running.reject('call_3', 'Too much.'), running.approve('call_9')]).toEqual([true, true, false]);
    const written = JSON.parse(JSON.stringify(running.state)) as RunState;
    const goingOn = runStreamed(agent, written, runOptions({ model }));
    expect(await goingOn.finalOutput).toBe('All done.');
    expect(goingOn.runId).toBe('run_1');
    expect(done).toEqual(['paid 5', 'paid 50']);
    const told = model.requests[1]?.input.flatMap((item) => (item.type === 'function_call_output' ? [item] : []));
    expect(told?.map(({ callId }) => callId)).toEqual(['call_1', 'call_3', 'call_2']);
    expect(told?.find(({ callId }) => callId === 'call_3')?.output).toContain('Too much.');
  });

  it('waits on where nothing was decided', async () => {
    const { model, running } = await waiting();
    running.approve('call_2');
    const goingOn = await run(agent, running.state as RunState, runOptions({ model }));
    expect(goingOn.end).toEqual({ status: 'interrupted', pending: [{ callId: 'call_3', name: 'pay', arguments: '{"eur":500}' }] });
    expect(goingOn.finalOutput).toBeUndefined();
    // The state that it went on from is as it was.
    expect(running.state.waiting?.calls).toHaveLength(2);
    expect(done).toEqual(['paid 5', 'paid 50']);
  });

  it('cannot go on when it does not wait, or with agents that do not know it', async () => {
    const { running } = await waiting();
    const ended = runStreamed(agent, 'Hi', runOptions({ model: scriptedTextModel(['Hi.']) }));
    await ended.end;
    expect(() => runStreamed(agent, ended.state as RunState, runOptions({}))).toThrow(TypeError);
    expect(() => runStreamed(new Agent({ name: 'Other' }), running.state as RunState, runOptions({}))).toThrow(/Ava/);
  });
});
