import { describe, expect, it } from 'vitest';
import type { HistoryItem, ModelItem } from '../../../session/index.js';
import { mirrorModel } from '../../helpers/mirror-model.js';
import type { MirrorModel } from '../../helpers/mirror-model.js';
import { random } from '../../helpers/random.js';
import { openHarness } from '../../helpers/session-harness.js';
import type { Harness } from '../../helpers/session-harness.js';
import { settle } from '../../helpers/settle.js';

const INSTRUCTIONS = 300;

/** How this model counts; not how the session estimates. */
function counted(conversation: readonly ModelItem[]): number {
  return Math.ceil(conversation.reduce((sum, item) => sum + 3 + JSON.stringify(item).length / 5, INSTRUCTIONS));
}

function message(id: string, role: 'user' | 'assistant', words: string): ModelItem {
  return { type: 'message', id, role, status: 'completed', content: [{ type: role === 'user' ? 'input_text' : 'output_text', text: words }] };
}

type Options = NonNullable<Parameters<typeof openHarness>[0]>['context'];

async function open(context: Options): Promise<Harness & { mirror: MirrorModel }> {
  const mirror = mirrorModel();
  return { ...(await openHarness({ model: mirror, ...(context === undefined ? {} : { context }) })), mirror };
}

/** The user asks, the model answers, and says how many tokens that took. */
function exchange(mirror: MirrorModel, name: string, question: string, answer: string): void {
  mirror.add(message(`u${name}`, 'user', question));
  mirror.push({ type: 'response_created', responseId: `r${name}` });
  const inputTokens = counted(mirror.conversation);
  const said = message(`a${name}`, 'assistant', answer);
  mirror.add(said);
  const outputTokens = counted(mirror.conversation) - inputTokens;
  const usage = { totalTokens: inputTokens + outputTokens, inputTokens, outputTokens, input: { text: inputTokens, audio: 0, image: 0, cached: 0 }, output: { text: outputTokens, audio: 0 } };
  mirror.push({ type: 'response_done', responseId: `r${name}`, status: 'completed', output: [said], usage });
}

function call(mirror: MirrorModel, name: string): void {
  mirror.add({ type: 'function_call', id: `f${name}`, callId: `c${name}`, name: 'find', arguments: '{"q":1}', status: 'completed' });
  mirror.add({ type: 'function_call_output', id: `o${name}`, callId: `c${name}`, output: 'x'.repeat(300) });
}

