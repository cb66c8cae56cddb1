import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MULAW_8K, PCM16_24K } from '../../../../audio/index.js';
import { ProtocolError } from '../../../../session/index.js';
import type { ModelInput } from '../../../../session/index.js';
import { parse, parseMessage } from '../../../../src/protocol/openai-realtime/parse.js';
import { conversation } from './conversation.js';

const CURRENT = conversation('current').flatMap(parse);

/** What the beta cannot say: that an item of the model is in the conversation for good, and the name of a call with its arguments. */
function common(inputs: readonly ModelInput[]): ModelInput[] {
  return inputs.flatMap((input): ModelInput[] => {
    if (input.type === 'item_done' && (input.item.id === 'item_a' || input.item.id === 'item_c')) return [];
    if (input.type !== 'arguments_done') return [input];
    const { name: _name, ...rest } = input;
    return [rest];
  });
}

test('a conversation in the current dialect becomes inputs of the session, in order', () => {
  expect(CURRENT.map(({ type }) => type)).toEqual([
    ...['model_session_created', 'model_session_configured', 'speech_started', 'speech_stopped', 'input_committed', 'item_added', 'item_done'],
    ...['response_created', 'output_item_added', 'item_added', 'arguments_delta', 'user_transcript_delta', 'arguments_delta', 'arguments_done', 'user_transcript'],
    ...['item_done', 'output_item_done', 'response_done', 'item_added', 'item_done'],
    ...['response_created', 'output_item_added', 'item_added', 'output_text_delta', 'audio_delta', 'output_text_delta', 'speech_started', 'audio_done', 'output_text_done'],
    ...['item_done', 'output_item_done', 'response_done', 'item_truncated', 'item_deleted', 'input_cleared', 'user_transcript_failed'],
    ...['response_created', 'output_text_delta', 'output_text_done', 'response_done', 'model_error'],
  ]);
  expect(CURRENT.find(({ type }) => type === 'model_session_configured')).toEqual({
    type: 'model_session_configured',
    inputFormat: PCM16_24K,
    outputFormat: MULAW_8K,
    silenceMs: 450,
    expiresAt: 1900000000,
  });
  expect(CURRENT.find(({ type }) => type === 'response_created')).toEqual({ type: 'response_created', responseId: 'resp_1', metadata: { asked_by: 'test' } });
  const done = CURRENT.filter((input) => input.type === 'response_done');
  expect(done).toEqual([
    {
      type: 'response_done',
      responseId: 'resp_1',
      status: 'completed',
      usage: { totalTokens: 30, inputTokens: 20, outputTokens: 10, input: { text: 12, audio: 8, image: 0, cached: 4 }, output: { text: 3, audio: 7 } },
      output: [{ type: 'function_call', id: 'item_c', callId: 'call_1', name: 'get_weather', arguments: '{"city":"Köln"}', status: 'completed' }],
    },
    expect.objectContaining({
      status: 'cancelled',
      reason: 'turn_detected',
      output: [{ type: 'message', id: 'item_a', role: 'assistant', status: 'incomplete', content: [{ type: 'output_audio', transcript: 'The sky is blue' }] }],
    }),
    { type: 'response_done', responseId: 'resp_3', status: 'failed', error: { code: 'rate_limit_exceeded', kind: 'server_error', message: 'Slow down.' }, output: [] },
  ]);
  expect(CURRENT.at(-1)).toEqual({ type: 'model_error', error: { code: 'response_cancel_not_active', kind: 'invalid_request_error', message: 'Nothing to cancel.' }, eventId: 'ours_7' });
});

test('the same conversation in the beta dialect gives the same inputs', () => {
  expect(common(conversation('beta').flatMap(parse))).toEqual(common(CURRENT));
});

