import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chooseModel } from '../../../src/cli/serve-command.js';
import type { ChosenModel } from '../../../src/cli/model-choice.js';
import { connectWebSocket } from '../../../src/transport/ws-client.js';
import { run } from './test-terminal.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'voicewire-cli-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('help', () => {
  it.each([['--help'], ['-h'], ['help']])('%s lists the commands and shows an example of each', async (flag) => {
    const { exitCode, out } = run([flag]);
    expect(await exitCode).toBe(0);
    for (const name of ['serve', 'talk', 'emulator', 'record', 'replay', 'inspect', 'load', 'chat', 'pipeline']) expect(out.join('\n')).toMatch(new RegExp(`^ {2}${name} [^]*Examples:[^]*\\n {2}npx voicewire ${name} `, 'm'));
  });

  it.each(['serve', 'talk', 'emulator', 'record', 'replay', 'inspect', 'load', 'chat', 'pipeline'])('%s --help shows examples of that command, whatever else stands there', async (name) => {
    for (const args of [[name, '--help'], [name, '--nonsense', '-h'], ['help', name]]) {
      const { exitCode, out } = run(args);
      expect(await exitCode).toBe(0);
      expect(out.join('\n')).toMatch(new RegExp(`^voicewire ${name}: [^]*\\n\\nExamples?:(\\n {2}npx voicewire ${name} .*)+$`));
    }
  });

  it('tells the exit codes', async () => {
    const { exitCode, out } = run(['--help']);
    expect(await exitCode).toBe(0);
    expect(out.join('\n')).toMatch(/Exit codes: 0 .* 1 .* 2 .* Ctrl-C .* 130/);
  });

  it('tells the version of the package', async () => {
    const { exitCode, out } = run(['--version']);
    expect(await exitCode).toBe(0);
    expect(out.join('')).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe('a wrong call', () => {
  it.each([
    ['no command', []],
    ['an unknown command', ['sing']],
    ['a hostile command', ['__proto__']],
    ['an unknown flag', ['serve', '--prot', '3000']],
    ['a flag without its value', ['talk', '--in']],
    ['a word too many', ['serve', '3000']],
    ['a port that is no number', ['serve', '--port', 'http']],
    ['a port out of range', ['emulator', '--port', '65536']],
    ['no recording', ['talk']],
    ['a recording without a name', ['talk', '--in=']],
    ['a token for nobody', ['talk', '--in', 'x.wav', '--token', 't']],
    ['no time', ['talk', '--in', 'x.wav', '--max-seconds', '0']],
    ['a gateway and a model for another one', ['talk', '--in', 'x.wav', '--url', 'http://127.0.0.1', '--script', 'demo']],
    ['no callers', ['load', '--calls', '0']],
    ['callers that are no number', ['load', '--calls', 'many']],
    ['a ramp that never ends', ['load', '--ramp', '0']],
    ['a limit below 0', ['load', '--max-errors', '-1']],
    ['a limit that is none', ['load', '--max-lateness-ms', '0']],
    ['a token for a gateway of its own', ['load', '--token', 't']],
    ['a script for a real model', ['serve', '--script', 'demo', '--model-url', 'ws://127.0.0.1']],
    ['a model address that is no socket', ['serve', '--model-url', 'http://127.0.0.1']],
    ['an origin that no browser sends', ['serve', '--port', '0', '--no-page', '--allow-origin', 'https://app.example.com/']],
    ['an origin that is none', ['serve', '--port', '0', '--no-page', '--allow-origin', 'app.example.com']],
    ['a host name with its port', ['serve', '--port', '0', '--no-page', '--allow-host', 'voice.example.com:3000']],
    ['a host name with its scheme', ['serve', '--port', '0', '--no-page', '--allow-host', 'https://voice.example.com']],
    ['a token that no browser could send', ['serve', '--port', '0', '--no-page', '--token', 'a b']],
  ])('%s ends with 2, and says what is wrong and what to do', async (_name, args) => {
    const { exitCode, out, err } = run(args);
    expect(await exitCode).toBe(2);
    expect(out).toEqual([]);
    expect(err.join('\n')).toMatch(/^error USAGE: .+\n {2}.+/);
  });

  it('names the flags that there are', async () => {
    const { exitCode, err } = run(['serve', '--prot', '1']);
    await exitCode;
    expect(err.join('\n')).toMatch(/--prot.*\n.*--port/);
  });

  it('is one JSON line with --json', async () => {
    const { exitCode, err } = run(['serve', '--json', '--prot', '1']);
    expect(await exitCode).toBe(2);
    expect(JSON.parse(err.join(''))).toMatchObject({ type: 'error', code: 'USAGE', message: expect.any(String) as string, hint: expect.any(String) as string });
  });

  it('a variable that is no address is shown how', async () => {
    const { exitCode, err } = run(['serve'], { VOICEWIRE_MODEL_URL: 'localhost:8080' });
    expect(await exitCode).toBe(2);
    expect(err.join('\n')).toMatch(/VOICEWIRE_MODEL_URL must .*"localhost:8080"[^]*Example: VOICEWIRE_MODEL_URL=ws:/);
  });

  it('a PORT that is no number names the variable', async () => {
    const { exitCode, err } = run(['serve'], { PORT: 'abc' });
    expect(await exitCode).toBe(2);
    expect(err.join('\n')).toMatch(/PORT must be .*"abc"[^]*Example: PORT=\d+$/);
  });
});

describe('serve', () => {
  it('starts with the emulator, says where, and ends with 0 and a summary at Ctrl-C', async () => {
    const serve = run(['serve', '--port', '0', '--no-page', '--json']);
    const listening = await serve.line('listening');
    expect(listening).toMatchObject({ model: 'emulator', emulator: true });
    expect((await fetch(`${String(listening['url'])}/healthz`)).status).toBe(200);
    serve.interrupt();
    expect(await serve.exitCode).toBe(0);
    expect(await serve.line('summary')).toMatchObject({ calls: 0, turns: 0 });
    await expect(fetch(`${String(listening['url'])}/healthz`)).rejects.toThrow();
  });

  it('tells a person the address, the model and what to do next', async () => {
    const serve = run(['serve', '--no-page'], { PORT: '0' });
    await expect.poll(() => serve.out.join('\n')).toMatch(/http:\/\/127\.0\.0\.1:\d+[^]*emulator[^]*Ctrl-C stops/);
    serve.interrupt();
    expect(await serve.exitCode).toBe(0);
    expect(serve.out.at(-1)).toMatch(/^Stopped after .* 0 calls, 0 turns\.$/);
  });

  it('takes the real model where there is a key, and never prints the key', async () => {
    const serve = run(['serve', '--port', '0', '--no-page', '--verbose'], { OPENAI_API_KEY: 'sk-very-secret' });
    await expect.poll(() => serve.out.join('\n')).toContain('api.openai.com');
    serve.interrupt();
    await serve.exitCode;
    expect([...serve.out, ...serve.err].join('\n')).not.toContain('very-secret');
  });

  it('says that a key cannot be one, and does not say the key', async () => {
    const serve = run(['serve', '--port', '0', '--no-page'], { OPENAI_API_KEY: 'sk-very\nsecret' });
    expect(await serve.exitCode).toBe(2);
    expect(serve.err.join('\n')).toMatch(/^error USAGE: OPENAI_API_KEY /);
    expect(serve.err.join('\n')).not.toMatch(/very|secret/);
    const withLineEnd = run(['serve', '--port', '0', '--no-page', '--json'], { OPENAI_API_KEY: 'sk-very-secret\n' });
    await withLineEnd.line('listening');
    withLineEnd.interrupt();
    await withLineEnd.exitCode;
  });

  it('takes origins and hosts as they are compared', async () => {
    const serve = run(['serve', '--port', '0', '--no-page', '--json', '--allow-origin', 'https://app.example.com:8443', '--allow-host', 'Voice.example.com', '--allow-host', '192.0.2.7', '--allow-host', '2001:db8::7']);
    await serve.line('listening');
    serve.interrupt();
    expect(await serve.exitCode).toBe(0);
  });

  it('does not print the token either', async () => {
    const serve = run(['serve', '--port', '0', '--host', '0.0.0.0', '--no-page'], { VOICEWIRE_TOKEN: 'hidden-token' });
    await expect.poll(() => serve.out.join('\n')).toContain('Ctrl-C stops');
    serve.interrupt();
    await serve.exitCode;
    expect([...serve.out, ...serve.err].join('\n')).not.toContain('hidden-token');
  });

  it('fails with 1 when the port is in use, and leaves nothing running', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { exitCode, err } = run(['serve', '--port', String(port), '--no-page']);
    expect(await exitCode).toBe(1);
    expect(err.join('\n')).toMatch(new RegExp(`^error PORT_IN_USE: .*${port}.*\n {2}.+`));
    other.close();
  });

  it('refuses a network address without a token', async () => {
    const { exitCode, err } = run(['serve', '--port', '0', '--host', '0.0.0.0', '--no-page']);
    expect(await exitCode).toBe(1);
    expect(err.join('\n')).toMatch(/^error TOKEN_REQUIRED: /);
  });
});

describe('which model', () => {
  const emulated: ChosenModel = { model: { label: 'emulator', connect: () => Promise.reject(new Error('not here')) }, isEmulator: true, [Symbol.asyncDispose]: async () => {} };
  it.each([
    ['nothing is said', {}, {}, 'emulator demo'],
    ['a key is set', {}, { OPENAI_API_KEY: 'k' }, 'api.openai.com'],
    ['the key is empty', {}, { OPENAI_API_KEY: '' }, 'emulator demo'],
    ['an address is set', {}, { VOICEWIRE_MODEL_URL: 'ws://127.0.0.1:9/v1/realtime', OPENAI_API_KEY: 'k' }, '127.0.0.1:9'],
    ['a flag gives another address', { 'model-url': 'ws://127.0.0.1:8/v1/realtime' }, { VOICEWIRE_MODEL_URL: 'ws://127.0.0.1:9/v1/realtime' }, '127.0.0.1:8'],
    ['a script is asked for, whatever is set', { script: 'parrot' }, { OPENAI_API_KEY: 'k', VOICEWIRE_MODEL_URL: 'ws://127.0.0.1:9' }, 'emulator parrot'],
    ['a model is asked for by name', { model: 'other-model' }, { OPENAI_API_KEY: 'k' }, 'other-model'],
  ])('when %s', async (_name, values, env, label) => {
    let started = '';
    const terminal = { out: () => {}, write: () => {}, lines: () => nothing, err: () => {}, env, typed: false, colour: false, interrupted: new AbortController().signal };
    const chosen = await chooseModel(values, terminal, (script) => {
      started = `emulator ${script}`;
      return Promise.resolve(emulated);
    });
    expect(chosen.isEmulator ? started : chosen.model.label).toContain(label);
  });
});

describe('emulator', () => {
  it('prints an address that a realtime client can use, and wants its key', async () => {
    const emulator = run(['emulator', '--json', '--api-key', 'k']);
    const url = String((await emulator.line('listening'))['url']);
    expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/v1\/realtime$/);
    await expect(connectWebSocket(url)).rejects.toMatchObject({ code: 'MODEL_UNAUTHORIZED' });
    const socket = await connectWebSocket(url, { headers: { Authorization: 'Bearer k' } });
    const first = await new Promise<string>((resolve) => socket.listen({ onMessage: (data) => resolve(String(data)), onClose: () => {} }));
    expect(JSON.parse(first)).toMatchObject({ type: 'session.created' });
    emulator.interrupt();
    expect(await emulator.exitCode).toBe(0);
  });

  it('says how to connect, and keeps its key to itself', async () => {
    const emulator = run(['emulator', '--api-key', 'hidden-key']);
    await expect.poll(() => emulator.out.join('\n')).toMatch(/ws:\/\/127\.0\.0\.1:\d+\/v1\/realtime[^]*voicewire serve --model-url ws:/);
    emulator.interrupt();
    expect(await emulator.exitCode).toBe(0);
    expect(emulator.out.join('\n')).not.toContain('hidden-key');
  });

  it('takes a script from a file, and says what is wrong with one', async () => {
    const path = join(folder, 'script.json');
    for (const [text, code] of [['{', 'SCRIPT_INVALID'], ['{"name":"x"}', 'SCRIPT_INVALID']] as const) {
      await writeFile(path, text);
      const { exitCode, err } = run(['emulator', '--script', path]);
      expect(await exitCode).toBe(1);
      expect(err.join('\n')).toMatch(new RegExp(`^error ${code}: `));
    }
    const missing = run(['emulator', '--script', join(folder, 'no.json')]);
    expect(await missing.exitCode).toBe(1);
    expect(missing.err.join('\n')).toMatch(/^error FILE_NOT_FOUND: /);
    await writeFile(path, JSON.stringify({ name: 'Mine', greeting: 'Hello.', turns: [], fallback: 'Sorry.' }));
    const emulator = run(['emulator', '--script', path, '--json']);
    await emulator.line('listening');
    emulator.interrupt();
    expect(await emulator.exitCode).toBe(0);
  });
});

const nothing: AsyncIterable<never> = { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ value: undefined, done: true }) }) };
