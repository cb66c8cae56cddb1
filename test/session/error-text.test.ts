import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { AudioError } from '../../audio/index.js';
import { InvalidStateError, ProtocolError, ProviderError, RunError, ToolError, TransportError, VoicewireError, errorText, explainError, tool } from '../../session/index.js';
import type { InvalidStateCode, ProtocolErrorCode, ProviderErrorCode, RunErrorCode, ToolErrorCode, TransportErrorCode } from '../../session/index.js';
import { HostError } from '../../src/host/errors.js';
import { parseMessage } from '../../src/protocol/openai-realtime/parse.js';
import { openHarness } from '../helpers/session-harness.js';
import { settle } from '../helpers/settle.js';
import { calls, outputsOf } from '../helpers/tool-calls.js';

const circular: Record<string, unknown> = { code: 7 };
circular['self'] = circular;

/** What programs throw, and what servers write where an error should stand. */
const THROWN: readonly (readonly [unknown, string])[] = [
  [new Error('full'), 'full'],
  ['full', 'full'],
  ['  ', 'no reason was given'],
  [undefined, 'undefined'],
  [null, 'null'],
  [42, '42'],
  [{ message: 'full' }, 'full'],
  [{ error: { message: 'full', code: 'x' } }, 'full'],
  [{ message: { text: 'full' } }, '{"text":"full"}'],
  [{ status: 500 }, '{"status":500}'],
  [[1, 2], '[1,2]'],
  [circular, 'something that cannot be written'],
  [{ toJSON: () => undefined }, 'something that cannot be written'],
  [new Error({ a: 1 } as unknown as string), 'Error without a message'],
  [new Error(), 'Error without a message'],
  [new AggregateError([new Error('refused on ::1'), new Error('refused on 127.0.0.1')], ''), 'refused on ::1; refused on 127.0.0.1'],
];

describe('errorText', () => {
  it.each(THROWN)('%#: finds the words of %o', (thrown, words) => {
    expect(errorText(thrown)).toBe(words);
  });

  it('is a line, however much was thrown', () => {
    expect(errorText({ payload: 'x'.repeat(100_000) }).length).toBe(501);
  });
});

describe('explainError', () => {
  it('tells the code, what to do, and every cause once', () => {
    const root = Object.assign(new Error('connect ECONNREFUSED'), { cause: { error: { message: 'nobody is there' } } });
    const error = new TransportError('MODEL_UNREACHABLE', 'No connection.', { hint: 'Start it.', cause: root });
    expect(explainError(error)).toBe('MODEL_UNREACHABLE: No connection. Start it.\n  because: connect ECONNREFUSED\n  because: nobody is there');
  });

  it('ends where causes go in a circle, and after eight', () => {
    const circle = new Error('a');
    circle.cause = new Error('b', { cause: circle });
    expect(explainError(circle)).toBe('a\n  because: b');
    let chain: Error = new Error('0');
    for (let count = 1; count < 100; count += 1) chain = new Error(String(count), { cause: chain });
    expect(explainError(chain).split('\n').length).toBe(8);
  });
});

const invalidState: Record<InvalidStateCode, true> = { SESSION_CLOSED: true, SESSION_NOT_CONNECTED: true, SESSION_ALREADY_CONNECTED: true, CHANNEL_FULL: true, RUN_ALREADY_READ: true, PIPELINE_BUSY: true, PIPELINE_NOT_RUNNING: true };
const protocol: Record<ProtocolErrorCode, true> = { PROTOCOL_BAD_EVENT: true, PROTOCOL_BAD_FRAME: true, AUDIO_FORMAT_MISMATCH: true };
const transport: Record<TransportErrorCode, true> = {
  ...{ MODEL_UNREACHABLE: true, MODEL_UNAUTHORIZED: true, MODEL_NOT_FOUND: true, MODEL_REFUSED: true, MODEL_CONNECTION_LOST: true, CONNECT_TIMEOUT: true },
  ...{ TRANSPORT_CLOSED: true, PLAYBACK_STALLED: true, STREAM_TIMEOUT: true },
};
const provider: Record<ProviderErrorCode, true> = {
  ...{ PROVIDER_ERROR: true, PROVIDER_RATE_LIMITED: true, PROVIDER_SESSION_EXPIRED: true, RESPONSE_FAILED: true, RESPONSE_TIMEOUT: true, SPEECH_UNANSWERED: true, AUDIO_UNDECODED: true, TRANSCRIPTION_FAILED: true },
  ...{ HISTORY_EDIT_FAILED: true, SYNTHESIS_FAILED: true, SPEECH_NOT_ENDED: true, RESPONSE_INCOMPLETE: true, RESPONSE_TOO_LONG: true, AUDIO_MISMATCH: true, AUDIO_STUCK: true },
};
const tools: Record<ToolErrorCode, true> = { TOOL_FAILED: true, TOOL_CALL_CONFLICT: true, HANDLER_FAILED: true, HANDOFF_FAILED: true, GUARDRAIL_FAILED: true };

