import { describe, expect, test } from 'vitest';
import type { Brain, PlanStep, Script, ScriptTurn } from '../../../src/emulator/index.js';
import { schemaArguments } from '../../../src/emulator/schema-arguments.js';
import { order } from './emulator-client.js';
import type { WireEvent } from './emulator-client.js';
import { SessionDriver } from './session-driver.js';

const script = (...turns: ScriptTurn[]): Script => ({ name: 'test', greeting: 'Hi.', turns, fallback: 'Pardon?' });
const TOOLS = [
  { type: 'function', name: 'f', parameters: { type: 'object', properties: { city: { type: 'string', enum: ['Lisbon', 'Porto'] }, days: { type: 'integer', minimum: 1 }, note: { type: 'string' } }, required: ['city', 'days'] } },
  { type: 'function', name: 'g' },
];
const update = (session: object): object => ({ type: 'session.update', session: { type: 'realtime', ...session } });

interface Done {
  readonly status: string;
  readonly status_details: { readonly reason?: string; readonly error?: unknown } | null;
  readonly output: readonly { readonly type: string; readonly id: string; readonly status: string; readonly name: string; readonly call_id: string; readonly arguments: string; readonly phase?: string; readonly content: readonly { readonly transcript?: string; readonly text?: string }[] }[];
  readonly usage: { readonly total_tokens: number; readonly input_token_details: { readonly text_tokens: number; readonly audio_tokens: number; readonly image_tokens: number; readonly cached_tokens: number } };
}

async function ask(driver: SessionDriver, text: string, response: object = {}, ms = 10_000): Promise<{ events: WireEvent[]; done: Done }> {
  const from = driver.events.length;
  driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] } });
  driver.send({ type: 'response.create', response });
  await driver.advance(ms);
  const events = driver.events.slice(from + 2);
  return { events, done: events.find((event) => event.type === 'response.done')?.['response'] as Done };
}

