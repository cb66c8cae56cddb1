/** The built command line as its users meet it: as processes, with signals, pipes and exit codes. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { decodeWav, encodeWav } from '../../audio/index.js';
import { endSpawned, spawnCli } from '../helpers/spawn-cli.js';
import type { Ended, SpawnedCli } from '../helpers/spawn-cli.js';

const KEY = 'sk-secret-0123456789';
const TOKEN = 'token-secret-0123456789';

const folder = mkdtempSync(join(tmpdir(), 'voicewire-cli-'));
const silence = join(folder, 'silence.wav');
const script = join(folder, 'script.json');
writeFileSync(silence, encodeWav(new Int16Array(4800), { sampleRate: 24_000, channels: 1 }));
writeFileSync(script, JSON.stringify({ name: 'Short', greeting: 'With pleasure.', turns: [], fallback: 'Yes?' }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const started: SpawnedCli[] = [];

/** Every process gets a key in its environment, so that each of them has a chance to give it away. */
function cli(args: readonly string[], env: Readonly<Record<string, string>> = {}): SpawnedCli {
  const spawned = spawnCli(args, { OPENAI_API_KEY: KEY, ...env });
  started.push(spawned);
  return spawned;
}

function ended(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return cli(args, env).done;
}

afterEach(async () => {
  await endSpawned();
  for (const { out, err } of await Promise.all(started.splice(0).map(({ done }) => done))) {
    expect(out + err).not.toContain('secret-0123456789');
    // No terminal, no colours.
    expect(out + err).not.toContain('\u001b');
    expect(err).not.toMatch(/INTERNAL|^\s+at .*:\d+:\d+|node:internal|UnhandledPromise|Warning:/m);
  }
});

/** What is said on standard error: the code, the reason, and what to do. */
function complaint(code: string): RegExp {
  return new RegExp(`^error ${code}: \\S.+[.]\\n {2}\\S.+\\n$`);
}

