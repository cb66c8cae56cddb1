import { expect, test } from 'vitest';
import type { TextInputItem, TextModelEvent, TextRequest } from '../../../session/index.js';
import { scriptTextModel } from '../../../src/emulator/index.js';
import type { Script, ScriptTextModelOptions } from '../../../src/emulator/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { settle } from '../../helpers/settle.js';

const TOOL = { name: 'book_table', parameters: { type: 'object' } };
const user = (text: string): TextInputItem => ({ type: 'message', role: 'user', text });
const BOOK = user('I want to book a table.');

async function ask(input: readonly TextInputItem[], request: Partial<TextRequest> = {}, options: ScriptTextModelOptions = {}): Promise<TextModelEvent[]> {
  const events: TextModelEvent[] = [];
  for await (const event of scriptTextModel(options).respond({ input, tools: [TOOL], ...request }, { signal: new AbortController().signal })) events.push(event);
  return events;
}

/** What came of it, short. */
function outcome(events: readonly TextModelEvent[]): unknown[] {
  const done = events.at(-1);
  return done?.type === 'response_done' ? done.output.map((item) => (item.type === 'message' ? item.text : item.type === 'function_call' ? `${item.name} ${item.arguments}` : item.type)) : [];
}

test('answers a text by the script, a word at a time, and the pieces are the whole', async () => {
  const events = await ask([user('Are you open on Sundays?')]);
  expect(outcome(events)).toEqual(['We are open every day from noon until eleven at night.']);
  expect(events.map(({ type }) => type)).toEqual(['response_started', ...Array.from({ length: 11 }, () => 'text_delta'), 'item_done', 'response_done']);
  expect(events.flatMap((event) => (event.type === 'text_delta' ? [event.delta] : [])).join('')).toBe('We are open every day from noon until eleven at night.');
});

test('calls the function of a turn, and quotes its output; without the function it says so', async () => {
  const first = await ask([BOOK]);
  expect(outcome(first)).toEqual(['book_table {"people":2,"day":"tomorrow","time":"19:00"}']);
  const call = first.find((event) => event.type === 'function_call_started');
  const callId = call?.type === 'function_call_started' ? call.callId : '';
  const rest: TextInputItem[] = [{ type: 'function_call', callId, name: 'book_table', arguments: '{}' }, { type: 'function_call_output', callId, output: '{"table":12,"reference":"V-4711"}' }];
  expect(outcome(await ask([BOOK, ...rest]))).toEqual(['With pleasure. You have table 12, and your reference is V-4711.']);
  expect(outcome(await ask([BOOK], { tools: [] }))).toEqual(['I would love to, but I cannot reach our booking book right now.']);
  expect(outcome(await ask([BOOK], { settings: { toolChoice: 'none' } }))).toEqual(['I would love to, but I cannot reach our booking book right now.']);
});

test('keeps nothing: a long conversation is answered from what it is given, whoever led it so far', async () => {
  const history: TextInputItem[] = [
    { type: 'message', role: 'assistant', text: 'Good evening.' },
    BOOK,
    { type: 'function_call', callId: 'a', name: 'book_table', arguments: '{}' },
    { type: 'function_call_output', callId: 'a', output: '{"table":3}' },
    { type: 'message', role: 'assistant', text: 'You have table 3.' },
    user('And again, book one more.'),
    { type: 'function_call', callId: 'b', name: 'book_table', arguments: '{}' },
    { type: 'function_call_output', callId: 'b', output: '{"table":4,"reference":"X"}' },
  ];
  expect(outcome(await ask(history))).toEqual(['With pleasure. You have table 4, and your reference is X.']);
  expect(outcome(await ask([...history, { type: 'message', role: 'assistant', text: 'Done.' }, user('Where can I park?')]))[0]).toMatch(/^There are a few good places/u);
});

test('greets where nobody has spoken, and fails or stops where the script says so', async () => {
  expect(outcome(await ask([]))[0]).toMatch(/^Good evening/u);
  const script: Script = { name: 't', greeting: 'Hi.', fallback: 'Pardon?', turns: [{ when: ['fail'], reply: [{ say: 'Well.' }, { fail: { code: 'server_error' } }] }, { when: ['stop'], reply: [{ incomplete: 'max_output_tokens' }] }] };
  expect((await ask([user('fail')], {}, { script })).at(-1)).toMatchObject({ type: 'response_done', status: 'failed', error: { code: 'server_error' }, output: [{ text: 'Well.' }] });
  expect((await ask([user('stop')], {}, { script })).at(-1)).toMatchObject({ status: 'incomplete', reason: 'max_output_tokens' });
});

test('speaks at the pace that it is given, and ends at once for a reader who leaves or an abort', async () => {
  const clock = new ManualClock();
  const over = new AbortController();
  const words: string[] = [];
  const model = scriptTextModel({ clock, wordMs: 50 });
  const reading = (async () => {
    for await (const event of model.respond({ input: [user('open?')], tools: [] }, { signal: over.signal })) if (event.type === 'text_delta') words.push(event.delta.trim());
  })();
  await clock.run(160);
  expect(words).toEqual(['We', 'are', 'open']);
  over.abort(new Error('enough'));
  await expect(reading).rejects.toThrow('enough');
  expect(clock.pendingTimers).toBe(0);

  const left = model.respond({ input: [user('open?')], tools: [] }, { signal: new AbortController().signal })[Symbol.asyncIterator]();
  await left.next();
  const pending = left.next();
  await left.return?.();
  expect(await pending).toEqual({ done: true, value: undefined });
  await settle();
  expect(clock.pendingTimers).toBe(0);
});