test('audio comes as bytes of its own, exactly as long as they are', () => {
  const [delta] = parseMessage('{"type":"response.output_audio.delta","response_id":"r","item_id":"i","output_index":0,"content_index":2,"delta":"AAD/f/5/AYA="}');
  expect(delta).toEqual({ type: 'audio_delta', responseId: 'r', itemId: 'i', contentIndex: 2, bytes: Uint8Array.of(0, 0, 255, 127, 254, 127, 1, 128) });
  expect(delta?.type === 'audio_delta' && [delta.bytes.byteOffset, delta.bytes.buffer.byteLength]).toEqual([0, 8]);
});

test('usage says which of the cached tokens are of which modality', () => {
  const details = { text_tokens: 100, audio_tokens: 50, image_tokens: 2, cached_tokens: 64, cached_tokens_details: { text_tokens: 60, audio_tokens: 4, image_tokens: 0 } };
  const usage = { total_tokens: 160, input_tokens: 152, output_tokens: 8, input_token_details: details, output_token_details: { text_tokens: 3, audio_tokens: 5, reasoning_tokens: 1 } };
  expect(parse({ type: 'response.done', response: { id: 'r', status: 'completed', output: [], usage } })).toMatchObject([
    {
      usage: {
        totalTokens: 160,
        inputTokens: 152,
        outputTokens: 8,
        input: { text: 100, audio: 50, image: 2, cached: 64, cachedBy: { text: 60, audio: 4, image: 0 } },
        output: { text: 3, audio: 5 },
      },
    },
  ]);
});

test('a transcription tells what it used, by seconds or by tokens, and is read without it', () => {
  const completed = (usage: unknown): unknown =>
    parse({ type: 'conversation.item.input_audio_transcription.completed', item_id: 'u', content_index: 0, transcript: 'Hi', usage });
  const said = { type: 'user_transcript', itemId: 'u', contentIndex: 0, text: 'Hi', final: true };
  expect(completed({ type: 'duration', seconds: 3.5 })).toEqual([{ ...said, usage: { type: 'duration', seconds: 3.5 } }]);
  expect(completed({ type: 'tokens', total_tokens: 30, input_tokens: 20, output_tokens: 10, input_token_details: { text_tokens: 1, audio_tokens: 19 } })).toEqual([
    { ...said, usage: { type: 'tokens', totalTokens: 30, inputTokens: 20, outputTokens: 10, input: { text: 1, audio: 19 } } },
  ]);
  for (const strange of [undefined, null, {}, 'much', { type: 'duration' }]) expect(completed(strange)).toEqual([said]);
});

test('the model tells its name when the session is created and configured', () => {
  expect(parse({ type: 'session.created', session: { id: 's', model: 'gpt-realtime-2.1' } })).toEqual([{ type: 'model_session_created', modelSessionId: 's', model: 'gpt-realtime-2.1' }]);
  expect(parse({ type: 'session.updated', session: { model: 'gpt-realtime-2.1' } })).toEqual([{ type: 'model_session_configured', model: 'gpt-realtime-2.1' }]);
  expect(parse({ type: 'session.updated', session: { model: 7 } })).toEqual([{ type: 'model_session_configured' }]);
});