async function listening(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** A port of this machine on which nothing listens. */
async function freePort(): Promise<number> {
  const { server, port } = await listening();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function served(flags: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<{ gateway: SpawnedCli; url: string }> {
  const gateway = cli(['serve', '--port', '0', '--no-page', '--json', '--script', script, ...flags], env);
  const [, url = ''] = await gateway.prints(/"url":"(http:[^"]+)"/);
  return { gateway, url };
}

describe('voicewire chat', () => {
  it('answers without a model, a socket or a terminal, to its end, and keeps what was said', async () => {
    const memory = join(folder, 'conversation.jsonl');
    const { code, out, err } = await ended(['chat', '--script', script, '--memory', memory, '--say', 'Hello']);
    expect([code, out]).toEqual([0, 'Yes?\n']);
    expect(err).toMatch(/^\d+\.\d s: 1 turn, 0 tool calls\.\n$/);
    expect(readFileSync(memory, 'utf8')).toContain('"text":"Yes?"');
    expect(existsSync(`${memory}.lock`)).toBe(false);
  });
});

describe('a wrong call', () => {
  it.each([
    ['no command', [], /No command/, /serve, talk, emulator/],
    ['a wrong command', ['sing'], /no command "sing"/, /serve, talk, emulator/],
    ['a wrong flag', ['talk', '--im', 'x.wav'], /--im/, /--in,/],
    ['a wrong value', ['serve', '--port', 'http'], /--port .*"http"/, /Example: --port 3000/],
    ['an address that is none', ['talk', '--in', silence, '--url', '127.0.0.1:3000'], /"127.0.0.1:3000"/, /http:\/\/127\.0\.0\.1:3000/],
  ])('%s ends with 2, says what is wrong and what to do', async (_name, args, what, todo) => {
    const { code, out, err } = await ended(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(complaint('USAGE'));
    const [first, second] = err.split('\n');
    expect(first).toMatch(what);
    expect(second).toMatch(todo);
  });

  it('is one JSON line where JSON was asked for', async () => {
    const { code, err } = await ended(['emulator', '--json', '--speed', '2']);
    expect(code).toBe(2);
    expect(JSON.parse(err)).toMatchObject({ type: 'error', code: 'USAGE', message: expect.stringContaining('--speed') as string });
  });
});

describe('a server', () => {
  it.each(['serve', 'emulator'])('%s says that its port is in use', async (command) => {
    const { server, port } = await listening();
    const { code, out, err } = await ended([command, '--port', String(port)]);
    server.close();
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(complaint('PORT_IN_USE'));
    expect(err).toContain(String(port));
  });

  it('takes its port from PORT, and rather from --port', async () => {
    const port = await freePort();
    const byVariable = cli(['serve', '--no-page', '--json'], { PORT: String(port) });
    await byVariable.prints(new RegExp(`"url":"http://127\\.0\\.0\\.1:${port}"`));
    const byFlag = cli(['serve', '--no-page', '--json', '--port', '0'], { PORT: String(port) });
    const [, other] = await byFlag.prints(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/);
    expect(Number(other)).not.toBe(port);
  });

  it('does not listen beyond this machine without a token', async () => {
    const { code, out, err } = await ended(['serve', '--port', '0', '--no-page', '--host', '0.0.0.0']);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(complaint('TOKEN_REQUIRED'));
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends with 0 and a summary on %s', async (signal) => {
    for (const [args, summary] of [
      [['serve', '--port', '0'], /^Stopped after \d+\.\d s: 0 calls, 0 turns\.$/m],
      [['emulator'], /^Stopped after \d+\.\d s\.$/m],
    ] as const) {
      const server = cli(args);
      await server.prints(/Ctrl-C stops/);
      server.signal(signal);
      const { code, out, err } = await server.done;
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toMatch(summary);
    }
  });

  it('ends on Ctrl-C during a call too, and counts it; the caller is told', async () => {
    const { gateway, url } = await served();
    const call = cli(['talk', '--in', silence, '--url', url]);
    await call.prints(/^Talking to/);
    gateway.signal('SIGINT');
    const { code, out } = await gateway.done;
    expect(code).toBe(0);
    expect(out).toMatch(/"type":"summary","calls":1/);
    const caller = await call.done;
    expect(caller.code).toBe(1);
    expect(caller.err).toMatch(complaint('GATEWAY_CLOSING'));
  });
});

describe('a call that cannot begin', () => {
  it('because there is no such file', async () => {
    const { code, err } = await ended(['talk', '--in', join(folder, 'no.wav'), '--script', script]);
    expect(code).toBe(1);
    expect(err).toMatch(complaint('FILE_NOT_FOUND'));
  });

  it('because the file is no WAV', async () => {
    const { code, err } = await ended(['talk', '--in', script, '--script', script]);
    expect(code).toBe(1);
    expect(err).toMatch(/^error WAV_INVALID: .*not a WAV file/);
  });

  it('because the recording cannot be written, which is told before anybody is called', async () => {
    const { code, out, err } = await ended(['talk', '--in', silence, '--script', script, '--out', join(folder, 'no', 'call.wav')]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(complaint('FILE_NOT_WRITABLE'));
  });

  it('because the model is not there', async () => {
    const port = await freePort();
    const { code, out, err } = await ended(['talk', '--in', silence, '--model-url', `ws://127.0.0.1:${port}/v1/realtime`]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(complaint('MODEL_UNREACHABLE'));
    expect(err).toContain(`127.0.0.1:${port}`);
  });

  it('because the key is wrong; with the right one it begins', async () => {
    const emulator = cli(['emulator', '--json', '--script', script, '--api-key', KEY]);
    const [, url = ''] = await emulator.prints(/"url":"(ws:[^"]+)"/);
    const wrong = await ended(['talk', '--in', silence, '--model-url', url], { OPENAI_API_KEY: `${KEY}-wrong` });
    expect({ code: wrong.code, out: wrong.out }).toEqual({ code: 1, out: '' });
    expect(wrong.err).toMatch(complaint('MODEL_UNAUTHORIZED'));
    expect(wrong.err).toMatch(/key/);
    const right = cli(['talk', '--in', silence, '--model-url', url]);
    await right.prints(/^Talking to/);
  });

  it('because no gateway is there', async () => {
    const port = await freePort();
    const { code, out, err } = await ended(['talk', '--in', silence, '--url', `http://127.0.0.1:${port}`]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(complaint('GATEWAY_UNREACHABLE'));
  });

  it('because the token is missing or wrong; with the right one it begins', async () => {
    const { url } = await served([], { VOICEWIRE_TOKEN: TOKEN });
    for (const flags of [[], ['--token', `${TOKEN}-wrong`]]) {
      const { code, out, err } = await ended(['talk', '--in', silence, '--url', url, ...flags]);
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toMatch(complaint('GATEWAY_REFUSED'));
      expect(err).toMatch(/token/);
    }
    for (const [flags, env] of [[['--token', TOKEN], {}], [[], { VOICEWIRE_TOKEN: TOKEN }]] as const) {
      await cli(['talk', '--in', silence, '--url', url, ...flags], env).prints(/^Talking to/);
    }
  });
});

describe('a call', () => {
  it('in which the caller says nothing is no conversation', async () => {
    const recording = join(folder, 'silent-call.wav');
    const { code, out, err } = await ended(['talk', '--in', silence, '--script', script, '--out', recording]);
    expect(code).toBe(1);
    expect(out).toMatch(/agent +With pleasure\.\n.*: 0 turns of the caller, 1 answer heard, 0 tool calls, 0 interruptions\.\nThe call is in .*silent-call\.wav/);
    expect(err).toMatch(complaint('NO_CONVERSATION'));
    expect(decodeWav(readFileSync(recording))).toMatchObject({ channels: 2, sampleRate: 24_000 });
  });

  it.each([['SIGINT', 130], ['SIGTERM', 143]] as const)('ends on %s with %i, a summary, and what was recorded until then', async (signal, exitCode) => {
    const recording = join(folder, `${signal}.wav`);
    const call = cli(['talk', '--in', silence, '--script', script, '--out', recording]);
    await call.prints(/agent +With pleasure\./);
    call.signal(signal);
    const { code, out, err } = await call.done;
    expect({ code, err }).toEqual({ code: exitCode, err: '' });
    expect(out).toMatch(/^\d+\.\d s: 0 turns of the caller/m);
    const { samples } = decodeWav(readFileSync(recording));
    expect(samples.some((sample, index) => index % 2 === 1 && sample !== 0)).toBe(true);
  });

  it.each([['text', []], ['JSON', ['--json']]])('whose %s nobody reads any more ends without a word', async (_name, flags) => {
    const call = cli(['talk', '--in', silence, '--script', script, ...flags]);
    await call.prints(/./);
    call.closeOutput();
    const { code, err } = await call.done;
    expect({ code, err }).toEqual({ code: 141, err: '' });
  });
});
