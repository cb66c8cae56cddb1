import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { PCM16_24K, audioFormat } from '../../../../audio/index.js';
import type { ModelClose, ModelInput, RealtimeModel } from '../../../../session/index.js';
import { ManualClock } from '../../../../src/host/manual-clock.js';
import { keyHeader } from '../../../../src/provider/openai/key-header.js';
import { openaiRealtime } from '../../../../src/provider/openai/openai-realtime.js';
import type { OpenaiRealtimeOptions } from '../../../../src/provider/openai/openai-realtime.js';
import { listenTo, openDoor } from '../../../helpers/socket-pair.js';

const KEY = 'sk-very-secret-0123456789';

/** Connects and collects. */
async function connectTo(model: RealtimeModel, signal = new AbortController().signal) {
  const inputs: ModelInput[] = [];
  const waiters: (() => void)[] = [];
  let confirm: (close: ModelClose) => void = () => {};
  const closed = new Promise<ModelClose>((resolve) => (confirm = resolve));
  const connection = await model.connect({
    signal,
    onInput(input) {
      inputs.push(input);
      for (const waiter of waiters) waiter();
    },
    onClose: (close) => confirm(close),
  });
  const count = (wanted: number) =>
    new Promise<void>((resolve) => {
      const check = (): void => void (inputs.length >= wanted && resolve());
      waiters.push(check);
      check();
    });
  return { connection, inputs, closed, count };
}

async function failureOf(options: OpenaiRealtimeOptions, signal?: AbortSignal): Promise<Error> {
  const error = await connectTo(openaiRealtime({ apiKey: KEY, ...options }), signal).then(
    () => expect.fail('the connect succeeded'),
    (reason: unknown) => reason as Error,
  );
  expect(`${inspect(error, { depth: 9, showHidden: true })}${JSON.stringify(error)}`).not.toContain(KEY);
  return error;
}

test('asks for its model with its key, and adds what it is told to', async () => {
  await using host = await openDoor();
  const model = openaiRealtime({ url: host.url, apiKey: KEY, model: 'some model', safetyIdentifier: 'user-7', headers: { 'X-More': 'yes' } });
  const { connection } = await connectTo(model);
  const [request] = host.requests;
  expect(request?.url).toBe('/socket?model=some+model');
  expect(request?.headers).toMatchObject({ authorization: `Bearer ${KEY}`, 'openai-safety-identifier': 'user-7', 'x-more': 'yes' });
  expect(request?.headers['openai-beta']).toBeUndefined();
  expect(model.label).toBe(`some model at 127.0.0.1:${host.port}`);
  await connection.close();
});

