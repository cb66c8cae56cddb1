import type { IncomingMessage } from 'node:http';
import WebSocket from 'ws';
import { afterEach, describe, expect, test } from 'vitest';
import { createVoice, startEmulator } from '../../../src/emulator/index.js';
import type { Emulator, EmulatorOptions, Speech } from '../../../src/emulator/index.js';
import { silentLogger } from '../../../session/index.js';
import type { Logger } from '../../../session/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { fuzzed } from '../../helpers/mutate.js';
import { random } from '../../helpers/random.js';
import type { Random } from '../../helpers/random.js';
import { EmulatorClient, callerAudio } from './emulator-client.js';

const open: Emulator[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((emulator) => emulator.close()));
});

async function start(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator({ voice: createVoice({ synthesizers: [] }), pace: 100, thinkMs: 5, ...options });
  open.push(emulator);
  return emulator;
}

/** A whole exchange: the client still gets its answer. */
async function isServed(client: EmulatorClient): Promise<void> {
  const from = client.events.length;
  client.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'menu?' }] } });
  client.send({ type: 'response.create', response: { output_modalities: ['text'] } });
  expect((await client.next('response.output_text.done', from))['text']).toBe('Half of our menu is vegetarian.');
  await client.next('response.done', from);
}

describe('who may come in', () => {
  test('programs with the key in the header', async () => {
    const emulator = await start({ apiKey: 'sk-right' });
    const client = await EmulatorClient.open(emulator.url, { headers: { Authorization: 'Bearer sk-right' } });
    expect((await client.next('session.created')).type).toBe('session.created');
    expect(client.socket.protocol).toBe('');
    await client.close();
  });

  test('browsers with the key among the subprotocols: realtime is chosen, and the key is not said back', async () => {
    const emulator = await start({ apiKey: 'sk-right' });
    const client = await EmulatorClient.open(emulator.url, {}, ['realtime', 'openai-insecure-api-key.sk-right']);
    await client.next('session.created');
    expect(client.socket.protocol).toBe('realtime');
    await client.close();
  });

  test.each<[string, Record<string, string>, string[]]>([
    ['no key', {}, []],
    ['a wrong key in the header', { Authorization: 'Bearer sk-wrong' }, []],
    ['the key under another scheme', { Authorization: 'Basic sk-right' }, []],
    ['a wrong key among the subprotocols', {}, ['realtime', 'openai-insecure-api-key.sk-wrong']],
    ['only the beginning of the key', { Authorization: 'Bearer sk-r' }, []],
  ])('nobody with %s', async (_name, headers, protocols) => {
    const emulator = await start({ apiKey: 'sk-right' });
    await expect(EmulatorClient.open(emulator.url, { headers }, protocols)).rejects.toThrow('401');
    expect(emulator.sessions).toBe(0);
  });

  test('the refusal says why, and not which key would have been right', async () => {
    const emulator = await start({ apiKey: 'sk-right' });
    const socket = new WebSocket(emulator.url, { headers: { Authorization: 'Bearer sk-wrong' } });
    const answer = await new Promise<IncomingMessage>((resolve) => socket.once('unexpected-response', (_request, response) => resolve(response)));
    const body = Buffer.concat(await answer.toArray()).toString('utf8');
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(JSON.parse(body)).toMatchObject({ error: { code: 'invalid_api_key' } });
    expect(body).not.toContain('sk-right');
  });

  test('a request that is no WebSocket is told so', async () => {
    const emulator = await start();
    const answer = await fetch(emulator.url.replace('ws:', 'http:'));
    expect([answer.status, await answer.text()]).toEqual([426, 'This is a WebSocket: connect with a realtime client.\n']);
    expect((await fetch(`http://127.0.0.1:${emulator.port}/`)).status).toBe(404);
  });

  test('anyone, where no key is set; other paths and other subprotocols are not served', async () => {
    const emulator = await start();
    const client = await EmulatorClient.open(`${emulator.url}?model=some-model`, { headers: { Authorization: 'Bearer whatever' } });
    expect(((await client.next('session.created'))['session'] as { model: string }).model).toBe('some-model');
    await expect(EmulatorClient.open(emulator.url.replace('/v1/realtime', '/v2'))).rejects.toThrow('404');
    await client.close();
  });

  test('the header of the retired version is answered by an error, and the socket closed with 4000', async () => {
    const emulator = await start();
    const client = await EmulatorClient.open(emulator.url, { headers: { 'OpenAI-Beta': 'realtime=v1' } });
    expect(await client.closed).toEqual({ code: 4000, reason: 'invalid_request_error.beta_api_shape_disabled' });
    expect(client.events).toMatchObject([{ type: 'error', error: { type: 'invalid_request_error', code: 'beta_api_shape_disabled' } }]);
  });
});

