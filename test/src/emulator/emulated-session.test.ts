import { describe, expect, test } from 'vitest';
import { PCM16_24K, MULAW_8K, encodeAlaw, encodeMulaw, msToBytes, pcm16ToSamples, Resampler } from '../../../audio/index.js';
import type { Script } from '../../../src/emulator/index.js';
import { callerAudio, order } from './emulator-client.js';
import type { WireEvent } from './emulator-client.js';
import { SessionDriver } from './session-driver.js';

const HELLO = callerAudio('caller-hello.wav');
const error = (event: WireEvent | undefined): { code: string; message: string; param: string | null; event_id: string | null } => event?.['error'] as never;
const update = (session: object): object => ({ type: 'session.update', session: { type: 'realtime', ...session } });
const message = (text: string, id?: string): object => ({
  type: 'conversation.item.create',
  item: { ...(id === undefined ? {} : { id }), type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
});

describe('what is refused is answered by one error, with the code and the path of the field', () => {
  const deep = JSON.parse(`${'{"a":'.repeat(200)}1${'}'.repeat(200)}`) as object;
  test.each<[string, unknown, string, string | null]>([
    ['no JSON', '{', 'invalid_json', null],
    ['a number', '7', 'invalid_type', 'event'],
    ['an array', '[]', 'invalid_type', 'event'],
    ['no type', {}, 'invalid_event', 'type'],
    ['a type that is no text', { type: 7 }, 'invalid_event', 'type'],
    ['an unknown type', { type: 'response.destroy' }, 'invalid_value', 'type'],
    ['a type of the object prototype', { type: 'constructor' }, 'invalid_value', 'type'],
    ['an update without a session', { type: 'session.update' }, 'missing_required_parameter', 'session'],
    ['an update without session.type', { type: 'session.update', session: {} }, 'missing_required_parameter', 'session.type'],
    ['a transcription session', { type: 'session.update', session: { type: 'transcription' } }, 'invalid_value', 'session.type'],
    ['a field of the retired version', update({ temperature: 0.8 }), 'unknown_parameter', 'session.temperature'],
    ['an unknown modality', update({ output_modalities: ['video'] }), 'invalid_value', 'session.output_modalities[0]'],
    ['two modalities', update({ output_modalities: ['audio', 'text'] }), 'invalid_value', 'session.output_modalities'],
    ['a wrong rate', update({ audio: { input: { format: { type: 'audio/pcm', rate: 16000 } } } }), 'invalid_value', 'session.audio.input.format.rate'],
    ['an unknown format', update({ audio: { output: { format: { type: 'audio/opus' } } } }), 'invalid_value', 'session.audio.output.format.type'],
    ['an unknown detection', update({ audio: { input: { turn_detection: { type: 'telepathy' } } } }), 'invalid_value', 'session.audio.input.turn_detection.type'],
    ['a threshold above 1', update({ audio: { input: { turn_detection: { type: 'server_vad', threshold: 2 } } } }), 'decimal_above_max_value', 'session.audio.input.turn_detection.threshold'],
    ['a padding below 0', update({ audio: { input: { turn_detection: { type: 'server_vad', prefix_padding_ms: -1 } } } }), 'integer_below_min_value', 'session.audio.input.turn_detection.prefix_padding_ms'],
    ['a tool without a name', update({ tools: [{ type: 'function' }] }), 'missing_required_parameter', 'session.tools[0].name'],
    ['a tool nested too deeply', update({ tools: [{ type: 'function', name: 'f', parameters: deep }] }), 'invalid_value', 'session.tools[0].parameters'],
    ['a tool list too long', update({ tools: Array.from({ length: 129 }, () => 1) }), 'array_above_max_length', 'session.tools'],
    ['audio that is no text', { type: 'input_audio_buffer.append', audio: 5 }, 'invalid_type', 'audio'],
    ['audio that is not base64', { type: 'input_audio_buffer.append', audio: 'a b c d!' }, 'invalid_value', 'audio'],
    ['audio that is missing', { type: 'input_audio_buffer.append' }, 'missing_required_parameter', 'audio'],
    ['an empty commit', { type: 'input_audio_buffer.commit' }, 'input_audio_buffer_commit_empty', null],
    ['an item of an unknown type', { type: 'conversation.item.create', item: { type: 'dream' } }, 'invalid_value', 'item.type'],
    ['an assistant item with audio', { type: 'conversation.item.create', item: { type: 'message', role: 'assistant', content: [{ type: 'output_audio' }] } }, 'invalid_value', 'item.content[0].type'],
    ['an item after an unknown one', { ...message('hi'), previous_item_id: 'nowhere' }, 'item_not_found', 'previous_item_id'],
    ['deleting an unknown item', { type: 'conversation.item.delete', item_id: 'x' }, 'item_delete_invalid_item_id', 'item_id'],
    ['retrieving an unknown item', { type: 'conversation.item.retrieve', item_id: 'x' }, 'item_retrieve_invalid_item_id', 'item_id'],
    ['truncating an unknown item', { type: 'conversation.item.truncate', item_id: 'x', content_index: 0, audio_end_ms: 0 }, 'item_truncate_invalid_item_id', 'item_id'],
    ['truncating without a time', { type: 'conversation.item.truncate', item_id: 'x', content_index: 0 }, 'missing_required_parameter', 'audio_end_ms'],
    ['a cancel with nothing running', { type: 'response.cancel' }, 'response_cancel_not_active', null],
    ['a cancel of an unknown response', { type: 'response.cancel', response_id: 'resp_x' }, 'response_cancel_not_active', 'response_id'],
    ['a response with an unknown field', { type: 'response.create', response: { temperature: 1 } }, 'unknown_parameter', 'response.temperature'],
    ['too much metadata', { type: 'response.create', response: { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [n, ''])) } }, 'object_above_max_properties', 'response.metadata'],
    ['a metadata value too long', { type: 'response.create', response: { metadata: { a: 'x'.repeat(513) } } }, 'string_above_max_length', 'response.metadata.a'],
    ['a token limit of 0', { type: 'response.create', response: { max_output_tokens: 0 } }, 'integer_below_min_value', 'response.max_output_tokens'],
    ['a reference to an unknown item', { type: 'response.create', response: { input: [{ type: 'item_reference', id: 'x' }] } }, 'item_retrieve_invalid_item_id', 'item_id'],
    ['an event id too long', { type: 'input_audio_buffer.clear', event_id: 'e'.repeat(513) }, 'string_above_max_length', 'event_id'],
  ])('%s', (_name, event, code, param) => {
    const driver = new SessionDriver();
    const named = typeof event === 'string' || Array.isArray(event) || 'event_id' in (event as object) ? event : { event_id: 'mine', ...(event as object) };
    const answers = driver.send(named);
    expect(answers.map((answer) => answer.type)).toEqual(['error']);
    expect(error(answers[0])).toMatchObject({ code, param, ...(named === event ? {} : { event_id: 'mine' }) });
    // The session goes on.
    expect(driver.send(message('still there?')).map((answer) => answer.type)).toEqual(['conversation.item.added', 'conversation.item.done']);
  });

  test.each(['session.update","session":{"type":"realtime","prompt":', 'response.create","response":{"metadata":', 'conversation.item.create","item":{"type":'])('brackets within brackets, five million deep, in {"type":"%s', (head) => {
    const driver = new SessionDriver();
    const answers = driver.send(`{"type":"${head}${'['.repeat(5_000_000)}${']'.repeat(5_000_000)}}}`);
    expect(answers.map((answer) => answer.type)).toEqual(['error']);
    expect(['invalid_value', 'invalid_type', 'invalid_json']).toContain(error(answers[0]).code);
  });

  test('a binary message', () => {
    const driver = new SessionDriver();
    const effects = driver.session.receiveBinary(0);
    expect(effects).toMatchObject([{ type: 'send', event: { type: 'error', error: { code: 'invalid_event' } } }]);
  });

  test('the voice after the assistant has spoken: the whole update is dropped', async () => {
    const driver = new SessionDriver();
    expect(driver.send(update({ audio: { output: { voice: 'cedar' } } }))[0]?.type).toBe('session.updated');
    driver.send({ type: 'response.create' });
    await driver.advance(5_000);
    expect(error(driver.send(update({ instructions: 'New.', audio: { output: { voice: 'alloy' } } }))[0])).toMatchObject({ code: 'cannot_update_voice', param: 'session.audio.output.voice' });
    const updated = driver.send(update({ audio: { output: { voice: 'cedar' } } }))[0]?.['session'] as { instructions: string };
    expect(updated.instructions).not.toBe('New.');
  });

  test('a second response while one runs; it names the one that runs', async () => {
    const driver = new SessionDriver();
    const created = driver.send({ type: 'response.create' })[0]?.['response'] as { id: string };
    const refused = driver.send({ type: 'response.create', event_id: 'second' });
    expect(refused.map((event) => event.type)).toEqual(['error']);
    expect(error(refused[0])).toMatchObject({ code: 'conversation_already_has_active_response', event_id: 'second', message: expect.stringContaining(created.id) });
  });
});

