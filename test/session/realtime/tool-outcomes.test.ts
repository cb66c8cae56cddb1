import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { tool, toolResult } from '../../../session/index.js';
import type { Tool, ToolContext } from '../../../session/index.js';
import { random } from '../../helpers/random.js';
import { openHarness } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';
import { calls, oneCall, outputs, outputsOf } from '../../helpers/tool-calls.js';
import type { Call } from '../../helpers/tool-calls.js';

interface Handle {
  readonly context: ToolContext;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A tool whose calls end when the test says so. */
function held(name: string, options: Partial<Parameters<typeof tool>[0]> = {}): { tool: Tool; handles: Map<string, Handle> } {
  const handles = new Map<string, Handle>();
  const made = tool({
    name,
    description: 'Waits.',
    parameters: z.object({}),
    ...(options as object),
    execute: (_args, context) => new Promise<string>((resolve, reject) => handles.set(context.callId, { context, resolve: resolve as (value: unknown) => void, reject })),
  });
  return { tool: made, handles };
}

describe('the parameters of a tool', () => {
  const plain = tool({
    name: 'pay',
    description: 'Pays.',
    parameters: {
      type: 'object',
      properties: { cents: { type: 'integer', minimum: 1 }, to: { type: 'string', enum: ['Ann', 'Bob'] }, notes: { type: 'array', items: { type: 'string', maxLength: 3 } } },
      required: ['cents', 'to'],
      additionalProperties: false,
    },
    execute: (args) => {
      expectTypeOf(args).toEqualTypeOf<unknown>();
      return { paid: args };
    },
  });

  it('may be a plain JSON schema, which goes to the model as it is', () => {
    expect(plain.definition.parameters).toMatchObject({ type: 'object', required: ['cents', 'to'] });
  });

  it('of a plain schema are checked, and what does not fit is answered with a hint how to mend it', async () => {
    const harness = await openHarness({ tools: [plain] });
    const list: Call[] = [
      ['good', 'pay', '{"cents":5,"to":"Ann","notes":["abc"]}'],
      ['missing', 'pay', '{"cents":5}'],
      ['type', 'pay', '{"cents":1.5,"to":"Ann"}'],
      ['small', 'pay', '{"cents":0,"to":"Ann"}'],
      ['enum', 'pay', '{"cents":5,"to":"Eve"}'],
      ['item', 'pay', '{"cents":5,"to":"Ann","notes":["abcd"]}'],
      ['more', 'pay', '{"cents":5,"to":"Ann","__proto__":1}'],
      ['list', 'pay', '[1]'],
    ];
    harness.model.push(...calls('r1', ...list));
    await settle();
    const told = (text: string): unknown => ({ error: expect.stringMatching(new RegExp(`${text}.*Call the tool again`, 's')) as string });
    expect(outputs(harness)).toEqual({
      good: { paid: { cents: 5, to: 'Ann', notes: ['abc'] } },
      missing: told('to: is missing'),
      type: told('cents: must be integer'),
      small: told('cents: the value must be at least 1'),
      enum: told('to: must be one of'),
      item: told('notes\\[0\\]: the length must be at most 3'),
      more: told('__proto__: is not known'),
      list: told('arguments: must be object'),
    });
  });

  it('of a zod schema give the arguments their type', () => {
    tool({
      name: 'typed',
      description: '',
      parameters: z.object({ city: z.string(), days: z.number().default(1) }),
      needsApproval: (args) => args.days > 3,
      execute: (args) => {
        expectTypeOf(args).toEqualTypeOf<{ city: string; days: number }>();
        return '';
      },
    });
  });
});

describe('a tool', () => {
  it('gets a signal, its call id, a key of this call alone, and when its time is over', async () => {
    const { tool: slow, handles } = held('slow', { timeoutMs: 4_000 });
    const { model } = await openHarness({ tools: [slow] });
    model.push(...calls('r1', ['c1', 'slow', '{}'], ['c2', 'slow', '{}']));
    expect(handles.get('c1')?.context).toMatchObject({ callId: 'c1', idempotencyKey: 'test/c1', deadline: 5_000, signal: expect.any(AbortSignal) as AbortSignal });
    expect(handles.get('c2')?.context.idempotencyKey).toBe('test/c2');
  });

  it('tells how far it is, until it has ended', async () => {
    const { tool: slow, handles } = held('slow');
    const { model, of } = await openHarness({ tools: [slow] });
    model.push(...calls('r1', ['c1', 'slow', '{}']));
    const handle = handles.get('c1');
    handle?.context.progress('half');
    handle?.context.progress({ percent: 75 });
    handle?.resolve('done');
    await settle();
    handle?.context.progress('late');
    expect(of('tool_progress')).toMatchObject([
      { callId: 'c1', itemId: 'item_c1', toolName: 'slow', progress: 'half' },
      { callId: 'c1', progress: { percent: 75 } },
    ]);
  });

  it('that stops when its time is over is cancelled, and the model is told that it was stopped', async () => {
    const obedient = tool({
      name: 'obedient',
      description: '',
      parameters: z.object({}),
      timeoutMs: 1_000,
      execute: (_args, { signal }) => new Promise<string>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    });
    const harness = await openHarness({ tools: [obedient] });
    harness.model.push(...calls('r1', ['c1', 'obedient', '{}']));
    harness.clock.advance(1_000);
    await settle();
    expect(harness.of('tool_end')).toMatchObject([{ outcome: 'cancelled', durationMs: 1_000 }]);
    expect(outputs(harness)).toEqual({ c1: { error: expect.stringContaining('was stopped') as string } });
    expect(harness.clock.pendingTimers).toBe(1); // the response that was asked for
  });

  it('that ignores its abort is unsettled, never cancelled, and what it gives later is dropped', async () => {
    const { tool: deaf, handles } = held('deaf', { timeoutMs: 1_000 });
    const harness = await openHarness({ tools: [deaf] });
    harness.model.push(...calls('r1', ['c1', 'deaf', '{}']));
    harness.clock.advance(1_500);
    await settle();
    expect(harness.of('tool_end')).toMatchObject([{ outcome: 'unsettled' }]);
    expect(outputs(harness)).toEqual({ c1: { status: 'unsettled', error: expect.stringContaining('not known') as string } });
    handles.get('c1')?.resolve('paid');
    await settle();
    expect(harness.of('tool_end').length).toBe(1);
    expect(outputsOf(harness).length).toBe(1);
  });

  it('that ends in the moment between its abort and the end of its patience is heard', async () => {
    const { tool: late, handles } = held('late', { timeoutMs: 1_000 });
    const harness = await openHarness({ tools: [late] });
    harness.model.push(...calls('r1', ['c1', 'late', '{}']));
    harness.clock.advance(1_200);
    handles.get('c1')?.resolve('"paid"');
    await settle();
    expect(outputs(harness)).toEqual({ c1: 'paid' });
    expect(harness.of('tool_end')).toMatchObject([{ outcome: 'ok', durationMs: 1_200 }]);
  });

  it('whose result cannot be written is answered so', async () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const round = tool({ name: 'round', description: '', parameters: z.object({}), execute: () => circle });
    const big = tool({ name: 'big', description: '', parameters: z.object({}), execute: () => ({ n: 1n }) });
    const harness = await openHarness({ tools: [round, big] });
    harness.model.push(...calls('r1', ['c1', 'round', '{}'], ['c2', 'big', '{}']));
    await settle();
    expect(outputs(harness)).toEqual({ c1: { error: expect.stringContaining('has run') as string }, c2: { error: expect.stringContaining('has run') as string } });
    expect(harness.of('error')).toEqual([]);
  });

  it('that is unknown is answered with the names of those there are', async () => {
    const { tool: slow } = held('slow');
    const harness = await openHarness({ tools: [slow] });
    harness.model.push(...calls('r1', ['c1', 'fast', '{}']));
    await settle();
    expect(outputs(harness)).toEqual({ c1: { error: expect.stringContaining('There are: slow.') as string } });
  });

  it('that runs when the session closes ends as unsettled, one that waits as cancelled, and a late result is dropped and logged', async () => {
    const lines: string[] = [];
    const log = (message: string): void => void lines.push(message);
    const logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
    const { tool: slow, handles } = held('slow', { concurrency: 1 });
    const harness = await openHarness({ tools: [slow], logger });
    harness.model.push(...calls('r1', ['c1', 'slow', '{}'], ['c2', 'slow', '{}']));
    harness.clock.advance(300);
    await harness.session.close();
    expect(handles.get('c1')?.context.signal.aborted).toBe(true);
    expect(handles.has('c2')).toBe(false);
    expect(harness.of('tool_end')).toMatchObject([
      { callId: 'c1', outcome: 'unsettled', durationMs: 300 },
      { callId: 'c2', outcome: 'cancelled' },
    ]);
    handles.get('c1')?.resolve('late');
    await settle();
    expect(lines.filter((line) => line.includes('dropped'))).toEqual(['A result came after the session was over; it was dropped.']);
    expect(harness.of('tool_end').length).toBe(2);
    expect(outputs(harness)).toEqual({});
    expect(harness.clock.pendingTimers).toBe(0);
  });
});