describe('limits of a socket', () => {
  test('an append of 15 MiB is taken; a message beyond that closes its own socket with 1009 and no other', async () => {
    const emulator = await start();
    const other = await EmulatorClient.open(emulator.url);
    const client = await EmulatorClient.open(emulator.url);
    client.send({ type: 'input_audio_buffer.append', event_id: 'e'.repeat(512), audio: 'A'.repeat(15 * 1024 * 1024) });
    client.send({ type: 'input_audio_buffer.clear' });
    await client.next('input_audio_buffer.cleared');
    expect(client.events.filter((event) => event.type === 'error')).toEqual([]);
    client.send({ type: 'input_audio_buffer.append', audio: 'A'.repeat(15 * 1024 * 1024 + 8 * 1024) });
    expect((await client.closed).code).toBe(1009);
    await isServed(other);
    await other.close();
  });

  test('a session ends with session_expired and 1001 when its time is up, and not before', async () => {
    const clock = new ManualClock();
    const emulator = await start({ clock, sessionLimitMs: 20_000 });
    const client = await EmulatorClient.open(emulator.url);
    await client.next('session.created');
    clock.advance(19_999);
    client.send({ type: 'input_audio_buffer.clear' });
    await client.next('input_audio_buffer.cleared');
    expect(client.events.map((event) => event.type)).toEqual(['session.created', 'input_audio_buffer.cleared']);
    clock.advance(1);
    const { code, reason } = await client.closed;
    expect(client.events.at(-1)).toMatchObject({ type: 'error', error: { code: 'session_expired', message: reason } });
    expect(code).toBe(1001);
    await emulator.close();
    expect(clock.pendingTimers).toBe(0);
  });

  test('closing the emulator says 1001 to its clients, frees the port, and may be done twice', async () => {
    const emulator = await start();
    const client = await EmulatorClient.open(emulator.url);
    await client.next('session.created');
    expect(emulator.sessions).toBe(1);
    await Promise.all([emulator.close(), emulator.close()]);
    expect((await client.closed).code).toBe(1001);
    await using again = await startEmulator({ port: emulator.port });
    expect(again.port).toBe(emulator.port);
  });

  test('a pace, a limit or a port that cannot be', async () => {
    await expect(startEmulator({ pace: 0 })).rejects.toThrow(RangeError);
    await expect(startEmulator({ sessionLimitMs: 0 })).rejects.toThrow(RangeError);
    const emulator = await start();
    await expect(startEmulator({ port: emulator.port })).rejects.toMatchObject({ code: 'PORT_IN_USE' });
  });
});