describe('limits', () => {
  test('responses beside the conversation run at most sixteen at a time', () => {
    const driver = new SessionDriver();
    const aside = { type: 'response.create', response: { conversation: 'none', output_modalities: ['text'] } };
    for (let count = 0; count < 16; count += 1) expect(driver.send(aside)[0]?.type).toBe('response.created');
    expect(error(driver.send(aside)[0]).code).toBe('rate_limit_exceeded');
  });

  test('a conversation holds at most 4000 items; a response that finds no place fails', async () => {
    const driver = new SessionDriver();
    for (let count = 0; count < 4_000; count += 1) driver.send(message('x'));
    expect(error(driver.send(message('one too many'))[0]).code).toBe('conversation_full');
    driver.send({ type: 'response.create', response: { output_modalities: ['text'] } });
    await driver.advance(1_000);
    expect(driver.last).toMatchObject({ type: 'response.done', response: { status: 'failed', output: [], status_details: { type: 'failed', error: { code: 'conversation_full' } } } });
  });

  test('outputs that wait for the end of a response', async () => {
    const driver = new SessionDriver();
    driver.send({ type: 'response.create' });
    const output = { type: 'conversation.item.create', item: { type: 'function_call_output', call_id: 'c', output: '{}' } };
    for (let count = 0; count < 16; count += 1) expect(driver.send(output)).toEqual([]);
    expect(error(driver.send(output)[0]).code).toBe('rate_limit_exceeded');
    const events = await driver.advance(5_000);
    const done = events.findIndex((event) => event.type === 'response.done');
    const added = events.findIndex((event) => event.type === 'conversation.item.added' && (event['item'] as { type: string }).type === 'function_call_output');
    expect(added).toBeGreaterThan(done);
  });

  test('the session ends with an error and 1001 when its time is up', async () => {
    const driver = new SessionDriver({ sessionLimitMs: 60_000 });
    await driver.advance(59_999);
    expect(driver.closed).toBeUndefined();
    await driver.advance(1);
    expect(error(driver.last).code).toBe('session_expired');
    expect(driver.closed).toMatchObject({ code: 1001, reason: error(driver.last).message });
    expect(driver.send(message('too late'))).toEqual([]);
    expect(driver.session.nextWakeMs).toBeUndefined();
  });

  test('an answer stops as incomplete at its token limit', async () => {
    const driver = new SessionDriver();
    driver.send(message('Where can I park?'));
    driver.send({ type: 'response.create', response: { max_output_tokens: 40 } });
    await driver.advance(20_000);
    const done = driver.events.find((event) => event.type === 'response.done')?.['response'] as { status: string; usage: { output_tokens: number } };
    expect(done).toMatchObject({ status: 'incomplete', status_details: { type: 'incomplete', reason: 'max_output_tokens' }, output: [{ status: 'incomplete' }] });
    expect(done.usage.output_tokens).toBeGreaterThanOrEqual(40);
    expect(done.usage.output_tokens).toBeLessThan(50);
  });

  test('a voice that fails makes a failed response', async () => {
    const driver = new SessionDriver({}, { speak: () => Promise.reject(new Error('no breath')) });
    driver.send({ type: 'response.create' });
    await driver.advance(1_000);
    expect(driver.last).toMatchObject({ type: 'response.done', response: { status: 'failed', status_details: { error: { code: 'server_error' } } } });
  });
});