describe('the context budget', () => {
  it('holds for an hour: within its tokens, with what is pinned, each key once, and the model and the session of one mind', async () => {
    const rng = random();
    const { session, mirror, clock, of } = await open({ budgetTokens: 3_000, retain: 0.7 });
    mirror.add(message('rules', 'user', 'Never talk about the weather.'));
    session.pin('rules');
    for (let minute = 0; minute < 60; minute += 1) {
      for (let turn = 0; turn < 4; turn += 1) {
        const where = `seed ${rng.seed}, minute ${minute}, turn ${turn}`;
        const name = `${minute}_${turn}`;
        session.setContext('order', `State ${name}.`);
        if (rng.next() < 0.3) call(mirror, name);
        exchange(mirror, name, 'w '.repeat(rng.int(1, 200)), 'v '.repeat(rng.int(1, 300)));
        clock.advance(15_000);

        const ids = mirror.conversation.map(({ id }) => id);
        expect(session.history.map(({ itemId }) => itemId), where).toEqual(ids);
        expect(counted(mirror.conversation), where).toBeLessThanOrEqual(3_000);
        expect(ids, where).toContain('rules');
        expect(ids, where).toContain(`u${name}`);
        expect(mirror.conversation.filter((item) => JSON.stringify(item).includes('State ')).length, where).toBe(1);
        for (const item of mirror.conversation) {
          if (item.type === 'function_call_output') expect(ids, `${where}: an output without its call`).toContain(item.id.replace('o', 'f'));
        }
      }
    }
    const evicted = of('context_evicted');
    expect(evicted.length).toBeGreaterThan(10);
    for (const { tokensBefore, tokensAfter, budgetTokens } of evicted) {
      expect(tokensBefore).toBeGreaterThan(budgetTokens);
      expect(tokensAfter).toBeLessThanOrEqual(budgetTokens * 0.7);
    }
    const gone = evicted.flatMap(({ items }) => items.map(({ itemId }) => itemId));
    expect(new Set(gone).size).toBe(gone.length);
    // Everything that was said is still there, or its eviction was told, or it was the earlier text of a key.
    const added = of('history_added').map(({ item }) => item.itemId);
    const kept = new Set([...gone, ...mirror.conversation.map(({ id }) => id)]);
    expect(added.filter((id) => !kept.has(id) && !id.startsWith('item_ctx'))).toEqual([]);
    expect(of('error')).toEqual([]);
  });

  it('knows after each response how many tokens there are, instructions included', async () => {
    const { session, mirror } = await open({ budgetTokens: 10_000 });
    exchange(mirror, '1', 'w '.repeat(50), 'v '.repeat(80));
    expect(session.contextTokens).toBe(counted(mirror.conversation));
  });

  it('deletes nothing without a budget', async () => {
    const { mirror, of } = await open(undefined);
    for (let turn = 0; turn < 50; turn += 1) exchange(mirror, String(turn), 'w '.repeat(200), 'v '.repeat(200));
    expect(of('context_evicted')).toEqual([]);
    expect(mirror.commandsOf('delete_item')).toEqual([]);
  });

  it('says so once when what must stay is more than the budget', async () => {
    const { session, mirror, of } = await open({ budgetTokens: 500 });
    for (let turn = 0; turn < 6; turn += 1) {
      session.pin(`u${turn}`);
      exchange(mirror, String(turn), 'w '.repeat(300), 'yes');
    }
    expect(of('pressure')).toMatchObject([{ queue: 'context', state: 'high' }]);
    session.pin('u0', false);
    exchange(mirror, 'last', 'w', 'v');
    expect(mirror.conversation.map(({ id }) => id)).not.toContain('u0');
  });

  it('leaves an item alone that the model would not delete', async () => {
    const { mirror, of } = await open({ budgetTokens: 900 });
    mirror.fail(1, 'invalid_value');
    for (let turn = 0; turn < 12; turn += 1) exchange(mirror, String(turn), 'w '.repeat(100), 'v '.repeat(100));
    expect(of('error').map(({ error }) => error.code)).toEqual(['HISTORY_EDIT_FAILED']);
    expect(mirror.commandsOf('delete_item').filter(({ itemId }) => itemId === 'u0').length).toBe(1);
  });

  it.each([{ budgetTokens: 0 }, { budgetTokens: 10, retain: 0 }, { budgetTokens: 10, retain: 1.5 }])('that cannot be is refused at once: %j', async (wrong) => {
    await expect(openHarness({ context: wrong })).rejects.toThrow(RangeError);
  });
});

describe('the summary of what was evicted', () => {
  it('stands once at the head, takes in the one before, and is never evicted', async () => {
    const seen: { items: string[]; previous: string | undefined }[] = [];
    const summarise = (items: readonly HistoryItem[], { previous }: { previous?: string }): Promise<string> => {
      seen.push({ items: items.map(({ itemId }) => itemId), previous });
      return Promise.resolve(`Summary ${seen.length}.`);
    };
    const { session, mirror, of } = await open({ budgetTokens: 1_500, summarise });
    for (let turn = 0; turn < 60; turn += 1) {
      exchange(mirror, String(turn), 'w '.repeat(100), 'v '.repeat(100));
      await settle();
      expect(counted(mirror.conversation)).toBeLessThanOrEqual(1_500);
    }
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.map(({ previous }) => previous)).toEqual([undefined, ...seen.slice(1).map((_, index) => `Summary ${index + 1}.`)]);
    expect(seen.flatMap(({ items }) => items)).toEqual(of('context_evicted').flatMap(({ items }) => items.map(({ itemId }) => itemId)));
    expect(session.history.filter((item) => item.type === 'message' && item.text.startsWith('Summary'))).toMatchObject([{ text: `Summary ${seen.length}.` }]);
    expect(session.history[0]).toMatchObject({ role: 'system', text: `Summary ${seen.length}.` });
    expect(of('context_summarised').length).toBe(seen.length);
  });

  it('that fails or takes longer than 30 s is an error, and the call goes on within its budget', async () => {
    let calls = 0;
    const summarise = (): Promise<string> => {
      calls += 1;
      return calls === 1 ? Promise.reject(new Error('no luck')) : new Promise(() => {});
    };
    const { mirror, of, clock } = await open({ budgetTokens: 1_500, summarise });
    for (let turn = 0; turn < 30; turn += 1) {
      exchange(mirror, String(turn), 'w '.repeat(100), 'v '.repeat(100));
      await settle();
      expect(counted(mirror.conversation)).toBeLessThanOrEqual(1_500);
    }
    expect([calls, of('error').length]).toEqual([2, 1]);
    clock.advance(30_000);
    expect(of('error').map(({ error }) => [error.code, error.stage])).toEqual([
      ['HANDLER_FAILED', 'handler'],
      ['HANDLER_FAILED', 'handler'],
    ]);
    expect(of('context_summarised')).toEqual([]);
  });
});
