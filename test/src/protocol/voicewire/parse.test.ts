import { describe, expect, test } from 'vitest';
import { ProtocolError, VoicewireError } from '../../../../session/index.js';
import { closeCodeFor, parseClientMessage, parseGatewayMessage, serializeMessage, toWireEvent } from '../../../../src/protocol/voicewire/index.js';
import type { ClientMessage, GatewayMessage } from '../../../../src/protocol/voicewire/index.js';

const info = { sessionId: 's1', agentName: 'Ava', timestamp: 12 };

const clientMessages: readonly ClientMessage[] = [
  { type: 'start', client: 'test 1', audio: true },
  { type: 'text', text: 'x'.repeat(8000) },
  { type: 'playback', epoch: 2, item: 7, samples: 4800 },
  { type: 'interrupt' },
  { type: 'commit' },
  { type: 'end' },
];

const gatewayMessages: readonly GatewayMessage[] = [
  { type: 'ready', protocol: 1, sessionId: 's1', agent: 'Ava', model: { label: 'emulator', note: 'follows a script' }, sampleRate: 24000 },
  { type: 'ready', protocol: 1, sessionId: 's1', agent: 'Ava', model: { label: 'emulator' }, sampleRate: 24000 },
  { type: 'item', item: 1, itemId: 'item_1', responseId: 'resp_1', contentIndex: 0, epoch: 0 },
  { type: 'item_end', item: 1, epoch: 0, samples: 48000 },
  { type: 'clear', epoch: 1 },
  { type: 'pause', epoch: 1, how: 'pause' },
  { type: 'pause', epoch: 0, how: 'duck' },
  { type: 'resume', epoch: 1 },
  { type: 'event', event: { type: 'agent_start', info, responseId: 'resp_1' } },
  { type: 'error', code: 'MODEL_UNREACHABLE', message: 'No model.', hint: 'Start one.' },
  { type: 'ended', reason: 'client' },
];

function codeOf(parse: () => unknown): { code: string; close: number } {
  try {
    parse();
  } catch (error) {
    if (error instanceof ProtocolError) return { code: error.code, close: closeCodeFor(error) };
    throw error;
  }
  throw new Error('It was accepted.');
}

describe('messages', () => {
  test.each(clientMessages)('client message $type survives the wire', (message) => {
    expect(parseClientMessage(serializeMessage(message))).toEqual(message);
  });

  test.each(gatewayMessages)('gateway message $type survives the wire', (message) => {
    expect(parseGatewayMessage(serializeMessage(message))).toEqual(message);
  });

  test.each(['', '{', 'hello', '\u0000'])('no JSON (%j) closes with 1007', (text) => {
    expect(codeOf(() => parseClientMessage(text))).toEqual({ code: 'PROTOCOL_BAD_FRAME', close: 1007 });
    expect(codeOf(() => parseGatewayMessage(text)).code).toBe('PROTOCOL_BAD_FRAME');
  });

  test.each([
    'null', '5', '[]', '{}', '{"type":1}', '{"type":"constructor"}', '{"type":"__proto__"}', '{"type":"hello"}',
    '{"type":"start"}', '{"type":"start","client":"","audio":true}', '{"type":"start","client":"a","audio":"yes"}',
    '{"type":"text","text":""}', JSON.stringify({ type: 'text', text: 'x'.repeat(8001) }), '{"type":"text","text":["a"]}',
    '{"type":"playback","epoch":0,"item":1}', '{"type":"playback","epoch":-1,"item":1,"samples":0}',
    '{"type":"playback","epoch":0,"item":1.5,"samples":0}', '{"type":"playback","epoch":0,"item":1,"samples":1e300}',
  ])('the gateway refuses %s with 1008', (text) => {
    expect(codeOf(() => parseClientMessage(text))).toEqual({ code: 'PROTOCOL_BAD_EVENT', close: 1008 });
  });

  test('a client ignores what a later gateway may say', () => {
    expect(parseGatewayMessage('{"type":"weather"}')).toBeUndefined();
    expect(parseGatewayMessage('{"type":"toString"}')).toBeUndefined();
    expect(parseGatewayMessage(JSON.stringify({ type: 'event', event: { type: 'weather_report', info } }))).toBeUndefined();
    expect(parseGatewayMessage(JSON.stringify({ type: 'event', event: { type: 'constructor', info } }))).toBeUndefined();
    expect(parseGatewayMessage('{"type":"clear","epoch":4,"because":"speech"}')).toEqual({ type: 'clear', epoch: 4 });
  });

  test.each(['{"type":"clear"}', '{"type":"pause","epoch":1}', '{"type":"pause","epoch":1,"how":"loudly"}', '{"type":"resume"}', '{"type":"item_end","item":1,"epoch":0,"samples":"all"}', '{"type":"event","event":{"type":"agent_start"}}', '{"type":"ready"}', '{"type":"error","code":"","message":""}'])(
    'a client refuses the half-made %s',
    (text) => {
      expect(codeOf(() => parseGatewayMessage(text)).code).toBe('PROTOCOL_BAD_EVENT');
    },
  );
});

describe('session events on the wire', () => {
  test('an error keeps code, message, stage, retryable and hint, and loses its cause', () => {
    const error = new VoicewireError('TOOL_FAILED', 'The tool failed.', { stage: 'tool', hint: 'Look at it.', cause: new Error('secret') });
    const event = toWireEvent({ type: 'error', info, error });
    expect(JSON.parse(JSON.stringify(event))).toEqual({
      type: 'error',
      info,
      error: { code: 'TOOL_FAILED', message: 'The tool failed.', stage: 'tool', retryable: false, hint: 'Look at it.' },
    });
  });

  test('sound, raw events and argument deltas stay in the gateway', () => {
    expect(toWireEvent({ type: 'raw_model_event', info, name: 'ping', raw: {} })).toBeUndefined();
    expect(toWireEvent({ type: 'tool_arguments_delta', info, itemId: 'i', callId: 'c', delta: '{', textSoFar: '{' })).toBeUndefined();
    const transcript = { type: 'transcript_delta', info, role: 'agent', itemId: 'i', delta: 'Hi' } as const;
    expect(toWireEvent(transcript)).toEqual(transcript);
  });
});
