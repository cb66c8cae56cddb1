// RealtimeSession of the published `@openai/agents-realtime`, unmodified. It makes its sockets by the function that it takes for that, so that they
// trust the emulator's certificate.
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } from '@openai/agents-realtime';
import OpenAI from 'openai';
import { WebSocket } from 'ws';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { Heard, KEY, says, startSecureEmulator, trustingFetch, turn } from './emulator.mjs';

const open = [];
afterEach(async () => {
  for (const end of open.splice(0).reverse()) await end();
});

async function connected(options, tools = []) {
  const emulator = await startSecureEmulator(options);
  open.push(() => emulator.close());
  const transport = new OpenAIRealtimeWebSocket({
    url: `${emulator.url}?model=gpt-realtime`,
    createWebSocket: async ({ url, apiKey }) => new WebSocket(url, { ca: emulator.certificate, headers: { Authorization: `Bearer ${apiKey}` } }),
  });
  const session = new RealtimeSession(new RealtimeAgent({ name: 'Ava', instructions: 'Be kind.', tools }), {
    transport,
    model: 'gpt-realtime',
    tracingDisabled: true,
    config: { audio: { input: { transcription: { model: 'gpt-4o-transcribe' }, turnDetection: { type: 'server_vad' } } } },
  });
  const heard = new Heard();
  session.on('transport_event', (event) => heard.add(event));
  for (const type of ['audio_interrupted', 'error', 'agent_tool_end']) session.on(type, (...values) => heard.add({ type, values }));
  open.push(() => session.close());
  return { emulator, session, heard };
}

/** Lets the audio that has come be played for a while: this client measures by the clock what was heard. */
const playing = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const say = (session, index) => {
  for (const chunk of turn(index)) session.sendAudio(chunk.buffer.slice(chunk.byteOffset, chunk.byteOffset + chunk.length));
};

test('a call: the greeting, a spoken turn, a tool, and a caller who speaks over the answer', async () => {
  const booked = [];
  const book = tool({
    name: 'book_table',
    description: 'Books a table.',
    parameters: z.object({ people: z.number(), day: z.string(), time: z.string() }),
    execute: async (input) => {
      booked.push(input);
      return JSON.stringify({ table: 12, reference: 'V-4711' });
    },
  });
  const { session, heard } = await connected({ pace: 2 }, [book]);
  await session.connect({ apiKey: KEY });
  await heard.next('session.updated');

  session.transport.sendEvent({ type: 'response.create' });
  await heard.next('response.output_audio_transcript.done', ({ transcript }) => transcript.startsWith('Good evening'));
  await heard.next('response.done');

  say(session, 0);
  await heard.next('conversation.item.input_audio_transcription.completed', ({ transcript }) => transcript === says(0));
  await heard.next('response.output_audio_transcript.done', ({ transcript }) => transcript === 'With pleasure. You have table 12, and your reference is V-4711.');
  expect(booked).toEqual([{ people: 2, day: 'tomorrow', time: '19:00' }]);
  await heard.next('response.done', ({ response }) => response.output[0]?.type === 'message', heard.events.findIndex(({ type }) => type === 'agent_tool_end'));

  const from = heard.events.length;
  say(session, 1);
  const sounding = await heard.next('response.output_audio.delta', () => true, from);
  await playing(150);
  say(session, 2);
  await heard.next('audio_interrupted', () => true, from);
  expect((await heard.next('response.done', () => true, from)).response.status).toBe('cancelled');
  // It may take the answer before it for one that still sounds, and cut that as well.
  const truncated = await heard.next('conversation.item.truncated', ({ item_id: itemId }) => itemId === sounding.item_id, from);
  expect(truncated.audio_end_ms).toBeGreaterThan(0);
  await heard.next('response.done', ({ response }) => response.status === 'completed', from);
  expect(heard.events.filter(({ type }) => type === 'error')).toEqual([]);
  const said = session.history.filter(({ type, role }) => type === 'message' && role === 'assistant').map(({ status }) => status);
  expect(said).toContain('incomplete');
});

test('comes in with a client secret', async () => {
  const { emulator, session, heard } = await connected();
  const server = new OpenAI({ apiKey: KEY, baseURL: `https://127.0.0.1:${emulator.port}/v1`, fetch: trustingFetch(emulator.certificate) });
  const { value } = await server.realtime.clientSecrets.create({ session: { type: 'realtime', model: 'gpt-realtime' } });
  await session.connect({ apiKey: value });
  session.sendMessage('What is on the menu?');
  await heard.next('response.output_audio_transcript.done', ({ transcript }) => transcript === 'Half of our menu is vegetarian.');
});

test('what fails: a response, and a socket that is dropped', async () => {
  const script = { name: 's', greeting: 'Hi.', turns: [{ when: ['fail'], reply: [{ fail: { code: 'rate_limit_exceeded' } }] }], fallback: 'Pardon?' };
  const { emulator, session, heard } = await connected({ script });
  await session.connect({ apiKey: KEY });
  session.sendMessage('please fail');
  expect((await heard.next('response.done')).response).toMatchObject({ status: 'failed', status_details: { error: { code: 'rate_limit_exceeded' } } });
  session.sendMessage('hello');
  await heard.next('response.done', ({ response }) => response.status === 'completed');
  const gone = new Promise((resolve) => session.transport.on('connection_change', (status) => status === 'disconnected' && resolve(status)));
  emulator.addFault({ kind: 'drop' });
  expect(await gone).toBe('disconnected');
});
