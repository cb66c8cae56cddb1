import { describe, expect, it } from 'vitest';
import { TransportError } from '../../../../session/index.js';
import type { TextModelEvent, TextRequest } from '../../../../session/index.js';
import { ManualClock } from '../../../../src/host/manual-clock.js';
import { scriptedTextModel } from '../../../../src/provider/scripted/scripted-text-model.js';
import type { ScriptedTextModel } from '../../../../src/provider/scripted/scripted-text-model.js';
import { settle } from '../../../helpers/settle.js';

const request: TextRequest = { input: [{ type: 'message', role: 'user', text: 'Hi' }], tools: [] };
const ask = (model: ScriptedTextModel) => model.respond(request, { signal: new AbortController().signal });

async function events(model: ScriptedTextModel): Promise<TextModelEvent[]> {
  const all: TextModelEvent[] = [];
  for await (const event of ask(model)) all.push(event);
  return all;
}

describe('a scripted text model', () => {
  it('cuts an answer into deltas, between characters', async () => {
    const model = scriptedTextModel([{ reasoning: 'Hm.', text: 'a😀b', calls: [{ name: 'look', arguments: { a: 1 } }] }], { deltaCharacters: 2 });
    const all = await events(model);
    expect(all.flatMap((event) => ('delta' in event ? [event.delta] : []))).toEqual(['Hm', '.', 'a😀', 'b', '{"', 'a"', ':1', '}']);
    expect(all.map(({ type }) => type).filter((type) => !type.endsWith('delta'))).toEqual(['response_started', 'item_done', 'item_done', 'function_call_started', 'item_done', 'response_done']);
  });

  it('answers in order, by what it is asked if it likes, and keeps what it was asked', async () => {
    const model = scriptedTextModel(['One.', ({ input }) => `${input.length} items`]);
    await events(model);
    expect((await events(model)).at(-1)).toMatchObject({ output: [{ text: '1 items' }] });
    expect(model.requests).toEqual([request, request]);
    await expect(events(model)).rejects.toMatchObject({ code: 'RESPONSE_FAILED', message: expect.stringContaining('2 answers') as string });
    expect([model.open, model.givenUp]).toEqual([0, 0]);
  });

  it('waits on its clock', async () => {
    const clock = new ManualClock();
    const model = scriptedTextModel([{ text: 'Hello.', delayMs: 100 }], { clock });
    const reading = events(model);
    await settle();
    expect(model.eventsRead).toBe(0);
    await clock.run(400);
    expect((await reading).length).toBe(4);
    expect(clock.pendingTimers).toBe(0);
    expect(() => scriptedTextModel([{ text: 'Hello.', delayMs: 100 }])).toThrow(TypeError);
  });

  it('fails as it is told: by itself, on the way, or cut off', async () => {
    expect((await events(scriptedTextModel([{ text: 'a', fails: { message: 'x' } }]))).at(-1)).toMatchObject({ status: 'failed', error: { message: 'x' } });
    expect((await events(scriptedTextModel([{ text: 'a', incomplete: 'length' }]))).at(-1)).toMatchObject({ status: 'incomplete', reason: 'length' });
    const gone = new TransportError('MODEL_CONNECTION_LOST', 'Gone.');
    const seen: TextModelEvent[] = [];
    const reading = (async () => {
      for await (const event of ask(scriptedTextModel([{ text: 'Half', throws: gone }]))) seen.push(event);
    })();
    await expect(reading).rejects.toBe(gone);
    expect(seen.map(({ type }) => type)).toEqual(['response_started', 'text_delta']);
  });
});
