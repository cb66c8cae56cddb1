import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { RealtimeAgent, handoff, tool } from '../../../session/index.js';
import type { Guardrail, RealtimeSession } from '../../../session/index.js';
import type { EmulatorOptions, Script } from '../../../src/emulator/index.js';
import { historyText, sessionOn, tappedEmulator, wireText } from '../../helpers/tapped-emulator.js';
import type { TappedEmulator, TappedSession, WireEvent } from '../../helpers/tapped-emulator.js';

// What a session says to a model, on a real socket: the sequences of the features that make more than one request.

const SCRIPT: Script = {
  name: 'walk',
  greeting: 'Hello, this is the desk.',
  turns: [
    { when: ['pay'], call: { name: 'pay', arguments: { cents: 5 } }, reply: 'It is paid. The receipt is {{tool.receipt}}.', withoutCall: 'I could not do that.' },
    { when: ['billing'], call: { name: 'transfer_to_Billing', arguments: { reason: 'an invoice' } }, reply: 'I hand over.' },
    { when: ['secret'], reply: 'Of course, that is easy to say. The password of the safe is swordfish. Anything else that I can do for you today?' },
    { when: ['long'], reply: 'This is a long answer that goes on for quite a while, so that there is time to do something in the middle of it. It has a second sentence as well.' },
  ],
  fallback: 'I see.',
};

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

interface Walk extends TappedSession {
  readonly tap: TappedEmulator;
  /** What the session has sent since, by type, without its configuration at the beginning. */
  sent(from?: number): string[];
}

async function walk(agent = new RealtimeAgent({ name: 'Ada' }), options: Parameters<typeof sessionOn>[2] = {}, emulator: EmulatorOptions = {}): Promise<Walk> {
  const tap = await tappedEmulator({ script: SCRIPT, ...emulator });
  open.push(tap);
  const made = await sessionOn(tap.url, agent, options);
  open.push(made);
  return { ...made, tap, sent: (from = 1) => tap.sent.slice(from).map(({ type }) => type) };
}

function nth(events: readonly WireEvent[], type: string, index = 0): WireEvent | undefined {
  return events.filter((event) => event.type === type).at(index);
}

/** The model's conversation is the session's: the same items in the same order, with the same words. */
async function expectMirror({ tap, session }: { tap: TappedEmulator; session: RealtimeSession }): Promise<void> {
  expect(tap.items()).toEqual(session.history.map(({ itemId }) => itemId));
  const kept = await Promise.all(session.history.map(async ({ itemId }) => wireText(await tap.retrieve(itemId))));
  expect(kept).toEqual(session.history.map(historyText));
}

const noSwordfish: Guardrail = { name: 'no passwords', check: (text) => (text.includes('swordfish') ? { tripped: true, reason: 'It is a password.', say: 'I cannot tell you that.' } : 'pass') };