const runs: Record<RunErrorCode, true> = {
  ...{ RUN_MAX_TURNS: true, RUN_CANCELLED: true, RUN_TIMEOUT: true, RUN_WAITS: true, GUARDRAIL_TRIPPED: true, OUTPUT_INVALID: true, OUTPUT_REFUSED: true, MEMORY_FAILED: true },
};

function codesOf<Code extends string>(record: Record<Code, true>): Code[] {
  return Object.keys(record) as Code[];
}

const payload = { error: { type: 'server_error', detail: { reason: 'overloaded' } } };
/** One of every error of every room; each with a cause that is an object of a server, below an error of a library. */
const cause = new Error('fetch failed', { cause: payload });
const errors: readonly Error[] = [
  ...codesOf(invalidState).map((code) => new InvalidStateError(code, 'It cannot be now.')),
  ...codesOf(protocol).map((code) => new ProtocolError(code, 'It is not what it should be.', { cause })),
  ...codesOf(transport).map((code) => new TransportError(code, 'It is gone.', { cause })),
  ...codesOf(provider).map((code) => new ProviderError(code, 'It said no.', { cause })),
  ...codesOf(tools).map((code) => new ToolError(code, 'It did not work.', { cause })),
  ...codesOf(runs).map((code) => new RunError(code, 'It came to nothing.', { cause })),
  new HostError('FILE_NOT_FOUND', 'It is not there.', { cause }),
  new AudioError('WAV_INVALID', 'It is no WAV.'),
];

describe('every error', () => {
  it.each(errors)('$name $code is readable in each of the ways in which people print errors', (error) => {
    for (const text of [String(error), error.message, explainError(error), inspect(error, { depth: 9 }), `${JSON.stringify(error)}`]) {
      expect(text).not.toContain('[object Object]');
      expect(text).not.toBe('');
    }
    if (error.cause !== undefined) expect(explainError(error)).toContain('overloaded');
  });

  it.each(errors.filter((error) => error instanceof VoicewireError && !(error instanceof HostError)) as VoicewireError[])('$code says what to do, though nobody wrote it', ({ hint }) => {
    expect(hint).toMatch(/^[A-Z“].{10,}\.$/s);
  });

  it('says at which end it is', () => {
    expect(new TransportError('MODEL_CONNECTION_LOST', '').leg).toBe('model');
    expect(new ToolError('GUARDRAIL_FAILED', '', { stage: 'guardrail' }).leg).toBe('tool');
    expect(new InvalidStateError('SESSION_CLOSED', '').leg).toBe('application');
    expect(new HostError('MICROPHONE_DENIED', '').leg).toBe('client');
    expect(new TransportError('PLAYBACK_STALLED', '', { leg: 'client' }).leg).toBe('client');
  });
});

describe('objects in the place of words', () => {
  it.each([
    ['{"type":"error","error":{"type":"server_error","message":{"text":"overloaded"}}}', '{"text":"overloaded"}'],
    ['{"type":"error","error":{"message":["a","b"]}}', '["a","b"]'],
    ['{"type":"error","error":{"message":{"message":"overloaded"}}}', 'overloaded'],
    ['{"type":"error","error":{}}', 'gave no message'],
    ['{"type":"response.done","response":{"id":"r","status":"failed","status_details":{"error":{"message":{"why":"overloaded"}}}}}', 'overloaded'],
    ['{"type":"conversation.item.input_audio_transcription.failed","item_id":"u","content_index":0,"error":{"message":{"why":"overloaded"}}}', 'overloaded'],
  ])('of a provider: %s', async (wire, words) => {
    const { model, of } = await openHarness();
    model.push(...parseMessage(wire));
    const [told] = of('error');
    expect(told?.error.message).toContain(words);
    expect(told?.error.message).not.toContain('[object');
    expect(told?.error.hint).toMatch(/\w/);
  });

  it('of a tool are told to the model as what they are', async () => {
    const fails = tool({ name: 'fails', description: 'Fails.', parameters: { type: 'object', properties: {} }, execute: () => Promise.reject({ error: { message: 'the bank is closed' } } as unknown as Error) });
    const harness = await openHarness({ tools: [fails] });
    harness.model.push(...calls('r1', ['c1', 'fails', '{}']));
    await settle();
    expect(outputsOf(harness)).toEqual([['c1', { error: 'the bank is closed' }]]);
  });

  it('of a handler of the application, and of a guardrail, are told as what they are', async () => {
    const check = (): never => {
      throw { error: { message: 'no rules' } } as unknown as Error;
    };
    const { session, model, of } = await openHarness({ guardrails: { input: [{ name: 'rules', check }] } });
    session.on('input_committed', () => {
      throw { status: 500 } as unknown as Error;
    });
    session.sendMessage('Hello');
    await settle();
    model.push({ type: 'input_committed', itemId: 'u1' });
    expect(of('error').map(({ error }) => [error.code, error.message])).toEqual([
      ['GUARDRAIL_FAILED', expect.stringContaining('no rules') as string],
      ['HANDLER_FAILED', expect.stringContaining('{"status":500}') as string],
    ]);
  });
});