test('a key may be fetched for each connection; a model in the address and headers of the caller come first', async () => {
  await using host = await openDoor();
  let fetched = 0;
  const apiKey = async (): Promise<string> => Promise.resolve(`ek_${(fetched += 1)}`);
  const model = openaiRealtime({ url: `${host.url}?model=deployed`, apiKey, model: 'ignored' });
  await (await connectTo(model)).connection.close();
  await (await connectTo(model)).connection.close();
  await (await connectTo(openaiRealtime({ url: host.url, apiKey, headers: { authorization: 'Bearer mine' } }))).connection.close();
  await (await connectTo(openaiRealtime({ url: host.url, headers: { 'api-key': 'azure' } }))).connection.close();
  await (await connectTo(openaiRealtime({ url: host.url, apiKey: 'from a file\n' }))).connection.close();
  await (await connectTo(openaiRealtime({ url: host.url, apiKey: ' ' }))).connection.close();
  expect(host.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer ek_1', 'Bearer ek_2', 'Bearer mine', undefined, 'Bearer from a file', undefined]);
  expect(host.requests[0]?.url).toBe('/socket?model=deployed');
});

test('the earlier dialect is asked for in words, and spoken to addresses that have the version of an interface', async () => {
  await using host = await openDoor();
  const cases: [OpenaiRealtimeOptions, boolean, string][] = [
    [{ url: host.url }, false, '/socket?model=gpt-realtime'],
    [{ url: host.url, dialect: 'beta' }, true, '/socket?model=gpt-realtime'],
    [{ url: `${host.url}?api-version=2025-04-01-preview&deployment=mine` }, true, '/socket?api-version=2025-04-01-preview&deployment=mine'],
    [{ url: `${host.url}?api-version=2025-10-01`, dialect: 'current', model: 'mine' }, false, '/socket?api-version=2025-10-01&model=mine'],
  ];
  for (const [options, beta, path] of cases) {
    const { connection } = await connectTo(openaiRealtime(options));
    const heard = listenTo(await host.accept());
    connection.send({ type: 'configure', eventId: 'e1', config: { outputModality: 'audio', inputFormat: PCM16_24K, outputFormat: PCM16_24K, tools: [] } });
    await heard.count(1);
    const { session } = JSON.parse(heard.messages[0] as string) as { session: object };
    expect(Object.keys(session).includes('modalities')).toBe(beta);
    expect(host.requests.at(-1)).toMatchObject({ url: path, headers: beta ? { 'openai-beta': 'realtime=v1' } : {} });
    expect('openai-beta' in (host.requests.at(-1)?.headers ?? {})).toBe(beta);
    await connection.close();
  }
  expect(openaiRealtime({ url: `${host.url}?api-version=1&deployment=mine` }).label).toMatch(/^mine at /);
});

test('a key goes to Azure in a header of its own', () => {
  const header = (address: string): object => keyHeader(new URL(address), 'k');
  for (const host of ['mine.openai.azure.com', 'mine.services.ai.azure.com', 'mine.cognitiveservices.azure.us']) expect(header(`wss://${host}/openai/v1/realtime?model=m`)).toEqual({ 'api-key': 'k' });
  for (const host of ['api.openai.com', 'azure.com.evil.example', 'openai.azure.com.evil.example', 'api.x.ai']) expect(header(`wss://${host}/v1/realtime`)).toEqual({ Authorization: 'Bearer k' });
});

test('what the protocol has no word for comes back as a refusal of the command, and the connection goes on', async () => {
  await using host = await openDoor();
  const { connection, inputs } = await connectTo(openaiRealtime({ url: host.url }));
  const heard = listenTo(await host.accept());
  connection.send({ type: 'configure', eventId: 'e1', config: { outputModality: 'audio', inputFormat: audioFormat('pcm16', 24_000, 2), outputFormat: PCM16_24K, tools: [] } });
  expect(inputs).toEqual([{ type: 'model_error', eventId: 'e1', error: { kind: 'invalid_request_error', message: expect.stringContaining('2 channel(s)') as string } }]);
  connection.send({ type: 'clear_audio', eventId: 'e2' });
  await heard.count(1);
  expect(heard.messages).toEqual(['{"type":"input_audio_buffer.clear","event_id":"e2"}']);
  await connection.close();
});

test('commands go out, inputs come in, in order', async () => {
  await using host = await openDoor();
  const { connection, inputs, count, closed } = await connectTo(openaiRealtime({ url: host.url }));
  const server = await host.accept();
  const heard = listenTo(server);
  connection.send({ type: 'configure', eventId: 'e1', config: { outputModality: 'audio', inputFormat: PCM16_24K, outputFormat: PCM16_24K, tools: [] } });
  connection.send({ type: 'append_audio', bytes: Uint8Array.of(1, 2) });
  await heard.count(2);
  expect(heard.messages.map((message) => (JSON.parse(message as string) as { type: string }).type)).toEqual(['session.update', 'input_audio_buffer.append']);
  server.send('{"type":"input_audio_buffer.cleared"}');
  server.send('{"type":"brand.new","x":1}');
  await count(2);
  expect(inputs).toEqual([{ type: 'input_cleared' }, { type: 'raw_message', name: 'brand.new', raw: { type: 'brand.new', x: 1 } }]);
  await connection.close('bye');
  await connection.close();
  expect(await closed).toEqual({ code: 1000, reason: 'bye', byUs: true });
  expect((await heard.closed).reason).toBe('bye');
  connection.send({ type: 'commit_audio', eventId: 'late' });
});

test('messages that cannot be read are reported, and the connection goes on', async () => {
  await using host = await openDoor();
  const { inputs, count, connection } = await connectTo(openaiRealtime({ url: host.url }));
  const server = await host.accept();
  for (const bad of ['{', '{"type":"response.output_audio.delta"}', Uint8Array.of(1)]) server.send(bad);
  server.send('{"type":"input_audio_buffer.cleared"}');
  await count(4);
  expect(inputs.map((input) => (input.type === 'model_error' ? input.error.code : input.type))).toEqual(['PROTOCOL_BAD_EVENT', 'PROTOCOL_BAD_EVENT', 'PROTOCOL_BAD_EVENT', 'input_cleared']);
  await connection.close();
});

test('an error event and the close after it both arrive', async () => {
  await using host = await openDoor();
  const { inputs, closed } = await connectTo(openaiRealtime({ url: host.url }));
  const server = await host.accept();
  server.send('{"type":"error","error":{"type":"invalid_request_error","code":"invalid_api_key","message":"Incorrect key."}}');
  await server.close(4000, 'invalid_request_error.invalid_api_key');
  expect(await closed).toEqual({ code: 4000, reason: 'invalid_request_error.invalid_api_key', byUs: false });
  expect(inputs).toEqual([{ type: 'model_error', error: { code: 'invalid_api_key', kind: 'invalid_request_error', message: 'Incorrect key.' } }]);
});

test('a lost connection is a 1006', async () => {
  await using host = await openDoor();
  const { closed } = await connectTo(openaiRealtime({ url: host.url }));
  (await host.accept()).destroy();
  expect(await closed).toMatchObject({ code: 1006, byUs: false });
});

test('a server that no longer answers pings is given up within a minute', async () => {
  await using host = await openDoor();
  const clock = new ManualClock();
  const { closed } = await connectTo(openaiRealtime({ url: host.url, clock }));
  (await host.accept()).pause();
  clock.advance(59_999);
  expect(clock.pendingTimers).toBe(1);
  clock.advance(1);
  expect(await closed).toMatchObject({ code: 1006, byUs: true, error: { code: 'MODEL_CONNECTION_LOST', retryable: true } });
});

test('an application that throws while it hears an input loses its connection, with its error, and nothing else', async () => {
  await using host = await openDoor();
  const error = new Error('a bug');
  const closed = new Promise<ModelClose>((resolve, reject) => {
    const onInput = (): void => {
      throw error;
    };
    openaiRealtime({ url: host.url }).connect({ signal: new AbortController().signal, onInput, onClose: resolve }).catch(reject);
  });
  (await host.accept()).send('{"type":"input_audio_buffer.cleared"}');
  expect(await closed).toEqual({ code: 1011, reason: 'internal error', byUs: true, error });
});

describe('when there is no connection, the error says why and never shows the key', () => {
  test('a wrong key', async () => {
    await using host = await openDoor({ verify: () => ({ ok: false, status: 401, body: `{"error":{"message":"Incorrect key ${KEY}"}}` }) });
    expect(await failureOf({ url: host.url })).toMatchObject({ name: 'TransportError', code: 'MODEL_UNAUTHORIZED', stage: 'connect' });
  });

  test('a model that is not there', async () => {
    await using host = await openDoor();
    expect(await failureOf({ url: `ws://127.0.0.1:${host.port}/v2` })).toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });

  test('nobody there', async () => {
    const port = await freePort();
    expect(await failureOf({ url: `ws://localhost:${port}/` })).toMatchObject({ code: 'MODEL_UNREACHABLE', message: expect.stringContaining('ECONNREFUSED') as string });
  });

  test('nobody answers in time', async () => {
    const clock = new ManualClock();
    const server = createServer((socket) => socket.on('error', () => {}));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const reached = once(server, 'connection') as Promise<[import('node:net').Socket]>;
    const failing = failureOf({ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, connectTimeoutMs: 50, clock });
    const [socket] = await reached;
    clock.advance(50);
    expect(await failing).toMatchObject({ code: 'CONNECT_TIMEOUT' });
    socket.destroy();
    server.close();
  });

  test('no key at all for OpenAI itself', async () => {
    await expect(connectTo(openaiRealtime())).rejects.toMatchObject({ code: 'MODEL_UNAUTHORIZED', hint: expect.stringContaining('OPENAI_API_KEY') as string });
  });

  test('a key that cannot be fetched', async () => {
    const cause = new Error('the key server is down');
    await expect(connectTo(openaiRealtime({ apiKey: () => Promise.reject(cause) }))).rejects.toMatchObject({ code: 'MODEL_UNAUTHORIZED', cause });
  });

  test('an abort: before, while the key is fetched, and during the handshake', async () => {
    const reason = new Error('never mind');
    expect(await failureOf({}, AbortSignal.abort(reason))).toBe(reason);
    const fetching = new AbortController();
    const whileFetching = failureOf({ apiKey: () => new Promise<string>(() => fetching.abort(reason)) }, fetching.signal);
    expect(await whileFetching).toBe(reason);
    const shaking = new AbortController();
    await using host = await openDoor({
      verify() {
        shaking.abort(reason);
        return { ok: true };
      },
    });
    expect(await failureOf({ url: host.url }, shaking.signal)).toBe(reason);
  });
});

test('an abort closes an open connection', async () => {
  await using host = await openDoor();
  const controller = new AbortController();
  const { closed } = await connectTo(openaiRealtime({ url: host.url }), controller.signal);
  controller.abort();
  expect(await closed).toEqual({ code: 1000, reason: 'aborted', byUs: true });
});

describe('addresses', () => {
  test.each(['ws://example.org/v1/realtime', 'ws://127.0.0.1.example.org/', 'ws://10.0.0.1/', 'https://api.openai.com/v1/realtime', 'api.openai.com', ''])('%j is refused', (url) => {
    expect(() => openaiRealtime({ url, apiKey: KEY })).toThrow(expect.objectContaining({ name: 'HostError', code: 'USAGE', hint: expect.stringContaining('wss:') as string }));
  });

  test.each(['wss://example.org/x', 'ws://localhost:1/x', 'ws://[::1]:1/x', 'ws://127.0.0.2/x'])('%j is allowed', (url) => {
    expect(openaiRealtime({ url, model: 'm' }).label).toBe(`m at ${new URL(url).host}`);
  });

  test('by default it is OpenAI', () => {
    expect(openaiRealtime().label).toBe('gpt-realtime at api.openai.com');
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test('takes what the environment does not have for what was not given', () => {
  const { VOICEWIRE_NO_SUCH_URL, VOICEWIRE_NO_SUCH_KEY, VOICEWIRE_NO_SUCH_MODEL }: NodeJS.ProcessEnv = {};
  expect(openaiRealtime({ url: VOICEWIRE_NO_SUCH_URL, apiKey: VOICEWIRE_NO_SUCH_KEY, model: VOICEWIRE_NO_SUCH_MODEL }).label).toBe('gpt-realtime at api.openai.com');
});