describe('a guardrail', () => {
  test('of what the agent says stops it: truncated at what was heard, the reason told, a safe answer asked for', async () => {
    const { session, tap, next, of } = await walk(undefined, { guardrails: { output: [noSwordfish], debounceCharacters: 10 } }, { pace: 2 });
    session.sendMessage('Tell me the secret.');
    const trip = await next('guardrail_tripped');
    await next('agent_end', ({ responseId }) => responseId !== trip.responseId);
    const types = tap.sent.map(({ type }) => type);
    const from = types.lastIndexOf('response.cancel');
    expect(types.slice(from)).toEqual(['response.cancel', 'conversation.item.truncate', 'conversation.item.create', 'response.create']);
    expect(tap.sent[from + 1]).toMatchObject({ item_id: trip.itemId, content_index: 0 });
    expect(tap.sent[from + 2]).toMatchObject({ item: { role: 'system', content: [{ text: expect.stringContaining('It is a password.') as string }] } });
    expect(tap.sent[from + 3]).toMatchObject({ response: { instructions: expect.stringContaining('I cannot tell you that.') as string } });
    expect(of('agent_end').find(({ responseId }) => responseId === trip.responseId)).toMatchObject({ outcome: 'interrupted' });
    expect(tap.heard.filter(({ type }) => type === 'error')).toEqual([]);
    // None of its sound is an event after the trip.
    const order = of('audio').filter(({ responseId, info }) => responseId === trip.responseId && info.timestamp > trip.info.timestamp);
    expect(order).toEqual([]);
  });

  test('with a hold-back lets none of the sentence out, and what nobody has heard leaves the conversation', async () => {
    const slow: Guardrail = { name: 'slow', check: (text, context) => new Promise((resolve) => setImmediate(() => resolve(noSwordfish.check(text, context) as 'pass'))) };
    const whole: Script = { ...SCRIPT, turns: [{ when: ['secret'], reply: 'The swordfish is the password.' }] };
    const { session, tap, next, of } = await walk(undefined, { guardrails: { output: [slow], holdBackMs: 5_000, onFailure: 'closed' } }, { pace: 2, script: whole });
    session.sendMessage('Tell me the secret.');
    const trip = await next('guardrail_tripped');
    await next('agent_end', ({ responseId }) => responseId !== trip.responseId);
    await next('history_updated', ({ changes }) => changes.some((change) => change.op === 'delete' && change.itemId === trip.itemId));
    const heard = of('audio').filter(({ responseId }) => responseId === trip.responseId);
    expect(heard.length).toBe(0);
    expect(nth(tap.sent, 'conversation.item.delete')).toMatchObject({ item_id: trip.itemId });
    expect(await tap.retrieve(trip.itemId)).toBeUndefined();
    expect(of('agent_end').at(-1)).toMatchObject({ outcome: 'completed' });
  });

  test('of what the user says takes it out of the conversation, and the answer is a safe one', async () => {
    const rule: Guardrail = { name: 'no numbers', check: (text) => (/\d{6}/.test(text) ? { tripped: true, reason: 'It is an account.' } : 'pass') };
    const { session, tap, next, sent } = await walk(undefined, { guardrails: { input: [rule] } });
    session.sendMessage('My account is 123456.');
    const trip = await next('guardrail_tripped');
    await next('agent_end');
    await next('history_updated', ({ changes }) => changes.some((change) => change.op === 'delete'));
    expect(sent().filter((type) => type !== 'response.cancel')).toContain('conversation.item.delete');
    expect(await tap.retrieve(trip.itemId)).toBeUndefined();
    const asked = tap.sent.filter(({ type }) => type === 'response.create');
    expect(asked.at(-1)).toMatchObject({ response: { instructions: expect.stringContaining('cannot speak about that') as string } });
    expect(session.history.some(({ itemId }) => itemId === trip.itemId)).toBe(false);
  });
});

