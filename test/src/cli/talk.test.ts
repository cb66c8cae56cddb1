import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeWav, encodeWav } from '../../../audio/index.js';
import { RealtimeAgent } from '../../../session/index.js';
import { demoAgent } from '../../../src/cli/demo-agent.js';
import { startGateway } from '../../../src/gateway/index.js';
import { scriptedModel } from '../../../src/provider/scripted/scripted-model.js';
import { run } from './test-terminal.js';

let folder = '';
let silence = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'voicewire-talk-'));
  silence = join(folder, 'silence.wav');
  await writeFile(silence, encodeWav(new Int16Array(1600), { sampleRate: 8000, channels: 2 }));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function failure(args: readonly string[]): Promise<string> {
  const { exitCode, err } = run(['talk', ...args]);
  expect(await exitCode).toBe(1);
  return err.join('\n');
}

describe('before anybody speaks', () => {
  it('says that the recording is not there, or is none', async () => {
    expect(await failure(['--in', join(folder, 'no.wav')])).toMatch(/^error FILE_NOT_FOUND: .*no\.wav.*does not exist/);
    expect(await failure(['--in', folder])).toMatch(/^error FILE_NOT_FOUND: .*it is a folder/);
    const page = join(folder, 'page.wav');
    await writeFile(page, '<!doctype html><html></html>'.repeat(10));
    expect(await failure(['--in', page])).toMatch(/^error WAV_INVALID: .+\n {2}.+/);
    await writeFile(page, '');
    expect(await failure(['--in', page])).toMatch(/^error WAV_INVALID: /);
  });

  it('finds out that the call cannot be written, before it opens a socket', async () => {
    let knocks = 0;
    const server = createServer().on('connection', () => (knocks += 1));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await failure(['--in', silence, '--url', url, '--out', join(folder, 'no', 'call.wav')])).toMatch(/^error FILE_NOT_WRITABLE: .*folder does not exist/);
    expect(knocks).toBe(0);
    server.close();
  });

  it('does not write the call over its own caller, under whatever name', async () => {
    const before = await readFile(silence);
    const other = join(folder, 'other.wav');
    await symlink(silence, other);
    for (const out of [silence, other]) {
      const { exitCode, err } = run(['talk', '--in', silence, '--out', out]);
      expect(await exitCode).toBe(2);
      expect(err.join('\n')).toMatch(/^error USAGE: .*same file/);
    }
    expect(await readFile(silence)).toEqual(before);
  });

  it('says that no gateway answers, or that the address is none', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    expect(await failure(['--in', silence, '--url', `http://127.0.0.1:${port}`])).toMatch(/^error GATEWAY_UNREACHABLE: /);
    const { exitCode } = run(['talk', '--in', silence, '--url', 'nowhere']);
    expect(await exitCode).toBe(2);
  });
});

