import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { Server as HttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { RealtimeAgent } from '../../../session/index.js';
import type { Clock, RealtimeModel, SessionConfig, VoicewireError } from '../../../session/index.js';
import { startEmulator } from '../../../src/emulator/index.js';
import type { EmulatorOptions } from '../../../src/emulator/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { RealtimeSession } from '../../../src/host/realtime-session.js';
import { openaiRealtime } from '../../../src/provider/openai/openai-realtime.js';
import type { OpenaiRealtimeOptions } from '../../../src/provider/openai/openai-realtime.js';
import { startModelServer } from '../../helpers/model-server.js';
import { ON_FAILURE, Witness, outcomeOf } from './fault.js';
import type { Fault, FaultOutcome } from './fault.js';

/** Connects and expects a rejection. */
async function opening(model: RealtimeModel, more: { clock?: Clock; config?: SessionConfig; meanwhile?: () => void } = {}): Promise<FaultOutcome> {
  const { meanwhile, ...options } = more;
  const session = new RealtimeSession(new RealtimeAgent({ name: 'Ava' }), { model, onFailure: ON_FAILURE, reconnect: false, ...options });
  const witness = new Witness(session);
  const connecting = session.connect().then(
    () => [],
    (error: unknown) => [error as VoicewireError],
  );
  meanwhile?.();
  return outcomeOf(session, witness, await connecting);
}

async function withServer(server: Server | HttpServer, use: (port: number) => Promise<FaultOutcome>): Promise<FaultOutcome> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await use((server.address() as AddressInfo).port);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

function answering(status: number): () => Promise<FaultOutcome> {
  return () => {
    const server = createHttpServer();
    server.on('upgrade', (_request, socket) => socket.end(`HTTP/1.1 ${status} Told So\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"error":{"message":{"deep":"object"}}}`));
    return withServer(server, (port) => opening(openaiRealtime({ url: `ws://127.0.0.1:${port}/v1/realtime`, apiKey: 'k' })));
  };
}

/** A server of bytes, not of HTTP. */
function bytes(scheme: 'ws' | 'wss', onSocket: (socket: Socket) => void): () => Promise<FaultOutcome> {
  return () => withServer(createServer(onSocket), (port) => opening(openaiRealtime({ url: `${scheme}://127.0.0.1:${port}/`, apiKey: 'k' })));
}

function emulator(options: EmulatorOptions, client: OpenaiRealtimeOptions, config: SessionConfig = {}, path = ''): () => Promise<FaultOutcome> {
  return async () => {
    await using running = await startEmulator(options);
    return await opening(openaiRealtime({ url: running.url + path, ...client }), { config });
  };
}

const never = { clip: false, ends: true } as const;

/** What goes wrong before there is a call: `connect` rejects, and whoever holds the line speaks. */
export const handshakeFaults: readonly Fault[] = [
  { name: 'HTTP 401', code: 'MODEL_UNAUTHORIZED', retryable: false, ...never, provoke: answering(401) },
  { name: 'HTTP 403', code: 'MODEL_UNAUTHORIZED', retryable: false, ...never, provoke: answering(403) },
  { name: 'HTTP 404', code: 'MODEL_NOT_FOUND', retryable: false, ...never, provoke: answering(404) },
  { name: 'HTTP 429', code: 'MODEL_REFUSED', retryable: true, ...never, provoke: answering(429) },
  { name: 'HTTP 500', code: 'MODEL_REFUSED', retryable: true, ...never, provoke: answering(500) },
  { name: 'HTTP 503', code: 'MODEL_REFUSED', retryable: true, ...never, provoke: answering(503) },
  { name: 'HTTP 302', code: 'MODEL_REFUSED', retryable: false, ...never, provoke: answering(302) },
  { name: 'HTTP 200, no WebSocket', code: 'MODEL_REFUSED', retryable: false, ...never, provoke: answering(200) },
  { name: 'a host that no name server knows', code: 'MODEL_UNREACHABLE', retryable: true, ...never, provoke: () => opening(openaiRealtime({ url: 'wss://nobody.invalid/v1/realtime', apiKey: 'k' })) },
  {
    ...{ name: 'nobody listens', code: 'MODEL_UNREACHABLE', retryable: true, ...never },
    provoke: async () => {
      let free = 0;
      await withServer(createServer(), async (port) => {
        free = port;
        return Promise.resolve({ errors: [], clips: 0, closes: 0, closesInTheEnd: 0 });
      });
      return opening(openaiRealtime({ url: `ws://127.0.0.1:${free}/`, apiKey: 'k' }));
    },
  },
  { name: 'TLS expected, and the server speaks plainly', code: 'MODEL_UNREACHABLE', retryable: true, ...never, provoke: bytes('wss', (socket) => void socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))) },
  { name: 'an answer that is no HTTP', code: 'MODEL_UNREACHABLE', retryable: true, ...never, provoke: bytes('ws', (socket) => void socket.end('SSH-2.0-Open\r\n')) },
  { name: 'a server that hangs up in the handshake', code: 'MODEL_UNREACHABLE', retryable: true, ...never, provoke: bytes('ws', (socket) => void socket.once('data', () => socket.destroy())) },
  {
    ...{ name: 'a handshake with a wrong key of acceptance', code: 'MODEL_UNREACHABLE', retryable: true, ...never },
    provoke: bytes('ws', (socket) => void socket.once('data', () => socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n'))),
  },
  {
    ...{ name: 'a server that answers nothing', code: 'CONNECT_TIMEOUT', retryable: true, ...never },
    provoke: () => {
      const clock = new ManualClock();
      const server = createServer((socket) => void socket.once('data', () => clock.advance(10_000)));
      return withServer(server, (port) => opening(openaiRealtime({ url: `ws://127.0.0.1:${port}/`, apiKey: 'k', clock }), { clock }));
    },
  },
  {
    ...{ name: 'a model that opens and does not confirm the configuration', code: 'CONNECT_TIMEOUT', retryable: true, ...never },
    provoke: async () => {
      const clock = new ManualClock();
      await using server = await startModelServer(() => {
        clock.advance(10_000);
        return true;
      });
      return await opening(openaiRealtime({ url: server.url, clock }), { clock });
    },
  },
  { name: 'a wrong path', code: 'MODEL_NOT_FOUND', retryable: false, ...never, provoke: emulator({}, {}, {}, '/elsewhere') },
  { name: 'a wrong key', code: 'MODEL_UNAUTHORIZED', retryable: false, ...never, provoke: emulator({ apiKey: 'right' }, { apiKey: 'wrong' }) },
  { name: 'no key where one is needed', code: 'MODEL_UNAUTHORIZED', retryable: false, ...never, provoke: () => opening(openaiRealtime()) },
  { name: 'a key that cannot be fetched', code: 'MODEL_UNAUTHORIZED', retryable: true, ...never, provoke: () => opening(openaiRealtime({ apiKey: () => Promise.reject({ status: 503 } as unknown as Error) })) },
  { name: 'a header that holds a line break', code: 'MODEL_UNREACHABLE', retryable: false, ...never, provoke: () => opening(openaiRealtime({ url: 'ws://127.0.0.1:1/', headers: { 'X-Bad': 'a\nb' } })) },
  { name: 'the shape of the first version', code: 'PROVIDER_ERROR', providerCode: 'beta_api_shape_disabled', retryable: false, ...never, provoke: emulator({}, { headers: { 'OpenAI-Beta': 'realtime=v1' } }) },
  { name: 'session.update refused', code: 'PROVIDER_ERROR', providerCode: 'decimal_above_max_value', retryable: false, ...never, provoke: emulator({}, {}, { speed: 9 }) },
  {
    ...{ name: 'closed with 1008 before the configuration', code: 'MODEL_CONNECTION_LOST', retryable: true, ...never },
    provoke: async () => {
      await using server = await startModelServer((_event, transport) => {
        void transport.close(1008, 'policy');
        return true;
      });
      return await opening(openaiRealtime({ url: server.url }));
    },
  },
  {
    ...{ name: 'account_deactivated in the first message', code: 'PROVIDER_ERROR', providerCode: 'account_deactivated', retryable: false, ...never },
    provoke: async () => {
      await using server = await startModelServer((_event, transport) => {
        transport.send(JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', code: 'account_deactivated', message: 'No.' } }));
        void transport.close(4000, 'invalid_request_error.account_deactivated');
        return true;
      });
      return await opening(openaiRealtime({ url: server.url }));
    },
  },
];
