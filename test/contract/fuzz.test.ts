/**
 * Every socket, with a peer that sends whatever comes to its mind: messages that make sense, damaged ones, random bytes in frames and instead of
 * frames. The process goes on, nothing is unhandled, nobody else notices, and each call ends once. The emulator's messages are met the same way in
 * `test/src/emulator/server.test.ts`.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { z } from 'zod';
import { RealtimeAgent, tool } from '../../session/index.js';
import { connectNodeVoiceClient } from '../../src/client/index.js';
import { startEmulator } from '../../src/emulator/index.js';
import { startGateway } from '../../src/gateway/index.js';
import { RealtimeSession } from '../../src/host/realtime-session.js';
import { encodeAudioFrame } from '../../src/protocol/voicewire/index.js';
import { openaiRealtime } from '../../src/provider/openai/openai-realtime.js';
import { scriptedModel } from '../../src/provider/scripted/scripted-model.js';
import { startModelServer } from '../helpers/model-server.js';
import { fuzzed, randomBytes } from '../helpers/mutate.js';
import { random } from '../helpers/random.js';
import type { Random } from '../helpers/random.js';
import { settle } from '../helpers/settle.js';
import { EmulatorClient } from '../src/emulator/emulator-client.js';
import { openVoiceSocket } from '../src/gateway/voice-socket.js';
import { ON_FAILURE, Witness } from './faults/fault.js';

const unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', note).on('uncaughtException', note);
});
afterEach(async () => {
  await settle();
  process.off('unhandledRejection', note).off('uncaughtException', note);
  expect(unhandled).toEqual([]);
});

async function seeded(run: (rng: Random) => Promise<void>): Promise<void> {
  const rng = random();
  try {
    await run(rng);
  } catch (error) {
    throw new Error(`TEST_SEED=${rng.seed}`, { cause: error });
  }
}

/** What a model says, with few ids, so that events meet. */
function modelEvent(rng: Random): object {
  const [response_id, item_id] = [rng.pick(['r1', 'r2', 'r3']), rng.pick(['a1', 'a2', 'u1', 'u2'])];
  const place = { response_id, item_id, output_index: 0, content_index: 0 };
  const item = rng.pick([
    { id: item_id, type: 'message', role: rng.pick(['assistant', 'user']), status: 'in_progress', content: [{ type: 'output_audio', transcript: 'Well.' }] },
    { id: item_id, type: 'function_call', call_id: rng.pick(['c1', 'c2']), name: rng.pick(['act', 'other']), arguments: rng.pick(['{}', '{"a":', '']), status: 'completed' },
  ]);
  return rng.pick<object>([
    { type: 'session.updated', session: { id: 's', audio: { output: { format: { type: 'audio/pcm', rate: 24_000 } } } } },
    { type: 'input_audio_buffer.speech_started', item_id, audio_start_ms: rng.int(0, 2_000) },
    { type: 'input_audio_buffer.speech_stopped', item_id, audio_end_ms: rng.int(0, 2_000) },
    { type: 'input_audio_buffer.committed', item_id, previous_item_id: rng.pick([null, 'a1']) },
    { type: 'conversation.item.added', previous_item_id: rng.pick([null, 'a1', 'u2']), item },
    { type: 'conversation.item.done', item },
    { type: 'conversation.item.deleted', item_id },
    { type: 'conversation.item.input_audio_transcription.completed', item_id, content_index: 0, transcript: 'Hello.' },
    { type: 'conversation.item.input_audio_transcription.failed', item_id, content_index: 0, error: { message: { why: ['x'] } } },
    { type: 'response.created', response: { id: response_id, metadata: rng.pick([null, { voicewire_request: 'evt_3' }]) } },
    { type: 'response.output_item.added', response_id, output_index: 0, item },
    { type: 'response.output_audio.delta', ...place, delta: Buffer.alloc(rng.int(0, 960), 17).toString('base64') },
    { type: 'response.output_audio.done', ...place },
    { type: 'response.output_audio_transcript.delta', ...place, delta: 'Well. ' },
    { type: 'response.output_audio_transcript.done', ...place, transcript: 'Well.' },
    { type: 'response.function_call_arguments.delta', ...place, call_id: 'c1', delta: '{' },
    { type: 'response.function_call_arguments.done', ...place, call_id: rng.pick(['c1', 'c2']), name: 'act', arguments: '{}' },
    { type: 'response.output_item.done', response_id, output_index: 0, item },
    { type: 'response.done', response: { id: response_id, status: rng.pick(['completed', 'cancelled', 'failed', 'incomplete']), status_details: { error: { code: rng.pick([null, 'insufficient_quota']), message: 'x' } }, output: [item], usage: { total_tokens: 5 } } },
    { type: 'error', error: { type: 'server_error', code: rng.pick([null, 'conversation_already_has_active_response', 'rate_limit_exceeded']), message: 'x', event_id: rng.pick([null, 'evt_2', 'evt_3']) } },
  ]);
}