describe('a tool that needs approval', () => {
  function cashier(): { agent: RealtimeAgent; paid: number[] } {
    const paid: number[] = [];
    const pay = tool({ name: 'pay', description: 'Pays.', parameters: z.object({ cents: z.number() }), needsApproval: true, execute: ({ cents }) => (paid.push(cents), { receipt: `R-${paid.length}` }) });
    return { agent: new RealtimeAgent({ name: 'Ada', tools: [pay] }), paid };
  }

  test('waits without a word to the model, runs when a person agrees, and its output is answered', async () => {
    const { agent, paid } = cashier();
    const { session, tap, next, sent } = await walk(agent);
    session.sendMessage('Please pay.');
    const { callId } = await next('tool_approval_required');
    await next('agent_end');
    const before = tap.sent.length;
    expect([paid, sent()]).toEqual([[], ['conversation.item.create', 'response.create']]);
    session.approve(callId);
    await next('agent_end', ({ text }) => text !== '');
    expect([paid, sent(before)]).toEqual([[5], ['conversation.item.create', 'response.create']]);
    expect(tap.sent[before]).toMatchObject({ item: { type: 'function_call_output', call_id: callId, output: '{"receipt":"R-1"}' } });
    expect(session.history.at(-1)).toMatchObject({ text: 'It is paid. The receipt is R-1.' });
  });

  test('is not run when a person refuses; the model is told why', async () => {
    const { agent, paid } = cashier();
    const { session, tap, next } = await walk(agent);
    session.sendMessage('Please pay.');
    const { callId } = await next('tool_approval_required');
    session.reject(callId, { reason: 'Too much.' });
    await next('agent_end', ({ text }) => text !== '');
    const outputs = tap.sent.filter((event) => (event['item'] as { type?: string } | undefined)?.type === 'function_call_output');
    expect(outputs).toMatchObject([{ item: { call_id: callId, output: expect.stringContaining('Too much.') as string } }]);
    expect([paid, session.history.at(-1)]).toMatchObject([[], { text: 'I could not do that.' }]);
  });

  test('is asked about once where the decision is for good', async () => {
    const { agent, paid } = cashier();
    const { session, next, of } = await walk(agent);
    session.on('tool_approval_required', ({ callId }) => session.approve(callId, { always: true }));
    for (const text of ['Please pay.', 'Pay again.', 'And pay a third time.']) {
      const handle = session.sendMessage(text);
      await handle.done;
      await next('agent_end', ({ text: said }) => said.includes(`R-${paid.length}`) && paid.length === of('tool_end').length);
    }
    expect([paid, of('tool_approval_required').length, of('tool_end').map(({ outcome }) => outcome)]).toEqual([[5, 5, 5], 1, ['ok', 'ok', 'ok']]);
  });

  test('is run by the agent that asked, when the decision comes after a hand-off', async () => {
    const { agent, paid } = cashier();
    const { session, tap, next, of } = await walk(agent);
    session.sendMessage('Please pay.');
    const { callId } = await next('tool_approval_required');
    expect(await session.updateAgent(new RealtimeAgent({ name: 'Ben' }), { entry: 'silent' })).toEqual({ ok: true });
    session.approve(callId);
    await next('agent_end', ({ text }) => text.includes('R-1'));
    expect([paid, of('tool_end')]).toMatchObject([[5], [{ callId, outcome: 'ok', info: { agentName: 'Ada' } }]]);
    const types = tap.sent.map(({ type }) => type);
    expect(types.slice(types.lastIndexOf('session.update'))).toEqual(['session.update', 'conversation.item.create', 'response.create']);
    await expectMirror({ tap, session });
  });
});

describe('a hand-off', () => {
  test('by the model: its call is answered, the configuration confirmed, and only then one response asked for', async () => {
    const billing = new RealtimeAgent({ name: 'Billing', instructions: 'Talk of money.' });
    const { session, tap, next, of } = await walk(new RealtimeAgent({ name: 'Ada', handoffs: [handoff({ to: billing })] }));
    session.sendMessage('To billing, please.');
    await next('handoff');
    await next('agent_end', ({ info }) => info.agentName === 'Billing');
    expect(tap.sent.slice(1).map(({ type }) => type)).toEqual(['conversation.item.create', 'response.create', 'conversation.item.create', 'session.update', 'response.create']);
    expect(nth(tap.sent, 'session.update', 1)).toMatchObject({ session: { instructions: 'Talk of money.', tools: [] } });
    const confirmed = tap.heard.findLastIndex(({ type }) => type === 'session.updated');
    expect(tap.heard.slice(confirmed).filter(({ type }) => type === 'response.created').length).toBe(1);
    expect(of('agent_start').map(({ info }) => info.agentName)).toEqual(['Ada', 'Billing']);
    await expectMirror({ tap, session });
  });
});

