import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createVoice, startEmulator } from '../../../src/emulator/index.js';
import type { Emulator } from '../../../src/emulator/index.js';
import { EmulatorClient, audioMs, callerAudio, order } from './emulator-client.js';
import type { WireEvent } from './emulator-client.js';

// The sequences of the protocol (realtime-protocol section 6 and 7), each over a real socket, with a client that knows nothing.

const SPOKEN = [
  'response.created',
  'response.output_item.added',
  'conversation.item.added',
  'response.content_part.added',
  'response.output_audio_transcript.delta',
  'response.output_audio.delta',
];
const SPOKEN_END = [
  'response.output_audio.done',
  'response.output_audio_transcript.done',
  'response.content_part.done',
  'conversation.item.done',
  'response.output_item.done',
  'response.done',
];
const TOOL = { type: 'function', name: 'book_table', description: 'Books a table.', parameters: { type: 'object', properties: { people: { type: 'number' } } } };

let emulator: Emulator;
let slow: Emulator;
beforeAll(async () => {
  emulator = await startEmulator({ voice: createVoice({ synthesizers: [] }), pace: 50, thinkMs: 20 });
  slow = await startEmulator({ voice: createVoice({ synthesizers: [] }), pace: 1, thinkMs: 20 });
});
afterAll(async () => {
  await emulator.close();
  await slow.close();
});

async function open(on: Emulator = emulator, session?: object): Promise<EmulatorClient> {
  const client = await EmulatorClient.open(`${on.url}?model=gpt-realtime`);
  await client.next('session.created');
  if (session !== undefined) {
    client.send({ type: 'session.update', session: { type: 'realtime', ...session } });
    await client.next('session.updated');
  }
  return client;
}

function type(client: EmulatorClient, text: string): void {
  client.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] } });
}

/** Without what floats freely: transcripts of the user and rate limits. */
function settled(events: readonly WireEvent[]): WireEvent[] {
  return events.filter((event) => !event.type.includes('input_audio_transcription') && event.type !== 'rate_limits.updated');
}

describe('a session opens', () => {
  test('with every field of the session, in the order of the protocol', async () => {
    const client = await open();
    expect(client.events[0]?.type).toBe('session.created');
    const session = client.events[0]?.['session'] as unknown as Record<string, unknown>;
    expect(Object.keys(client.events[0] as object).slice(0, 2)).toEqual(['type', 'event_id']);
    expect(Object.keys(session)).toEqual(
      'type object id model output_modalities instructions tools tool_choice max_output_tokens tracing truncation prompt expires_at audio include'.split(' '),
    );
    expect(session['model']).toBe('gpt-realtime');
    expect(session['id']).toMatch(/^sess_[0-9A-Za-z]{21}$/);
    expect(Math.abs((session['expires_at'] as number) - Date.now() / 1000 - 3600)).toBeLessThan(5);
    await client.close();
  });

  test('updates are answered in order, each wholly or not at all', async () => {
    const client = await open();
    client.send({ type: 'session.update', event_id: 'one', session: { type: 'realtime', instructions: 'Be kind.' } });
    client.send({ type: 'session.update', event_id: 'two', session: { type: 'realtime', instructions: 'Be cruel.', temperature: 0.8 } });
    client.send({ type: 'session.update', event_id: 'three', session: { type: 'realtime', audio: { input: { turn_detection: null } } } });
    await client.next('session.updated', 3);
    expect(client.events.map((event) => event.type)).toEqual(['session.created', 'session.updated', 'error', 'session.updated']);
    expect(client.events[2]?.['error']).toMatchObject({ code: 'unknown_parameter', param: 'session.temperature', event_id: 'two' });
    expect(client.events[3]?.['session']).toMatchObject({ instructions: 'Be kind.', audio: { input: { turn_detection: null } } });
    await client.close();
  });
});

