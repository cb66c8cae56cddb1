// The realtime socket of the published `openai` package, unmodified, as its users use it: wss, and keys of both kinds.
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { afterEach, expect, test } from 'vitest';
import { Heard, KEY, says, startSecureEmulator, trustingFetch, turn } from './emulator.mjs';

const open = [];
afterEach(async () => {
  for (const end of open.splice(0).reverse()) await end();
});

const TOOL = { type: 'function', name: 'book_table', description: 'Books a table.', parameters: { type: 'object', properties: { people: { type: 'number' } } } };

async function connected(options) {
  const emulator = await startSecureEmulator(options);
  open.push(() => emulator.close());
  return { emulator, client: new OpenAI({ apiKey: KEY, baseURL: `https://127.0.0.1:${emulator.port}/v1`, fetch: trustingFetch(emulator.certificate) }) };
}

async function session(emulator, client, more = {}) {
  const realtime = new OpenAIRealtimeWS({ model: 'gpt-realtime', options: { ca: emulator.certificate } }, client);
  const heard = new Heard();
  realtime.on('event', (event) => heard.add(event));
  realtime.on('error', () => {});
  open.push(() => realtime.close());
  await heard.next('session.created');
  realtime.send({ type: 'session.update', session: { type: 'realtime', output_modalities: ['audio'], tools: [TOOL], audio: { input: { transcription: { model: 'gpt-4o-transcribe' } } }, ...more } });
  await heard.next('session.updated');
  return { realtime, heard };
}

const say = (realtime, index) => {
  for (const chunk of turn(index)) realtime.send({ type: 'input_audio_buffer.append', audio: chunk.toString('base64') });
};

test('a call: the greeting, a spoken turn, a tool, and a caller who speaks over the answer', async () => {
  const { emulator, client } = await connected({ pace: 2 });
  const { realtime, heard } = await session(emulator, client);

  realtime.send({ type: 'response.create' });
  expect((await heard.next('response.output_audio_transcript.done')).transcript).toBe('Good evening, this is Trattoria Aurora. How can I help you?');
  await heard.next('response.done');

  let from = heard.events.length;
  say(realtime, 0);
  const call = (await heard.next('response.done', () => true, from)).response.output[0];
  expect(call).toMatchObject({ type: 'function_call', name: 'book_table', status: 'completed' });
  expect(JSON.parse(call.arguments)).toMatchObject({ people: 2 });
  expect((await heard.next('conversation.item.input_audio_transcription.completed')).transcript).toBe(says(0));
  from = heard.events.length;
  realtime.send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: call.call_id, output: JSON.stringify({ table: 12, reference: 'V-4711' }) } });
  realtime.send({ type: 'response.create' });
  expect((await heard.next('response.output_audio_transcript.done', () => true, from)).transcript).toBe('With pleasure. You have table 12, and your reference is V-4711.');
  await heard.next('response.done', () => true, from);

  from = heard.events.length;
  say(realtime, 1);
  const sounding = await heard.next('response.output_audio.delta', () => true, from);
  say(realtime, 2);
  const cut = (await heard.next('response.done', () => true, from)).response;
  expect(cut).toMatchObject({ status: 'cancelled', status_details: { reason: 'turn_detected' } });
  realtime.send({ type: 'conversation.item.truncate', item_id: sounding.item_id, content_index: 0, audio_end_ms: 100 });
  expect(await heard.next('conversation.item.truncated')).toMatchObject({ item_id: sounding.item_id, audio_end_ms: 100 });
  await heard.next('response.done', ({ response }) => response.status === 'completed', from);
  expect(heard.events.filter(({ type }) => type === 'error')).toEqual([]);
});

test('a browser flow: the server makes a client secret, the client comes in with it alone', async () => {
  const { emulator, client } = await connected();
  const secret = await client.realtime.clientSecrets.create({ expires_after: { anchor: 'created_at', seconds: 60 }, session: { type: 'realtime', model: 'gpt-realtime', instructions: 'Be kind.' } });
  expect(secret.value).toMatch(/^ek_/);
  const browser = new OpenAI({ apiKey: secret.value, baseURL: `https://127.0.0.1:${emulator.port}/v1` });
  const { heard } = await session(emulator, browser);
  expect(heard.events[0].session).toMatchObject({ instructions: 'Be kind.' });
});

test('what fails: a response, an event that is refused, a key that is wrong', async () => {
  const script = { name: 's', greeting: [{ fail: { code: 'rate_limit_exceeded', message: 'Slow down.' } }], turns: [], fallback: 'Pardon?' };
  const { emulator, client } = await connected({ script });
  const { realtime, heard } = await session(emulator, client);
  const refused = new Promise((resolve) => realtime.on('error', resolve));
  realtime.send({ type: 'response.create' });
  expect((await heard.next('response.done')).response).toMatchObject({ status: 'failed', status_details: { error: { code: 'rate_limit_exceeded' } } });
  realtime.send({ type: 'conversation.item.delete', event_id: 'mine', item_id: 'nobody' });
  expect((await refused).error).toMatchObject({ code: 'item_delete_invalid_item_id', event_id: 'mine' });
  const stranger = new OpenAIRealtimeWS({ model: 'gpt-realtime', options: { ca: emulator.certificate } }, new OpenAI({ apiKey: 'sk-wrong', baseURL: `https://127.0.0.1:${emulator.port}/v1` }));
  expect((await new Promise((resolve) => stranger.on('error', resolve))).message).toContain('401');
});