describe('a budget', () => {
  test('warns, has the agent say goodbye, and ends the call when that was heard; answers are bound', async () => {
    const { session, tap, next, of } = await walk(undefined, { budget: { tokensPerCall: 420, warnAt: 0.3, wrapUp: { instructions: 'Say goodbye.', graceMs: 20_000 } } });
    for (let count = 0; of('budget').every(({ state }) => state !== 'wrap_up'); count += 1) {
      expect(count).toBeLessThan(20);
      await session.sendMessage(`Say something, number ${count}.`).done;
    }
    await next('connection', ({ connection }) => connection.state === 'closed');
    expect(of('budget').map(({ state }) => state)).toEqual(['warning', 'wrap_up', 'stopped']);
    const asked = tap.sent.flatMap((event) => (event.type === 'response.create' ? [event['response'] as { instructions?: string; max_output_tokens: number }] : []));
    const bounds = asked.map(({ max_output_tokens: bound }) => bound);
    expect(asked.at(-1)).toMatchObject({ instructions: 'Say goodbye.', max_output_tokens: 512 });
    expect(bounds.slice(0, -1)).toEqual([...bounds.slice(0, -1)].sort((a, b) => b - a));
    expect(bounds[0]).toBe(420);
    const configured = tap.heard.flatMap((event) => (event.type === 'session.updated' ? [(event['session'] as { max_output_tokens: number | string }).max_output_tokens] : []));
    expect(configured[0]).toBe('inf');
    expect(configured.slice(1).every((bound) => typeof bound === 'number' && bound <= 420)).toBe(true);
    expect(of('connection').at(-1)?.connection).toMatchObject({ state: 'closed', code: 1000 });
  });

  test('without a goodbye closes in the moment in which the limit is reached, in the middle of the sound', async () => {
    const { session, tap, next, of } = await walk(undefined, { budget: { tokensPerCall: 10, wrapUp: null } });
    session.sendMessage('Say something long.');
    await next('connection', ({ connection }) => connection.state === 'closed');
    expect(of('budget').map(({ state }) => state)).toEqual(['wrap_up', 'stopped']);
    expect(tap.sent.filter(({ type }) => type === 'response.create').length).toBe(1);
    expect(session.state).toBe('closed');
  });
});

describe('an edit of the history', () => {
  test('leaves both sides with the same conversation: items deleted, added, changed and moved', async () => {
    const { session, tap, next } = await walk();
    for (let index = 0; index < 5; index += 1) session.sendMessage(`Fact ${index}.`, { respond: false });
    await next('history_updated', () => session.history.length === 5);
    session.updateHistory((items) => {
      const [zero, one, two, three] = items;
      if (zero === undefined || one === undefined || two?.type !== 'message' || three === undefined) throw new Error('not there');
      return [three, zero, { type: 'message', role: 'user', text: 'Between.' }, { ...two, text: 'Fact two, corrected.' }, { type: 'message', role: 'assistant', text: 'I know.' }];
    });
    await next('history_updated', () => session.history.length === 5 && session.history.some((item) => historyText(item) === 'I know.') && !session.history.some((item) => historyText(item) === 'Fact 4.'));
    expect(session.history.map(historyText)).toEqual(['Fact 3.', 'Fact 0.', 'Between.', 'Fact two, corrected.', 'I know.']);
    await expectMirror({ tap, session });
    expect(tap.heard.filter(({ type }) => type === 'error')).toEqual([]);
  });

  test('of context under a key keeps it once, by its newest text, until it is taken away', async () => {
    const { session, tap, next } = await walk();
    session.setContext('order', 'One pizza.');
    session.sendMessage('Hello.', { respond: false });
    session.setContext('order', 'Two pizzas.');
    session.setContext('table', 'Number 4.');
    await next('history_updated', () => session.history.map(historyText).join() === 'Hello.,Two pizzas.,Number 4.');
    await expectMirror({ tap, session });
    session.setContext('order', null);
    await next('history_updated', () => session.history.length === 2);
    await expectMirror({ tap, session });
  });

  test('by the budget of the context takes the oldest out at the model too, and never what is pinned', async () => {
    const { session, tap, next } = await walk(undefined, { context: { budgetTokens: 120, retain: 0.5 } });
    session.setContext('facts', 'The caller is Ada.');
    session.sendMessage('My number is 17.', { respond: false });
    await next('history_updated', () => session.history.length === 2);
    const [, pinned] = session.history;
    if (pinned === undefined) throw new Error('not there');
    session.pin(pinned.itemId);
    for (let count = 0; count < 8; count += 1) await session.sendMessage(`Question ${count}, with a few more words so that it counts for something.`).done;
    const evicted = await next('context_evicted');
    await next('history_updated', () => evicted.items.every(({ itemId }) => session.history.every((item) => item.itemId !== itemId)));
    const texts = session.history.map(historyText);
    expect([texts.filter((text) => text === 'My number is 17.').length, texts.filter((text) => text === 'The caller is Ada.').length]).toEqual([1, 1]);
    for (const { itemId } of evicted.items) expect(await tap.retrieve(itemId)).toBeUndefined();
    expect(tap.items()).toEqual(session.history.map(({ itemId }) => itemId));
  });
});

