import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { RealtimeAgent, tool } from '../../../session/index.js';
import { historyText, sessionOn, tappedEmulator, wireText } from '../../helpers/tapped-emulator.js';
import type { TappedEmulator, TappedSession } from '../../helpers/tapped-emulator.js';

// What a session does when its socket, its model's session, or its model goes away: on real sockets, with nothing said before.

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

async function tapped(options: Parameters<typeof tappedEmulator>[0] = {}): Promise<TappedEmulator> {
  const tap = await tappedEmulator(options);
  open.push(tap);
  return tap;
}

async function connected(...options: Parameters<typeof sessionOn>): Promise<TappedSession> {
  const made = await sessionOn(...options);
  open.push(made);
  return made;
}

/** The emulator's new session has the conversation of the session, in its order and as far as it was heard. */
async function expectRestored(tap: TappedEmulator, { session }: TappedSession): Promise<void> {
  const told = session.history.filter((item) => !(item.type === 'message' && item.role === 'assistant' && item.heardText === ''));
  await tap.until(() => tap.items().length === told.length);
  expect(tap.items()).toEqual(told.map(({ itemId }) => itemId));
  const texts = await Promise.all(told.map(async ({ itemId }) => wireText(await tap.retrieve(itemId))));
  expect(texts).toEqual(told.map((item) => (item.type === 'message' && item.role === 'assistant' ? item.heardText : historyText(item))));
}

describe('a socket that ends without a handshake', () => {
  test.each(['destroyed', 'reset', 'half a message'] as const)('%s: a new one is opened, the conversation put back, and the call goes on', async (how) => {
    const tap = await tapped();
    const made = await connected(tap.url);
    const { session, next, of } = made;
    session.sendMessage('My name is Ada.', { respond: false });
    await session.sendMessage('Are you open on Sunday?').done;
    const [, , answer] = session.history;
    tap.kill(how);
    const { connection } = await next('connection', ({ connection: { state } }) => state === 'reconnecting');
    expect(connection).toMatchObject({ reason: 'close code 1006', attempt: 1 });
    await next('connection', ({ connection: { state } }) => state === 'resumed');
    expect(tap.connections).toBe(2);
    expect((await session.sendMessage('And the menu?').done).outcome).toBe('completed');
    expect(of('connection').map(({ connection: { state } }) => state)).toEqual(['connecting', 'open', 'reconnecting', 'resumed']);
    expect([of('error'), tap.heard.filter(({ type }) => type === 'error')]).toEqual([[], []]);
    expect(session.history.slice(0, 3).map(historyText)).toEqual(['My name is Ada.', 'Are you open on Sunday?', historyText(answer as NonNullable<typeof answer>)]);
    expect(await tap.retrieve(session.history[0]?.itemId ?? '')).toMatchObject({ content: [{ text: 'My name is Ada.' }] });
  });

  test('in the middle of an answer: it ends as failed, its heard part is put back, and an answer is asked for again', async () => {
    const tap = await tapped({ pace: 1 });
    const made = await connected(tap.url);
    const { session, next, of } = made;
    const handle = session.sendMessage('Where can I park?');
    await handle.firstAudio;
    tap.kill('half a message');
    expect(await handle.done).toMatchObject({ outcome: 'failed', reason: 'connection_lost' });
    await next('connection', ({ connection: { state } }) => state === 'resumed');
    await next('agent_start', ({ responseId }) => responseId !== of('agent_start')[0]?.responseId);
    const [question, cut] = session.history;
    expect([question, cut]).toMatchObject([{ text: 'Where can I park?' }, { role: 'assistant', status: 'interrupted' }]);
    expect(tap.items().slice(0, 1)).toEqual([question?.itemId]);
    expect(tap.sent.filter(({ type }) => type === 'response.create').length).toBe(2);
  });

  test('while a tool runs and an approval waits: the tool runs once, the decision counts, each output is there once', async () => {
    const runs: string[] = [];
    let finish: (value: string) => void = () => {};
    const book = tool({ name: 'book_table', description: 'Books.', parameters: z.looseObject({}), needsApproval: true, execute: (_args, { callId }) => (runs.push(callId), new Promise((resolve) => (finish = resolve))) });
    const tap = await tapped();
    const made = await connected(tap.url, new RealtimeAgent({ name: 'Ada', tools: [book] }));
    const { session, next, of } = made;
    session.sendMessage('I want to book a table.');
    const { callId } = await next('tool_approval_required');
    await next('agent_end');
    tap.kill('reset');
    session.approve(callId);
    await next('connection', ({ connection: { state } }) => state === 'resumed');
    tap.kill('destroyed');
    await next('connection', ({ connection: { state } }) => state === 'resumed' && of('connection').filter(({ connection }) => connection.state === 'resumed').length === 2);
    finish('{"table":9,"reference":"X-1"}');
    await next('agent_end', ({ text, outcome }) => outcome === 'completed' && text !== '');
    expect([runs, of('tool_end').map(({ outcome }) => outcome)]).toEqual([[callId], ['ok']]);
    const outputs = await Promise.all(tap.items().map(async (itemId) => tap.retrieve(itemId)));
    expect(outputs.filter((item) => item?.['type'] === 'function_call_output')).toMatchObject([{ call_id: callId, output: '{"table":9,"reference":"X-1"}' }]);
    expect(outputs.filter((item) => item?.['type'] === 'function_call')).toMatchObject([{ call_id: callId }]);
  });

  test('with an edit of the history unconfirmed: it is made on the next one', async () => {
    const tap = await tapped();
    const made = await connected(tap.url);
    const { session, next } = made;
    for (let index = 0; index < 4; index += 1) session.sendMessage(`Fact ${index}.`, { respond: false });
    await next('history_updated', () => session.history.length === 4);
    session.updateHistory((items) => [...items.slice(1), { type: 'message', role: 'user', text: 'Added.' }]);
    session.setContext('order', 'Two pizzas.');
    tap.kill('reset');
    await next('connection', ({ connection: { state } }) => state === 'resumed');
    await next('history_updated', () => session.history.map(historyText).join() === 'Fact 1.,Fact 2.,Fact 3.,Added.,Two pizzas.');
    await expectRestored(tap, made);
  });
});

