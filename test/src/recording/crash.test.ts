import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeWav } from '../../../audio/index.js';
import { HostError } from '../../../src/host/errors.js';
import { readRecording, replaySession } from '../../../src/recording/index.js';
import { random } from '../../helpers/random.js';

const FIXTURE = fileURLToPath(new URL('../../../fixtures/recordings/barge-in', import.meta.url));
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'voicewire-crash-'));
  // The writer's process finds its own package by its name.
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(fileURLToPath(new URL('../../..', import.meta.url)), join(folder, 'node_modules', 'voicewire'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a recording whose writer died', () => {
  it('opens and replays up to where it was cut, at each of 120 random bytes of the text', () => {
    const rng = random();
    const whole = readFileSync(`${FIXTURE}.vw.jsonl`);
    for (const track of ['caller', 'agent']) copyFileSync(`${FIXTURE}.${track}.wav`, join(folder, `cut.${track}.wav`));
    const path = join(folder, 'cut.vw.jsonl');
    // The header and the start are two lines that are written together.
    const first = whole.indexOf('\n', whole.indexOf('\n') + 1) + 1;
    for (let round = 0; round < 120; round += 1) {
      const at = rng.int(first, whole.length);
      writeFileSync(path, whole.subarray(0, at));
      const recording = readRecording(path);
      const where = `seed ${rng.seed}, byte ${at}`;
      expect(recording.complete, where).toBe(false);
      expect(replaySession(recording).difference, where).toBeUndefined();
      expect(recording.lines.length, where).toBe(whole.subarray(0, at).toString('latin1').split('\n').length - 2);
    }
  });

  it('opens when its sound ends before its text does: the rest is silence', () => {
    const rng = random();
    for (let round = 0; round < 50; round += 1) {
      copyFileSync(`${FIXTURE}.vw.jsonl`, join(folder, 'short.vw.jsonl'));
      for (const track of ['caller', 'agent']) {
        const file = join(folder, `short.${track}.wav`);
        copyFileSync(`${FIXTURE}.${track}.wav`, file);
        truncateSync(file, rng.int(0, readFileSync(file).length));
      }
      const recording = readRecording(join(folder, 'short.vw.jsonl'));
      expect(replaySession(recording).events.length, `seed ${rng.seed}`).toBeGreaterThan(50);
    }
  });

  it('is readable after a SIGKILL, its WAV files too, and holds what was said before', async () => {
    const rng = random();
    const built = await bundle();
    for (let round = 0; round < 6; round += 1) {
      const path = join(folder, `killed-${round}.vw.jsonl`);
      const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, pathToFileURL(built).href, path], { stdio: ['ignore', 'pipe', 'inherit'] });
      const gone = once(child, 'exit');
      let said = '';
      const until = rng.int(100, 4_000);
      for await (const data of child.stdout) {
        said += String(data);
        // A number that has its line end is whole.
        if (Number(said.split('\n').at(-2) ?? -1) >= until) break;
      }
      child.kill('SIGKILL');
      expect((await gone)[1]).toBe('SIGKILL');
      const recording = readRecording(path);
      const where = `seed ${rng.seed}, round ${round}`;
      expect(recording.complete, where).toBe(false);
      const inputs = recording.lines.filter(({ type }) => type === 'input').length;
      expect(inputs, where).toBeGreaterThanOrEqual(until);
      const { samples } = decodeWav(readFileSync(path.replace('.vw.jsonl', '.caller.wav')));
      expect(samples.length, where).toBeGreaterThanOrEqual(until * 480);
      for (let chunk = 0; chunk < until; chunk += 1) expect(samples[chunk * 480], where).toBe(chunk % 1000);
    }
  });
});

