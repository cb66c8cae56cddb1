import { X509Certificate } from 'node:crypto';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { selfSignedCertificate } from '../../../src/emulator/certificate.js';
import { ClientSecrets } from '../../../src/emulator/client-secrets.js';
import { createVoice, startEmulator } from '../../../src/emulator/index.js';
import type { Emulator, EmulatorOptions } from '../../../src/emulator/index.js';
import { PublishedSchema } from '../../helpers/published-schema.js';
import { WIRE_EXTRAS, WIRE_NULLS } from '../../helpers/wire-facts.js';
import { EmulatorClient } from './emulator-client.js';

const open: Emulator[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((emulator) => emulator.close()));
});

async function start(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator({ voice: createVoice({ synthesizers: [] }), pace: 100, thinkMs: 5, ...options });
  open.push(emulator);
  return emulator;
}

interface Answer {
  readonly status: number;
  readonly body: { readonly value: string; readonly expires_at: number; readonly session: { readonly id: string }; readonly faults: readonly unknown[]; readonly sessions: readonly { readonly session: number; readonly model: string }[]; readonly error: { readonly code: string; readonly param: string | null } };
}

async function call(emulator: Emulator, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const send = emulator.certificate === undefined ? plainRequest : secureRequest;
  return new Promise((resolve, reject) => {
    const request = send({ host: '127.0.0.1', port: emulator.port, method, path, headers: { 'Content-Type': 'application/json', ...headers }, ...(emulator.certificate === undefined ? {} : { ca: emulator.certificate }) }, (response) => {
      void response.toArray().then((chunks) => resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks as Buffer[]).toString('utf8')) as Answer['body'] }), reject);
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}