describe('answers', () => {
  test('typed text is answered by voice: one order, transcript ahead of the audio, pieces of 100 to 400 ms, the whole clip', async () => {
    const client = await open();
    type(client, 'Are you open on Sunday?');
    client.send({ type: 'response.create', response: { metadata: { topic: 'hours' } } });
    await client.next('rate_limits.updated');
    const events = client.events.slice(1);
    expect(order(events.filter((event) => event.type !== 'rate_limits.updated')).slice(0, 8)).toEqual(['conversation.item.added', 'conversation.item.done', ...SPOKEN]);
    expect(order(events).slice(-7)).toEqual([...SPOKEN_END, 'rate_limits.updated']);
    const firstAudio = events.findIndex((event) => event.type === 'response.output_audio.delta');
    expect(events.slice(0, firstAudio).filter((event) => event.type === 'response.output_audio_transcript.delta').length).toBeGreaterThanOrEqual(3);
    const sizes = audioMs(events);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(400);
    const speech = await createVoice({ synthesizers: [] }).speak('We are open every day from noon until eleven at night.');
    expect(sizes.reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(speech.samples.length / 24, 6);
    const transcript = events.filter((event) => event.type === 'response.output_audio_transcript.delta').map((event) => event['delta']);
    const done = (await client.next('response.done'))['response'] as unknown as { usage: { output_token_details: { audio_tokens: number } }; metadata: unknown; output: { content: unknown[] }[] };
    expect(transcript.join('')).toBe('We are open every day from noon until eleven at night.');
    expect(done.output[0]?.content).toEqual([{ type: 'output_audio', transcript: transcript.join('') }]);
    expect(done.usage.output_token_details.audio_tokens).toBe(Math.round(speech.samples.length / 24 / 50));
    expect(done.metadata).toEqual({ topic: 'hours' });
    expect(new Set(client.events.map((event) => event.event_id)).size).toBe(client.events.length);
    await client.close();
  });

  test('in writing, when the session or the response asks for it', async () => {
    const client = await open();
    type(client, 'Where can I park?');
    client.send({ type: 'response.create', response: { output_modalities: ['text'] } });
    const done = await client.next('response.done');
    expect(order(settled(client.events.slice(3)))).toEqual([
      'response.created',
      'response.output_item.added',
      'conversation.item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'conversation.item.done',
      'response.output_item.done',
      'response.done',
    ]);
    const text = client.events.filter((event) => event.type === 'response.output_text.delta').map((event) => event['delta']).join('');
    expect(done['response']).toMatchObject({ status: 'completed', output: [{ content: [{ type: 'output_text', text }] }] });
    expect(text).toContain('garage');
    await client.close();
  });

  test('a spoken turn: the same item from the first sign of speech to its transcript', async () => {
    const client = await open(emulator, { tools: [], audio: { input: { transcription: { model: 'whisper-1' } } } });
    client.speak(callerAudio('caller-hello.wav'));
    await client.next('response.done');
    await client.next('conversation.item.input_audio_transcription.completed');
    const events = settled(client.events.slice(2));
    const deltas = (event: WireEvent): boolean => event.type.endsWith('.delta');
    expect(events.filter((event) => !deltas(event)).map((event) => event.type)).toEqual([
      'input_audio_buffer.speech_started',
      'input_audio_buffer.speech_stopped',
      'input_audio_buffer.committed',
      'conversation.item.added',
      'conversation.item.done',
      ...SPOKEN.filter((name) => !name.endsWith('.delta')),
      ...SPOKEN_END,
    ]);
    const [started, stopped, committed, added] = events as [WireEvent, WireEvent, WireEvent, WireEvent];
    const itemId = started['item_id'] as string;
    expect([stopped['item_id'], committed['item_id'], (added['item'] as { id: string }).id]).toEqual([itemId, itemId, itemId]);
    // 400 ms of silence, about 180 ms until flite sounds, less 300 ms of padding; it ends 500 ms after the speech does.
    expect(started['audio_start_ms'] as number).toBeGreaterThan(150);
    expect(started['audio_start_ms'] as number).toBeLessThan(450);
    expect(stopped['audio_end_ms'] as number).toBeGreaterThan(2_000);
    const transcript = await client.next('conversation.item.input_audio_transcription.completed');
    expect(transcript).toMatchObject({ item_id: itemId, transcript: 'Hello. I would like to book a table for two, tomorrow at seven, please.' });
    await client.close();
  });

  test('a turn by hand: nothing but the buffer is looked at, and nothing is answered unasked', async () => {
    const client = await open(emulator, { audio: { input: { turn_detection: null } } });
    const from = client.events.length;
    client.speak(callerAudio('caller-hello.wav'));
    client.send({ type: 'input_audio_buffer.commit' });
    client.send({ type: 'input_audio_buffer.append', audio: Buffer.alloc(4_800).toString('base64') });
    client.send({ type: 'input_audio_buffer.clear' });
    client.send({ type: 'input_audio_buffer.append', audio: Buffer.alloc(1_920).toString('base64') });
    client.send({ type: 'input_audio_buffer.commit', event_id: 'too-short' });
    const error = await client.next('error');
    expect(order(client.events.slice(from))).toEqual(['input_audio_buffer.committed', 'conversation.item.added', 'conversation.item.done', 'input_audio_buffer.cleared', 'error']);
    expect(error['error']).toMatchObject({ code: 'input_audio_buffer_commit_empty', event_id: 'too-short', message: expect.stringContaining('40.00ms') });
    client.send({ type: 'response.create' });
    await client.next('response.done');
    await client.close();
  });

  test('a tool call, its output and the answer that quotes it', async () => {
    const client = await open(emulator, { tools: [TOOL], output_modalities: ['text'] });
    type(client, 'I want to book a table');
    client.send({ type: 'response.create' });
    const done = await client.next('response.done');
    expect(order(settled(client.events.slice(4)))).toEqual([
      'response.created',
      'response.output_item.added',
      'conversation.item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'conversation.item.done',
      'response.output_item.done',
      'response.done',
    ]);
    const call = (done['response'] as { output: [{ type: string; call_id: string; arguments: string; name: string }] }).output[0];
    const deltas = client.events.filter((event) => event.type === 'response.function_call_arguments.delta').map((event) => event['delta']);
    expect(deltas.join('')).toBe(call.arguments);
    expect(call).toMatchObject({ type: 'function_call', name: 'book_table', call_id: expect.stringMatching(/^call_[0-9A-Za-z]{16}$/) });
    expect(JSON.parse(call.arguments)).toEqual({ people: 2, day: 'tomorrow', time: '19:00' });
    const from = client.events.length;
    client.send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: call.call_id, output: '{"table":9,"reference":"X-1"}' } });
    client.send({ type: 'response.create' });
    const answer = await client.next('response.output_text.done', from);
    expect(answer['text']).toBe('With pleasure. You have table 9, and your reference is X-1.');
    await client.close();
  });

  test('beside the conversation: metadata tells it apart, the conversation does not change, and both run at once', async () => {
    const client = await open(slow);
    client.send({ type: 'response.create' });
    client.send({
      type: 'response.create',
      response: {
        conversation: 'none',
        metadata: { purpose: 'side' },
        output_modalities: ['text'],
        input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'menu?' }] }],
      },
    });
    const done = await client.next('response.done');
    expect(done['response']).toMatchObject({ conversation_id: null, metadata: { purpose: 'side' }, output: [{ content: [{ text: 'Half of our menu is vegetarian.' }] }] });
    expect(client.events.filter((event) => event.type === 'conversation.item.added')).toHaveLength(1);
    expect(client.events.filter((event) => event.type === 'conversation.item.done')).toHaveLength(0);
    client.send({ type: 'response.cancel' });
    await client.next('response.done', client.events.indexOf(done) + 1);
    await client.close();
  });

  test('what is refused in a pipeline is refused alone', async () => {
    const client = await open();
    client.send({ type: 'conversation.item.create', event_id: 'bad', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'x'.repeat(256_001) }] } });
    client.send({ type: 'response.create', response: { output_modalities: ['text'] } });
    const text = await client.next('response.output_text.done');
    expect(client.events[1]).toMatchObject({ type: 'error', error: { code: 'string_above_max_length', param: 'item.content[0].text', event_id: 'bad' } });
    expect(text['text']).toBe('Good evening, this is Trattoria Aurora. How can I help you?');
    await client.close();
  });
});