describe('the conversation', () => {
  test('items go where previous_item_id says, and leave', () => {
    const driver = new SessionDriver();
    driver.send(message('a', 'a'));
    driver.send(message('b', 'b'));
    const after = driver.send({ ...message('c', 'c'), previous_item_id: 'a' });
    const first = driver.send({ ...message('d', 'd'), previous_item_id: 'root' });
    expect([after[0]?.['previous_item_id'], first[0]?.['previous_item_id']]).toEqual(['a', null]);
    expect(error(driver.send(message('again', 'a'))[0]).code).toBe('item_create_duplicate_item_id');
    expect(driver.send({ type: 'conversation.item.delete', item_id: 'a' })).toMatchObject([{ type: 'conversation.item.deleted', item_id: 'a' }]);
    expect(driver.send({ ...message('e', 'e'), previous_item_id: 'c' })[0]?.['previous_item_id']).toBe('c');
  });

  test('done of a model item names no predecessor where that is the first of the conversation', async () => {
    const driver = new SessionDriver();
    driver.send(message('menu?', 'first'));
    driver.send({ type: 'response.create' });
    const events = await driver.advance(10_000);
    expect(events.find((event) => event.type === 'conversation.item.added')?.['previous_item_id']).toBe('first');
    expect(events.find((event) => event.type === 'conversation.item.done')?.['previous_item_id']).toBe(null);
  });

  test('only what the model said can be truncated', () => {
    const driver = new SessionDriver();
    driver.send(message('a', 'a'));
    expect(error(driver.send({ type: 'conversation.item.truncate', item_id: 'a', content_index: 0, audio_end_ms: 0 })[0]).code).toBe('unsupported_content_type');
  });

  test('a function output sent while its response runs is accepted, and joins after it', async () => {
    const driver = new SessionDriver();
    driver.send(update({ output_modalities: ['text'], tools: [{ type: 'function', name: 'book_table' }] }));
    driver.send(message('book'));
    driver.send({ type: 'response.create' });
    await driver.advance(130);
    const callId = (driver.events.find((event) => event.type === 'response.output_item.added')?.['item'] as { call_id: string }).call_id;
    expect(driver.send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: callId, output: '{"table":1,"reference":"R"}' } })).toEqual([]);
    const events = await driver.advance(1_000);
    expect(order(events).slice(-4)).toEqual(['response.done', 'conversation.item.added', 'conversation.item.done', 'rate_limits.updated']);
    driver.send({ type: 'response.create' });
    await driver.advance(1_000);
    expect(driver.events.find((event) => event.type === 'response.output_text.done')?.['text']).toContain('You have table 1');
  });

  test('without the tool the turn answers without the call and says so once', async () => {
    const driver = new SessionDriver();
    driver.send(message('book a table'));
    driver.send({ type: 'response.create', response: { output_modalities: ['text'] } });
    await driver.advance(1_000);
    expect(driver.events.find((event) => event.type === 'response.output_text.done')?.['text']).toBe('I would love to, but I cannot reach our booking book right now.');
    expect(driver.notices).toEqual(['the session lacks a tool of the script: book_table']);
  });
});

