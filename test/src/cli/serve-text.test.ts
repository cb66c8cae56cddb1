import { afterEach, expect, test } from 'vitest';
import { RealtimeAgent } from '../../../session/index.js';
import type { FlatRunEvent } from '../../../session/index.js';
import { caller } from '../../../src/caller/index.js';
import { voicewireMatchers } from '../../../src/matchers/index.js';
import { streamRun } from '../../../src/client/index.js';
import { RealtimeSession } from '../../../src/host/realtime-session.js';
import { openaiRealtime } from '../../../src/provider/openai/openai-realtime.js';
import { run } from './test-terminal.js';
import type { Running } from './test-terminal.js';

expect.extend(voicewireMatchers);

const started: Running[] = [];
afterEach(async () => {
  for (const each of started) each.interrupt();
  await Promise.all(started.splice(0).map(({ exitCode }) => exitCode));
});

async function serve(...flags: string[]): Promise<{ url: string; model: string }> {
  const running = run(['serve', '--port', '0', '--no-page', '--json', ...flags]);
  started.push(running);
  const { url, model } = await running.line('listening');
  return { url: url as string, model: model as string };
}

async function ask(url: string, input: string, conversationId: string): Promise<FlatRunEvent[]> {
  const events: FlatRunEvent[] = [];
  for await (const event of streamRun(`${url}/chat/stream`, { input, conversationId })) events.push(event as FlatRunEvent);
  return events;
}

test('serve answers chats as streams of events, and remembers each conversation', async () => {
  const { url } = await serve();
  const first = await ask(url, 'I want to book a table.', 'one');
  expect(first.find(({ type }) => type === 'response.function_call.output')).toMatchObject({ name: 'book_table', outcome: 'ok' });
  expect(first.at(-1)).toMatchObject({ type: 'run.done', text: expect.stringContaining('V-4711') as string });
  expect((await ask(url, 'Bye', 'one')).at(-1)).toMatchObject({ text: 'You are welcome. See you tomorrow.' });
});

test('serve --model pipeline holds a spoken conversation, with its tool, over the voice socket', async () => {
  const { url, model } = await serve('--model', 'pipeline');
  expect(model).toBe('pipeline of script, script and emulated voice');
  const call = await caller().hears(/how can I help you/i).untilSilent().says('fixtures/audio/caller-book.wav').hears('V-4711').dials({ url });
  expect(call).toCallTool('book_table', { people: 2 });
});

test.each([
  [['--voice', 'ava'], '--voice is for a pipeline'],
  [['--model', 'pipeline', '--voice', 'ava'], '--voice chooses a voice of a model that speaks'],
  [['--model', 'pipeline', '--text-url', 'nowhere'], '--text-url must be an http'],
])('a wrong call is told: %j', async (flags, message) => {
  const running = run(['serve', '--port', '0', ...flags]);
  expect(await running.exitCode).toBe(2);
  expect(running.err.join('\n')).toContain(message);
});

test('emulator --pipeline answers any realtime client by three parts', async () => {
  const running = run(['emulator', '--pipeline', '--json']);
  started.push(running);
  const { url } = await running.line('listening');
  const session = new RealtimeSession(new RealtimeAgent({ name: 'Aurora' }), { model: openaiRealtime({ url: url as string }) });
  await session.connect();
  session.sendMessage('Are you open on Sundays?');
  const text = await new Promise<string>((resolve) => session.on('agent_end', (event) => resolve(event.text)));
  expect(text).toBe('We are open every day from noon until eleven at night.');
  await session.close();
  const wrong = run(['emulator', '--text-model', 'x']);
  expect(await wrong.exitCode).toBe(2);
  expect(wrong.err.join('\n')).toContain('--text-model is for a pipeline');
});
