import { describe, expect, it } from 'vitest';
import { PCM16_24K, msToBytes } from '../../../audio/index.js';
import type { Guardrail, GuardrailOptions, GuardrailVerdict, ModelInput, RealtimeSessionOptions } from '../../../session/index.js';
import { scriptedModel } from '../../../src/testing.js';
import { random } from '../../helpers/random.js';
import { makeHarness, openHarness, replyBegins, replyEnds, tone } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';

const TRIPPED = { tripped: true, reason: 'It is secret.' } as const;

/** Trips on a text that has the word. */
function noWord(word: string, verdict: GuardrailVerdict = TRIPPED): Guardrail {
  return { name: `no ${word}`, check: (text) => (text.includes(word) ? verdict : 'pass') };
}

function open(guardrails: GuardrailOptions, rest: Partial<Omit<RealtimeSessionOptions, 'model' | 'clock'>> = {}): Promise<Harness> {
  return openHarness({ guardrails, ...rest });
}

function text(responseId: string, itemId: string, delta: string): ModelInput {
  return { type: 'output_text_delta', of: 'audio', responseId, itemId, contentIndex: 0, delta };
}

/** What the model was told in system messages. */
function told({ model }: Harness): string[] {
  return model.commandsOf('create_item').flatMap(({ item }) => (item.type === 'message' && item.role === 'system' ? item.content.map((part) => ('text' in part ? part.text : '')) : []));
}