describe('a call', () => {
  it('in which nobody speaks is no conversation, and is written all the same', async () => {
    await using gateway = await startGateway({ port: 0, model: scriptedModel(), agent: new RealtimeAgent({ name: 'Ava' }), greeting: false });
    const out = join(folder, 'call.wav');
    await writeFile(out, 'something old that is longer than a header of forty-four bytes');
    const talk = run(['talk', '--in', silence, '--out', out, '--url', gateway.url, '--max-seconds', '1', '--json']);
    expect(await talk.line('ready')).toMatchObject({ agent: 'Ava' });
    expect(await talk.exitCode).toBe(1);
    expect(await talk.line('summary')).toMatchObject({ tookPlace: false, callerTurns: 0, answersHeard: 0, recording: out });
    expect(JSON.parse(talk.err.join(''))).toMatchObject({ code: 'NO_CONVERSATION', message: expect.stringMatching(/no turn of the caller, and nothing of the agent/) as string });
    const { sampleRate, channels, samples } = decodeWav(await readFile(out));
    expect({ sampleRate, channels }).toEqual({ sampleRate: 24_000, channels: 2 });
    expect(samples.length / 2).toBeGreaterThan(12_000);
    expect(samples.every((sample) => sample === 0)).toBe(true);
  });

  it('whose gateway goes away ends with that error', async () => {
    const gateway = await startGateway({ port: 0, model: scriptedModel(), agent: new RealtimeAgent({ name: 'Ava' }), greeting: false });
    const talk = run(['talk', '--in', silence, '--url', gateway.url, '--json']);
    await talk.line('ready');
    await gateway.close();
    expect(await talk.exitCode).toBe(1);
    expect(JSON.parse(talk.err.join(''))).toMatchObject({ code: 'GATEWAY_CLOSING' });
  });

  it('whose model is lost ends with that error', async () => {
    const model = scriptedModel();
    await using gateway = await startGateway({ port: 0, model, agent: new RealtimeAgent({ name: 'Ava' }), greeting: false, connection: { reconnect: false } });
    const talk = run(['talk', '--in', silence, '--url', gateway.url, '--json']);
    await talk.line('ready');
    model.closeFromPeer(1006);
    expect(await talk.exitCode).toBe(1);
    expect(JSON.parse(talk.err.join(''))).toMatchObject({ code: expect.stringMatching(/LOST/) as string });
  });

  it('that is stopped before it has begun ends with 130 and a summary too', async () => {
    const server = createServer();
    const knock = once(server.on('upgrade', () => {}), 'upgrade');
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const talk = run(['talk', '--in', silence, '--url', `http://127.0.0.1:${(server.address() as AddressInfo).port}`]);
    await knock;
    talk.interrupt();
    expect(await talk.exitCode).toBe(130);
    expect(talk.out.join('\n')).toMatch(/^\d+\.\d s: 0 turns of the caller/);
    expect(talk.err).toEqual([]);
    server.closeAllConnections();
    server.close();
  });

  it('costs nothing unless a model is asked for, whatever is set', async () => {
    const talk = run(['talk', '--in', silence, '--json'], { OPENAI_API_KEY: 'k', VOICEWIRE_MODEL_URL: 'wss://model.example/v1/realtime' });
    expect(await talk.line('ready')).toMatchObject({ model: { label: 'emulator' } });
    talk.interrupt();
    expect(await talk.exitCode).toBe(130);
    const named = run(['talk', '--in', silence, '--model', 'some-model']);
    expect(await named.exitCode).toBe(2);
    expect(named.err.join('\n')).toMatch(/--model needs a model server[^]*OPENAI_API_KEY/);
  });

  it('takes the token from the address of the page, where there is one', async () => {
    await using gateway = await startGateway({ port: 0, model: scriptedModel(), agent: new RealtimeAgent({ name: 'Ava' }), greeting: false, token: 'right' });
    for (const [address, flags, env] of [
      [`${gateway.url}/?token=right`, [], { VOICEWIRE_TOKEN: 'wrong' }],
      [`${gateway.url}/?token=wrong`, ['--token', 'right'], {}],
      [gateway.url, [], { VOICEWIRE_TOKEN: 'right' }],
    ] as const) {
      const talk = run(['talk', '--in', silence, '--url', address, '--json', ...flags], env);
      await talk.line('ready');
      talk.interrupt();
      expect(await talk.exitCode).toBe(130);
    }
    expect(await failure(['--in', silence, '--url', `${gateway.url}/?token=wrong`])).toMatch(/^error GATEWAY_REFUSED: /);
  });

  it.runIf(existsSync('/dev/full'))('whose recording the disk does not take says so, and not that it is there', async () => {
    await using gateway = await startGateway({ port: 0, model: scriptedModel(), agent: new RealtimeAgent({ name: 'Ava' }), greeting: false });
    const { exitCode, out, err } = run(['talk', '--in', silence, '--url', gateway.url, '--out', '/dev/full', '--max-seconds', '1']);
    expect(await exitCode).toBe(1);
    expect(err.join('\n')).toMatch(/^error FILE_NOT_WRITABLE: .*disk is full/);
    expect(out.join('\n')).toContain('0 turns of the caller');
    expect(out.join('\n')).not.toContain('The call is in');
  });

  it('that ends before its recording does says so', async () => {
    await using gateway = await startGateway({ port: 0, model: scriptedModel(), agent: new RealtimeAgent({ name: 'Ava' }), greeting: false });
    await writeFile(silence, encodeWav(new Int16Array(8000 * 3), { sampleRate: 8000, channels: 1 }));
    expect(await failure(['--in', silence, '--url', gateway.url, '--max-seconds', '1'])).toMatch(/^error NO_CONVERSATION: .*\n.*--max-seconds/);
  });

  it('that is stopped with Ctrl-C ends with 130 and a summary', async () => {
    await using gateway = await startGateway({ port: 0, model: scriptedModel(), agent: new RealtimeAgent({ name: 'Ava' }), greeting: false });
    const talk = run(['talk', '--in', silence, '--url', gateway.url]);
    await expect.poll(() => talk.out.join('\n')).toContain('Talking to Ava');
    talk.interrupt();
    expect(await talk.exitCode).toBe(130);
    expect(talk.out.at(-1)).toMatch(/0 turns of the caller/);
    expect(talk.err).toEqual([]);
    await expect.poll(() => gateway.sessions).toBe(0);
  });
});

it('the demo agent books a table, always the same one, and says what it was asked', async () => {
  const [book] = demoAgent().tools;
  const parsed = book?.parse('{"people":2,"day":"tomorrow","time":"19:00"}');
  if (parsed?.ok !== true) throw new Error('The arguments of the script do not fit the tool.');
  expect(await parsed.run({ signal: new AbortController().signal, callId: 'c', idempotencyKey: 'k', deadline: 0, progress: () => {} })).toEqual({ table: 12, reference: 'V-4711', people: 2, day: 'tomorrow', time: '19:00' });
  expect(book?.parse('{"people":0,"day":"x","time":"y"}').ok).toBe(false);
});
