import { describe, expect, it } from 'vitest';
import { Agent, InProcessMemory, runStreamed } from '../../../session/index.js';
import type { AgentOptions, Guardrail, GuardrailContext, GuardrailVerdict } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { scriptedTextModel } from '../../../src/provider/scripted/scripted-text-model.js';
import { collect, inShort, runOptions } from '../../helpers/run-harness.js';
import { settle } from '../../helpers/settle.js';

/** A check whose verdicts the test gives. */
function byHand(): Guardrail & { readonly asked: { text: string; context: GuardrailContext; answer: (verdict: GuardrailVerdict) => void }[] } {
  const asked: ReturnType<typeof byHand>['asked'] = [];
  return { name: 'by hand', asked, check: (text, context) => new Promise((answer) => asked.push({ text, context, answer })) };
}

const guarded = (guardrails: NonNullable<AgentOptions<unknown, string>['guardrails']>) => new Agent({ name: 'Ava', guardrails });
const trip = { tripped: true, reason: 'No money talk.' } as const;
const noMoney: Guardrail = { name: 'no money', check: (text) => (text.includes('money') ? trip : 'pass') };

describe('a check of the user’s words', () => {
  it('runs while the model begins to answer; nothing is told before it has passed', async () => {
    const check = byHand();
    const model = scriptedTextModel(['Hello.']);
    const running = runStreamed(guarded({ input: [check] }), 'Hi', runOptions({ model }));
    const seen: string[] = [];
    const reading = (async () => {
      for await (const event of running) seen.push(...inShort([event]));
    })();
    await settle();
    expect([model.requests.length, model.eventsRead, seen]).toEqual([1, 1, ['agent_updated_stream_event']]);
    expect(check.asked[0]).toMatchObject({ text: 'Hi', context: { agentName: 'Ava', history: [{ role: 'user', text: 'Hi' }] } });
    check.asked[0]?.answer('pass');
    await reading;
    expect(seen).toContain('message_output_created');
    expect(check.asked).toHaveLength(1);
  });

  it('that trips ends the run: nothing of the answer is told, nothing is kept', async () => {
    const session = new InProcessMemory();
    const model = scriptedTextModel(['Hello.']);
    const running = runStreamed(guarded({ input: [noMoney] }), 'Give me money', runOptions({ model, session }));
    const flat = await collect(running.flatEvents());
    expect(flat.map(({ type }) => type)).toEqual(['run.start', 'run.agent', 'run.error']);
    await expect(running.finalOutput).rejects.toMatchObject({ code: 'GUARDRAIL_TRIPPED', message: expect.stringContaining('No money talk.') as string });
    expect(await running.end).toMatchObject({ status: 'failed', error: { code: 'GUARDRAIL_TRIPPED' } });
    expect([session.items(), model.open, model.givenUp]).toEqual([[], 0, 1]);
  });

  it('looks at what is new, not at the whole conversation', async () => {
    const check = byHand();
    const session = new InProcessMemory([{ type: 'message', role: 'user', text: 'old' }, { type: 'message', role: 'assistant', text: 'older' }]);
    const running = runStreamed(guarded({ input: [check] }), 'new', runOptions({ model: scriptedTextModel(['Yes.']), session }));
    const reading = collect(running);
    await settle();
    expect(check.asked.map(({ text }) => text)).toEqual(['new']);
    check.asked[0]?.answer('pass');
    await reading;
  });
});

describe('a check of the agent’s words', () => {
  it('runs while they grow, one at a time, and on the whole text before it counts', async () => {
    const check = byHand();
    const text = 'One sentence. And a second one that is longer.';
    const running = runStreamed(guarded({ output: [check], debounceCharacters: 20 }), 'Hi', runOptions({ model: scriptedTextModel([text]) }));
    let over = false;
    void running.finalOutput.then(() => (over = true));
    const texts: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      await settle();
      const asked = check.asked[texts.length];
      if (asked === undefined) break;
      expect([check.asked.length, over]).toEqual([texts.length + 1, false]);
      texts.push(asked.text);
      asked.answer('pass');
    }
    await settle();
    expect(texts.every((each, index) => text.startsWith(each) && each.length > (texts[index - 1]?.length ?? 0))).toBe(true);
    expect([texts.at(-1), over]).toEqual([text, true]);
  });

  it('that trips ends the run in the middle of the answer; the words are not kept, the question is', async () => {
    const session = new InProcessMemory();
    const model = scriptedTextModel(['Well, you can have money. And more, and more, and more.']);
    const running = runStreamed(guarded({ output: [noMoney] }), 'Hi', runOptions({ model, session, queueSize: 1 }));
    await expect(collect(running)).rejects.toMatchObject({ code: 'GUARDRAIL_TRIPPED' });
    expect(model.givenUp).toBe(1);
    await running.end;
    expect(session.items()).toEqual([{ type: 'message', role: 'user', text: 'Hi' }]);
  });

  it('that trips on the last words fails the run, though all was said', async () => {
    const running = runStreamed(guarded({ output: [noMoney], debounceCharacters: 1_000 }), 'Hi', runOptions({ model: scriptedTextModel(['Nothing but money']) }));
    await expect(running.finalOutput).rejects.toMatchObject({ code: 'GUARDRAIL_TRIPPED' });
    expect(running.history).toEqual([]);
  });

  it.each([
    ['open', 'Hello.'],
    ['closed', 'GUARDRAIL_TRIPPED'],
  ] as const)('that takes too long counts as its %s policy says', async (onFailure, expected) => {
    const clock = new ManualClock();
    const running = runStreamed(guarded({ output: [byHand()], timeoutMs: 100, onFailure }), 'Hi', runOptions({ model: scriptedTextModel(['Hello.']), clock }));
    const output = running.finalOutput.catch((error: { code: string }) => error.code);
    await settle();
    clock.advance(100);
    await settle();
    clock.advance(100);
    expect(await output).toBe(expected);
    expect(clock.pendingTimers).toBe(0);
  });
});