describe('an output guardrail', () => {
  it('that trips stops the sound at what was heard, tells the model, and asks for a safe answer', async () => {
    const harness = await open({ output: [noWord('secret')] });
    const { model, clock, of } = harness;
    model.push(...replyBegins('r1', 'a1', 'It is fine.', 2_000));
    await settle();
    expect(of('guardrail_tripped')).toEqual([]);
    clock.advance(400);
    model.push(text('r1', 'a1', ' The secret is out.'));
    await settle();
    expect(of('guardrail_tripped')).toMatchObject([{ of: 'output', name: 'no secret', reason: 'It is secret.', responseId: 'r1', itemId: 'a1', late: false }]);
    expect(of('audio_interrupted')).toMatchObject([{ itemId: 'a1', heardMs: 400 }]);
    expect(model.commandsOf('truncate_item')).toMatchObject([{ itemId: 'a1', audioEndMs: 400 }]);
    expect(model.commandsOf('cancel_response')).toMatchObject([{ responseId: 'r1' }]);
    expect(told(harness)).toEqual([expect.stringContaining('It is secret.')]);
    model.push(...replyEnds('r1', 'a1', 'It is fine. The secret is out.', 'cancelled'));
    expect(model.commandsOf('create_response').length).toBe(1);
    expect(of('agent_end')).toMatchObject([{ outcome: 'interrupted' }]);
  });

  it('gives the words of the safe answer, which goes before what else is wanted', async () => {
    const { model, session } = await open({ output: [noWord('secret', { ...TRIPPED, say: 'Let us talk of tea.' })] });
    model.push(...replyBegins('r1', 'a1', 'A secret.', 0));
    session.respond({ instructions: 'something else' });
    await settle();
    model.push(...replyEnds('r1', 'a1', 'A secret.', 'cancelled'));
    expect(model.commandsOf('create_response').map(({ request }) => request.instructions)).toEqual([expect.stringContaining('Let us talk of tea.')]);
  });

  it('takes what nobody has heard out of the conversation, and of a written answer everything', async () => {
    const { model } = await open({ output: [noWord('secret')] });
    model.push(...replyBegins('r1', 'a1', 'A secret.', 0));
    await settle();
    expect(model.commandsOf('delete_item')).toEqual([]);
    model.push(...replyEnds('r1', 'a1', 'A secret.', 'cancelled'));
    expect(model.commandsOf('delete_item')).toMatchObject([{ itemId: 'a1' }]);
  });

  it('is asked after enough new characters, at the end of a sentence and at the end of the text, one check at a time', async () => {
    const asked: string[] = [];
    const answers: (() => void)[] = [];
    const slow: Guardrail = { name: 'slow', check: (given) => new Promise((resolve) => (asked.push(given), answers.push(() => resolve('pass')))) };
    const { model } = await open({ output: [slow], debounceCharacters: 10, timeoutMs: 60_000 });
    model.push(...replyBegins('r1', 'a1', 'Short', 0));
    expect(asked).toEqual([]);
    model.push(text('r1', 'a1', ' and long'));
    expect(asked).toEqual(['Short and long']);
    model.push(text('r1', 'a1', ' and more and more.'), text('r1', 'a1', ' End'));
    expect(asked.length).toBe(1);
    answers[0]?.();
    await settle();
    expect(asked).toEqual(['Short and long', 'Short and long and more and more. End']);
    answers[1]?.();
    await settle();
    model.push(text('r1', 'a1', ' of'), text('r1', 'a1', ' it'));
    expect(asked.length).toBe(2);
    model.push(...replyEnds('r1', 'a1', 'Short and long and more and more. End of it'));
    expect(asked.at(-1)).toBe('Short and long and more and more. End of it');
  });

  it('trips once for a response, however many checks trip', async () => {
    const { model, of } = await open({ output: [noWord('secret'), noWord('cret')], debounceCharacters: 1, holdBackMs: 500 });
    model.push(...replyBegins('r1', 'a1', 'A secret', 0), text('r1', 'a1', ' and'), text('r1', 'a1', ' another secret.'));
    await settle();
    expect(of('guardrail_tripped').length).toBe(1);
  });

  it('whose verdict comes when a newer response has begun is told and touches nothing', async () => {
    let trip: () => void = () => {};
    const slow: Guardrail = { name: 'slow', check: (given) => (given.includes('secret') ? new Promise((resolve) => (trip = () => resolve(TRIPPED))) : 'pass') };
    const harness = await open({ output: [slow], timeoutMs: 60_000 });
    const { model, of } = harness;
    model.push(...replyBegins('r1', 'a1', 'A secret.', 300), ...replyEnds('r1', 'a1', 'A secret.'));
    model.push(...replyBegins('r2', 'a2', 'Something new', 300));
    trip();
    await settle();
    expect(of('guardrail_tripped')).toMatchObject([{ responseId: 'r1', late: true }]);
    expect([model.commandsOf('cancel_response'), of('audio_interrupted'), model.commandsOf('create_response')]).toEqual([[], [], []]);
    expect(told(harness).length).toBe(1);
  });

  it('still stops what is being heard when its response was generated long ago', async () => {
    let trip: () => void = () => {};
    const slow: Guardrail = { name: 'slow', check: () => new Promise((resolve) => (trip = () => resolve(TRIPPED))) };
    const { model, clock, of } = await open({ output: [slow], timeoutMs: 60_000 });
    model.push(...replyBegins('r1', 'a1', 'A secret.', 3_000), ...replyEnds('r1', 'a1', 'A secret.'));
    clock.advance(1_000);
    trip();
    await settle();
    expect(of('guardrail_tripped')).toMatchObject([{ late: false }]);
    expect(model.commandsOf('truncate_item')).toMatchObject([{ itemId: 'a1', audioEndMs: 1_000 }]);
    expect(model.commandsOf('cancel_response')).toEqual([]);
  });

  it('that throws or takes too long passes the text, or where it is closed, trips', async () => {
    const throwing: Guardrail = { name: 'broken', check: () => Promise.reject(new Error('no network')) };
    const hanging: Guardrail = { name: 'hanging', check: () => new Promise(() => {}) };
    const lenient = await open({ output: [throwing, hanging], timeoutMs: 300 });
    lenient.model.push(...replyBegins('r1', 'a1', 'Hello.', 100));
    await lenient.clock.advanceAsync(300, 100);
    await settle();
    expect(lenient.of('error').map(({ error }) => [error.code, error.stage])).toEqual([['GUARDRAIL_FAILED', 'guardrail'], ['GUARDRAIL_FAILED', 'guardrail']]);
    expect(lenient.of('guardrail_tripped')).toEqual([]);
    const strict = await open({ output: [throwing], onFailure: 'closed' });
    strict.model.push(...replyBegins('r1', 'a1', 'Hello.', 100));
    await settle();
    expect(strict.of('guardrail_tripped')).toMatchObject([{ name: 'broken', late: false }]);
  });

  it('that trips on every safe answer as well makes the agent silent after three', async () => {
    const { model, of } = await open({ output: [{ name: 'never', check: () => TRIPPED }] });
    for (let round = 1; round <= 4; round += 1) {
      model.push(...replyBegins(`r${round}`, `a${round}`, 'Anything.', 0, { voicewire_request: model.commandsOf('create_response').at(-1)?.eventId ?? '' }));
      await settle();
      model.push(...replyEnds(`r${round}`, `a${round}`, 'Anything.', 'cancelled'));
    }
    expect(model.commandsOf('create_response').length).toBe(3);
    expect(of('error').map(({ error }) => error.code)).toEqual(['GUARDRAIL_FAILED']);
  });

  it('refuses numbers that cannot be', () => {
    for (const wrong of [{ holdBackMs: -1 }, { holdBackMs: 20_000 }, { debounceCharacters: 0 }, { timeoutMs: 0 }]) expect(() => makeHarness({ guardrails: wrong })).toThrow(RangeError);
  });
});