describe('a file that is no recording', () => {
  it.each([
    ['an empty file', '', /not a recording: its first line is not a header/],
    ['another text', 'hello\nworld\n', /not a recording/],
    ['a header without audio', '{"format":"voicewire-recording","version":1}\n', /Line 1 of .* lacks level, clockMs or audio/],
    ['a newer version', '{"format":"voicewire-recording","version":99}\n', /is of version 99; this program reads up to version 1/],
  ])('%s', (_name, text, message) => {
    const path = join(folder, 'bad.vw.jsonl');
    writeFileSync(path, text);
    expect(() => readRecording(path)).toThrow(message);
    expect(() => readRecording(path)).toThrow(HostError);
  });

  it('names the line that is broken, which a whole last line can be', () => {
    const rows = readFileSync(`${FIXTURE}.vw.jsonl`, 'utf8').split('\n');
    const path = join(folder, 'bad.vw.jsonl');
    for (const [row, message] of [
      ['{"at":12,', /Line 7 of .* is not a JSON object/],
      ['{"at":"x","dir":"in","type":"input"}', /Line 7 of .* has no time/],
      ['{"at":1,"dir":"up","type":"input"}', /Line 7 of .* has no "dir"/],
      ['{"at":1,"dir":"in","type":"song"}', /Line 7 of .* has a type that is not known: "song"/],
      ['{"at":1,"dir":"in","type":"input"}', /Line 7 of .* has no "input"/],
    ] as const) {
      writeFileSync(path, rows.with(6, row).join('\n'));
      expect(() => readRecording(path)).toThrow(expect.objectContaining({ code: 'RECORDING_INVALID', message: expect.stringMatching(message) as string }) as Error);
    }
  });

  it('says when the sound is missing', () => {
    copyFileSync(`${FIXTURE}.vw.jsonl`, join(folder, 'mute.vw.jsonl'));
    expect(() => replaySession(readRecording(join(folder, 'mute.vw.jsonl')))).toThrow(expect.objectContaining({ code: 'RECORDING_AUDIO_MISSING' }) as Error);
  });

  it('says when a file is not there', () => {
    expect(() => readRecording(join(folder, 'none.vw.jsonl'))).toThrow(expect.objectContaining({ code: 'FILE_NOT_FOUND' }) as Error);
  });
});

/** Records a microphone without end, and prints how many chunks are on the disk. */
const WRITER = `
  const { RecordingFiles, createSessionState, recordSessionTo } = await import(process.argv[1]);
  const format = { encoding: 'pcm16', sampleRate: 24000, channels: 1 };
  const recorder = recordSessionTo(new RecordingFiles(process.argv[2]));
  recorder.onStart({ sessionId: 's', agentName: 'Ava', model: 'none', state: createSessionState({ outputModality: 'audio', inputFormat: format, outputFormat: format, tools: [] }, 'clock'), nowMs: 0 });
  const { readFileSync } = await import('node:fs');
  for (let chunk = 0; ; chunk += 1) {
    recorder.onInput({ type: 'microphone', bytes: new Uint8Array(new Int16Array(480).fill(chunk % 1000).buffer), queuedBytes: 0 }, chunk * 20);
    if (chunk % 50 !== 0) continue;
    while (!readFileSync(process.argv[2]).includes('"at":' + chunk * 20 + ',"dir"')) await new Promise((resolve) => setImmediate(resolve));
    process.stdout.write(chunk + '\\n');
  }
`;

async function bundle(): Promise<string> {
  const { build } = await import('vite');
  const entry = join(folder, 'entry.ts');
  const room = (path: string): string => JSON.stringify(fileURLToPath(new URL(`../../../${path}`, import.meta.url)));
  writeFileSync(entry, `export { createSessionState } from ${room('session/index.ts')};\nexport { RecordingFiles } from ${room('src/recording/recording-store.ts')};\nexport { recordSessionTo } from ${room('src/recording/record-session.ts')};\n`);
  await build({
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true, external: [] },
    build: { ssr: entry, outDir: folder, emptyOutDir: false, minify: false, rollupOptions: { external: [/^node:/, 'voicewire/package.json'], output: { entryFileNames: 'recording.mjs' } } },
  });
  return join(folder, 'recording.mjs');
}