describe('what goes wrong for one client', () => {
  test('that does not read: it is cut off before it takes all memory, and the other is served', async () => {
    let cutOff = (): void => {};
    const cut = new Promise<void>((resolve) => (cutOff = resolve));
    const logger: Logger = { ...silentLogger, warn: (message) => message.includes('does not read') && cutOff(), child: () => logger };
    const emulator = await start({ logger });
    const other = await EmulatorClient.open(emulator.url);
    const client = await EmulatorClient.open(emulator.url);
    const content = Array.from({ length: 8 }, () => ({ type: 'input_text', text: 'x'.repeat(250_000) }));
    client.send({ type: 'conversation.item.create', item: { id: 'big', type: 'message', role: 'user', content } });
    await client.next('conversation.item.done');
    client.socket.pause();
    for (let count = 0; count < 40; count += 1) client.send({ type: 'conversation.item.retrieve', item_id: 'big' });
    await cut;
    await isServed(other);
    client.socket.resume();
    expect((await client.closed).code).toBe(1006);
    await other.close();
  });

  test('inside the emulator: its session ends with 1011, and the other is served', async () => {
    const emulator = await start({ voice: { speak: () => Promise.resolve({} as Speech) } });
    const other = await EmulatorClient.open(emulator.url);
    const client = await EmulatorClient.open(emulator.url);
    client.send({ type: 'response.create' });
    expect((await client.closed).code).toBe(1011);
    await isServed(other);
    await other.close();
  });

  test('a tool that the script wants and no session has: people are told once, not for every client', async () => {
    const notices: string[] = [];
    const emulator = await start({ onNotice: (message) => notices.push(message) });
    for (let count = 0; count < 2; count += 1) {
      const client = await EmulatorClient.open(emulator.url);
      client.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'book' }] } });
      client.send({ type: 'response.create', response: { output_modalities: ['text'] } });
      await client.next('response.done');
      await client.close();
    }
    expect(notices).toEqual(['the session lacks a tool of the script: book_table']);
  });
});

describe('whatever a client sends', () => {
  test('2000 random and mutated messages: nothing ends the socket, the other client or the process', async () => {
    const rng = random();
    const emulator = await start();
    const other = await EmulatorClient.open(emulator.url);
    const fuzz = await EmulatorClient.open(emulator.url);
    await fuzz.next('session.created');
    try {
      for (let count = 0; count < 2_000; count += 1) {
        fuzz.socket.send(message(rng));
        // Now and then wait for an answer, so that states in the middle of a response are met too.
        if (count % 100 === 99) {
          const from = fuzz.events.length;
          fuzz.send({ type: 'response.cancel', event_id: `marker-${count}` });
          fuzz.send({ type: 'conversation.item.retrieve', event_id: `marker-${count}`, item_id: 'no such item' });
          await fuzz.next('error', from, (event) => (event['error'] as { code: string; event_id: unknown }).code === 'item_retrieve_invalid_item_id');
          await isServed(other);
        }
      }
      expect(fuzz.socket.readyState).toBe(fuzz.socket.OPEN);
      const codes = new Set(fuzz.events.filter((event) => event.type === 'error').map((event) => (event['error'] as { code: string }).code));
      // It got past the first check: many different things were refused, and many were carried out.
      expect(codes.size).toBeGreaterThan(8);
      expect(new Set(fuzz.events.map((event) => event.type)).size).toBeGreaterThan(12);
      expect(new Set(fuzz.events.map((event) => event.event_id)).size).toBe(fuzz.events.length);
    } catch (error) {
      throw new Error(`TEST_SEED=${rng.seed}`, { cause: error });
    }
    await fuzz.close();
    await isServed(other);
    await other.close();
  });
});

describe('whatever a client of another kind sends', () => {
  test.each<[string, string, Record<string, string>]>([
    ['of the first version', '', { 'OpenAI-Beta': 'realtime=v1' }],
    ['that only transcribes', '?intent=transcription', {}],
    ['that translates', '/translations', {}],
  ])('%s: nothing ends its socket', async (_name, suffix, headers) => {
    const rng = random();
    const emulator = await start({ beta: true });
    const fuzz = await EmulatorClient.open(`${emulator.url}${suffix}`, { headers });
    try {
      for (let count = 0; count < 600; count += 1) {
        fuzz.socket.send(message(rng));
        if (count % 100 !== 99) continue;
        const from = fuzz.events.length;
        fuzz.send({ type: 'no such event', event_id: `marker-${count}` });
        await fuzz.next('error', from, (event) => (event['error'] as { event_id: unknown }).event_id === `marker-${count}`);
      }
      expect(fuzz.socket.readyState).toBe(fuzz.socket.OPEN);
      expect(fuzz.events.some((event) => /session\.updated$/.test(event.type))).toBe(true);
    } catch (error) {
      throw new Error(`TEST_SEED=${rng.seed}`, { cause: error });
    }
    await fuzz.close();
  });
});