const act = tool({ name: 'act', description: 'Acts.', parameters: z.object({}), execute: () => 'done' });

function agentOf(): RealtimeAgent {
  return new RealtimeAgent({ name: 'Ava', tools: [act] });
}

describe('a session, whatever its model sends', () => {
  test('4000 messages, sense and nonsense: the call goes on, and ends once when it is closed', () =>
    seeded(async (rng) => {
      await using server = await startModelServer();
      const guardrails = { output: [{ name: 'g', check: () => 'pass' as const }] };
      const session = new RealtimeSession(agentOf(), { model: openaiRealtime({ url: server.url }), reconnect: false, onFailure: ON_FAILURE, anomalies: true, guardrails });
      const witness = new Witness(session);
      await session.connect();
      const transport = await server.serving();
      for (let round = 1; round <= 20; round += 1) {
        for (let count = 0; count < 200; count += 1) transport.send(fuzzed(rng, modelEvent));
        session.sendAudio(new Uint8Array(960));
        if (round % 3 === 0) session.sendMessage('Hello');
        if (round % 5 === 0) session.interrupt();
        const before = witness.committed;
        transport.send(JSON.stringify({ type: 'input_audio_buffer.committed', item_id: `mark${round}` }));
        await witness.until(() => witness.committed > before);
      }
      expect(session.state).toBe('open');
      expect(new Set(witness.errors.map(({ code }) => code)).size).toBeGreaterThan(2);
      for (const error of witness.errors) expect(error.message).not.toContain('[object');
      await session.close();
      expect(witness.closes).toBe(1);
    }));

  test('bytes that are no frames: the connection is lost and the call ends, once each', () =>
    seeded(async (rng) => {
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
      server.on('error', note);
      await once(server, 'listening');
      server.on('connection', (socket) => {
        socket.on('error', () => {});
        socket.on('message', () => {
          socket.send('{"type":"session.updated","session":{"id":"s"}}');
          // Below the protocol: whatever it means as a frame. A masked frame, at the least, no server may send.
          const raw = (socket as unknown as { _socket: Socket })._socket;
          raw.write(Buffer.concat([randomBytes(rng, 200), Buffer.of(0xff, 0xff, 0xff)]));
          raw.end();
        });
      });
      for (let round = 0; round < 25; round += 1) {
        const { port } = server.address() as { port: number };
        const session = new RealtimeSession(agentOf(), { model: openaiRealtime({ url: `ws://127.0.0.1:${port}/` }), reconnect: false, onFailure: ON_FAILURE });
        const witness = new Witness(session);
        await session.connect().catch(() => {});
        await witness.until(() => witness.closes > 0);
        await session.close();
        expect(witness.closes).toBe(1);
      }
      server.close();
    }));
});

/** What a client of the gateway says. */
function clientMessage(rng: Random): object {
  return rng.pick<object>([
    { type: 'start', client: 'fuzz', audio: rng.pick([true, false]) },
    { type: 'text', text: 'Hello' },
    { type: 'playback', epoch: 0, item: rng.int(0, 3), samples: rng.int(0, 100) },
    { type: 'interrupt' },
    { type: 'commit' },
    { type: 'end' },
  ]);
}

