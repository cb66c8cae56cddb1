import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { tool } from '../../../session/index.js';
import type { ModelInput, PriceTable, Usage } from '../../../session/index.js';
import { settle } from '../../helpers/settle.js';
import { openHarness, replyBegins, replyEnds, tone } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';

const PRICES: PriceTable = {
  dear: { input: { text: 1_000 }, output: { text: 1_000, audio: 1_000 }, asOf: '2026-01-01', source: 'test' },
  scribe: { perMinute: 0.6, asOf: '2026-01-01', source: 'test' },
};

/** One tenth of a cent for each token. */
function tokens(count: number): Usage {
  return { totalTokens: count, inputTokens: 0, outputTokens: count, input: { text: 0, audio: 0, image: 0, cached: 0 }, output: { text: count, audio: 0 } };
}

/** A whole reply that says `count` tokens were used, and is heard at once: it has no audio. */
function reply(id: string, count: number, usage: Usage | undefined = tokens(count)): ModelInput[] {
  return [...replyBegins(`r${id}`, `a${id}`, 'Yes', 0), ...replyEnds(`r${id}`, `a${id}`, 'Yes')].map((input) =>
    input.type === 'response_done' && usage !== undefined ? { ...input, usage } : input,
  );
}

/** The next reply is an answer to our request. */
function asked(harness: Harness, inputs: readonly ModelInput[]): ModelInput[] {
  const request = harness.model.commandsOf('create_response').at(-1)?.request.metadata ?? {};
  return inputs.map((input) => (input.type === 'response_created' ? { ...input, metadata: request } : input));
}

function states(harness: Harness): string[] {
  return harness.of('budget').map(({ state }) => state);
}

describe('usage and cost', () => {
  it('are summed over the call and told after each response, once however often the model says that it is done', async () => {
    const { session, model, of } = await openHarness({ modelName: 'dear', prices: PRICES, config: { transcription: { model: 'scribe' } } });
    model.push(...reply('1', 10), ...reply('1', 10), ...reply('2', 5));
    const spoken: ModelInput = { type: 'user_transcript', itemId: 'u1', contentIndex: 0, text: 'Hi', final: true, usage: { type: 'duration', seconds: 6 } };
    model.push(spoken, spoken);
    expect(session.usage).toMatchObject({ totalTokens: 15, outputTokens: 15, responses: 2, responsesWithoutUsage: 0, transcription: { turns: 1, seconds: 6 } });
    expect(session.cost.usd).toBeCloseTo(0.015 + 0.06, 12);
    expect(session.cost).toMatchObject({ unpricedResponses: 0, unpricedTranscriptions: 0, unpricedModels: [] });
    expect(of('cost').map(({ of: kind, usd, model: name }) => [kind, usd, name])).toEqual([
      ['response', 0.01, 'dear'],
      ['response', 0.005, 'dear'],
      ['transcription', 0.06, 'scribe'],
    ]);
    expect(of('cost').at(-1)?.call.usd).toBeCloseTo(0.075, 12);
  });

  it('of a model that nobody has a price for are unpriced and never 0', async () => {
    const { session, model, of } = await openHarness();
    model.push({ type: 'model_session_created', modelSessionId: 's', model: 'brand-new' }, ...reply('1', 10));
    expect(of('cost')).toMatchObject([{ usd: 'unpriced', model: 'brand-new', call: { usd: 0, unpricedResponses: 1, unpricedModels: ['brand-new'] } }]);
    expect(session.usage.totalTokens).toBe(10);
  });

  it('go by the name that the model gives itself', async () => {
    const { model, of } = await openHarness({ prices: PRICES, modelName: 'brand-new' });
    model.push({ type: 'model_session_configured', model: 'dear' }, ...reply('1', 10));
    expect(of('cost')).toMatchObject([{ usd: 0.01, model: 'dear' }]);
  });
});