describe("the end of the model's session", () => {
  test('is forestalled: another is made beside it, has the whole conversation, and takes over in silence', async () => {
    const tap = await tapped({ sessionLimitMs: 2_000 });
    const made = await connected(tap.url);
    const { session, next, of } = made;
    session.setContext('order', 'Two pizzas.');
    await session.sendMessage('Where can I park?').done;
    await next('connection', ({ connection: { state } }) => state === 'resumed');
    expect(of('connection').map(({ connection: { state } }) => state)).toEqual(['connecting', 'open', 'rotating', 'resumed']);
    expect(of('connection').at(-1)?.connection).toMatchObject({ gapMs: 0 });
    await expectRestored(tap, made);
    expect((await session.sendMessage('And the menu?').done).outcome).toBe('completed');
    expect(of('error')).toEqual([]);
  });

  test('is met as a loss where there is no rotation: the model says so, closes with 1001, and the call goes on', async () => {
    const tap = await tapped({ sessionLimitMs: 500 });
    const made = await connected(tap.url, undefined, { rotation: false });
    const { session, next, of } = made;
    session.sendMessage('My name is Ada.', { respond: false });
    await next('connection', ({ connection: { state } }) => state === 'resumed');
    expect(tap.heard.filter(({ type }) => type === 'error')).toMatchObject([{ error: { code: 'session_expired' } }]);
    expect(of('error').map(({ error }) => error.code)).toEqual(['PROVIDER_SESSION_EXPIRED']);
    await expectRestored(tap, made);
  });
});

describe('two models', () => {
  test('the second goes on where the first went away, with the conversation', async () => {
    const first = await tappedEmulator();
    const second = await tapped();
    const made = await connected([first.url, second.url], undefined, { failover: { cooldownMs: 60_000 } });
    const { session, next, of } = made;
    session.sendMessage('My name is Ada.', { respond: false });
    await session.sendMessage('Are you open on Sunday?').done;
    await first.close();
    await next('connection', ({ connection: { state } }) => state === 'resumed');
    expect([first.connections, second.connections]).toEqual([1, 1]);
    await expectRestored(second, made);
    expect((await session.sendMessage('Where can I park?').done).outcome).toBe('completed');
    expect(second.heard.filter(({ type }) => type === 'response.created').length).toBe(1);
    expect(of('error')).toEqual([]);
  });

  test('the second is there at once when the first refuses from the beginning', async () => {
    const first = await tappedEmulator();
    await first.close();
    const second = await tapped();
    const { session } = await connected([first.url, second.url]);
    expect((await session.say('Hello.').done).outcome).toBe('completed');
    expect(second.connections).toBe(1);
  });
});