describe('calls at the same time', () => {
  it('of one tool run no more than it allows, in order', async () => {
    const { tool: single, handles } = held('single', { concurrency: 2 });
    const { model } = await openHarness({ tools: [single] });
    model.push(...calls('r1', ...['c1', 'c2', 'c3', 'c4'].map((callId): Call => [callId, 'single', '{}'])));
    expect([...handles.keys()]).toEqual(['c1', 'c2']);
    handles.get('c2')?.resolve('');
    await settle();
    expect([...handles.keys()]).toEqual(['c1', 'c2', 'c3']);
    handles.get('c1')?.reject(new Error('no'));
    await settle();
    expect([...handles.keys()]).toEqual(['c1', 'c2', 'c3', 'c4']);
  });

  it('of all tools run no more than the session allows; a busy tool holds up no other', async () => {
    const [one, two] = [held('one', { concurrency: 1 }), held('two')];
    const { model } = await openHarness({ tools: [one.tool, two.tool], toolLimits: { concurrency: 2 } });
    model.push(...calls('r1', ['a1', 'one', '{}'], ['a2', 'one', '{}'], ['b1', 'two', '{}'], ['b2', 'two', '{}']));
    expect([...one.handles.keys(), ...two.handles.keys()]).toEqual(['a1', 'b1']);
    one.handles.get('a1')?.resolve('');
    await settle();
    expect([...one.handles.keys(), ...two.handles.keys()]).toEqual(['a1', 'a2', 'b1']);
  });

  it('beyond the queue are refused, and the model is told', async () => {
    const { tool: single } = held('single', { concurrency: 1 });
    const harness = await openHarness({ tools: [single], toolLimits: { queue: 2 } });
    harness.model.push(...calls('r1', ...['c1', 'c2', 'c3', 'c4'].map((callId): Call => [callId, 'single', '{}'])));
    await settle();
    expect(outputs(harness)).toEqual({ c4: { error: expect.stringContaining('Too many tools') as string } });
    await expect(openHarness({ toolLimits: { queue: 0 } })).rejects.toThrow(RangeError);
  });

  it('of five tools that end in any order lead to one answer, each with its own output', async () => {
    const rng = random();
    for (let round = 0; round < 200; round += 1) {
      const where = `seed ${rng.seed}, round ${round}`;
      const { tool: slow, handles } = held('slow');
      const harness = await openHarness({ tools: [slow] });
      const ids = ['c1', 'c2', 'c3', 'c4', 'c5'];
      const inputs = calls('r1', ...ids.map((callId): Call => [callId, 'slow', '{}']));
      // Tools may end before the model has made its last call, and before its response is done.
      for (;;) {
        const endable = [...handles.entries()].filter(([callId]) => outputsOf(harness).every(([ended]) => ended !== callId));
        if (inputs.length === 0 && endable.length === 0) break;
        if (endable.length > 0 && (inputs.length === 0 || rng.next() < 0.2)) {
          const [callId, { resolve, reject }] = rng.pick(endable);
          if (rng.next() < 0.8) resolve(JSON.stringify(callId));
          else reject(new Error(callId));
          await settle();
        } else for (const input of inputs.splice(0, rng.int(1, 4))) harness.model.push(input);
        if (inputs.length > 0) expect(harness.model.commandsOf('create_response').length, where).toBe(0);
      }
      expect(harness.model.commandsOf('create_response').length, where).toBe(1);
      expect(harness.model.commands.at(-1)?.type, where).toBe('create_response');
      for (const callId of ids) expect([callId, { error: callId }], where).toContainEqual(outputs(harness)[callId]);
      expect(outputsOf(harness).length, where).toBe(5);
    }
  });

  it('one of which is cut off still lead to an answer to the others', async () => {
    const { tool: slow, handles } = held('slow');
    const harness = await openHarness({ tools: [slow] });
    harness.model.push({ type: 'response_created', responseId: 'r1' }, ...oneCall('r1', 0, ['c1', 'slow', '{}']));
    handles.get('c1')?.resolve('1');
    await settle();
    harness.model.push({ type: 'output_item_added', responseId: 'r1', outputIndex: 1, item: { type: 'function_call', id: 'item_c2', callId: 'c2', name: 'slow', arguments: '', status: 'in_progress' } });
    harness.model.push({ type: 'response_done', responseId: 'r1', status: 'incomplete', reason: 'max_output_tokens', output: [] });
    expect(harness.model.commandsOf('create_response').length).toBe(1);
    expect(harness.of('tool_end')).toMatchObject([{ callId: 'c1', outcome: 'ok' }, { callId: 'c2', outcome: 'cancelled' }]);
  });
});

