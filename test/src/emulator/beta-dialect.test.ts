import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BetaDialect } from '../../../src/emulator/beta-dialect.js';
import { createVoice, startEmulator } from '../../../src/emulator/index.js';
import { EmulatorClient, callerAudio, order } from './emulator-client.js';
import type { WireEvent } from './emulator-client.js';
import { SessionDriver } from './session-driver.js';

const HELLO = callerAudio('caller-hello.wav');
const beta = (kind: 'realtime' | 'transcription' = 'realtime'): SessionDriver => new SessionDriver({ kind, dialect: (conversationId, ids) => new BetaDialect(conversationId, ids, kind) });
const error = (event: WireEvent | undefined): { code: string; param: string | null } => event?.['error'] as never;

describe('the first version of the protocol', () => {
  test('opens with the flat session and the conversation', () => {
    const driver = beta();
    expect(driver.events.map((event) => event.type)).toEqual(['session.created', 'conversation.created']);
    expect(driver.events[0]?.['session']).toMatchObject({ object: 'realtime.session', modalities: ['audio', 'text'], voice: 'marin', input_audio_format: 'pcm16', output_audio_format: 'pcm16', temperature: 0.8, max_response_output_tokens: 'inf', turn_detection: { type: 'server_vad' } });
    expect(driver.events[0]?.['session']).not.toHaveProperty('audio');
    expect(driver.events[1]?.['conversation']).toMatchObject({ id: expect.stringMatching(/^conv_/), object: 'realtime.conversation' });
  });

  test('has its own names for everything, one item event, and no padding', async () => {
    const driver = beta();
    driver.send({ type: 'session.update', session: { input_audio_transcription: { model: 'whisper-1' }, turn_detection: { type: 'server_vad' }, temperature: 1 } });
    driver.append(HELLO);
    await driver.advance(20_000);
    const types = new Set(driver.events.map((event) => event.type));
    expect([...types].filter((type) => /output_(audio|text)|item\.(added|done)$/.test(type)).filter((type) => !type.startsWith('response.output_item'))).toEqual([]);
    for (const type of ['conversation.item.created', 'response.audio.delta', 'response.audio.done', 'response.audio_transcript.delta', 'response.audio_transcript.done', 'response.content_part.done', 'conversation.item.input_audio_transcription.completed']) expect(types).toContain(type);
    expect(driver.events.some((event) => 'obfuscation' in event)).toBe(false);
    const created = driver.events.findIndex((event) => event.type === 'response.created');
    expect(driver.events[created + 1]).toMatchObject({ type: 'rate_limits.updated', rate_limits: [{ name: 'requests' }, { name: 'tokens' }] });
    expect(driver.events.filter((event) => event.type === 'rate_limits.updated')).toHaveLength(1);
    const done = driver.events.find((event) => event.type === 'response.done')?.['response'] as { output: [{ object: string; content: [{ type: string }] }] };
    expect(done).toMatchObject({ modalities: ['audio', 'text'], temperature: 1, output_audio_format: 'pcm16', output: [{ object: 'realtime.item', content: [{ type: 'audio' }] }] });
    expect(new Set(driver.events.map((event) => event.event_id)).size).toBe(driver.events.length);
  });

  test('calls a function without repeating its name at the end', async () => {
    const driver = beta();
    driver.send({ type: 'session.update', session: { modalities: ['text'], tools: [{ type: 'function', name: 'book_table' }] } });
    driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'assistant', content: [{ type: 'text', text: 'Hello.' }] } });
    driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'book' }] } });
    driver.send({ type: 'response.create', response: { modalities: ['text'], temperature: 0.6, max_output_tokens: 500 } });
    await driver.advance(5_000);
    expect(driver.events.filter((event) => event.type === 'error')).toEqual([]);
    expect(driver.events.find((event) => event.type === 'conversation.item.created')?.['item']).toMatchObject({ content: [{ type: 'text', text: 'Hello.' }] });
    const done = driver.events.find((event) => event.type === 'response.function_call_arguments.done');
    expect(Object.keys(done as object)).not.toContain('name');
    expect(done?.['arguments']).toContain('people');
  });

  test('takes the formats of the telephone by their old names', async () => {
    const driver = beta();
    expect(driver.send({ type: 'session.update', session: { output_audio_format: 'g711_ulaw', input_audio_format: 'g711_alaw' } })[0]?.['session']).toMatchObject({ output_audio_format: 'g711_ulaw', input_audio_format: 'g711_alaw' });
    driver.send({ type: 'response.create' });
    await driver.advance(20_000);
    const sound = driver.events.find((event) => event.type === 'response.audio.delta')?.['delta'] as string;
    expect(Buffer.from(sound, 'base64').length).toBe(8 * 200);
  });

  test.each<[string, object, string, string]>([
    ['a field of the current version', { type: 'session.update', session: { output_modalities: ['text'] } }, 'unknown_parameter', 'session.output_modalities'],
    ['audio without text', { type: 'session.update', session: { modalities: ['audio'] } }, 'invalid_value', 'session.modalities'],
    ['a temperature out of its range', { type: 'session.update', session: { temperature: 0.1 } }, 'decimal_below_min_value', 'session.temperature'],
    ['an unknown format', { type: 'session.update', session: { input_audio_format: 'mp3' } }, 'invalid_value', 'session.input_audio_format'],
    ['a threshold above 1, under its old path', { type: 'session.update', session: { turn_detection: { type: 'server_vad', threshold: 2 } } }, 'decimal_above_max_value', 'session.turn_detection.threshold'],
    ['an update of a transcription session', { type: 'transcription_session.update', session: {} }, 'invalid_value', 'type'],
  ])('refuses %s', (_name, event, code, param) => {
    expect(error(beta().send(event)[0])).toMatchObject({ code, param });
  });

  test('has transcription sessions with events of their own', async () => {
    const driver = beta('transcription');
    expect(driver.events.map((event) => event.type)).toEqual(['transcription_session.created']);
    const example = JSON.parse('{"type":"transcription_session.update","session":{"input_audio_format":"pcm16","input_audio_transcription":{"model":"gpt-4o-transcribe","prompt":"","language":""},"turn_detection":{"type":"server_vad","threshold":0.5},"input_audio_noise_reduction":{"type":"near_field"},"include":["item.input_audio_transcription.logprobs"]}}') as object;
    expect(driver.send(example)[0]).toMatchObject({ type: 'transcription_session.updated', session: { object: 'realtime.transcription_session', input_audio_noise_reduction: { type: 'near_field' } } });
    driver.append(HELLO);
    await driver.advance(5_000);
    expect(driver.events.at(-1)?.type).toBe('conversation.item.input_audio_transcription.completed');
  });

  // Where captured streams are at hand: the same answer has the same events, with the same members, as that of a real server.
  const traces = process.env['REALTIME_TRACES'];
  test.runIf(traces !== undefined)('has the events of a captured answer, in their order', async () => {
    const captured = readFileSync(`${traces}/openai-beta/text_response_single.jsonl`, 'utf8').trim().split('\n').map((line) => (JSON.parse(line) as { event: WireEvent }).event);
    const driver = beta();
    driver.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'menu' }] } });
    const from = driver.events.length;
    driver.send({ type: 'response.create', response: { modalities: ['text'] } });
    await driver.advance(5_000);
    const ours = driver.events.slice(from);
    const names = (events: readonly WireEvent[]): string[] => order(events.filter((event) => event.type !== 'rate_limits.updated'));
    expect(names(ours)).toEqual(names(captured));
    for (const type of new Set(names(captured))) {
      const keys = (events: readonly WireEvent[]): string[] => Object.keys(events.find((event) => event.type === type) as object).toSorted();
      expect([type, keys(ours)]).toEqual([type, keys(captured)]);
    }
  });
});

describe('a client of the first version', () => {
  test('is served where the emulator was told to, beside one of the current', async () => {
    await using emulator = await startEmulator({ beta: true, voice: createVoice({ synthesizers: [] }), pace: 100, thinkMs: 5 });
    const old = await EmulatorClient.open(emulator.url, { headers: { 'OpenAI-Beta': 'realtime=v1' } });
    const browser = await EmulatorClient.open(emulator.url, { headers: { 'OpenAI-Beta': 'realtime=v1' } }, ['realtime', 'openai-beta.realtime-v1']);
    const current = await EmulatorClient.open(emulator.url);
    await old.next('conversation.created');
    await browser.next('conversation.created');
    await current.next('session.created');
    old.send({ type: 'response.create' });
    await old.next('response.audio.delta');
    current.send({ type: 'response.create' });
    await current.next('response.output_audio.delta');
    for (const client of [old, browser, current]) await client.close();
  });
});
