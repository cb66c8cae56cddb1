import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { OpenaiTestServer, streamedChat } from '../../helpers/openai-server/index.js';
import { run } from './test-terminal.js';

const folder = mkdtempSync(join(tmpdir(), 'voicewire-chat-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const text = (running: ReturnType<typeof run>): string => running.written.join('');

test('answers what is said, without a key, with its tool calls apart, and sums up', async () => {
  const chat = run(['chat', '--say', 'I want to book a table.', '--say', 'Where can I park?']);
  expect(await chat.exitCode).toBe(0);
  expect(text(chat)).toMatch(/^→ book_table \{.*"people":2.*\}\n← book_table \{"table":12.*\nWith pleasure\. You have table 12, and your reference is V-4711\.\nThere are a few good places/u);
  expect(text(chat)).not.toContain('\u001b');
  expect(chat.err.at(-1)).toMatch(/^\d+\.\d s: 2 turns, 1 tool call\.$/u);
});

test('answers line by line what is typed or piped in, and leaves empty lines alone', async () => {
  const chat = run(['chat'], {}, ['Are you open on Sundays?', '', '   ', 'Bye']);
  expect(await chat.exitCode).toBe(0);
  expect(text(chat)).toBe('We are open every day from noon until eleven at night.\nYou are welcome. See you tomorrow.\n');
});

test('with --json every event is a line, and the summary is one', async () => {
  const chat = run(['chat', '--json', '--say', 'Bye']);
  expect(await chat.exitCode).toBe(0);
  const events = text(chat).trim().split('\n').map((line) => JSON.parse(line) as { type: string; delta?: string });
  expect(events[0]?.type).toBe('run.start');
  expect(events.at(-1)).toMatchObject({ type: 'run.done', end: 'completed', text: 'You are welcome. See you tomorrow.' });
  expect(await chat.line('listening')).toMatchObject({ model: 'script', script: true });
  expect(await chat.line('summary')).toMatchObject({ turns: 1, toolCalls: 0 });
});

test('keeps the conversation in a file, and goes on with it', async () => {
  const memory = join(folder, 'talk.jsonl');
  expect(await run(['chat', '--memory', memory, '--say', 'I want to book a table.']).exitCode).toBe(0);
  expect(await run(['chat', '--memory', memory, '--say', 'Bye']).exitCode).toBe(0);
  const kept = readFileSync(memory, 'utf8');
  expect(kept).toContain('V-4711');
  expect(kept).toContain('See you tomorrow');
});

test('talks to a server that is named, and to the key’s owner by itself', async () => {
  await using server = await OpenaiTestServer.start();
  server.answer(streamedChat({ text: 'From the server.' }));
  const chat = run(['chat', '--text-url', server.baseUrl, '--text-model', 'tiny', '--say', 'Hi'], { OPENAI_API_KEY: 'secret-key' });
  expect(await chat.exitCode).toBe(0);
  expect(text(chat)).toBe('From the server.\n');
  expect([...chat.out, ...chat.err].join('\n')).not.toContain('secret-key');
});

test('a server that is not there is told, and the chat ends with 1', async () => {
  const chat = run(['chat', '--text-url', 'http://127.0.0.1:9', '--text-model', 'tiny', '--say', 'Hi', '--say', 'never asked']);
  expect(await chat.exitCode).toBe(1);
  expect(text(chat)).toContain('[MODEL_UNREACHABLE]');
  expect(chat.err.at(-1)).toContain('1 turn');
});

test('Ctrl-C in the middle of an answer ends it with a summary and 130', async () => {
  const chat = run(['chat', '--say', 'Where can I park?', '--say', 'never asked', '--mode', 'character', '--typing-ms', '1000']);
  await new Promise<void>((resolve) => {
    const look = (): void => void (chat.written.length > 0 ? resolve() : setImmediate(look));
    look();
  });
  chat.interrupt();
  expect(await chat.exitCode).toBe(130);
  expect(chat.err.at(-1)).toContain('1 turn');
});

test.each([
  [['--mode', 'fast'], '--mode must be one of'],
  [['--typing-ms', '20'], '--typing-ms is for --mode character'],
  [['--typing-ms', 'x', '--mode', 'character'], '--typing-ms must be a whole number'],
  [['--text-model', 'gpt'], '--text-model needs a server'],
  [['--text-url', 'ws://x'], '--text-url must be an http'],
  [['--text-url', 'http://x', '--script', 'demo'], '--script is for the chat without a model'],
  [['--script', 'nowhere.yaml'], 'nowhere.yaml'],
])('a wrong call is told: %j', async (flags, message) => {
  const chat = run(['chat', ...flags, '--say', 'Hi']);
  expect(await chat.exitCode).not.toBe(0);
  expect(chat.err.join('\n')).toContain(message);
});