describe('a result that may not start a response', () => {
  it('is told to the model, which is asked for nothing', async () => {
    const quiet = tool({ name: 'quiet', description: '', parameters: z.object({}), respond: false, execute: () => 1 });
    const mixed = tool({ name: 'mixed', description: '', parameters: z.object({ loud: z.boolean() }), execute: ({ loud }) => toolResult({ loud }, { respond: loud }) });
    const harness = await openHarness({ tools: [quiet, mixed] });
    harness.model.push(...calls('r1', ['c1', 'quiet', '{}'], ['c2', 'mixed', '{"loud":false}']));
    await settle();
    expect(outputs(harness)).toEqual({ c1: 1, c2: { loud: false } });
    expect(harness.model.commandsOf('create_response')).toEqual([]);
  });

  it('does not keep another of the same response from starting one, and a result may overrule its tool', async () => {
    const quiet = tool({ name: 'quiet', description: '', parameters: z.object({}), respond: false, execute: () => 1 });
    const overruled = tool({ name: 'overruled', description: '', parameters: z.object({}), respond: false, execute: () => toolResult(2, { respond: true }) });
    const harness = await openHarness({ tools: [quiet, overruled] });
    harness.model.push(...calls('r1', ['c1', 'quiet', '{}'], ['c2', 'overruled', '{}']));
    await settle();
    expect(harness.model.commandsOf('create_response').length).toBe(1);
  });
});

