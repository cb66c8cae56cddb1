import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { RealtimeAgent, hostedMcpTool, tool } from '../../../session/index.js';
import { createVoice, startEmulator } from '../../../src/emulator/index.js';
import type { Emulator } from '../../../src/emulator/index.js';
import { openaiRealtime } from '../../../src/provider/openai/openai-realtime.js';
import { historyText, sessionOn } from '../../helpers/tapped-emulator.js';
import { callerAudio } from './emulator-client.js';

// A session that writes the earlier dialect, to a server that answers in it: on a real socket, with nothing said before.

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

async function emulator(): Promise<Emulator> {
  const made = await startEmulator({ beta: true, voice: createVoice({ synthesizers: [] }), pace: 50, thinkMs: 20 });
  open.push(made);
  return made;
}

const bookTable = tool({ name: 'book_table', description: 'Books a table.', parameters: z.object({ people: z.number(), day: z.string(), time: z.string() }), execute: () => ({ table: 12, reference: 'V-4711' }) });

describe('the earlier dialect', () => {
  test('a spoken turn, a tool, an interruption and a typed turn, with no error and the same events as ever', async () => {
    const { url } = await emulator();
    const made = await sessionOn(url, new RealtimeAgent({ name: 'Ada', tools: [bookTable] }), { model: openaiRealtime({ url, dialect: 'beta' }), config: { transcription: { model: 'whisper-1' } } });
    open.push(made);
    const { session, next, of } = made;
    await session.say('Good evening.').done;
    const hello = callerAudio('caller-hello.wav');
    for (let at = 0; at < hello.length; at += 4_800) session.sendAudio(hello.subarray(at, at + 4_800));
    await next('tool_end', ({ outcome, toolName }) => outcome === 'ok' && toolName === 'book_table');
    await next('agent_end', ({ text }) => text.includes('V-4711'));
    session.interrupt();
    expect((await session.sendMessage('Where can I park?').done).outcome).toBe('completed');
    expect(of('error').map(({ error }) => error.message)).toEqual([]);
    expect(of('audio').length).toBeGreaterThan(3);
    expect(of('audio_interrupted').length).toBeGreaterThan(0);
    expect(session.history.map((item) => (item.type === 'message' ? item.role : item.type))).toEqual(['assistant', 'user', 'function_call', 'function_call_output', 'assistant', 'user', 'assistant']);
    expect(session.usage.totalTokens).toBeGreaterThan(0);
  });

  test('a lost connection: the conversation is put back, what the agent said in the words of this dialect', async () => {
    const server = await emulator();
    const { url } = server;
    const made = await sessionOn(url, new RealtimeAgent({ name: 'Ada' }), { model: openaiRealtime({ url, dialect: 'beta' }), config: { outputModality: 'text' } });
    open.push(made);
    const { session, next, of } = made;
    await session.sendMessage('Are you open on Sunday?').done;
    const before = session.history.map(historyText);
    // Of the first session alone.
    server.addFault({ kind: 'expire', afterMs: 0 }, 1);
    await next('connection', ({ connection: { state } }) => state === 'resumed');
    expect((await session.sendMessage('Where can I park?').done).outcome).toBe('completed');
    expect(session.history.slice(0, 2).map(historyText)).toEqual(before);
    expect(of('error').filter(({ error }) => error.code !== 'PROVIDER_SESSION_EXPIRED').map(({ error }) => error.message)).toEqual([]);
  });

  test('what it has no word for is a refusal of the configuration, and connect() says why', async () => {
    const { url } = await emulator();
    const agent = new RealtimeAgent({ name: 'Ada', tools: [hostedMcpTool({ serverLabel: 'docs', serverUrl: 'https://docs.example/mcp' })] });
    await expect(sessionOn(url, agent, { model: openaiRealtime({ url, dialect: 'beta' }) })).rejects.toMatchObject({ code: 'PROVIDER_ERROR', message: expect.stringContaining('no MCP tools') as string });
  });
});