describe('servers that are looser than the schema', () => {
  test('xAI: transcripts that grow are not final before they are', () => {
    const at = { item_id: 'u', content_index: 0, previous_item_id: null };
    const said = [
      { type: 'conversation.item.input_audio_transcription.updated', ...at, transcript: 'Hello' },
      { type: 'conversation.item.input_audio_transcription.completed', ...at, transcript: 'Hello there', status: 'in_progress' },
      { type: 'conversation.item.input_audio_transcription.completed', ...at, transcript: 'Hello there.', status: 'completed' },
    ];
    expect(said.flatMap(parse)).toEqual([
      { type: 'user_transcript', itemId: 'u', contentIndex: 0, text: 'Hello', final: false },
      { type: 'user_transcript', itemId: 'u', contentIndex: 0, text: 'Hello there', final: false },
      { type: 'user_transcript', itemId: 'u', contentIndex: 0, text: 'Hello there.', final: true },
    ]);
  });

  test('xAI: usage beside the response, details that are a word, a call without output_index, no content', () => {
    expect(
      parse({
        type: 'response.done',
        response: { id: 'r', status: 'completed', status_details: 'unimplemented', usage: {}, output: [{ id: 'a', type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'audio', transcript: 'Hi' }] }] },
        usage: { total_tokens: 3, input_tokens: 1, output_tokens: 2 },
      }),
    ).toEqual([
      {
        type: 'response_done',
        responseId: 'r',
        status: 'completed',
        usage: { totalTokens: 3, inputTokens: 1, outputTokens: 2, input: { text: 0, audio: 0, image: 0, cached: 0 }, output: { text: 0, audio: 0 } },
        output: [{ type: 'message', id: 'a', role: 'assistant', status: 'completed', content: [{ type: 'output_audio', transcript: 'Hi' }] }],
      },
    ]);
    expect(parse({ type: 'response.output_item.added', response_id: 'r', item: { id: 'a', type: 'message', role: 'assistant' } })).toEqual([
      { type: 'output_item_added', responseId: 'r', outputIndex: 0, item: { type: 'message', id: 'a', role: 'assistant', status: 'in_progress', content: [] } },
    ]);
  });

  test('xAI: a tool call in the middle of a conversation is not put at its head', () => {
    const item = { id: 'c', type: 'function_call', status: 'in_progress', role: 'tool', call_id: 'k', name: 'n', arguments: '' };
    expect(parse({ type: 'conversation.item.added', previous_item_id: null, item })).toEqual([
      { type: 'item_added', item: { type: 'function_call', id: 'c', callId: 'k', name: 'n', arguments: '', status: 'in_progress' } },
    ]);
  });

  test('formats that say nothing are left out; the nested ones come first', () => {
    const session = { id: 's', input_audio_format: 'not specified', output_audio_format: 'pcm16', audio: { input: { format: { type: 'audio/pcm', rate: 16000 } }, output: { format: { type: 'audio/opus' } } } };
    expect(parse({ type: 'session.updated', session })).toEqual([
      { type: 'model_session_configured', inputFormat: { encoding: 'pcm16', sampleRate: 16000, channels: 1 }, outputFormat: PCM16_24K },
    ]);
    expect(parse({ type: 'session.updated', session: { audio: { input: { format: { type: 'audio/pcm', rate: 0 } } }, turn_detection: { type: null } } })).toEqual([{ type: 'model_session_configured' }]);
  });
});

test('a response that the provider plays itself is told as such, and passes through', () => {
  const raw = { type: 'output_audio_buffer.started', response_id: 'resp_1' };
  expect(parse(raw)).toEqual([
    { type: 'audio_elsewhere', responseId: 'resp_1' },
    { type: 'raw_message', name: raw.type, raw },
  ]);
});