describe('a call that the model repeats', () => {
  it('runs its side effect once, in the same response or a later one', async () => {
    let paid = 0;
    const pay = tool({ name: 'pay', description: '', parameters: z.object({ cents: z.number() }), execute: () => (paid += 1) });
    const harness = await openHarness({ tools: [pay] });
    const once = calls('r1', ['c1', 'pay', '{"cents": 5}']);
    harness.model.push(...once, ...once);
    await settle();
    harness.model.push(...once, ...calls('r2', ['c1', 'pay', '{ "cents":5 }\n']));
    await settle();
    expect(paid).toBe(1);
    expect(outputsOf(harness)).toEqual([['c1', 1]]);
    expect(harness.of('tool_start').length).toBe(1);
    expect(harness.of('tool_end').length).toBe(1);
    expect(harness.of('error')).toEqual([]);
  });

  it('with other arguments, or another name, is an error; the first wins', async () => {
    const got: unknown[] = [];
    const pay = tool({ name: 'pay', description: '', parameters: z.object({ cents: z.number() }), execute: ({ cents }) => got.push(cents) });
    const harness = await openHarness({ tools: [pay] });
    harness.model.push(...calls('r1', ['c1', 'pay', '{"cents":5}'], ['c2', 'pay', '{"cents":7}']));
    await settle();
    harness.model.push(...calls('r2', ['c1', 'pay', '{"cents":500}'], ['c2', 'refund', '{"cents":7}']));
    await settle();
    expect(got).toEqual([5, 7]);
    expect(outputsOf(harness).length).toBe(2);
    // The model says each of them three times; that is one error.
    const codes = harness.of('error').map(({ error }) => [error.code, (error as { callId?: string }).callId]);
    expect(codes).toEqual([['TOOL_CALL_CONFLICT', 'c1'], ['TOOL_CALL_CONFLICT', 'c2']]);
  });
});
