import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { Agent, run, runStreamed } from '../../../session/index.js';
import { scriptedTextModel } from '../../../src/provider/scripted/scripted-text-model.js';
import { collect, runOptions } from '../../helpers/run-harness.js';

const Order = z.object({ dish: z.string(), count: z.number().int(), at: z.string().transform((text) => new Date(text)), extras: z.array(z.object({ name: z.string() })) });
const waiter = new Agent({ name: 'Waiter', output: Order });
const written = JSON.stringify({ dish: 'soup', count: 2, at: '2026-05-01T12:00:00Z', extras: [{ name: 'bread' }, { name: 'salt' }] });

describe('an answer with a schema', () => {
  it('is asked for as JSON schema, checked, and what the schema makes of it', async () => {
    const model = scriptedTextModel([written]);
    const { finalOutput } = await run(waiter, 'Two soups', runOptions({ model }));
    expect(finalOutput).toEqual({ dish: 'soup', count: 2, at: new Date('2026-05-01T12:00:00Z'), extras: [{ name: 'bread' }, { name: 'salt' }] });
    expectTypeOf(finalOutput).toEqualTypeOf<z.infer<typeof Order> | undefined>();
    expect(model.requests[0]?.output).toMatchObject({ name: 'answer', schema: { type: 'object', required: ['dish', 'count', 'at', 'extras'], properties: { at: { type: 'string' } } } });
  });

  it('is there while it grows, each time as far as it is sure', async () => {
    const running = runStreamed(waiter, 'Two soups', runOptions({ model: scriptedTextModel([written], { deltaCharacters: 1 }) }));
    const seen: string[] = [];
    for await (const part of running.partialOutput()) {
      seen.push(JSON.stringify(part));
      expectTypeOf(part.dish).toEqualTypeOf<string | undefined>();
    }
    expect(seen.slice(0, 4)).toEqual(['{}', '{"dish":""}', '{"dish":"s"}', '{"dish":"so"}']);
    expect(seen).toContain('{"dish":"soup","count":2,"at":"2026-05-01T12:00:00Z","extras":[{"name":"b"}]}');
    expect(seen.at(-1)).toBe(written);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('that is a number alone is there when its message is done', async () => {
    const counter = new Agent({ name: 'Counter', output: z.number() });
    expect(await collect(runStreamed(counter, 'How many?', runOptions({ model: scriptedTextModel(['1234567']) })).partialOutput())).toEqual([1234567]);
  });

  it('is text so far where there is no schema', async () => {
    const parts = await collect(runStreamed(new Agent({ name: 'Ava' }), 'Hi', runOptions({ model: scriptedTextModel(['Good morning.']) })).partialOutput());
    expect(parts).toEqual(['Good m', 'Good morning', 'Good morning.']);
  });

  it.each([
    ['is no JSON', 'Two soups, gladly.', 'OUTPUT_INVALID', 'not valid JSON'],
    ['does not fit', '{"dish":"soup","count":2.5}', 'OUTPUT_INVALID', 'count'],
  ])('that %s fails the run, with what is wrong', async (_name, text, code, words) => {
    const running = runStreamed(waiter, 'Two soups', runOptions({ model: scriptedTextModel([text]) }));
    await expect(running.finalOutput).rejects.toMatchObject({ code, message: expect.stringContaining(words) as string });
    expect(await running.end).toMatchObject({ status: 'failed', error: { code } });
  });

  it('that the model refuses to give fails the run, in its words; a text may be a refusal', async () => {
    const refusal = { refusal: 'I sell no soup.' };
    await expect(run(waiter, 'Two soups', runOptions({ model: scriptedTextModel([refusal]) }))).rejects.toMatchObject({ code: 'OUTPUT_REFUSED', message: expect.stringContaining('I sell no soup.') as string });
    expect((await run(new Agent({ name: 'Ava' }), 'Soup', runOptions({ model: scriptedTextModel([refusal]) }))).finalOutput).toBe('I sell no soup.');
  });

  it('that is cut off is not taken for a whole one', async () => {
    await expect(run(waiter, 'Soup', runOptions({ model: scriptedTextModel([{ text: written, incomplete: 'max_output_tokens' }]) }))).rejects.toMatchObject({ code: 'RESPONSE_INCOMPLETE' });
  });
});