describe('the audio clock', () => {
  test('speech before any output cancels the response, without items and without usage', async () => {
    const driver = new SessionDriver({ thinkMs: 10_000 });
    driver.send({ type: 'response.create' });
    const events = driver.append(HELLO.subarray(0, msToBytes(PCM16_24K, 1_200)));
    expect(events.map((event) => event.type)).toEqual(['input_audio_buffer.speech_started', 'response.done']);
    expect(events[1]?.['response']).toMatchObject({ status: 'cancelled', status_details: { reason: 'turn_detected' }, output: [], usage: { total_tokens: 0 } });
    expect((await driver.advance(11_000)).map((event) => event.type)).toEqual([]);
  });

  test('one big append with two turns in it, at any speed, and cut at odd bytes: the same signs', () => {
    const twice = new Uint8Array(HELLO.length * 2);
    twice.set(HELLO);
    twice.set(HELLO, HELLO.length);
    const signs = (cut: number): unknown[] => {
      const driver = new SessionDriver();
      for (let at = 0; at < twice.length; at += cut) driver.append(twice.subarray(at, at + cut));
      return driver.events.filter((event) => event.type.includes('speech_')).map((event) => [event.type, event['audio_start_ms'] ?? event['audio_end_ms']]);
    };
    const whole = signs(twice.length);
    expect(whole.map((sign) => (sign as [string])[0])).toEqual([
      'input_audio_buffer.speech_started',
      'input_audio_buffer.speech_stopped',
      'input_audio_buffer.speech_started',
      'input_audio_buffer.speech_stopped',
    ]);
    const times = whole.map((sign) => (sign as [string, number])[1]);
    expect(times.toSorted((a, b) => a - b)).toEqual(times);
    const byPieces = signs(997).map((sign) => (sign as [string, number])[1]);
    byPieces.forEach((ms, index) => expect(Math.abs(ms - (times[index] as number))).toBeLessThanOrEqual(20));
  });

  test('silence is no speech, and a longer pause is asked for by silence_duration_ms', () => {
    const driver = new SessionDriver();
    driver.send(update({ audio: { input: { turn_detection: { type: 'server_vad', silence_duration_ms: 900, prefix_padding_ms: 0, create_response: false } } } }));
    expect(driver.append(new Uint8Array(48_000))).toEqual([]);
    const longer = driver.append(HELLO);
    expect(longer.map((event) => event.type)).toEqual(['input_audio_buffer.speech_started', 'input_audio_buffer.speech_stopped', 'input_audio_buffer.committed', 'conversation.item.added', 'conversation.item.done']);
    const usual = new SessionDriver();
    usual.append(new Uint8Array(48_000));
    const shorter = usual.append(HELLO);
    expect((longer[1]?.['audio_end_ms'] as number) - (shorter[1]?.['audio_end_ms'] as number)).toBe(400);
    expect((longer[0]?.['audio_start_ms'] as number) - (shorter[0]?.['audio_start_ms'] as number)).toBe(300);
  });

  test('interrupt_response: false lets the answer run, and the turn then finds it active', async () => {
    const driver = new SessionDriver({ pace: 1 });
    driver.send(update({ audio: { input: { turn_detection: { type: 'server_vad', interrupt_response: false } } } }));
    driver.send({ type: 'response.create' });
    await driver.advance(500);
    const events = driver.append(HELLO);
    expect(events.map((event) => event.type)).toEqual([
      'input_audio_buffer.speech_started',
      'input_audio_buffer.speech_stopped',
      'input_audio_buffer.committed',
      'conversation.item.added',
      'conversation.item.done',
      'error',
    ]);
    expect(error(events.at(-1))).toMatchObject({ code: 'conversation_already_has_active_response', event_id: null });
  });

  test('after five silent seconds the model asks by itself', async () => {
    const driver = new SessionDriver();
    driver.send(update({ output_modalities: ['text'], audio: { input: { turn_detection: { type: 'server_vad', idle_timeout_ms: 5_000 } } } }));
    driver.send({ type: 'response.create' });
    await driver.advance(1_000);
    const doneMs = driver.timesMs[driver.events.findIndex((event) => event.type === 'response.done')] as number;
    const from = driver.events.length;
    await driver.advance(6_000);
    expect(driver.events.slice(from, from + 7).map((event) => event.type)).toEqual([
      'input_audio_buffer.timeout_triggered',
      'conversation.item.added',
      'conversation.item.done',
      'input_audio_buffer.committed',
      'conversation.item.added',
      'conversation.item.done',
      'response.created',
    ]);
    expect((driver.timesMs[from] as number) - doneMs).toBe(5_000);
  });

  test('it does not ask when it has been told not to in the meantime', async () => {
    const driver = new SessionDriver();
    driver.send(update({ output_modalities: ['text'], audio: { input: { turn_detection: { type: 'server_vad', idle_timeout_ms: 5_000 } } } }));
    driver.send({ type: 'response.create' });
    await driver.advance(3_000);
    driver.send(update({ audio: { input: { turn_detection: { type: 'server_vad', idle_timeout_ms: null } } } }));
    const from = driver.events.length;
    await driver.advance(20_000);
    expect(driver.events.slice(from)).toEqual([]);
  });

  test('the telephone formats, in and out', async () => {
    for (const format of ['audio/pcmu', 'audio/pcma'] as const) {
      const driver = new SessionDriver();
      driver.send(update({ audio: { input: { format: { type: format } }, output: { format: { type: format } } } }));
      const narrow = new Resampler(24_000, 8_000).push(pcm16ToSamples(HELLO));
      const events = driver.append(format === 'audio/pcmu' ? encodeMulaw(narrow) : encodeAlaw(narrow));
      expect(order(events).slice(0, 3)).toEqual(['input_audio_buffer.speech_started', 'input_audio_buffer.speech_stopped', 'input_audio_buffer.committed']);
      expect(events[1]?.['audio_end_ms'] as number).toBeLessThan(HELLO.length / 48);
      await driver.advance(20_000);
      const bytes = driver.events.filter((event) => event.type === 'response.output_audio.delta').reduce((sum, event) => sum + Buffer.from(event['delta'] as string, 'base64').length, 0);
      // "I would love to, but I cannot reach our booking book right now." lasts 3910 ms.
      expect(bytes / msToBytes(MULAW_8K, 1)).toBeGreaterThan(3_900);
      expect(bytes / msToBytes(MULAW_8K, 1)).toBeLessThan(3_920);
    }
  });
});