describe('a response', () => {
  test('of several items numbers them, and each has its own events from the first to the last', async () => {
    const driver = new SessionDriver({ script: script({ when: ['go'], reply: [{ say: 'One.' }, { say: 'Two.' }, { call: { name: 'f', arguments: {} } }] }) });
    driver.send(update({ tools: TOOLS, output_modalities: ['text'] }));
    const { events, done } = await ask(driver, 'go');
    expect(done.output.map(({ type, status }) => [type, status])).toEqual([['message', 'completed'], ['message', 'completed'], ['function_call', 'completed']]);
    expect(done.output.slice(0, 2).map(({ content }) => content[0]?.text)).toEqual(['One.', 'Two.']);
    const places = events.filter((event) => event['output_index'] !== undefined).map((event) => event['output_index'] as number);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(new Set(places)).toEqual(new Set([0, 1, 2]));
    expect(events.filter((event) => event.type === 'conversation.item.done')).toHaveLength(3);
  });

  test('with silence in it is one item, whose sound holds the silence and whose words do not', async () => {
    const lengthOf = async (...steps: { say?: string; silenceMs?: number }[]): Promise<{ ms: number; done: Done }> => {
      const driver = new SessionDriver({ script: script({ when: ['go'], reply: steps as never }) });
      const { events, done } = await ask(driver, 'go');
      return { ms: events.filter((event) => event.type === 'response.output_audio.delta').reduce((sum, event) => sum + Buffer.from(event['delta'] as string, 'base64').length / 48, 0), done };
    };
    const plain = [await lengthOf({ say: 'You are welcome.' }), await lengthOf({ say: 'See you tomorrow.' })];
    const paused = await lengthOf({ say: 'You are welcome.' }, { silenceMs: 1_500 }, { say: 'See you tomorrow.' });
    expect(paused.ms).toBeCloseTo((plain[0]?.ms as number) + 1_500 + (plain[1]?.ms as number), 3);
    expect(paused.done.output.map(({ content }) => content[0]?.transcript)).toEqual(['You are welcome. See you tomorrow.']);
  });

  test('waits where the script says so', async () => {
    const driver = new SessionDriver({ script: script({ when: ['go'], reply: [{ delayMs: 3_000 }, { say: 'Late.' }] }), thinkMs: 100 });
    driver.send(update({ output_modalities: ['text'] }));
    const { events } = await ask(driver, 'go', {}, 3_099);
    expect(events.map((event) => event.type)).toEqual(['response.created']);
    expect((await driver.advance(1)).map((event) => event.type)[0]).toBe('response.output_item.added');
  });

  test('makes parallel calls, whose outputs are answered together, each quoted by its name', async () => {
    const driver = new SessionDriver({ script: script({ when: ['go'], call: [{ name: 'f', arguments: { n: 1 } }, { name: 'g', arguments: {} }], reply: 'It is {{f.degrees}} degrees, and {{g.sky}}.' }) });
    driver.send(update({ tools: TOOLS, output_modalities: ['text'] }));
    const { done } = await ask(driver, 'go');
    expect(done.output.map(({ name, arguments: given }) => [name, given])).toEqual([['f', '{"n":1}'], ['g', '{}']]);
    const outputs = ['{"degrees":21}', '{"sky":"sunny"}'];
    done.output.forEach(({ call_id: callId }, index) => driver.send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: callId, output: outputs[index] } }));
    driver.send({ type: 'response.create' });
    const said = (await driver.advance(2_000)).find((event) => event.type === 'response.output_text.done');
    expect(said?.['text']).toBe('It is 21 degrees, and sunny.');
  });

  test('answers a tool by its name and by what it gave', async () => {
    const turns: ScriptTurn[] = [
      { when: ['go'], reply: [{ say: 'Let me see.' }, { call: { name: 'f', arguments: {} } }] },
      { afterTool: 'f', when: ['rain'], reply: 'Take an umbrella.' },
      { afterTool: 'f', reply: 'No umbrella: {{tool.sky}}.' },
    ];
    for (const [output, answer] of [['{"sky":"rain"}', 'Take an umbrella.'], ['{"sky":"sun"}', 'No umbrella: sun.']]) {
      const driver = new SessionDriver({ script: script(...turns) });
      driver.send(update({ tools: TOOLS, output_modalities: ['text'] }));
      const { done } = await ask(driver, 'go');
      driver.send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: done.output[1]?.call_id, output } });
      driver.send({ type: 'response.create' });
      expect((await driver.advance(2_000)).find((event) => event.type === 'response.output_text.done')?.['text']).toBe(answer);
    }
  });

  test.each<[string, ScriptTurn['reply'], object]>([
    ['fails', [{ say: 'Well.' }, { fail: { code: 'rate_limit_exceeded', message: 'Slow down.', type: 'rate_limit_error' } }], { status: 'failed', status_details: { type: 'failed', error: { type: 'rate_limit_error', code: 'rate_limit_exceeded', message: 'Slow down.' } } }],
    ['is cut by the filter', [{ say: 'Well.' }, { incomplete: 'content_filter' }], { status: 'incomplete', status_details: { type: 'incomplete', reason: 'content_filter' } }],
  ])('%s where the script says so, with what was said before', async (_name, reply, expected) => {
    const driver = new SessionDriver({ script: script({ when: ['go'], reply }) });
    driver.send(update({ output_modalities: ['text'] }));
    const { done } = await ask(driver, 'go');
    expect(done).toMatchObject({ ...expected, output: [{ content: [{ text: 'Well.' }] }] });
  });

  test('goes on over an error event that the script puts beside it', async () => {
    const driver = new SessionDriver({ script: script({ when: ['go'], reply: [{ error: { code: 'server_error', message: 'Oops.' } }, { say: 'Anyway.' }] }) });
    driver.send(update({ output_modalities: ['text'] }));
    const { events, done } = await ask(driver, 'go');
    expect(events.find((event) => event.type === 'error')?.['error']).toMatchObject({ type: 'server_error', code: 'server_error', message: 'Oops.', event_id: null });
    expect(done).toMatchObject({ status: 'completed', output: [{ content: [{ text: 'Anyway.' }] }] });
  });

  test('hands a fault of the script to the connection, at its place', async () => {
    const driver = new SessionDriver({ script: script({ when: ['go'], reply: [{ say: 'Now.' }, { fault: { kind: 'mute' } }, { say: 'Unheard.' }] }) });
    driver.send(update({ output_modalities: ['text'] }));
    await ask(driver, 'go', {}, 300);
    expect(driver.faults).toEqual([{ kind: 'mute' }]);
  });

  test('of a model that reasons begins the call before its words have ended, and tells their phase', async () => {
    const turn: ScriptTurn = { when: ['go'], reply: [{ say: 'One moment please.' }, { call: { name: 'f', arguments: { city: 'Lisbon' } } }] };
    for (const [model, overlaps] of [['gpt-realtime-2.1', true], ['gpt-realtime', false], ['gpt-realtime-2025-08-28', false]] as const) {
      const driver = new SessionDriver({ script: script(turn), model });
      driver.send(update({ tools: TOOLS, output_modalities: ['text'] }));
      const { events, done } = await ask(driver, 'go');
      const callAdded = events.findIndex((event) => event.type === 'response.output_item.added' && event['output_index'] === 1);
      const firstArguments = events.findIndex((event) => event.type === 'response.function_call_arguments.delta');
      const wordsDone = events.findIndex((event) => event.type === 'response.output_text.done');
      expect([callAdded < wordsDone, firstArguments < wordsDone]).toEqual([overlaps, overlaps]);
      expect(done.output.map(({ phase }) => phase)).toEqual(overlaps ? ['commentary', undefined] : [undefined, undefined]);
      expect(done.output[1]?.arguments).toBe('{"city":"Lisbon"}');
    }
  });

  test('that is cancelled between two items ends with the first one whole', async () => {
    const driver = new SessionDriver({ script: script({ when: ['go'], reply: [{ say: 'One.' }, { delayMs: 5_000 }, { say: 'Two.' }] }) });
    driver.send(update({ output_modalities: ['text'] }));
    await ask(driver, 'go', {}, 1_000);
    const cancelled = driver.send({ type: 'response.cancel' });
    expect(cancelled.map((event) => event.type)).toEqual(['response.done']);
    expect(cancelled[0]?.['response']).toMatchObject({ status: 'cancelled', output: [{ status: 'completed' }] });
    expect((await driver.advance(10_000)).map((event) => event.type)).toEqual(['rate_limits.updated']);
  });
});

