import { RealtimeAgent } from '../../../session/index.js';
import type { ReconnectOptions } from '../../../session/index.js';
import { RealtimeSession } from '../../../src/host/realtime-session.js';
import { openaiRealtime } from '../../../src/provider/openai/openai-realtime.js';
import type { Transport } from '../../../src/transport/transport.js';
import { startModelServer } from '../../helpers/model-server.js';
import type { ModelServer } from '../../helpers/model-server.js';
import { ON_FAILURE, Witness, outcomeOf } from './fault.js';
import type { Fault, FaultOutcome } from './fault.js';

/** An open call on a real socket; `act` is the fault, `until` what must have come of it. */
async function onSocket(act: (server: ModelServer, session: RealtimeSession) => unknown, until: (witness: Witness) => boolean, reconnect: ReconnectOptions | false = false): Promise<FaultOutcome> {
  await using server = await startModelServer();
  const session = new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model: openaiRealtime({ url: server.url }), onFailure: ON_FAILURE, reconnect });
  const witness = new Witness(session);
  await session.connect();
  await act(server, session);
  await witness.until(() => until(witness));
  return await outcomeOf(session, witness);
}

function closing(code: number): Fault {
  const cut = (transport: Transport): unknown => (code === 1006 ? transport.destroy() : transport.close(code, 'because'));
  return {
    ...{ name: `closed with ${code}`, code: 'MODEL_CONNECTION_LOST', retryable: true, clip: true, ends: true },
    provoke: () => onSocket(async (server) => cut(await server.serving()), ({ closes }) => closes > 0),
  };
}

/** A second message shows that the first has been dealt with. */
const MARK = { type: 'input_audio_buffer.committed', item_id: 'mark' };

function message(name: string, wire: string | object | Uint8Array, code: string | undefined, more: Partial<Fault> = {}): Fault {
  return {
    ...{ name, clip: false, ends: false, ...(code === undefined ? {} : { code, retryable: false }), ...more },
    provoke: () => onSocket((server) => server.say(wire, MARK), ({ committed }) => committed > 0),
  };
}

const error = (fields: object): object => ({ type: 'error', event_id: 'event_9', error: { type: 'invalid_request_error', message: 'No.', ...fields } });

/** What goes wrong on a connection that is open. */
export const socketFaults: readonly Fault[] = [
  ...[1000, 1001, 1006, 1008, 1009, 1011, 1013, 4000].map(closing),
  {
    ...{ name: 'cut off, where the connection may be made again', clip: false, ends: false },
    provoke: () =>
      onSocket(
        async (server, session) => {
          const resumed = new Promise<void>((resolve) => session.on('connection', ({ connection }) => connection.state === 'resumed' && resolve()));
          (await server.serving()).destroy();
          await resumed;
        },
        () => true,
        { baseDelayMs: 1 },
      ),
  },
  message('a text that is no JSON', '{"type":"response.created"', 'PROTOCOL_BAD_EVENT'),
  message('JSON that is no object', '[1,2]', 'PROTOCOL_BAD_EVENT'),
  message('an object without a type', { hello: 1 }, 'PROTOCOL_BAD_EVENT'),
  message('a binary message', Uint8Array.of(1, 2, 3), 'PROTOCOL_BAD_EVENT'),
  message('an event that is not known', { type: 'response.mood', mood: 'good' }, undefined),
  message('a known event with wrong types', { type: 'response.created', response: { id: 7 } }, 'PROTOCOL_BAD_EVENT'),
  message('audio that is no base64', { type: 'response.output_audio.delta', response_id: 'r', item_id: 'i', content_index: 0, delta: '***' }, 'PROTOCOL_BAD_EVENT'),
  message('an error whose words are an object', error({ message: { reason: ['a', { b: 1 }] } }), 'PROVIDER_ERROR'),
  message('an error that is a sentence', { type: 'error', error: 'No.' }, 'PROVIDER_ERROR', { retryable: true }),
  message('an error event: rate limit', error({ code: 'rate_limit_exceeded' }), 'PROVIDER_RATE_LIMITED', { providerCode: 'rate_limit_exceeded', retryable: true }),
  message('an error event: server error', error({ type: 'server_error', code: null }), 'PROVIDER_ERROR', { retryable: true }),
  message('an error event: text too long', error({ code: 'string_above_max_length', param: 'item.content[0].text' }), 'PROVIDER_ERROR', { providerCode: 'string_above_max_length' }),
  message('transcription failed', { type: 'conversation.item.input_audio_transcription.failed', item_id: 'u', content_index: 0, error: { type: 'x', code: 'audio_unintelligible', message: 'What?' } }, 'TRANSCRIPTION_FAILED', {
    providerCode: 'audio_unintelligible',
  }),
  {
    ...{ name: 'session_expired, then 1001', code: 'PROVIDER_SESSION_EXPIRED', retryable: false, providerCode: 'session_expired', clip: true, ends: true },
    provoke: () =>
      onSocket(
        async (server) => {
          await server.say(error({ code: 'session_expired', message: 'Your session hit the maximum duration of 60 minutes.' }));
          await (await server.serving()).close(1001, 'Your session hit the maximum duration of 60 minutes.');
        },
        ({ closes }) => closes > 0,
      ),
  },
  {
    ...{ name: 'server error, then 1011', code: 'PROVIDER_ERROR', retryable: true, clip: true, ends: true },
    provoke: () =>
      onSocket(
        async (server) => {
          await server.say(error({ type: 'server_error' }));
          await (await server.serving()).close(1011, 'internal');
        },
        ({ closes }) => closes > 0,
      ),
  },
];