describe('an input guardrail', () => {
  const said = (itemId: string, words: string): ModelInput[] => [
    { type: 'speech_started', itemId, audioStartMs: 0 },
    { type: 'speech_stopped', itemId, audioEndMs: 500 },
    { type: 'input_committed', itemId },
    { type: 'item_added', item: { type: 'message', id: itemId, role: 'user', status: 'completed', content: [{ type: 'input_audio', transcript: null }] } },
    { type: 'user_transcript', itemId, contentIndex: 0, text: words, final: true },
  ];

  it('that trips takes the words out, stops the answer to them and asks for a safe one', async () => {
    const harness = await open({ input: [noWord('bomb')] });
    const { model, of } = harness;
    const [transcript, ...before] = said('u1', 'a bomb').reverse();
    model.push(...before.reverse(), ...replyBegins('r1', 'a1', 'Well, ', 500));
    if (transcript !== undefined) model.push(transcript);
    await settle();
    expect(of('guardrail_tripped')).toMatchObject([{ of: 'input', itemId: 'u1', late: false }]);
    expect(model.commandsOf('delete_item')).toMatchObject([{ itemId: 'u1' }]);
    expect(model.commandsOf('cancel_response')).toMatchObject([{ responseId: 'r1' }]);
    model.push(...replyEnds('r1', 'a1', 'Well, ', 'cancelled'));
    expect(model.commandsOf('create_response').length).toBe(1);
  });

  it('that trips before the model has begun its answer stops that answer as it begins', async () => {
    const { model } = await open({ input: [noWord('bomb')] });
    model.push(...said('u1', 'a bomb'));
    await settle();
    expect(model.commandsOf('create_response')).toEqual([]);
    model.push({ type: 'response_created', responseId: 'r1' });
    expect(model.commandsOf('cancel_response')).toMatchObject([{ responseId: 'r1' }]);
    model.push({ type: 'response_done', responseId: 'r1', status: 'cancelled', output: [] });
    expect(model.commandsOf('create_response').length).toBe(1);
  });

  it('is asked about typed words too', async () => {
    const { model, session, of } = await open({ input: [noWord('bomb')] });
    session.sendMessage('a bomb');
    await settle();
    expect(of('guardrail_tripped')).toMatchObject([{ of: 'input', late: false }]);
    expect(model.commandsOf('delete_item').length).toBe(1);
  });

  it('whose verdict comes when the user has said more takes the words out and stops nothing', async () => {
    let trip: () => void = () => {};
    const slow: Guardrail = { name: 'slow', check: (given) => (given === 'a bomb' ? new Promise((resolve) => (trip = () => resolve(TRIPPED))) : 'pass') };
    const { model, of } = await open({ input: [slow], timeoutMs: 60_000 });
    model.push(...said('u1', 'a bomb'), ...said('u2', 'a cake'), ...replyBegins('r2', 'a2', 'With cream?', 500));
    trip();
    await settle();
    expect(of('guardrail_tripped')).toMatchObject([{ itemId: 'u1', late: true }]);
    expect([model.commandsOf('cancel_response'), of('audio_interrupted')]).toEqual([[], []]);
    expect(model.commandsOf('delete_item')).toMatchObject([{ itemId: 'u1' }]);
  });
});

