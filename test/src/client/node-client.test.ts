import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { connectNodeVoiceClient, nodeVoiceClient } from '../../../src/client/index.js';
import type { Microphone, NodeVoiceOptions, VoiceClientEvent } from '../../../src/client/index.js';
import { decodeAudioFrame } from '../../../src/protocol/voicewire/index.js';
import { listenHttp } from '../../../src/transport/listen-http.js';
import type { Transport } from '../../../src/transport/transport.js';
import { attachWebSockets } from '../../../src/transport/ws-server.js';
import type { Admission } from '../../../src/transport/ws-server.js';

const READY = JSON.stringify({ type: 'ready', protocol: 1, sessionId: 's', agent: 'Ava', model: { label: 'emulator' }, sampleRate: 24000 });

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A gateway's socket on a free port; `onMessage` gets what the client sends, and answers. */
async function gateway(options: { admit?: (request: IncomingMessage) => Admission; onMessage?: (data: string | Uint8Array, transport: Transport) => void } = {}) {
  const requests: IncomingMessage[] = [];
  const sockets: Transport[] = [];
  const server = createServer();
  const door = attachWebSockets(server, {
    path: '/v1/voice',
    protocols: (offered) => (offered.has('voicewire.v1') ? 'voicewire.v1' : false),
    verify: (request) => options.admit?.(request) ?? { ok: true },
    onConnection: (transport, request) => {
      requests.push(request);
      sockets.push(transport);
      transport.listen({ onMessage: (data) => (options.onMessage ?? ((_data, socket) => socket.send(READY)))(data, transport), onClose: () => {} });
    },
  });
  const listening = await listenHttp(server, { host: '127.0.0.1', port: 0 });
  closers.push(
    () => listening.close(),
    () => door.close(),
  );
  return { url: `http://127.0.0.1:${listening.port}`, port: listening.port, requests, sockets };
}

async function connect(options: NodeVoiceOptions) {
  const events: VoiceClientEvent[] = [];
  const client = await connectNodeVoiceClient({ ...options, on: (made) => (['error', 'closed', 'pressure'] as const).forEach((type) => made.on(type, (event) => events.push(event))) });
  closers.push(() => client.close());
  return { client, events };
}

describe('the Node client on a real socket', () => {
  test('sends the token as a header and as a subprotocol, and gets the one without it', async () => {
    const { url, requests, sockets } = await gateway();
    await connect({ url, client: 'test', token: 'sesame' });
    expect(requests[0]?.headers.authorization).toBe('Bearer sesame');
    expect(requests[0]?.headers['sec-websocket-protocol']).toBe('voicewire.v1,voicewire.token.sesame');
    expect(sockets[0]?.protocol).toBe('voicewire.v1');
  });

  test.each([401, 403, 404, 426, 503])('status %i is GATEWAY_REFUSED, and the token is in no message', async (status) => {
    const { url } = await gateway({ admit: () => ({ ok: false, status }) });
    const failure = await connectNodeVoiceClient({ url, client: 'test', token: 'sesame' }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'HostError', code: 'GATEWAY_REFUSED', hint: expect.any(String) as string });
    expect(`${(failure as Error).message} ${JSON.stringify(failure)}`).not.toContain('sesame');
  });

  test('nobody at the port is GATEWAY_UNREACHABLE', async () => {
    const { url } = await gateway();
    await closers.pop()?.();
    await closers.pop()?.();
    await expect(connectNodeVoiceClient({ url, client: 'test' })).rejects.toMatchObject({ code: 'GATEWAY_UNREACHABLE', retryable: true });
  });

  test('a gateway that never gets ready is left after the time given', async () => {
    const { url } = await gateway({ onMessage: () => {} });
    await expect(connectNodeVoiceClient({ url, client: 'test', connectTimeoutMs: 150 })).rejects.toMatchObject({ code: 'GATEWAY_UNREACHABLE' });
  });

  test('a cut connection is CONNECTION_LOST', async () => {
    const { url, sockets } = await gateway();
    const { client } = await connect({ url, client: 'test' });
    const closed = new Promise((resolve) => client.on('closed', resolve));
    sockets[0]?.destroy();
    expect(await closed).toMatchObject({ code: 1006, error: { code: 'CONNECTION_LOST', retryable: true } });
    expect(client.state).toBe('closed');
  });

  test('events are read in order by for await, to the end', async () => {
    const { url, sockets } = await gateway();
    const client = nodeVoiceClient({ url, client: 'test' });
    const events = client[Symbol.asyncIterator]();
    await client.connect();
    for (let epoch = 1; epoch <= 3; epoch += 1) sockets[0]?.send(JSON.stringify({ type: 'clear', epoch }));
    sockets[0]?.send(JSON.stringify({ type: 'ended', reason: 'done' }));
    void sockets[0]?.close(1000, 'ended');
    const seen: string[] = [];
    for await (const event of events) seen.push(event.type === 'cleared' ? `cleared ${event.epoch}` : event.type);
    expect(seen).toEqual(['cleared 1', 'cleared 2', 'cleared 3', 'closed']);
  });

  test('against a gateway that does not read, the microphone keeps what is new and its memory bounded', async () => {
    const frames: number[] = [];
    let reading: (() => void) | undefined;
    const { url, sockets } = await gateway({
      onMessage: (data, transport) => {
        if (typeof data === 'string') {
          transport.send(READY);
          transport.pause();
        } else {
          frames.push(decodeAudioFrame(data, 'microphone').firstSample / 480);
          if (frames.at(-1) === 19_999) reading?.();
        }
      },
    });
    let speak: (samples: Int16Array) => void = () => {};
    const microphone: Microphone = { start: (onSamples) => (speak = onSamples), stop: () => {} };
    const { client, events } = await connect({ url, client: 'test', microphone });
    // 400 s of audio at once, 19 MB: some of it the system's own buffers take, then 0.5 s waits in the socket and 1 s before it.
    for (let frame = 0; frame < 20_000; frame += 1) speak(new Int16Array(480));
    const dropped = events.filter((event) => event.type === 'pressure').at(-1)?.droppedFrames ?? 0;
    expect(dropped).toBeGreaterThan(5_000);
    const arrived = new Promise<void>((resolve) => (reading = resolve));
    sockets[0]?.resume();
    await arrived;
    expect(frames.length).toBe(20_000 - dropped);
    expect(frames).toEqual([...frames].sort((a, b) => a - b));
    expect(frames.slice(-50)).toEqual(Array.from({ length: 50 }, (_, index) => 19_950 + index));
    expect(() => client.sendText('')).toThrow(RangeError);
    expect(() => client.sendText('x'.repeat(8001))).toThrow(RangeError);
  });
});