describe('what is not known passes through untouched', () => {
  test.each(['rate_limits.updated', 'conversation.created', 'ping', 'response.mcp_call.completed', 'output_audio_buffer.stopped', ' input_audio_buffer.dtmf_event_received', 'something.new', ''])(
    '%j',
    (name) => {
      const raw = { type: name, more: [1, { deep: true }] };
      expect(parse(raw)).toEqual([{ type: 'raw_message', name, raw }]);
    },
  );

  test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'prototype'])('a hostile name: %s', (name) => {
    const [input] = parseMessage(`{"type":${JSON.stringify(name)},"__proto__":{"polluted":true}}`);
    expect(input).toMatchObject({ type: 'raw_message', name });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each([
    [{ id: 'm', type: 'mcp_list_tools', server_label: 'x', tools: [{ name: 'a', description: 'does', input_schema: {} }, { name: 'b' }, 5, {}] }, { type: 'mcp_list_tools', id: 'm', serverLabel: 'x', tools: [{ name: 'a', description: 'does' }, { name: 'b' }] }],
    [{ id: 'm', type: 'mcp_call', server_label: 'x', name: 'a', arguments: '{}', output: null, error: null, approval_request_id: null }, { type: 'mcp_call', id: 'm', serverLabel: 'x', name: 'a', arguments: '{}' }],
    [{ id: 'm', type: 'mcp_call', server_label: 'x', name: 'a', arguments: '{}', output: 'yes', approval_request_id: 'q' }, { type: 'mcp_call', id: 'm', serverLabel: 'x', name: 'a', arguments: '{}', output: 'yes', approvalRequestId: 'q' }],
    [
      { id: 'm', type: 'mcp_call', server_label: 'x', name: 'a', error: { type: 'http_error', code: 503, message: 'busy' } },
      { type: 'mcp_call', id: 'm', serverLabel: 'x', name: 'a', arguments: '', error: { code: '503', kind: 'http_error', message: 'busy' } },
    ],
    [{ id: 'm', type: 'mcp_approval_request', server_label: 'x', name: 'a', arguments: '{"n":1}' }, { type: 'mcp_approval_request', id: 'm', serverLabel: 'x', name: 'a', arguments: '{"n":1}' }],
  ])('an item of a hosted tool: %j', (item, expected) => {
    expect(parse({ type: 'conversation.item.done', item })).toEqual([{ type: 'item_done', item: expected }]);
  });

  test('the course of a hosted call, and a list of tools that failed', () => {
    const events = [
      { type: 'response.mcp_call_arguments.delta', response_id: 'r', item_id: 'm', output_index: 0, delta: '{', obfuscation: 'x' },
      { type: 'response.mcp_call.in_progress', output_index: 0, item_id: 'm' },
      { type: 'mcp_list_tools.failed', item_id: 'l' },
      { type: 'mcp_list_tools.completed', item_id: 'l' },
    ];
    expect(events.flatMap(parse)).toEqual([
      { type: 'mcp_arguments_delta', responseId: 'r', itemId: 'm', delta: '{' },
      { type: 'mcp_call_running', itemId: 'm' },
      { type: 'mcp_list_failed', itemId: 'l' },
      { type: 'raw_message', name: 'mcp_list_tools.completed', raw: { type: 'mcp_list_tools.completed', item_id: 'l' } },
    ]);
  });

  test('an item of another kind, or of a hosted tool that says too little, keeps all that it came with', () => {
    const item = { id: 'm', type: 'mcp_call', server_label: 'x' };
    expect(parse({ type: 'conversation.item.done', item })).toEqual([{ type: 'item_done', item: { type: 'other', id: 'm', kind: 'mcp_call', raw: item } }]);
  });
});

describe('malformed messages are a ProtocolError that says what is wrong, and not what was said', () => {
  test.each([
    ['', 'not JSON'],
    ['{"type":"error"', 'not JSON'],
    ['[]', 'not an object'],
    ['null', 'not an object'],
    ['"type"', 'not an object'],
    ['{}', 'without a type'],
    ['{"type":7}', 'without a type'],
    ['{"type":"response.output_audio.delta","response_id":"r","item_id":"i"}', 'usable delta'],
    ['{"type":"response.output_audio.delta","response_id":"r","item_id":"i","delta":"secret!"}', 'usable delta'],
    ['{"type":"response.audio.delta","response_id":"r","item_id":"i","delta":"AAAAA"}', 'usable delta'],
    ['{"type":"response.output_audio.delta","response_id":"r","item_id":"i","delta":["AAAA"]}', 'usable delta'],
    ['{"type":"response.output_text.delta","response_id":"r","item_id":5,"delta":"secret"}', 'usable item_id'],
    ['{"type":"response.output_text.delta","response_id":"r","item_id":"i","content_index":-1,"delta":"secret"}', 'usable content_index'],
    ['{"type":"input_audio_buffer.speech_started","item_id":"i","audio_start_ms":"12"}', 'usable audio_start_ms'],
    ['{"type":"conversation.item.added","item":{"type":"message","role":"user"}}', 'usable id'],
    ['{"type":"conversation.item.added","previous_item_id":4,"item":{"id":"i","type":"message","role":"user"}}', 'usable previous_item_id'],
    ['{"type":"conversation.item.created"}', 'usable item'],
    ['{"type":"response.done","response":{"id":"r","status":"in_progress"}}', 'usable response.status'],
    ['{"type":"session.created","session":null}', 'usable session'],
    ['{"type":"error","error":null}', 'usable error'],
  ])('%s', (message, why) => {
    const attempt = (): unknown => parseMessage(message);
    expect(attempt).toThrow(ProtocolError);
    expect(attempt).toThrow(expect.objectContaining({ code: 'PROTOCOL_BAD_EVENT', message: expect.stringContaining(why) as string }));
    expect(attempt).not.toThrow(/secret/);
  });
});