describe('a hold-back', () => {
  const WORDS = ['one ', 'two ', 'three ', 'four ', 'five ', 'six ', 'seven ', 'eight '];
  const WORD_MS = 120;

  /** Moves the clock, with every promise settled in each millisecond, as they are between two real timers. */
  async function pass(clock: Harness['clock'], ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1) {
      clock.advance(1);
      await settle();
    }
  }

  /** A reply of eight words, of which one may be forbidden; the model sends them at random times, each text before its sound. */
  async function spoken(forbidden: number | undefined, guardrails: Omit<GuardrailOptions, 'output'>, checkMs: number, seed?: number): Promise<Harness & { heardMs: () => number }> {
    const rng = random(seed);
    const model = scriptedModel();
    const harness = makeHarness({
      model,
      guardrails: {
        ...guardrails,
        output: [{ name: 'words', check: (given) => new Promise((resolve) => (checkMs === 0 ? resolve(verdict(given)) : harness.clock.after(checkMs, () => resolve(verdict(given))))) }],
      },
    });
    const verdict = (given: string): GuardrailVerdict => (given.includes('secret') ? TRIPPED : 'pass');
    const { clock, session, of } = harness;
    await session.connect();
    const words = WORDS.map((word, index) => (index === forbidden ? 'secret ' : word));
    model.push(...replyBegins('r1', 'a1', '', 0).slice(0, 2));
    for (const word of words) {
      model.push(text('r1', 'a1', word), { type: 'audio_delta', responseId: 'r1', itemId: 'a1', contentIndex: 0, bytes: tone(WORD_MS) });
      await pass(clock, rng.int(0, 60));
    }
    model.push(...replyEnds('r1', 'a1', words.join('')));
    await pass(clock, checkMs + 450);
    return { ...harness, heardMs: () => (of('audio').reduce((sum, { chunk }) => sum + chunk.bytes.length, 0) / msToBytes(PCM16_24K, 1_000)) * 1_000 };
  }

  it('lets nothing of a forbidden word out, wherever it stands, when it is as long as a check takes', { timeout: 30_000 }, async () => {
    const { seed } = random();
    for (let round = 0; round < 2; round += 1) {
      for (const checkMs of [0, 50, 200, 400]) {
        for (let forbidden = 0; forbidden < WORDS.length; forbidden += 1) {
          const { heardMs, of } = await spoken(forbidden, { holdBackMs: 400 }, checkMs, seed + round);
          const where = `TEST_SEED=${seed + round}, check of ${checkMs} ms, word ${forbidden}`;
          expect(heardMs(), where).toBeLessThanOrEqual(forbidden * WORD_MS);
          expect(of('guardrail_tripped').length, where).toBe(1);
        }
      }
    }
  });

  it('cuts the unheard rest at the model, and ends the response in order', async () => {
    const { model, of } = await spoken(0, { holdBackMs: 400 }, 50);
    expect(of('audio')).toEqual([]);
    expect(model.commandsOf('truncate_item')).toMatchObject([{ itemId: 'a1', audioEndMs: 0 }]);
    expect(model.commandsOf('delete_item')).toMatchObject([{ itemId: 'a1' }]);
    expect(of('agent_end').map(({ outcome }) => outcome)).toEqual(['interrupted']);
  });

  it('lets everything out, in order, when all of it passes, and the end after it', async () => {
    const { heardMs, events } = await spoken(undefined, { holdBackMs: 400 }, 100);
    expect(heardMs()).toBe(WORDS.length * WORD_MS);
    const order = events.map(({ type }) => type).filter((type) => type === 'audio' || type === 'audio_end' || type === 'agent_end');
    expect(order).toEqual([...WORDS.map(() => 'audio'), 'audio_end', 'agent_end']);
    const firsts = events.flatMap((event) => (event.type === 'audio' ? [event.chunk.firstSample] : []));
    expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
  });

  it('lets audio out after its time when the check is slower, and where failures are closed, never', async () => {
    const late = await spoken(2, { holdBackMs: 100, timeoutMs: 10_000 }, 900);
    expect(late.heardMs()).toBeGreaterThan(2 * WORD_MS);
    const strict = await spoken(2, { holdBackMs: 100, timeoutMs: 10_000, onFailure: 'closed' }, 900);
    expect(strict.heardMs()).toBeLessThanOrEqual(2 * WORD_MS);
    const mute = await spoken(undefined, { holdBackMs: 100, timeoutMs: 200, onFailure: 'closed' }, 900);
    expect([mute.heardMs(), mute.of('guardrail_tripped').length]).toEqual([0, 1]);
  });

  it('that is off adds nothing: audio is an event in the moment it comes', async () => {
    const { model, of } = await open({ output: [{ name: 'hanging', check: () => new Promise(() => {}) }] });
    model.push(...replyBegins('r1', 'a1', 'Hello there.', 100));
    expect(of('audio').map(({ info }) => info.timestamp)).toEqual([1_000]);
  });

  it('gives way when the user speaks over it', async () => {
    const { model, of } = await open({ output: [{ name: 'hanging', check: () => new Promise(() => {}) }], holdBackMs: 400, timeoutMs: 60_000 });
    model.push(...replyBegins('r1', 'a1', 'Hello there.', 500), ...replyEnds('r1', 'a1', 'Hello there.'));
    expect([of('audio'), of('agent_end')]).toEqual([[], []]);
    model.push({ type: 'speech_started', itemId: 'u1', audioStartMs: 0 });
    expect([of('audio').length, of('agent_end').length, of('audio_interrupted').length]).toEqual([0, 1, 1]);
    expect(model.commandsOf('truncate_item')).toMatchObject([{ itemId: 'a1', audioEndMs: 0 }]);
  });
});