describe('the parrot', () => {
  test('says back what was said, as long as it was', async () => {
    const driver = new SessionDriver({ mode: 'parrot' });
    driver.send(update({ audio: { input: { transcription: {} } } }));
    driver.append(HELLO);
    await driver.advance(10_000);
    const started = driver.events.find((event) => event.type.endsWith('speech_started'))?.['audio_start_ms'] as number;
    const stopped = driver.events.find((event) => event.type.endsWith('speech_stopped'))?.['audio_end_ms'] as number;
    const back = driver.events.filter((event) => event.type === 'response.output_audio.delta').map((event) => Buffer.from(event['delta'] as string, 'base64'));
    const samples = Buffer.concat(back);
    expect(Math.abs(samples.length / 48 - (stopped - started))).toBeLessThanOrEqual(21);
    // Exactly the caller's own sound.
    expect(Buffer.from(HELLO).includes(samples.subarray(0, 48_000))).toBe(true);
    const text = `(your own voice, ${((stopped - started) / 1000).toFixed(1)} s)`;
    expect(driver.events.find((event) => event.type === 'response.output_audio_transcript.done')?.['transcript']).toBe(text);
    expect(driver.events.find((event) => event.type.endsWith('transcription.completed'))?.['transcript']).toBe(text);
  });
});

