import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RealtimeAgent, tool } from '../../../session/index.js';
import type { ModelInput, ToolContext } from '../../../session/index.js';
import { openHarness } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';
import { callItem, calls, outputs } from '../../helpers/tool-calls.js';

const weather = tool({
  name: 'get_weather',
  description: 'The weather in a city.',
  parameters: z.object({ city: z.string(), days: z.number().int().max(7).default(1) }),
  execute: ({ city, days }) => ({ city, days, sky: 'clear' }),
});

describe('tool()', () => {
  it('gives the model a JSON schema of its parameters', () => {
    expect(weather.definition).toEqual({
      name: 'get_weather',
      description: 'The weather in a city.',
      parameters: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer', minimum: expect.any(Number) as number, maximum: 7, default: 1 } }, required: ['city'] },
    });
  });

  it('refuses names that models do not take, and an agent refuses two of one name', () => {
    for (const name of ['', 'has space', 'x'.repeat(65)]) expect(() => tool({ ...weather, name, description: '', parameters: z.object({}), execute: () => '' })).toThrow(TypeError);
    expect(() => new RealtimeAgent({ name: 'A', tools: [weather, weather] })).toThrow(/get_weather/);
    expect(() => tool({ name: 'x', description: '', timeoutMs: 0, parameters: z.object({}), execute: () => '' })).toThrow(RangeError);
  });
});

