import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { PCM16_24K, decodeWav, encodeWav, powerDb, samplesToPcm16 } from '../../../audio/index.js';
import { OpenaiTestServer, spoken, streamedChat, wholeTranscript } from '../../helpers/openai-server/index.js';
import { run } from './test-terminal.js';

const folder = mkdtempSync(join(tmpdir(), 'voicewire-pipeline-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A second of somebody who speaks, since it is played in real time; and a script with a short answer. */
const HELLO = join(folder, 'hello.wav');
const SCRIPT = join(folder, 'script.json');
const spokenHello = decodeWav(readFileSync('fixtures/audio/caller-hello.wav'));
const begin = spokenHello.samples.findIndex((sample) => Math.abs(sample) > 1_000);
const hello = spokenHello.samples.slice(begin, begin + spokenHello.sampleRate);
writeFileSync(HELLO, encodeWav(hello, { sampleRate: spokenHello.sampleRate, channels: 1 }));
writeFileSync(SCRIPT, JSON.stringify({ name: 'short', greeting: 'Hello.', turns: [{ hears: 'Bye.', when: ['bye'], reply: 'See you tomorrow.' }], fallback: 'Pardon?' }));

test('a caller from a file is answered without a key, and the reply is what was heard', async () => {
  const reply = join(folder, 'reply.wav');
  const call = run(['pipeline', '--in', HELLO, '--script', SCRIPT, '--out', reply]);
  expect(await call.exitCode).toBe(0);
  expect(call.out.join('\n')).toMatch(/caller {2}Bye\.\n.*agent {3}See you tomorrow\./u);
  expect(call.out.at(-2)).toMatch(/^\d+\.\d s: 1 turn, 1 answered, 0 interruptions\.$/u);
  const { samples, sampleRate, channels } = decodeWav(readFileSync(reply));
  expect([sampleRate, channels]).toEqual([24_000, 1]);
  // Silent while the caller speaks, loud afterwards.
  const level = (from: number, to: number): number => powerDb(PCM16_24K, samplesToPcm16(samples.subarray(from, to)));
  expect(level(0, 24_000)).toBeLessThan(-80);
  expect(level(24_000, samples.length)).toBeGreaterThan(-40);
});

test('the parrot says back what it heard, in the caller\'s own voice', async () => {
  const reply = join(folder, 'echo.wav');
  const call = run(['pipeline', '--in', HELLO, '--parrot', '--json', '--out', reply]);
  expect(await call.exitCode).toBe(0);
  expect(await call.line('voice_stream_event_transcript')).toMatchObject({ text: expect.stringMatching(/^\(your own voice, \d\.\d s\)$/u) as string });
  const audio = await call.line('voice_stream_event_audio');
  expect(audio).not.toHaveProperty('data');
  expect(await call.line('summary')).toMatchObject({ turns: 1, answered: 1 });
  const heard = decodeWav(readFileSync(reply));
  const loud = (samples: Int16Array, rate: number): number => samples.filter((sample) => Math.abs(sample) > 1_000).length / rate;
  // What was said is heard once, at its own level.
  expect(loud(heard.samples, heard.sampleRate) / loud(hello, spokenHello.sampleRate)).toBeGreaterThan(0.85);
  expect(loud(heard.samples, heard.sampleRate) / loud(hello, spokenHello.sampleRate)).toBeLessThan(1.15);
});

test('each part may be a model on a server', async () => {
  await using server = await OpenaiTestServer.start();
  server.answer(wholeTranscript('What is the time?'), streamedChat({ text: 'It is noon.' }), spoken([new Uint8Array(9_600).fill(7)]));
  const where = (part: string): string[] => [`--${part}-url`, server.baseUrl, `--${part}-model`, 'tiny'];
  const call = run(['pipeline', '--in', HELLO, ...where('listen'), ...where('text'), ...where('speak'), '--voice', 'ava']);
  expect(await call.exitCode).toBe(0);
  expect(call.out.join('\n')).toMatch(/caller {2}What is the time\?\n.*agent {3}It is noon\./u);
  expect(server.requests.map(({ path }) => path)).toEqual(['/v1/audio/transcriptions', '/v1/chat/completions', '/v1/audio/speech']);
  expect(server.requests[2]?.body).toMatchObject({ input: 'It is noon.', voice: 'ava' });
});

test('a part that fails is told, and nothing was answered', async () => {
  const call = run(['pipeline', '--in', HELLO, '--text-url', 'http://127.0.0.1:9/v1', '--text-model', 'tiny']);
  expect(await call.exitCode).toBe(1);
  expect(call.out.join('\n')).toMatch(/error {3}.*127\.0\.0\.1:9/u);
  expect(call.err.join('\n')).toContain('NO_CONVERSATION');
});

test('Ctrl-C ends the call with a summary and 130', async () => {
  const call = run(['pipeline', '--in', 'fixtures/audio/caller.wav', '--json']);
  await call.line('voice_stream_event_speech');
  call.interrupt();
  expect(await call.exitCode).toBe(130);
  expect(await call.line('summary')).toMatchObject({ answered: 0 });
});

test.each([
  [[], 'pipeline needs a recording'],
  [['--in', 'nowhere.wav'], 'nowhere.wav'],
  [['--in', 'package.json'], 'WAV_INVALID'],
  [['--in', HELLO, '--out', HELLO], 'the same file'],
  [['--in', HELLO, '--parrot', '--text-model', 'x'], '--parrot needs no parts'],
  [['--in', HELLO, '--voice', 'x'], '--voice chooses a voice'],
  [['--in', HELLO, '--listen-model', 'x'], '--listen-model needs a server'],
])('a wrong call is told: %j', async (flags, message) => {
  const call = run(['pipeline', ...flags]);
  expect(await call.exitCode).not.toBe(0);
  expect(call.err.join('\n')).toContain(message);
});

test('a recording without speech is no conversation', async () => {
  const silent = join(folder, 'silent.wav');
  writeFileSync(silent, encodeWav(new Int16Array(4_800), { sampleRate: 24_000, channels: 1 }));
  const call = run(['pipeline', '--in', silent]);
  expect(await call.exitCode).toBe(1);
  expect(call.err.join('\n')).toContain('NO_CONVERSATION');
});