describe('a budget', () => {
  const budget = { usdPerCall: 0.1, wrapUp: { instructions: 'Say goodbye.', graceMs: 5_000 } };

  it('warns once, then has the agent say goodbye, and closes when that has been heard', async () => {
    const harness = await openHarness({ budget, prices: PRICES, modelName: 'dear' });
    const { session, model, clock } = harness;
    model.push(...reply('1', 79));
    expect(states(harness)).toEqual([]);
    model.push(...reply('2', 1), ...reply('3', 10));
    expect(harness.of('budget')).toMatchObject([{ state: 'warning', limit: 'usd', allowed: 0.1 }]);
    model.push(...reply('4', 10));
    expect(harness.of('budget').at(-1)).toMatchObject({ state: 'wrap_up', limit: 'usd', graceMs: 5_000 });
    expect(model.commandsOf('create_response').map(({ request }) => request.instructions)).toEqual(['Say goodbye.']);
    model.push(...asked(harness, [...replyBegins('r5', 'a5', 'Goodbye!', 1_000), ...replyEnds('r5', 'a5', 'Goodbye!')]));
    clock.advance(900);
    expect(session.state).toBe('open');
    clock.advance(400);
    expect(session.state).toBe('closed');
    expect(states(harness)).toEqual(['warning', 'wrap_up', 'stopped']);
    expect(harness.of('connection').at(-1)?.connection).toMatchObject({ state: 'closed', reason: 'the budget of this call is used up' });
  });

  it('closes on time when the model ignores the goodbye and the microphone never rests', async () => {
    const harness = await openHarness({ budget, prices: PRICES, modelName: 'dear' });
    const { session, model, clock } = harness;
    model.push(...reply('1', 100));
    for (let elapsedMs = 20; elapsedMs < 5_000; elapsedMs += 20) {
      clock.advance(20);
      session.sendAudio(tone(20));
      if (elapsedMs === 1_000) model.push({ type: 'speech_started', itemId: 'u1', audioStartMs: 0 });
      if (elapsedMs === 2_000) model.push(...replyBegins('r2', 'a2', 'Let me tell you a story', 60_000));
      expect(session.state, String(elapsedMs)).toBe('open');
    }
    clock.advance(20);
    expect(session.state).toBe('closed');
    expect(states(harness)).toEqual(['wrap_up', 'stopped']);
  });

  it('closes on time in the middle of a tool, which is aborted', async () => {
    let aborted = false;
    const slow = tool({
      name: 'slow',
      description: '',
      parameters: z.object({}),
      execute: (_args, { signal }) => new Promise<string>(() => signal.addEventListener('abort', () => (aborted = true))),
    });
    const harness = await openHarness({ budget, prices: PRICES, modelName: 'dear', tools: [slow] });
    const { session, model, clock } = harness;
    const call = { type: 'function_call', id: 'f1', callId: 'c1', name: 'slow', arguments: '{}', status: 'completed' } as const;
    model.push({ type: 'response_created', responseId: 'r1' }, { type: 'output_item_done', responseId: 'r1', outputIndex: 0, item: call });
    model.push({ type: 'response_done', responseId: 'r1', status: 'completed', output: [call], usage: tokens(150) });
    await settle();
    clock.advance(4_999);
    expect([session.state, aborted]).toEqual(['open', false]);
    clock.advance(1);
    expect([session.state, aborted]).toEqual(['closed', true]);
  });

  it('of time ends a call in which nobody says a word, and is not put off by anything', async () => {
    const harness = await openHarness({ budget: { msPerCall: 60_000, wrapUp: { graceMs: 2_000 } } });
    const { session, model, clock } = harness;
    clock.advance(30_000);
    model.push({ type: 'model_session_configured' });
    clock.advance(17_999);
    expect(states(harness)).toEqual([]);
    clock.advance(1);
    expect(harness.of('budget')).toMatchObject([{ state: 'warning', limit: 'time', spent: 48_000, allowed: 60_000 }]);
    clock.advance(12_000);
    expect(states(harness)).toEqual(['warning', 'wrap_up']);
    clock.advance(2_000);
    expect(session.state).toBe('closed');
  });

  it('of tokens holds a model without a price; that dollars cannot is told', async () => {
    const harness = await openHarness({ budget: { usdPerCall: 1, tokensPerCall: 50, wrapUp: null } });
    harness.model.push(...reply('1', 30));
    expect(harness.of('budget')).toMatchObject([{ state: 'unpriced', limit: 'usd', allowed: 1 }]);
    harness.model.push(...reply('2', 30));
    expect(states(harness)).toEqual(['unpriced', 'wrap_up']);
    harness.clock.advance(0);
    expect(harness.session.state).toBe('closed');
    expect(harness.model.commandsOf('create_response')).toEqual([]);
  });

  it('of tokens bounds each answer by what is left of it, less what the model reads again; those that it begins by itself too', async () => {
    const { session, model } = await openHarness({ budget: { tokensPerCall: 6_000 } });
    const bounds = (): unknown[] => [model.commandsOf('create_response').at(-1)?.request.maxOutputTokens, model.commandsOf('configure').at(-1)?.config.maxOutputTokens];
    const talk = (id: string, count: number): void => model.push(...asked({ model } as Harness, reply(id, count)));
    session.respond();
    expect(bounds()).toEqual([undefined, undefined]);
    talk('1', 500);
    session.respond();
    expect(bounds()).toEqual([undefined, undefined]);
    talk('2', 1_000);
    expect(bounds()).toEqual([undefined, 3_500]);
    session.respond({ maxOutputTokens: 50 });
    expect(bounds()[0]).toBe(50);
    talk('3', 2_000);
    session.respond();
    expect(bounds()).toEqual([500, 500]);
    // No answer is bound to less than a short sentence, and the goodbye has its own bound.
    talk('4', 500);
    session.respond();
    expect(bounds()).toEqual([1_500, 500]);
    talk('5', 1_900);
    session.respond();
    expect(bounds()).toEqual([64, 64]);
    talk('6', 64);
    talk('7', 64);
    expect(bounds()).toEqual([512, 64]);
  });

  it('of dollars bounds them by the dearest price', async () => {
    const { session, model } = await openHarness({ budget: { usdPerCall: 1 }, prices: PRICES, modelName: 'dear' });
    model.push(...reply('1', 300));
    session.respond();
    expect(model.commandsOf('create_response')[0]?.request.maxOutputTokens).toBe(400);
  });

  it.each([{ usdPerCall: -1 }, { tokensPerCall: Number.NaN }, { msPerCall: -5 }, { warnAt: 0 }, { warnAt: 2 }, { wrapUp: { graceMs: -1 } }])('that cannot be is refused at once: %j', async (wrong) => {
    await expect(openHarness({ budget: wrong })).rejects.toThrow(RangeError);
  });
});