describe('a tool call', () => {
  it('runs, is answered once, and then the model is asked to speak', async () => {
    const harness = await openHarness({ tools: [weather] });
    const { model, of } = harness;
    model.push(...calls('r1', ['c1', 'get_weather', '{"city":"Oslo"}']));
    expect(of('tool_start')).toMatchObject([{ callId: 'c1', toolName: 'get_weather', responseId: 'r1' }]);
    expect(of('tool_arguments_delta')).toMatchObject([{ delta: '{"city":"Oslo"}', textSoFar: '{"city":"Oslo"}' }]);
    await settle();
    expect(outputs(harness)).toEqual({ c1: { city: 'Oslo', days: 1, sky: 'clear' } });
    expect(model.commands.slice(-2).map(({ type }) => type)).toEqual(['create_item', 'create_response']);
    expect(of('tool_end')).toMatchObject([{ callId: 'c1', toolName: 'get_weather', outcome: 'ok', arguments: '{"city":"Oslo"}' }]);
  });

  it('is answered before its response is done, but the model is asked only after', async () => {
    const { model } = await openHarness({ tools: [weather] });
    const [done, ...before] = calls('r1', ['c1', 'get_weather', '{"city":"Oslo"}']).reverse();
    model.push(...before.reverse());
    await settle();
    expect(model.commandsOf('create_item').length).toBe(1);
    expect(model.commandsOf('create_response')).toEqual([]);
    if (done !== undefined) model.push(done);
    expect(model.commandsOf('create_response').length).toBe(1);
  });

  it('of several in one response leads to one answer, after the last has ended', async () => {
    const ends = new Map<string, () => void>();
    const slow = tool({
      name: 'slow',
      description: 'Waits.',
      parameters: z.object({}),
      execute: (_args, { callId }) => new Promise<string>((resolve) => ends.set(callId, () => resolve(JSON.stringify(callId)))),
    });
    const harness = await openHarness({ tools: [slow] });
    harness.model.push(...calls('r1', ['c1', 'slow', ''], ['c2', 'slow', '{}'], ['c3', 'slow', '{}']));
    for (const callId of ['c3', 'c1']) ends.get(callId)?.();
    await settle();
    expect(harness.model.commandsOf('create_response')).toEqual([]);
    ends.get('c2')?.();
    await settle();
    expect(harness.model.commandsOf('create_response').length).toBe(1);
    expect(outputs(harness)).toEqual({ c1: 'c1', c2: 'c2', c3: 'c3' });
  });

  it('is answered with the problem when the tool throws, is unknown, or its arguments do not fit', async () => {
    const broken = tool({
      name: 'broken',
      description: 'Fails.',
      parameters: z.object({}),
      execute: () => {
        throw new Error('no database');
      },
    });
    const harness = await openHarness({ tools: [weather, broken] });
    harness.model.push(...calls('r1', ['c1', 'broken', '{}'], ['c2', 'nothing', '{}'], ['c3', 'get_weather', '{"days":9}'], ['c4', 'get_weather', '{"city":']));
    await settle();
    expect(outputs(harness)).toEqual({
      c1: { error: 'no database' },
      c2: { error: expect.stringContaining('nothing') as string },
      c3: { error: expect.stringMatching(/city.*days|days.*city/s) as string },
      c4: { error: expect.stringContaining('JSON') as string },
    });
    expect(harness.of('tool_end').map(({ outcome }) => outcome)).toEqual(['error', 'error', 'error', 'error']);
    expect(harness.of('error')).toEqual([]);
  });

  it('that takes too long is aborted when its time is over, and answered when it does not stop', async () => {
    let aborted: unknown;
    const endless = tool({
      name: 'endless',
      description: 'Never ends.',
      parameters: z.object({}),
      timeoutMs: 2_000,
      execute: (_args, { signal }: ToolContext) =>
        new Promise<string>(() => {
          signal.addEventListener('abort', () => (aborted = signal.reason));
        }),
    });
    const harness = await openHarness({ tools: [endless] });
    harness.model.push(...calls('r1', ['c1', 'endless', '{}']));
    await settle();
    harness.clock.advance(1_999);
    await settle();
    expect(outputs(harness)).toEqual({});
    expect(aborted).toBeUndefined();
    harness.clock.advance(1);
    await settle();
    expect(aborted).toMatchObject({ name: 'TimeoutError' });
    harness.clock.advance(499);
    await settle();
    expect(outputs(harness)).toEqual({});
    harness.clock.advance(1);
    await settle();
    expect(outputs(harness)).toEqual({ c1: { status: 'unsettled', error: expect.stringContaining('2 s') as string } });
    expect(harness.of('tool_end')).toMatchObject([{ outcome: 'unsettled', durationMs: 2_500 }]);
  });

  it('is aborted when the session closes, and answers nobody then', async () => {
    let aborted = false;
    const endless = tool({
      name: 'endless',
      description: 'Never ends.',
      parameters: z.object({}),
      execute: (_args, { signal }) =>
        new Promise<string>((resolve) => {
          signal.addEventListener('abort', () => {
            aborted = true;
            resolve('late');
          });
        }),
    });
    const harness = await openHarness({ tools: [endless] });
    harness.model.push(...calls('r1', ['c1', 'endless', '{}']));
    await settle();
    await harness.session.close();
    await settle();
    expect(aborted).toBe(true);
    expect(outputs(harness)).toEqual({});
  });

  it('that was cut off in the middle of its arguments is not run', async () => {
    const { model, of } = await openHarness({ tools: [weather] });
    const item = callItem('c1', 'get_weather', '{"ci', 'incomplete');
    model.push(
      { type: 'response_created', responseId: 'r1' },
      { type: 'output_item_added', responseId: 'r1', outputIndex: 0, item: callItem('c1', 'get_weather', '', 'in_progress') },
      { type: 'arguments_delta', responseId: 'r1', itemId: 'item_c1', callId: 'c1', delta: '{"ci' },
      { type: 'output_item_done', responseId: 'r1', outputIndex: 0, item },
      { type: 'response_done', responseId: 'r1', status: 'cancelled', reason: 'turn_detected', output: [item] },
    );
    await settle();
    expect(model.commandsOf('create_item')).toEqual([]);
    expect(of('tool_end')).toMatchObject([{ callId: 'c1', outcome: 'cancelled' }]);
  });

  it('whose name comes only with the item (older dialect) runs once', async () => {
    const harness = await openHarness({ tools: [weather] });
    const [created, , ...rest] = calls('r1', ['c1', 'get_weather', '{"city":"Oslo"}']);
    if (created !== undefined) harness.model.push(created);
    for (const input of rest) {
      const { name: _name, ...nameless } = input as { name?: string } & ModelInput;
      harness.model.push(input.type === 'arguments_done' ? (nameless as ModelInput) : input);
    }
    await settle();
    expect(harness.of('tool_end')).toMatchObject([{ toolName: 'get_weather', outcome: 'ok' }]);
    expect(harness.model.commandsOf('create_item').length).toBe(1);
  });

  it('whose answer the model begins by itself is not asked for a second time', async () => {
    const harness = await openHarness({ tools: [weather] });
    const { model } = harness;
    model.push(...calls('r1', ['c1', 'get_weather', '{"city":"Oslo"}']), { type: 'speech_started', itemId: 'u1', audioStartMs: 0 });
    await settle();
    expect(model.commandsOf('create_response')).toEqual([]);
    model.push({ type: 'speech_stopped', itemId: 'u1', audioEndMs: 500 }, { type: 'input_committed', itemId: 'u1' });
    model.push({ type: 'response_created', responseId: 'auto', metadata: {} }, { type: 'response_done', responseId: 'auto', status: 'completed', output: [] });
    harness.clock.advance(5_000);
    expect(model.commandsOf('create_response')).toEqual([]);
  });
});