describe('the script', () => {
  const script: Script = {
    name: 'test',
    greeting: 'Hi.',
    turns: [{ hears: 'one', reply: 'First.' }, { hears: 'two', when: 'sec+ond', reply: 'Second.' }, { hears: 'three', reply: 'Third.' }, { when: ['typed'], reply: 'Typed.' }],
    fallback: 'Pardon?',
  };

  async function say(driver: SessionDriver, text: string | undefined): Promise<unknown> {
    const from = driver.events.length;
    if (text === undefined) driver.append(HELLO);
    else {
      driver.send(message(text));
      driver.send({ type: 'response.create' });
    }
    await driver.advance(2_000);
    return driver.events.slice(from).find((event) => event.type === 'response.output_text.done')?.['text'];
  }

  test('spoken turns come in order, typed ones where they fit, and then the fallback', async () => {
    const driver = new SessionDriver({ script });
    driver.send(update({ output_modalities: ['text'] }));
    expect(await say(driver, undefined)).toBe('First.');
    expect(await say(driver, 'this is TYPED')).toBe('Typed.');
    expect(await say(driver, 'the seccond one')).toBe('Second.');
    expect(await say(driver, undefined)).toBe('Third.');
    expect(await say(driver, undefined)).toBe('Pardon?');
    expect(await say(driver, 'nonsense')).toBe('Pardon?');
  });
});