describe('client secrets', () => {
  test('open a session with their configuration, more than once, where the key alone would be refused', async () => {
    const emulator = await start({ apiKey: 'sk-right' });
    const { status, body } = await call(emulator, 'POST', '/v1/realtime/client_secrets', { session: { type: 'realtime', model: 'gpt-realtime-2.1', instructions: 'Be kind.' } }, { Authorization: 'Bearer sk-right' });
    expect([status, body.value, body.session.id]).toEqual([200, expect.stringMatching(/^ek_\w+$/), expect.stringMatching(/^sess_/)]);
    expect(body.expires_at).toBeGreaterThan(Date.now() / 1000 + 590);
    expect(new PublishedSchema({ nulls: new Set([...WIRE_NULLS, 'RealtimeSessionCreateResponse.include', 'Input.noise_reduction', 'RealtimeSessionCreateResponse.Audio.Input.noise_reduction', 'RealtimeSessionCreateResponse.Audio.Input.transcription']), extras: new Set([...WIRE_EXTRAS, 'RealtimeSessionCreateResponse.truncation']) }).problems('ClientSecretCreateResponse', body)).toEqual([]);
    for (let count = 0; count < 2; count += 1) {
      const client = await EmulatorClient.open(emulator.url, {}, ['realtime', `openai-insecure-api-key.${body.value}`]);
      expect((await client.next('session.created'))['session']).toMatchObject({ instructions: 'Be kind.', model: 'gpt-realtime-2.1' });
      await client.close();
    }
  });

  test('of transcription open sessions that only transcribe', async () => {
    const emulator = await start();
    const { body } = await call(emulator, 'POST', '/v1/realtime/client_secrets', { session: { type: 'transcription', audio: { input: { transcription: { model: 'whisper-1' } } } } });
    const client = await EmulatorClient.open(emulator.url, { headers: { Authorization: `Bearer ${body.value}` } });
    expect((await client.next('session.created'))['session']).toMatchObject({ type: 'transcription', audio: { input: { transcription: { model: 'whisper-1' } } } });
    await client.close();
  });

  test('need no body, and live for ten minutes or as long as was asked', () => {
    const secrets = new ClientSecrets(1);
    const made = secrets.create(undefined, 1_000) as Answer['body'];
    expect(made.expires_at).toBe(1_600);
    expect(secrets.find(made.value, 1_599.9)?.kind).toBe('realtime');
    expect(secrets.find(made.value, 1_600)).toBeUndefined();
    expect((secrets.create({ expires_after: { anchor: 'created_at', seconds: 10 } }, 1_000) as Answer['body']).expires_at).toBe(1_010);
    expect(secrets.find('ek_other', 0)).toBeUndefined();
  });

  test('go, the oldest first, when there are ten thousand', () => {
    const secrets = new ClientSecrets(1);
    const [first, ...rest] = Array.from({ length: 10_001 }, () => (secrets.create(undefined, 1_000) as Answer['body']).value) as [string, ...string[]];
    expect(secrets.find(first, 1_000)).toBeUndefined();
    expect(rest.every((value) => secrets.find(value, 1_000) !== undefined)).toBe(true);
  });

  test.each<[string, unknown, number, string, string | null]>([
    ['a life that is too short', { expires_after: { seconds: 9 } }, 400, 'integer_below_min_value', 'expires_after.seconds'],
    ['an unknown anchor', { expires_after: { anchor: 'birth' } }, 400, 'invalid_value', 'expires_after.anchor'],
    ['a session that cannot be', { session: { type: 'realtime', output_modalities: ['smell'] } }, 400, 'invalid_value', 'session.output_modalities[0]'],
    ['a field that nobody knows', { colour: 'red' }, 400, 'unknown_parameter', 'colour'],
    ['no JSON', '{', 400, 'invalid_json', null],
    ['a body beyond a mebibyte', JSON.stringify({ session: { type: 'realtime', instructions: 'x'.repeat(1024 * 1024) } }), 400, 'string_above_max_length', null],
  ])('with %s are refused', async (_name, body, status, code, param) => {
    const answer = await call(await start(), 'POST', '/v1/realtime/client_secrets', body);
    expect([answer.status, answer.body.error]).toMatchObject([status, { code, param }]);
  });

  test('are given to nobody without the key; one that is unknown, or made up, opens nothing', async () => {
    const emulator = await start({ apiKey: 'sk-right' });
    expect(await call(emulator, 'POST', '/v1/realtime/client_secrets', {})).toMatchObject({ status: 401, body: { error: { code: 'invalid_api_key' } } });
    await expect(EmulatorClient.open((await start()).url, { headers: { Authorization: 'Bearer ek_madeup' } })).rejects.toThrow('401');
  });

  test('are made by POST alone', async () => {
    const emulator = await start();
    const answer = await fetch(`http://127.0.0.1:${emulator.port}/v1/realtime/client_secrets`);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

describe('wss', () => {
  test('with a certificate of its own: a client that trusts it comes in, another does not', async () => {
    const emulator = await start({ tls: true });
    expect(emulator.url).toMatch(/^wss:\/\/127\.0\.0\.1:\d+\/v1\/realtime$/);
    const client = await EmulatorClient.open(emulator.url, { ca: emulator.certificate });
    client.send({ type: 'response.create' });
    await client.next('response.done');
    await client.close();
    await expect(EmulatorClient.open(emulator.url)).rejects.toThrow(/self.signed/);
    const named = await EmulatorClient.open(emulator.url.replace('127.0.0.1', 'localhost'), { ca: emulator.certificate });
    await named.close();
  });

  test('with a certificate that was given', async () => {
    const certificate = selfSignedCertificate();
    const emulator = await start({ tls: certificate });
    expect(emulator.certificate).toBe(certificate.cert);
    const client = await EmulatorClient.open(emulator.url, { ca: certificate.cert });
    await client.close();
  });

  test('has a certificate that says what it is for, from yesterday for a month, with a number of its own', () => {
    const [one, other] = [selfSignedCertificate(['emulator.test', '192.0.2.7', '2001:db8::7', '0.0.0.0']), selfSignedCertificate()];
    const certificate = new X509Certificate(one.cert);
    expect(certificate.subject).toBe('CN=voicewire emulator');
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.ca).toBe(true);
    for (const host of ['localhost', 'emulator.test']) expect(certificate.checkHost(host)).toBe(host);
    for (const address of ['127.0.0.1', '::1', '192.0.2.7', '2001:db8::7']) expect(certificate.checkIP(address)).toBe(address);
    expect([certificate.checkHost('elsewhere.test'), certificate.checkIP('0.0.0.0')]).toEqual([undefined, undefined]);
    expect(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)).toBe(31 * 24 * 3_600_000);
    expect(new X509Certificate(other.cert).serialNumber).not.toBe(certificate.serialNumber);
  });
});

describe('the control endpoint', () => {
  const mute = { kind: 'mute' };

  test('sets faults for open sessions and later ones, names them, and takes them back', async () => {
    const emulator = await start();
    const client = await EmulatorClient.open(emulator.url);
    await client.next('session.created');
    expect((await call(emulator, 'POST', '/emulator/faults', [mute, { kind: 'latency', ms: 1 }])).body.faults).toEqual([mute, { kind: 'latency', ms: 1 }]);
    expect((await call(emulator, 'GET', '/emulator/sessions')).body.sessions).toMatchObject([{ session: 1, model: 'gpt-realtime' }]);
    client.send({ type: 'input_audio_buffer.clear' });
    client.socket.ping();
    await new Promise((resolve) => client.socket.once('pong', resolve));
    expect(client.events.map((event) => event.type)).toEqual(['session.created']);
    expect((await call(emulator, 'DELETE', '/emulator/faults')).body.faults).toEqual([]);
    client.send({ type: 'input_audio_buffer.clear' });
    await client.next('input_audio_buffer.cleared');
    await client.close();
  });

  test('sets a fault for one session by its number, and says when there is none', async () => {
    const emulator = await start();
    const [one, other] = [await EmulatorClient.open(emulator.url), await EmulatorClient.open(emulator.url)];
    expect((await call(emulator, 'POST', '/emulator/faults?session=1', { kind: 'drop' })).status).toBe(200);
    expect((await one.closed).code).toBe(1006);
    other.send({ type: 'input_audio_buffer.clear' });
    await other.next('input_audio_buffer.cleared');
    expect(await call(emulator, 'POST', '/emulator/faults?session=9', mute)).toMatchObject({ status: 400, body: { error: { code: 'invalid_value', param: 'session' } } });
    expect(await call(emulator, 'POST', '/emulator/faults?session=x', mute)).toMatchObject({ status: 400 });
    await other.close();
  });

  test('refuses what is no fault', async () => {
    const emulator = await start();
    expect(await call(emulator, 'POST', '/emulator/faults', { kind: 'earthquake' })).toMatchObject({ status: 400, body: { error: { code: 'invalid_value', param: 'fault' } } });
    expect((await call(emulator, 'GET', '/emulator/faults')).body.faults).toEqual([]);
  });

  test.each<[string, Record<string, string>]>([
    ['a web page', { Origin: 'http://localhost:3000' }],
    ['a name that somebody points at this machine', { Host: 'rebound.example' }],
  ])('refuses %s', async (_name, headers) => {
    const emulator = await start();
    expect(await call(emulator, 'POST', '/emulator/faults', mute, headers)).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } });
    expect((await call(emulator, 'GET', '/emulator/faults')).body.faults).toEqual([]);
  });

  const outside = Object.values(networkInterfaces()).flat().find((address) => address?.family === 'IPv4' && !address.internal)?.address;
  test.runIf(outside !== undefined)('refuses whoever comes over the network, though the emulator listens there', async () => {
    const emulator = await start({ host: '0.0.0.0' });
    const answer = await fetch(`http://${outside}:${emulator.port}/emulator/faults`, { headers: { Host: 'localhost' } });
    expect(answer.status).toBe(403);
  });
});