const HELLO = Buffer.from(callerAudio('caller-hello.wav'));

/** Events that make sense; the fuzz starts from them. */
const SENSIBLE: ((rng: Random) => object)[] = [
  () => ({ type: 'session.update', session: { type: 'realtime', instructions: 'x', tools: [{ type: 'function', name: 'book_table', parameters: { type: 'object' } }], audio: { input: { transcription: { model: 'm' } } } } }),
  (rng) => ({ type: 'session.update', session: { type: 'realtime', output_modalities: [rng.pick(['audio', 'text'])], max_output_tokens: rng.pick([1, 4096, 'inf']) } }),
  (rng) => ({ type: 'session.update', session: { type: 'realtime', audio: { input: { format: { type: rng.pick(['audio/pcm', 'audio/pcmu', 'audio/pcma']) }, turn_detection: rng.pick([null, { type: 'server_vad', silence_duration_ms: 200 }, { type: 'semantic_vad', eagerness: 'high' }]) } } } }),
  (rng) => {
    const from = rng.int(0, HELLO.length - 10_000);
    return { type: 'input_audio_buffer.append', audio: HELLO.subarray(from, from + rng.int(0, 10_000)).toString('base64') };
  },
  () => ({ type: 'input_audio_buffer.commit' }),
  () => ({ type: 'input_audio_buffer.clear' }),
  (rng) => ({ type: 'conversation.item.create', previous_item_id: rng.pick([undefined, null, 'root', 'a']), item: { id: rng.pick([undefined, 'a', 'b', 'c']), type: 'message', role: rng.pick(['user', 'system']), content: [{ type: 'input_text', text: rng.pick(['book', 'menu?', 'x']) }] } }),
  (rng) => ({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: rng.pick(['a', 'b']), output: rng.pick(['{}', '{"table":1}', 'no']) } }),
  (rng) => ({ type: 'conversation.item.delete', item_id: rng.pick(['a', 'b', 'c']) }),
  (rng) => ({ type: 'conversation.item.retrieve', item_id: rng.pick(['a', 'b', 'c']) }),
  (rng) => ({ type: 'conversation.item.truncate', item_id: rng.pick(['a', 'b', 'c']), content_index: 0, audio_end_ms: rng.int(0, 1000) }),
  (rng) => ({ type: 'response.create', response: { conversation: rng.pick(['auto', 'none']), output_modalities: [rng.pick(['audio', 'text'])], metadata: { a: 'b' } } }),
  () => ({ type: 'response.create' }),
  () => ({ type: 'response.cancel' }),
  (rng) => ({ type: 'session.update', session: { type: 'realtime', tool_choice: rng.pick(['auto', 'required', { type: 'function', name: 'book_table' }]), tools: [{ type: 'function', name: 'book_table' }, { type: 'mcp', server_label: rng.pick(['a', 'b']), server_url: 'https://x' }] } }),
  (rng) => ({ type: 'session.update', session: { type: 'transcription', audio: { input: { transcription: { model: rng.pick(['whisper-1', 'gpt-4o-transcribe-diarize']) } } } } }),
  (rng) => ({ type: 'session.update', session: { modalities: rng.pick([['text'], ['audio', 'text']]), turn_detection: null, temperature: 0.8, input_audio_format: rng.pick(['pcm16', 'g711_ulaw']) } }),
  (rng) => ({ type: 'session.update', session: { audio: { input: { transcription: rng.pick([null, { model: 'm' }]) }, output: { language: 'de' } } } }),
  (rng) => ({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_image', image_url: rng.pick(['data:image/png;base64,iVBORw0KGgoAAA==', 'x']) }] } }),
  () => ({ type: 'conversation.item.create', item: { type: 'mcp_approval_response', approval_request_id: 'a', approve: true } }),
  () => ({ type: 'output_audio_buffer.clear' }),
  (rng) => ({ type: 'session.input_audio_buffer.append', audio: HELLO.subarray(0, rng.int(0, 5_000)).toString('base64') }),
];

function message(rng: Random): string | Buffer {
  return fuzzed(rng, rng.pick(SENSIBLE));
}
