import type { ConversationItemCreateEvent, ResponseCreateEvent, SessionUpdateEvent } from 'openai/resources/beta/realtime/realtime';
import { describe, expect, test } from 'vitest';
import { ALAW_8K, MULAW_8K, PCM16_24K, audioFormat } from '../../../../audio/index.js';
import type { ModelCommand, ModelConfig } from '../../../../session/index.js';
import { serializeBeta } from '../../../../src/protocol/openai-realtime/serialize-beta.js';
import { serialize } from '../../../../src/protocol/openai-realtime/serialize.js';

const minimal: ModelConfig = { outputModality: 'audio', inputFormat: PCM16_24K, outputFormat: PCM16_24K, tools: [] };

// The expected events have the type that OpenAI's own client publishes for the beta, so that a wrong name does not compile.
const cases: [string, ModelCommand, SessionUpdateEvent | ConversationItemCreateEvent | ResponseCreateEvent][] = [
  [
    'the least configuration',
    { type: 'configure', eventId: 'e', config: minimal },
    { type: 'session.update', event_id: 'e', session: { modalities: ['audio', 'text'], input_audio_format: 'pcm16', output_audio_format: 'pcm16', tools: [] } },
  ],
  [
    'the most configuration',
    {
      type: 'configure',
      eventId: 'e',
      config: {
        instructions: 'Be brief.',
        outputModality: 'text',
        inputFormat: MULAW_8K,
        outputFormat: ALAW_8K,
        voice: 'sage',
        speed: 1.25,
        tools: [{ name: 'f', description: 'does', parameters: { type: 'object' } }],
        toolChoice: 'auto',
        turnDetection: { type: 'server_vad', threshold: 0.4, prefixPaddingMs: 200, silenceMs: 600, createResponse: true, interruptResponse: false, idleTimeoutMs: 6000 },
        transcription: { model: 'whisper-1', language: 'de' },
        noiseReduction: 'near_field',
        maxOutputTokens: 'inf',
      },
    },
    {
      type: 'session.update',
      event_id: 'e',
      session: {
        modalities: ['text'],
        instructions: 'Be brief.',
        voice: 'sage',
        speed: 1.25,
        input_audio_format: 'g711_ulaw',
        output_audio_format: 'g711_alaw',
        input_audio_transcription: { model: 'whisper-1', language: 'de' },
        input_audio_noise_reduction: { type: 'near_field' },
        turn_detection: { type: 'server_vad', threshold: 0.4, prefix_padding_ms: 200, silence_duration_ms: 600, create_response: true, interrupt_response: false },
        tools: [{ type: 'function', name: 'f', description: 'does', parameters: { type: 'object' } }],
        tool_choice: 'auto',
        max_response_output_tokens: 'inf',
      },
    },
  ],
  [
    'what the user said',
    { type: 'create_item', eventId: 'e', previousItemId: null, item: { type: 'message', id: 'i', role: 'user', content: [{ type: 'input_audio', transcript: 'Hello' }, { type: 'input_text', text: '!' }] } },
    { type: 'conversation.item.create', event_id: 'e', previous_item_id: 'root', item: { id: 'i', type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello' }, { type: 'input_text', text: '!' }] } },
  ],
  [
    'what the agent said',
    { type: 'create_item', eventId: 'e', previousItemId: 'u', item: { type: 'message', id: 'i', role: 'assistant', content: [{ type: 'output_audio', transcript: 'Good' }, { type: 'output_text', text: 'day' }, { type: 'output_audio', transcript: null }] } },
    { type: 'conversation.item.create', event_id: 'e', previous_item_id: 'u', item: { id: 'i', type: 'message', role: 'assistant', content: [{ type: 'text', text: 'Good' }, { type: 'text', text: 'day' }] } },
  ],
  [
    "a tool's output",
    { type: 'create_item', eventId: 'e', item: { type: 'function_call_output', id: 'i', callId: 'c', output: '{}' } },
    { type: 'conversation.item.create', event_id: 'e', item: { id: 'i', type: 'function_call_output', call_id: 'c', output: '{}' } },
  ],
  ['a plain response', { type: 'create_response', eventId: 'e', request: {} }, { type: 'response.create', event_id: 'e' }],
  [
    'a response with everything',
    { type: 'create_response', eventId: 'e', request: { instructions: 'Say hi.', outputModality: 'audio', toolChoice: 'none', maxOutputTokens: 99, metadata: { a: 'b' }, conversation: 'none' } },
    { type: 'response.create', event_id: 'e', response: { instructions: 'Say hi.', modalities: ['audio', 'text'], tool_choice: 'none', max_output_tokens: 99, metadata: { a: 'b' }, conversation: 'none' } as NonNullable<ResponseCreateEvent['response']> },
  ],
];

test.each(cases)('%s', (_name, command, expected) => {
  expect(JSON.parse(serializeBeta(command))).toEqual(expected);
});

test.each<ModelCommand>([
  { type: 'append_audio', bytes: Uint8Array.of(1, 2, 3, 4) },
  { type: 'commit_audio', eventId: 'e' },
  { type: 'clear_audio', eventId: 'e' },
  { type: 'delete_item', eventId: 'e', itemId: 'i' },
  { type: 'truncate_item', eventId: 'e', itemId: 'i', contentIndex: 0, audioEndMs: 1500 },
  { type: 'cancel_response', eventId: 'e', responseId: 'r' },
])('$type is the same in both dialects', (command) => {
  expect(serializeBeta(command)).toBe(serialize(command));
});

describe('what the beta has no word for is refused', () => {
  test.each<[string, Partial<ModelConfig>]>([
    ['PCM16 at 16 kHz', { inputFormat: audioFormat('pcm16', 16_000) }],
    ['two channels', { outputFormat: audioFormat('pcm16', 24_000, 2) }],
    ['tools of MCP servers', { tools: [{ type: 'mcp', serverLabel: 'docs', serverUrl: 'https://docs.example/mcp' }] }],
  ])('%s', (_name, config) => {
    expect(() => serializeBeta({ type: 'configure', eventId: 'e', config: { ...minimal, ...config } })).toThrow(RangeError);
  });

  test('images', () => {
    expect(() => serializeBeta({ type: 'create_item', eventId: 'e', item: { type: 'message', id: 'i', role: 'user', content: [{ type: 'input_image', url: 'data:image/png;base64,AA==' }] } })).toThrow(RangeError);
  });
});
