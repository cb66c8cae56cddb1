import type { RealtimeClientEvent, RealtimeToolsConfig } from 'openai/resources/realtime/realtime';
import { describe, expect, test } from 'vitest';
import { ALAW_8K, MULAW_8K, PCM16_24K, audioFormat } from '../../../../audio/index.js';
import type { ModelCommand, ModelConfig } from '../../../../session/index.js';
import { serialize } from '../../../../src/protocol/openai-realtime/serialize.js';

const minimal: ModelConfig = { outputModality: 'audio', inputFormat: PCM16_24K, outputFormat: PCM16_24K, tools: [] };

// The expected events have the type that OpenAI's own client publishes, so that a wrong name does not compile.
const cases: [string, ModelCommand, RealtimeClientEvent][] = [
  [
    'the least configuration',
    { type: 'configure', eventId: 'e', config: minimal },
    {
      type: 'session.update',
      event_id: 'e',
      session: {
        type: 'realtime',
        output_modalities: ['audio'],
        audio: { input: { format: { type: 'audio/pcm', rate: 24000 } }, output: { format: { type: 'audio/pcm', rate: 24000 } } },
        tools: [],
      },
    },
  ],
  [
    'the most configuration',
    {
      type: 'configure',
      eventId: 'e',
      config: {
        instructions: 'Be "brief".\n',
        outputModality: 'text',
        inputFormat: MULAW_8K,
        outputFormat: ALAW_8K,
        voice: 'marin',
        speed: 1.25,
        tools: [{ name: 'f', description: 'does', parameters: { type: 'object', properties: {} } }, { name: 'g', parameters: {} }],
        toolChoice: { name: 'f' },
        turnDetection: { type: 'server_vad', threshold: 0.4, prefixPaddingMs: 200, silenceMs: 600, createResponse: true, interruptResponse: false, idleTimeoutMs: 6000 },
        transcription: { model: 'whisper-1', language: 'de', prompt: 'names' },
        noiseReduction: 'near_field',
        maxOutputTokens: 'inf',
      },
    },
    {
      type: 'session.update',
      event_id: 'e',
      session: {
        type: 'realtime',
        output_modalities: ['text'],
        instructions: 'Be "brief".\n',
        audio: {
          input: {
            format: { type: 'audio/pcmu' },
            turn_detection: { type: 'server_vad', threshold: 0.4, prefix_padding_ms: 200, silence_duration_ms: 600, create_response: true, interrupt_response: false, idle_timeout_ms: 6000 },
            transcription: { model: 'whisper-1', language: 'de', prompt: 'names' },
            noise_reduction: { type: 'near_field' },
          },
          output: { format: { type: 'audio/pcma' }, voice: 'marin', speed: 1.25 },
        },
        tools: [
          { type: 'function', name: 'f', description: 'does', parameters: { type: 'object', properties: {} } },
          { type: 'function', name: 'g', parameters: {} },
        ],
        tool_choice: { type: 'function', name: 'f' },
        max_output_tokens: 'inf',
      },
    },
  ],
  ['audio', { type: 'append_audio', bytes: Uint8Array.of(0, 1, 2, 3, 255).subarray(1) }, { type: 'input_audio_buffer.append', audio: 'AQID/w==' }],
  ['a commit', { type: 'commit_audio', eventId: 'e' }, { type: 'input_audio_buffer.commit', event_id: 'e' }],
  ['a clear', { type: 'clear_audio', eventId: 'e' }, { type: 'input_audio_buffer.clear', event_id: 'e' }],
  [
    'a message at the head, with an image',
    {
      type: 'create_item',
      eventId: 'e',
      previousItemId: null,
      item: { type: 'message', id: 'i', role: 'user', content: [{ type: 'input_text', text: 'look' }, { type: 'input_image', url: 'data:image/png;base64,AA==', detail: 'low' }, { type: 'input_image' }] },
    },
    {
      type: 'conversation.item.create',
      event_id: 'e',
      previous_item_id: 'root',
      item: { id: 'i', type: 'message', role: 'user', content: [{ type: 'input_text', text: 'look' }, { type: 'input_image', image_url: 'data:image/png;base64,AA==', detail: 'low' }] },
    },
  ],
  [
    'what the agent said, put back as text',
    {
      type: 'create_item',
      eventId: 'e',
      previousItemId: 'before',
      item: { type: 'message', id: 'i', role: 'assistant', content: [{ type: 'output_audio', transcript: 'spoken' }, { type: 'output_audio', transcript: null }, { type: 'output_text', text: 'written' }] },
    },
    {
      type: 'conversation.item.create',
      event_id: 'e',
      previous_item_id: 'before',
      item: { id: 'i', type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'spoken' }, { type: 'output_text', text: 'written' }] },
    },
  ],
  [
    'what the user said, put back as text',
    { type: 'create_item', eventId: 'e', item: { type: 'message', id: 'i', role: 'user', content: [{ type: 'input_audio', transcript: 'heard' }] } },
    { type: 'conversation.item.create', event_id: 'e', item: { id: 'i', type: 'message', role: 'user', content: [{ type: 'input_text', text: 'heard' }] } },
  ],
  [
    'a system message',
    { type: 'create_item', eventId: 'e', item: { type: 'message', id: 'i', role: 'system', content: [{ type: 'input_text', text: 'note' }] } },
    { type: 'conversation.item.create', event_id: 'e', item: { id: 'i', type: 'message', role: 'system', content: [{ type: 'input_text', text: 'note' }] } },
  ],
  [
    'a call put back',
    { type: 'create_item', eventId: 'e', item: { type: 'function_call', id: 'i', callId: 'c', name: 'f', arguments: '{}' } },
    { type: 'conversation.item.create', event_id: 'e', item: { id: 'i', type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' } },
  ],
  [
    'the output of a call',
    { type: 'create_item', eventId: 'e', item: { type: 'function_call_output', id: 'i', callId: 'c', output: '"sunny" \u2028' } },
    { type: 'conversation.item.create', event_id: 'e', item: { id: 'i', type: 'function_call_output', call_id: 'c', output: '"sunny" \u2028' } },
  ],
  [
    'a person who agrees to a hosted call',
    { type: 'create_item', eventId: 'e', item: { type: 'mcp_approval_response', id: 'i', approvalRequestId: 'q', approve: true } },
    { type: 'conversation.item.create', event_id: 'e', item: { id: 'i', type: 'mcp_approval_response', approval_request_id: 'q', approve: true } },
  ],
  [
    'a person who refuses one',
    { type: 'create_item', eventId: 'e', item: { type: 'mcp_approval_response', id: 'i', approvalRequestId: 'q', approve: false, reason: 'no' } },
    { type: 'conversation.item.create', event_id: 'e', item: { id: 'i', type: 'mcp_approval_response', approval_request_id: 'q', approve: false, reason: 'no' } },
  ],
  ['a delete', { type: 'delete_item', eventId: 'e', itemId: 'i' }, { type: 'conversation.item.delete', event_id: 'e', item_id: 'i' }],
  [
    'a truncation',
    { type: 'truncate_item', eventId: 'e', itemId: 'i', contentIndex: 0, audioEndMs: 1240 },
    { type: 'conversation.item.truncate', event_id: 'e', item_id: 'i', content_index: 0, audio_end_ms: 1240 },
  ],
  ['a response', { type: 'create_response', eventId: 'e', request: {} }, { type: 'response.create', event_id: 'e' }],
  [
    'a response with wishes',
    { type: 'create_response', eventId: 'e', request: { instructions: 'greet', outputModality: 'audio', toolChoice: 'none', maxOutputTokens: 100, metadata: { k: 'v' } } },
    { type: 'response.create', event_id: 'e', response: { instructions: 'greet', output_modalities: ['audio'], tool_choice: 'none', max_output_tokens: 100, metadata: { k: 'v' } } },
  ],
  ['a cancel', { type: 'cancel_response', eventId: 'e' }, { type: 'response.cancel', event_id: 'e' }],
  ['a cancel of one response', { type: 'cancel_response', eventId: 'e', responseId: 'r' }, { type: 'response.cancel', event_id: 'e', response_id: 'r' }],
];

describe('every command is written in the current dialect', () => {
  test.each(cases)('%s', (_name, command, expected) => {
    expect(JSON.parse(serialize(command))).toEqual(expected);
  });

  test('null turns a feature off', () => {
    const config: ModelConfig = { ...minimal, turnDetection: null, transcription: null, noiseReduction: null };
    const { session } = JSON.parse(serialize({ type: 'configure', eventId: 'e', config })) as { session: { audio: { input: unknown } } };
    expect(session.audio.input).toEqual({ format: { type: 'audio/pcm', rate: 24000 }, turn_detection: null, transcription: null, noise_reduction: null });
  });

  test('semantic turn detection', () => {
    const config: ModelConfig = { ...minimal, turnDetection: { type: 'semantic_vad', eagerness: 'high', createResponse: false } };
    const { session } = JSON.parse(serialize({ type: 'configure', eventId: 'e', config })) as { session: { audio: { input: { turn_detection: unknown } } } };
    expect(session.audio.input.turn_detection).toEqual({ type: 'semantic_vad', eagerness: 'high', create_response: false });
  });
});

test('servers of hosted tools are written with what they have', () => {
  const tools: ModelConfig['tools'] = [
    { type: 'mcp', serverLabel: 'docs', serverUrl: 'https://docs.example/mcp' },
    {
      type: 'mcp',
      serverLabel: 'mail',
      connectorId: 'connector_gmail',
      serverDescription: 'mail',
      authorization: 'secret',
      headers: { 'x-a': 'b' },
      allowedTools: ['read'],
      requireApproval: { always: ['send'], never: ['read'] },
    },
    { type: 'mcp', serverLabel: 'open', serverUrl: 'https://open.example', requireApproval: 'never' },
  ];
  const expected = [
    { type: 'mcp', server_label: 'docs', server_url: 'https://docs.example/mcp' },
    {
      type: 'mcp',
      server_label: 'mail',
      connector_id: 'connector_gmail',
      server_description: 'mail',
      authorization: 'secret',
      headers: { 'x-a': 'b' },
      allowed_tools: ['read'],
      require_approval: { always: { tool_names: ['send'] }, never: { tool_names: ['read'] } },
    },
    { type: 'mcp', server_label: 'open', server_url: 'https://open.example', require_approval: 'never' },
  ] satisfies RealtimeToolsConfig;
  const { session } = JSON.parse(serialize({ type: 'configure', eventId: 'e', config: { ...minimal, tools } })) as { session: { tools: unknown } };
  expect(session.tools).toEqual(expected);
});

test('a format that the protocol has no word for is refused', () => {
  for (const format of [audioFormat('mulaw', 16000), audioFormat('pcm16', 24000, 2)]) {
    expect(() => serialize({ type: 'configure', eventId: 'e', config: { ...minimal, inputFormat: format } })).toThrow(RangeError);
  }
});
