import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareSteps } from '../../../src/caller/caller-steps.js';
import { readInputFile } from '../../../src/cli/input-file.js';
import { RecordingFiles, openWavFile, readRecording, writeCallWav } from '../../../src/recording/index.js';
import { run } from '../cli/test-terminal.js';

const greeting = fileURLToPath(new URL('../../../fixtures/recordings/greeting.vw.jsonl', import.meta.url));

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'voicewire-files-'));
  writeFileSync(join(folder, 'file'), '');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Whatever the file is for, the reason is told in the same words. */
describe.each([
  ['a recording', (path: string) => readRecording(path)],
  ['an input of a command', (path: string) => readInputFile(path, 'Give a file.')],
  ['what a caller says', (path: string) => prepareSteps([{ does: 'says', what: path }])],
] as const)('%s that cannot be read', (_what, read) => {
  it.each([
    ['missing.wav', 'it does not exist'],
    ['file/below.wav', 'a part of the path is a file, not a folder'],
  ])('%s: %s', async (name, why) => {
    const path = join(folder, name);
    await expect((async () => read(path))()).rejects.toMatchObject({ code: 'FILE_NOT_FOUND', message: `Cannot read ${JSON.stringify(path)}: ${why}.`, hint: expect.stringMatching(/./) });
  });
});

describe.each([
  ['a recording', (path: string) => new RecordingFiles(path)],
  ['a WAV file', (path: string) => openWavFile(path, { sampleRate: 24_000, channels: 1 })],
  ['the sound of a call', (path: string) => writeCallWav(readRecording(greeting), path)],
] as const)('%s that cannot be written', (_what, write) => {
  it.each([
    ['missing/call.vw.jsonl', 'its folder does not exist'],
    ['file/call.vw.jsonl', 'a part of the path is a file, not a folder'],
  ])('%s: %s', async (name, why) => {
    const path = join(folder, name);
    await expect((async () => write(path))()).rejects.toMatchObject({ code: 'FILE_NOT_WRITABLE', message: `Cannot write ${path}: ${why}.`, hint: expect.stringMatching(/./) });
  });
});

it.each([
  ['replay', ['replay', greeting, '--call-wav']],
  ['load', ['load', '--plot']],
] as const)('%s names a folder that is not there, in the same words', async (_command, args) => {
  const path = join(folder, 'missing', 'file');
  const { exitCode, err } = run([...args, path]);
  expect(await exitCode).toBe(1);
  expect(err.join('\n')).toContain(`error FILE_NOT_WRITABLE: Cannot write ${path}: its folder does not exist.`);
});
