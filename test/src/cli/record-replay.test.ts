import { copyFile, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeWav } from '../../../audio/index.js';
import { startEmulator } from '../../../src/emulator/index.js';
import type { Gateway } from '../../../src/gateway/index.js';
import { readRecording, replayClient } from '../../../src/recording/index.js';
import { connectWebSocket } from '../../../src/transport/ws-client.js';
import { openVoiceSocket } from '../gateway/voice-socket.js';
import { run } from './test-terminal.js';

const FIXTURE = fileURLToPath(new URL('../../../fixtures/recordings/tool-call', import.meta.url));
const KEY = 'sk-proj-Zq81mLp0Yt62VbN4c7Kd93';
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'voicewire-record-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** The fixture with one line changed. */
async function changed(from: string | RegExp, to: string): Promise<string> {
  const path = join(folder, 'changed.vw.jsonl');
  for (const track of ['caller', 'agent']) await copyFile(`${FIXTURE}.${track}.wav`, join(folder, `changed.${track}.wav`));
  await writeFile(path, (await readFile(`${FIXTURE}.vw.jsonl`, 'utf8')).replace(from, to));
  return path;
}

describe('voicewire replay', () => {
  it('tells a call in words and says that it goes as it went', async () => {
    const { exitCode, out } = run(['replay', `${FIXTURE}.vw.jsonl`]);
    expect(await exitCode).toBe(0);
    const text = out.join('\n');
    expect(text).toMatch(/caller {6}A table for two tomorrow[^]*tool {8}book_table\(.*ok after 400 ms[^]*agent {7}With pleasure\. You have table 12/);
    expect(out.at(-1)).toMatch(/^It goes as it went: 4\.5 s of call, \d+ lines, played in \d+ ms\.$/);
  });

  it('prints JSON lines for programs', async () => {
    const { exitCode, out } = run(['replay', '--json', `${FIXTURE}.vw.jsonl`]);
    expect(await exitCode).toBe(0);
    const lines = out.map((line) => JSON.parse(line) as { type: string });
    expect(lines.at(-1)).toMatchObject({ type: 'summary', outcome: 'same', durationMs: 4500, complete: true });
    expect(lines.slice(0, -1).every(({ type }) => type === 'story')).toBe(true);
  });

  it('fails with the first difference, and does not fail with --lenient', async () => {
    const path = await changed('"outcome":"ok","output"', '"outcome":"error","output"');
    const strict = run(['replay', path]);
    expect(await strict.exitCode).toBe(1);
    expect(strict.out.join('\n')).toMatch(/It goes another way:\nline \d+ \(at 2\.1\d\d s, event\.outcome\)\n {2}recorded {2}"ok"\n {2}replayed {2}"error"/);
    const lenient = run(['replay', '--lenient', '--json', path]);
    expect(await lenient.exitCode).toBe(0);
    expect(await lenient.line('summary')).toMatchObject({ outcome: 'different', difference: { path: 'event.outcome', recorded: 'ok', replayed: 'error' } });
  });

  it('tells it at the pace that is asked for, and stops at Ctrl-C', async () => {
    const running = run(['replay', '--json', '--speed', '0.01', `${FIXTURE}.vw.jsonl`]);
    await running.line('story');
    running.interrupt();
    expect(await running.exitCode).toBe(130);
    expect(running.out.length).toBeLessThan(5);
  });

  it('hangs up at Ctrl-C while the client is played', async () => {
    await using emulator = await startEmulator();
    const path = join(folder, 'call.vw.jsonl');
    const recording = run(['record', '--json', '--to', emulator.url, '--out', path, '--', process.execPath, '--input-type=module', '-e', CLIENT], { OPENAI_API_KEY: KEY });
    expect(await recording.exitCode).toBe(7);
    // Its session says another thing at once, its date of expiry, and the client is too slow to be over by itself.
    await using other = await startEmulator({ sessionLimitMs: 60_000 });
    const running = run(['replay', '--json', '--lenient', '--speed', '0.01', '--url', other.url, path]);
    await running.line('problem');
    running.interrupt();
    expect(await running.exitCode).toBe(130);
    expect(await running.line('summary')).toMatchObject({ closeCode: 1000 });
  });

  it('says of a file that was cut before the session began that there is nothing to play', async () => {
    const path = join(folder, 'cut.vw.jsonl');
    await writeFile(path, `${(await readFile(`${FIXTURE}.vw.jsonl`, 'utf8')).split('\n')[0]}\n{"at":1000,"dir":"in","le`);
    const { exitCode, err } = run(['replay', path]);
    expect(await exitCode).toBe(1);
    expect(err.join('\n')).toMatch(/error RECORDING_INVALID: .*cut\.vw\.jsonl ends before the session has begun/);
  });

  it.each([
    ['a session', (header: string) => header, /level "session"\./],
    ['a wire on which nobody spoke', (header: string) => header.replace('"level":"session"', '"level":"wire"'), /nobody connected/],
  ])('plays no client of the recording of %s, and calls nobody', async (_what, headerOf, message) => {
    const path = join(folder, 'none.vw.jsonl');
    await writeFile(path, `${headerOf((await readFile(`${FIXTURE}.vw.jsonl`, 'utf8')).split('\n')[0] ?? '')}\n`);
    const { exitCode, err } = run(['replay', '--json', '--url', 'ws://127.0.0.1:9/v1/realtime', path]);
    expect(await exitCode).toBe(1);
    expect(JSON.parse(err.at(-1) ?? '{}')).toMatchObject({ code: 'RECORDING_INVALID', message: expect.stringMatching(message) as string });
  });

  it.each([
    ['no file', [], 'USAGE', /needs one recording/],
    ['two files', ['a.vw.jsonl', 'b.vw.jsonl'], 'USAGE', /not 2/],
    ['both modes', ['--strict', '--lenient', 'a.vw.jsonl'], 'USAGE', /exclude/],
    ['a speed that is none', ['--speed', 'fast', `${FIXTURE}.vw.jsonl`], 'USAGE', /--speed/],
    ['a file that is not there', ['nowhere.vw.jsonl'], 'FILE_NOT_FOUND', /nowhere/],
    ['a file that is no recording', [`${FIXTURE}.agent.wav`], 'RECORDING_INVALID', /first line is not a header/],
  ])('refuses %s', async (_name, args, code, message) => {
    const { exitCode, err } = run(['replay', '--json', ...args]);
    expect(await exitCode).toBe(code === 'USAGE' ? 2 : 1);
    expect(JSON.parse(err.at(-1) ?? '{}')).toMatchObject({ type: 'error', code, message: expect.stringMatching(message) as string });
  });

  it('names the line of a broken file', async () => {
    const path = await changed(/\n\{"at":1015\.25,"dir":"out"/, '\n{"at":1015.25,"dir":"sideways"');
    const { exitCode, err } = run(['replay', path]);
    expect(await exitCode).toBe(1);
    expect(err.join('\n')).toMatch(/error RECORDING_INVALID: Line 6 of .*changed\.vw\.jsonl has no "dir"\./);
  });
});

/** A client in a process of its own: greets, waits for an answer, and ends with this code. */
const CLIENT = `
  import { WebSocket } from 'ws';
  const url = process.env.OPENAI_BASE_URL.replace('http', 'ws') + '/realtime?model=x';
  if (url.split('?')[0] !== process.env.VOICEWIRE_MODEL_URL) process.exit(9);
  const socket = new WebSocket(url, ['realtime'], { headers: { Authorization: 'Bearer ' + process.env.OPENAI_API_KEY } });
  socket.on('open', () => socket.send(JSON.stringify({ type: 'response.create' })));
  socket.on('message', (data) => { if (JSON.parse(data).type === 'response.done') socket.close(1000, 'done'); });
  socket.on('close', () => process.exit(7));
`;

describe('voicewire record', () => {
  it('runs a command whose model is behind it, gives its exit code, and the recording plays as an emulator', async () => {
    await using emulator = await startEmulator({ apiKey: KEY, pace: 100 });
    const out = join(folder, 'call.vw.jsonl');
    const recording = run(['record', '--json', '--to', emulator.url, '--out', out, '--', process.execPath, '--input-type=module', '-e', CLIENT], { OPENAI_API_KEY: KEY });
    expect(await recording.exitCode).toBe(7);
    expect(recording.out).toEqual([]);
    expect(JSON.parse(recording.err.at(-1) ?? '{}')).toMatchObject({ type: 'summary', connections: 1, out });
    const written = await readFile(out, 'utf8');
    expect(written).not.toContain(KEY);
    expect(written).toContain('"headerNames":["authorization"]');
    expect(readRecording(out).complete).toBe(true);

    const told = run(['replay', out]);
    expect(await told.exitCode).toBe(0);
    expect(told.out.join('\n')).toMatch(/connection {2}open: ws:[^]*agent {7}Good evening[^]*closed by the client: 1000 done/);

    const server = run(['emulator', '--json', '--recording', out, '--speed', '50']);
    const { url } = await server.line('listening');
    const transport = await connectWebSocket(String(url), { protocols: ['realtime'] });
    const replayed = await replayClient(out, transport, { speed: 50 });
    expect(replayed.problems).toEqual([]);
    expect(replayed.received).toBeGreaterThan(20);

    const client = run(['replay', '--json', '--speed', '50', '--url', String(url), out]);
    expect(await client.line('summary')).toMatchObject({ outcome: 'same' });
    expect(await client.exitCode).toBe(0);
    server.interrupt();
    expect(await server.exitCode).toBe(0);
  });

  it('listens until Ctrl-C without a command', async () => {
    await using emulator = await startEmulator({ pace: 100 });
    const out = join(folder, 'listen.vw.jsonl');
    const running = run(['record', '--json', '--to', emulator.url, '--out', out, '--audio', 'hash', '--redact', 'sess_\\w+']);
    const { url } = await running.line('listening');
    const transport = await connectWebSocket(String(url), { protocols: ['realtime'] });
    await new Promise<void>((resolve) => transport.listen({ onMessage: () => resolve(), onClose: () => {} }));
    await transport.close();
    running.interrupt();
    expect(await running.exitCode).toBe(0);
    expect(await running.line('summary')).toMatchObject({ connections: 1 });
    const written = await readFile(out, 'utf8');
    expect(written).toContain('"type":"session.created"');
    expect(written).not.toMatch(/sess_/);
  });

  it.each([
    ['a file of another name', ['--out', 'call.txt'], 'USAGE'],
    ['an address that is none', ['--to', 'http://x'], 'USAGE'],
    ['a port that is none', ['--listen', 'here'], 'USAGE'],
    ['a pattern that is none', ['--redact', '('], 'USAGE'],
    ['a kind of sound that is none', ['--audio', 'loud'], 'USAGE'],
    ['a folder that is not there', ['--out', '/nowhere/at/all/call.vw.jsonl'], 'FILE_NOT_WRITABLE'],
  ])('refuses %s', async (_name, args, code) => {
    const { exitCode, err } = run(['record', '--json', ...args, '--', process.execPath, '-e', '0']);
    expect(await exitCode).toBe(code === 'USAGE' ? 2 : 1);
    expect(JSON.parse(err.at(-1) ?? '{}')).toMatchObject({ code });
  });

  it('says when the command went another way than through it', async () => {
    const { exitCode, err } = run(['record', '--to', 'ws://127.0.0.1:9/v1/realtime', '--out', join(folder, 'none.vw.jsonl'), '--', process.execPath, '-e', '0']);
    expect(await exitCode).toBe(0);
    expect(err.join('\n')).toMatch(/^Recorded 0 connections .* The program never connected here: .*OPENAI_BASE_URL or VOICEWIRE_MODEL_URL\.$/);
  });

  it('says when the command cannot be run', async () => {
    const { exitCode, err } = run(['record', '--json', '--to', 'ws://127.0.0.1:9/v1/realtime', '--out', join(folder, 'x.vw.jsonl'), '--', 'no-such-program-anywhere']);
    expect(await exitCode).toBe(1);
    expect(JSON.parse(err.at(-1) ?? '{}')).toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});

describe('voicewire serve --record', () => {
  it('records each conversation, without the token, to be played again and heard', async () => {
    const calls = join(folder, 'calls');
    const server = run(['serve', '--json', '--port', '0', '--no-page', '--script', 'demo', '--record', calls, '--token', 'a-token-for-nobody-else'], { SOME_API_KEY: KEY });
    const { socketUrl } = (await server.line('listening')) as { socketUrl: string };
    const socket = await openVoiceSocket({ socketUrl } as Gateway, 'a-token-for-nobody-else');
    socket.send({ type: 'start', audio: true, client: 'test' });
    await socket.next('ready');
    socket.send({ type: 'text', text: `My key is ${KEY}, the token a-token-for-nobody-else.` });
    await socket.nextEvent('agent_end');
    await socket.close();
    server.interrupt();
    expect(await server.exitCode).toBe(0);
    const [file, ...rest] = (await readdir(calls)).filter((name) => name.endsWith('.vw.jsonl'));
    expect(rest).toEqual([]);
    const path = join(calls, String(file));
    const written = await readFile(path, 'utf8');
    expect(written).toContain('My key is');
    for (const secret of [KEY, 'a-token-for-nobody-else']) expect(written).not.toContain(secret);
    const wav = join(folder, 'call.wav');
    const replayed = run(['replay', '--json', '--call-wav', wav, path]);
    expect(await replayed.exitCode).toBe(0);
    expect(await replayed.line('summary')).toMatchObject({ outcome: 'same', complete: true });
    expect(decodeWav(await readFile(wav)).channels).toBe(2);
  });

  it('says at once when the folder cannot be', async () => {
    const { exitCode, err } = run(['serve', '--json', '--port', '0', '--no-page', '--script', 'demo', '--record', `${FIXTURE}.agent.wav`]);
    expect(await exitCode).toBe(1);
    expect(JSON.parse(err.at(-1) ?? '{}')).toMatchObject({ code: 'FILE_NOT_WRITABLE' });
  });
});