describe('tool_choice', () => {
  const talk = script({ when: ['go'], reply: 'Just words.' }, { when: ['tool'], call: { name: 'g', arguments: {} }, reply: 'Done.' });
  test.each<[string, string, unknown, unknown]>([
    ['auto lets the script decide', 'go', 'auto', ['message']],
    ['none forbids the call of the script', 'tool', 'none', ['message']],
    ['required makes a call where the script has words', 'go', 'required', [['f', '{"city":"Lisbon","days":1}']]],
    ['required is content with the call of the script', 'tool', 'required', [['g', '{}']]],
    ['a function that is named is called, whatever the script wants', 'tool', { type: 'function', name: 'f' }, [['f', '{"city":"Lisbon","days":1}']]],
  ])('%s', async (_name, text, choice, expected) => {
    const driver = new SessionDriver({ script: talk });
    driver.send(update({ tools: TOOLS, output_modalities: ['text'] }));
    const { done } = await ask(driver, text, { tool_choice: choice });
    expect(done.output.map((item) => (item.type === 'message' ? 'message' : [item.name, item.arguments]))).toEqual(expected);
  });

  test('of a function that is not there is refused', () => {
    const driver = new SessionDriver();
    expect(driver.send({ type: 'response.create', response: { tool_choice: { type: 'function', name: 'nobody' } } })[0]?.['error']).toMatchObject({ code: 'invalid_value', param: 'response.tool_choice' });
  });

  test.each<[string, unknown, unknown]>([
    ['no schema', undefined, {}],
    ['defaults, constants, examples and choices', { type: 'object', required: ['a', 'b', 'c', 'd'], properties: { a: { default: 5 }, b: { const: 'x' }, c: { examples: [[1]] }, d: { enum: ['p', 'q'] } } }, { a: 5, b: 'x', c: [1], d: 'p' }],
    ['lists, flags and nested objects', { type: 'object', required: ['a', 'b', 'c'], properties: { a: { type: 'array', minItems: 2, items: { type: 'boolean' } }, b: { type: ['string', 'null'], minLength: 2 }, c: { type: 'object', required: ['d'], properties: { d: { anyOf: [{ type: 'number', exclusiveMinimum: 3 }] } } } } }, { a: [false, false], b: 'xx', c: { d: 4 } }],
  ])('arguments are made from a schema: %s', (_name, schema, expected) => {
    expect(schemaArguments(schema)).toEqual(expected);
  });

  test('a schema that refers to itself ends', () => {
    const loop: { [key: string]: unknown } = { type: 'object', required: ['self'] };
    loop['properties'] = { self: loop };
    expect(JSON.stringify(schemaArguments(loop)).length).toBeLessThan(200);
  });
});