test('however a valid event is damaged, it is read, or it is a ProtocolError', () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const random = randomFrom(seed);
  const valid = [...conversation('current'), ...conversation('beta')];
  const junk: unknown[] = [null, undefined, 0, -1, 1.5, 1e300, NaN, true, '', 'x', '__proto__', [], [null], {}, { id: 3 }, { type: 'message' }, [[[]]], { toString: null }];
  let refused = 0;
  for (let round = 0; round < 6000; round += 1) {
    const event = structuredClone(valid[Math.floor(random() * valid.length)]) as Record<string, unknown>;
    for (let damage = 0; damage < 1 + random() * 3; damage += 1) {
      const spots = spotsOf(event);
      const spot = spots[Math.floor(random() * spots.length)];
      if (spot === undefined) break;
      const [holder, key] = spot;
      if (random() < 0.25) delete holder[key];
      else holder[key] = structuredClone(junk[Math.floor(random() * junk.length)]);
    }
    const message = JSON.stringify(event);
    const cut = random() < 0.1 ? message.slice(0, Math.floor(random() * message.length)) : message;
    try {
      for (const input of parseMessage(cut)) expect(input.type, `seed ${seed}, round ${round}`).toMatch(/^[a-z_]+$/);
    } catch (error) {
      refused += 1;
      expect(error, `seed ${seed}, round ${round}: ${cut}`).toBeInstanceOf(ProtocolError);
    }
  }
  expect(refused, `seed ${seed}`).toBeGreaterThan(500);
});

/** Every member of an object, at any depth. */
function spotsOf(value: unknown): [Record<string, unknown>, string][] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key): [Record<string, unknown>, string][] => [[holder, key], ...spotsOf(holder[key])]);
}

/** mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const traces = process.env['REALTIME_TRACES'];
const folder = traces !== undefined && existsSync(traces) ? traces : undefined;

describe.skipIf(folder === undefined)(folder === undefined ? 'recorded streams: skipped, REALTIME_TRACES names no folder' : 'recorded streams', () => {
  const files = folder === undefined ? [] : readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.jsonl') && !file.includes('client-examples'));

  test('there are some', () => expect(files.length).toBeGreaterThan(0));

  test.each(files)('every event of %s is understood', (file) => {
    const lines = readFileSync(join(folder ?? '', file), 'utf8').split('\n').filter((line) => line.trim() !== '');
    for (const line of lines) {
      const entry = JSON.parse(line) as { dir?: string; event?: unknown; close?: unknown };
      if (entry.dir === 'c2s' || entry.close !== undefined) continue;
      const event = entry.dir === undefined ? entry : entry.event;
      for (const input of parse(event)) {
        // What has a meaning to a session must not pass as unknown: only these families may.
        if (input.type === 'raw_message') expect(input.name.trim(), line).toMatch(/^(rate_limits\.|conversation\.created$|conversation\.item\.(retrieved|input_audio_transcription\.segment)$|response\.(content_part|mcp_)|mcp_|output_audio_buffer\.|input_audio_buffer\.(dtmf|timeout)|ping$)/);
      }
    }
  });
});