describe('a response that is asked for', () => {
  test('while another writer has one begun is refused, waits, and is given after it', async () => {
    const { session, tap, of } = await walk();
    let meddled = false;
    tap.onSent = ({ type }, say) => {
      if (type !== 'response.create' || meddled) return;
      meddled = true;
      say({ type: 'response.create', response: { metadata: { by: 'another' } } });
    };
    const handle = session.say('Good morning.');
    const done = await handle.done;
    expect(done).toMatchObject({ outcome: 'completed' });
    const created = tap.heard.flatMap((event) => (event.type === 'response.created' ? [event['response'] as { id: string; metadata: Record<string, string> }] : []));
    expect(created.map(({ metadata }) => metadata['by'])).toEqual(['another', undefined]);
    expect([await handle.created, done.responseId]).toEqual([created[1]?.id, created[1]?.id]);
    expect(tap.heard.filter(({ type }) => type === 'error')).toMatchObject([{ error: { code: 'conversation_already_has_active_response' } }]);
    expect([of('error'), tap.sent.filter(({ type }) => type === 'response.create').length]).toEqual([[], 2]);
  });

  test('can be withdrawn before it begins and stopped after; each handle is told', async () => {
    const { session, of } = await walk(undefined, {}, { pace: 1 });
    const first = session.sendMessage('Give me a long answer.');
    await first.firstAudio;
    const second = session.say('Never said.');
    second.cancel();
    expect(await second.done).toMatchObject({ outcome: 'cancelled', reason: 'withdrawn' });
    first.cancel();
    expect(await first.done).toMatchObject({ outcome: 'interrupted' });
    expect(of('agent_start').length).toBe(1);
  });
});

describe('a server that has changed its words', () => {
  test('is found out by the audio that it bills and nobody decoded: the error names the message', async () => {
    const { session, tap, next, of } = await walk();
    tap.renamed.set('response.output_audio.delta', 'response.sound.delta');
    const done = session.sendMessage('Hello.').done;
    const { error } = await next('error');
    expect(error).toMatchObject({ code: 'AUDIO_UNDECODED' });
    expect(`${error.message} ${error.hint ?? ''}`).toContain('response.sound.delta');
    // The rest of what it says goes on being understood.
    expect(await done).toMatchObject({ outcome: 'completed', text: 'I see.' });
    expect([of('audio').length, of('raw_model_event').filter(({ name }) => name === 'response.sound.delta').length > 0]).toEqual([0, true]);
  });
});

describe('an image', () => {
  test('goes to the model beside the text, and is answered', async () => {
    const { session, tap } = await walk();
    const url = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
    const { outcome } = await session.sendMessage('What is this?', { images: [{ url, detail: 'low' }] }).done;
    expect(outcome).toBe('completed');
    expect(nth(tap.sent, 'conversation.item.create')).toMatchObject({ item: { content: [{ type: 'input_text', text: 'What is this?' }, { type: 'input_image', image_url: url, detail: 'low' }] } });
    const [asked] = session.history;
    expect([asked, await tap.retrieve(asked?.itemId ?? '')]).toMatchObject([{ images: 1, text: 'What is this?' }, { content: [{ type: 'input_text' }, { type: 'input_image' }] }]);
  });
});