describe('usage', () => {
  test('counts images, and what was read before as cached', async () => {
    const driver = new SessionDriver();
    driver.send(update({ output_modalities: ['text'], instructions: 'x'.repeat(1_000) }));
    driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_image', image_url: 'data:image/png;base64,iVBORw0KGgoAAAA=' }, { type: 'input_text', text: 'menu' }] } });
    const first = (await ask(driver, 'menu')).done.usage;
    const second = (await ask(driver, 'menu')).done.usage;
    expect(first.input_token_details).toMatchObject({ image_tokens: 85, cached_tokens: 0 });
    expect(second.input_token_details.cached_tokens).toBe(Math.floor(first.input_token_details.text_tokens / 64) * 64);
    expect(second.input_token_details.text_tokens).toBeGreaterThan(first.input_token_details.text_tokens);
  });

  test('is told against a limit that fills up again', async () => {
    const driver = new SessionDriver();
    driver.send(update({ output_modalities: ['text'], instructions: 'x'.repeat(40_000) }));
    const remaining = async (): Promise<number> => ((await ask(driver, 'menu', {}, 1_000)).events.find((event) => event.type === 'rate_limits.updated')?.['rate_limits'] as { remaining: number }[])[0]?.remaining as number;
    const [first, second] = [await remaining(), await remaining()];
    expect(second).toBeLessThan(first);
    await driver.advance(60_000);
    expect(await remaining()).toBeGreaterThanOrEqual(first - 50);
  });
});

describe('what cannot be answered', () => {
  test('an image that is none is taken, and the response that sees it fails', async () => {
    const driver = new SessionDriver();
    const added = driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA' }] } });
    expect(added.map((event) => event.type)).toEqual(['conversation.item.added', 'conversation.item.done']);
    driver.send({ type: 'response.create' });
    await driver.advance(1_000);
    expect(driver.last).toMatchObject({ type: 'response.done', response: { status: 'failed', output: [], status_details: { error: { type: 'invalid_request_error', code: 'input_image_safety_violation' } } } });
  });
});

/** A brain whose thoughts come when the test says so. */
class SlowBrain implements Brain {
  readonly steps: PlanStep[] = [];
  failure: Error | undefined;
  #wake = (): void => {};
  #over = false;

  hear(): { text: string } {
    return { text: 'x' };
  }

  async *answer(): AsyncGenerator<PlanStep> {
    while (!this.#over || this.steps.length > 0) {
      const step = this.steps.shift();
      if (step !== undefined) yield step;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.failure !== undefined) throw this.failure;
  }

  think(...steps: PlanStep[]): void {
    this.steps.push(...steps);
    this.#wake();
  }

  end(): void {
    this.#over = true;
    this.#wake();
  }
}

describe('a brain that takes its time', () => {
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };

  test('is carried out as it thinks: what it has said is out before it says more', async () => {
    const brain = new SlowBrain();
    const driver = new SessionDriver({ brain });
    driver.send(update({ output_modalities: ['text'] }));
    driver.send({ type: 'response.create' });
    brain.think({ kind: 'message', parts: [{ text: 'First.' }] });
    await settle();
    driver.wake(1_000);
    expect(order(driver.events).at(-1)).toBe('response.output_item.done');
    brain.think({ kind: 'message', parts: [{ text: 'Second.' }] });
    await settle();
    driver.wake(1_000);
    brain.end();
    await settle();
    driver.wake(1_000);
    expect(driver.events.findLast((event) => event.type === 'response.done')?.['response']).toMatchObject({ status: 'completed', output: [{ content: [{ text: 'First.' }] }, { content: [{ text: 'Second.' }] }] });
  });

  test('that breaks off ends the response as failed', async () => {
    const brain = new SlowBrain();
    brain.failure = new Error('no idea');
    const driver = new SessionDriver({ brain });
    driver.send({ type: 'response.create' });
    brain.end();
    await settle();
    expect(driver.last).toMatchObject({ type: 'response.done', response: { status: 'failed', status_details: { error: { code: 'server_error' } } } });
  });

  test('is told when nobody wants the rest', async () => {
    const brain = new SlowBrain();
    const driver = new SessionDriver({ brain });
    const id = (driver.send({ type: 'response.create' })[0]?.['response'] as { id: string }).id;
    driver.send({ type: 'response.cancel' });
    expect(driver.forgotten).toEqual([id]);
  });
});