describe('a gateway, whatever its clients send', () => {
  test('150 clients of sense and nonsense: each call ends once, with one reason, and another caller is served throughout', () =>
    seeded(async (rng) => {
      await using emulator = await startEmulator();
      await using gateway = await startGateway({ port: 0, model: openaiRealtime({ url: emulator.url }), agent: agentOf, limits: { startTimeoutMs: 60_000 }, onFailure: ON_FAILURE, anomalies: true });
      const other = await openVoiceSocket(gateway);
      for (let round = 0; round < 150; round += 1) {
        const socket = new WebSocket(gateway.socketUrl, 'voicewire.v1');
        let terminal = 0;
        socket.on('message', (data: Buffer, isBinary) => {
          if (!isBinary && /^\{"type":"(error|ended)"/.test(data.toString())) terminal += 1;
        });
        socket.on('error', () => {});
        await once(socket, 'open');
        if (rng.next() < 0.7) socket.send(JSON.stringify({ type: 'start', client: 'fuzz', audio: true }));
        for (let count = rng.int(1, 10); count > 0; count -= 1) {
          const frame = encodeAudioFrame({ kind: 'microphone', epoch: 0, item: 0, firstSample: rng.int(0, 1_000), pcm: new Uint8Array(2 * rng.int(1, 500)) });
          if (rng.next() < 0.2) frame[rng.int(0, frame.length)] = rng.int(0, 256);
          socket.send(rng.next() < 0.3 ? frame : fuzzed(rng, clientMessage));
        }
        const closed = once(socket, 'close');
        if (rng.next() < 0.5) socket.send('{"type":"end"}');
        else socket.close();
        await closed;
        expect(terminal).toBeLessThanOrEqual(1);
      }
      other.send({ type: 'start', client: 'other', audio: false });
      await other.next('ready');
      expect(gateway.sessions).toBe(1);
      await other.close();
    }));

  test('bytes that are no frames end their own socket', () =>
    seeded(async (rng) => {
      await using gateway = await startGateway({ port: 0, model: scriptedModel(), agent: agentOf, greeting: false });
      const other = await openVoiceSocket(gateway);
      for (let round = 0; round < 40; round += 1) await scribble(gateway.address.port, '/v1/voice', 'voicewire.v1', rng);
      other.send({ type: 'start', client: 'other', audio: false });
      await other.next('ready');
      await other.close();
    }));
});

describe('a voice client, whatever its gateway sends', () => {
  test('60 calls of sense and nonsense: each ends once', () =>
    seeded(async (rng) => {
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'voicewire.v1' });
      await once(server, 'listening');
      const info = { sessionId: 's', agentName: 'Ava', timestamp: 1 };
      const sensible = (): object =>
        rng.pick<object>([
          { type: 'ready', protocol: 1, sessionId: 's', agent: 'Ava', model: { label: 'm' }, sampleRate: 24_000 },
          { type: 'item', item: rng.int(1, 4), itemId: 'a1', responseId: 'r1', contentIndex: 0, epoch: 0 },
          { type: 'item_end', item: rng.int(1, 4), epoch: 0, samples: 480 },
          { type: 'clear', epoch: rng.int(0, 3) },
          { type: 'pause', epoch: 0, how: 'duck' },
          { type: 'resume', epoch: 0 },
          { type: 'event', event: { type: 'transcript_delta', info, role: 'agent', itemId: 'a1', delta: 'Hi' } },
          { type: 'event', event: { type: 'error', info, error: { code: 'X', message: 'x', stage: 'model', retryable: false } } },
        ]);
      server.on('connection', (socket) => {
        socket.on('error', () => {});
        socket.once('message', () => {
          socket.send('{"type":"ready","protocol":1,"sessionId":"s","agent":"Ava","model":{"label":"m"},"sampleRate":24000}');
          for (let count = rng.int(1, 30); count > 0; count -= 1) {
            const frame = encodeAudioFrame({ kind: 'agent', epoch: 0, item: rng.int(1, 4), firstSample: rng.int(0, 500), pcm: new Uint8Array(2 * rng.int(1, 500)) });
            if (rng.next() < 0.3) frame[rng.int(0, frame.length)] = rng.int(0, 256);
            socket.send(rng.next() < 0.3 ? frame : fuzzed(rng, sensible));
          }
          socket.close(1000, 'done');
        });
      });
      const { port } = server.address() as { port: number };
      for (let round = 0; round < 60; round += 1) {
        const client = await connectNodeVoiceClient({ url: `http://127.0.0.1:${port}`, client: 'fuzz' });
        let closes = 0;
        const closed = new Promise<void>((resolve) => client.on('closed', () => resolve(void (closes += 1))));
        await Promise.race([closed, client.close()]);
        await client.close();
        await settle();
        expect(closes).toBe(1);
      }
      server.close();
    }));
});

describe('the emulator, whatever its clients send', () => {
  test('bytes that are no frames end their own socket', () =>
    seeded(async (rng) => {
      await using emulator = await startEmulator();
      const other = await EmulatorClient.open(emulator.url);
      for (let round = 0; round < 40; round += 1) await scribble(emulator.port, '/v1/realtime', 'realtime', rng);
      other.send({ type: 'input_audio_buffer.clear' });
      await other.next('input_audio_buffer.cleared');
      await other.close();
    }));
});

/** A client that shakes hands, or does not even do that, and then sends anything. Resolves when its socket is gone. */
async function scribble(port: number, path: string, protocol: string, rng: Random): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  if (rng.next() < 0.8) {
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
    );
    await once(socket, 'data');
  }
  const closed = once(socket, 'close');
  socket.resume();
  // An unmasked frame, at the least, no client may send.
  socket.write(Buffer.concat([randomBytes(rng, 300), Buffer.of(0x81, 0x01, 0x41)]));
  socket.end();
  await closed;
}