describe('interruptions', () => {
  test('response.cancel ends the item as incomplete, and without a response it is an error', async () => {
    const client = await open(slow);
    client.send({ type: 'response.create' });
    await client.next('response.output_audio.delta');
    const from = client.events.length;
    client.send({ type: 'response.cancel' });
    const done = await client.next('response.done');
    expect(order(client.events.slice(from)).filter((name) => !name.endsWith('.delta'))).toEqual(SPOKEN_END);
    expect(done['response']).toMatchObject({ status: 'cancelled', status_details: { type: 'cancelled', reason: 'client_cancelled' }, output: [{ status: 'incomplete' }] });
    client.send({ type: 'response.cancel', event_id: 'again' });
    expect((await client.next('error'))['error']).toMatchObject({ code: 'response_cancel_not_active', event_id: 'again' });
    await client.close();
  });

  test('the caller speaks over the answer: it is cut, and the next turn follows it', async () => {
    const client = await open(slow);
    type(client, 'Where can I park?');
    client.send({ type: 'response.create' });
    await client.next('response.output_audio.delta');
    const from = client.events.length;
    client.speak(callerAudio('caller-stop.wav'));
    const done = await client.next('response.done');
    const cut = client.events.slice(from, client.events.indexOf(done) + 1);
    expect(order(cut).filter((name) => !name.endsWith('.delta'))).toEqual(['input_audio_buffer.speech_started', ...SPOKEN_END]);
    const response = done['response'] as { status_details: unknown; output: [{ id: string; status: string; content: [{ transcript: string }] }]; usage: { output_tokens: number } };
    expect(response).toMatchObject({ status: 'cancelled', status_details: { reason: 'turn_detected' }, output: [{ status: 'incomplete' }] });
    expect(response.usage.output_tokens).toBeGreaterThan(0);
    const sent = client.events.filter((event) => event.type === 'response.output_audio_transcript.delta' && event['item_id'] === response.output[0].id).map((event) => event['delta']);
    expect(response.output[0].content[0].transcript).toBe(sent.join(''));
    const committed = await client.next('input_audio_buffer.committed');
    expect(committed['previous_item_id']).toBe(response.output[0].id);
    // The client says what was heard of the cut item; the server does not truncate by itself.
    expect(client.events.some((event) => event.type === 'conversation.item.truncated')).toBe(false);
    client.send({ type: 'conversation.item.truncate', item_id: response.output[0].id, content_index: 0, audio_end_ms: 150 });
    expect(await client.next('conversation.item.truncated')).toMatchObject({ item_id: response.output[0].id, content_index: 0, audio_end_ms: 150 });
    await client.close();
  });

  test('an answer that has been sent whole is not cancelled: the client truncates it, and it stays completed', async () => {
    const client = await open();
    client.send({ type: 'response.create' });
    const done = await client.next('response.done');
    const item = (done['response'] as { output: [{ id: string }] }).output[0];
    client.speak(callerAudio('caller-stop.wav').subarray(0, 48_000));
    await client.next('input_audio_buffer.speech_started');
    const total = Math.floor(audioMs(client.events).reduce((sum, ms) => sum + ms, 0));
    client.send({ type: 'conversation.item.truncate', event_id: 'long', item_id: item.id, content_index: 0, audio_end_ms: total + 2 });
    client.send({ type: 'conversation.item.truncate', item_id: item.id, content_index: 0, audio_end_ms: 1_000 });
    client.send({ type: 'conversation.item.truncate', event_id: 'longer-than-cut', item_id: item.id, content_index: 0, audio_end_ms: 1_001 });
    client.send({ type: 'conversation.item.retrieve', item_id: item.id });
    const kept = await client.next('conversation.item.retrieved');
    expect(kept['item']).toMatchObject({ status: 'completed', content: [{ type: 'output_audio', transcript: null }] });
    const errors = client.events.filter((event) => event.type === 'error').map((event) => event['error']);
    expect(errors).toMatchObject([
      { code: 'invalid_value', event_id: 'long', message: expect.stringContaining('already shorter than') },
      { code: 'invalid_value', event_id: 'longer-than-cut' },
    ]);
    expect(client.events.filter((event) => event.type === 'response.done')).toHaveLength(1);
    await client.close();
  });
});
