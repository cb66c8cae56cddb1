import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { openWavFile } from '../../../src/recording/index.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'voicewire-wav-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const ramp = (from: number, count: number): Int16Array => Int16Array.from({ length: count }, (_, index) => ((from + index) % 60_000) - 30_000);

/** Reads by the layout of RFC 2361's plain form, so that the test does not lean on the code beside it. */
function plainWav(bytes: Buffer): { riffSize: number; channels: number; sampleRate: number; dataSize: number; samples: number[] } {
  expect(bytes.toString('latin1', 0, 4)).toBe('RIFF');
  expect(bytes.toString('latin1', 8, 16)).toBe('WAVEfmt ');
  expect(bytes.toString('latin1', 36, 40)).toBe('data');
  const samples: number[] = [];
  for (let at = 44; at + 1 < bytes.length; at += 2) samples.push(bytes.readInt16LE(at));
  return { riffSize: bytes.readUInt32LE(4), channels: bytes.readUInt16LE(22), sampleRate: bytes.readUInt32LE(24), dataSize: bytes.readUInt32LE(40), samples };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}

describe('openWavFile', () => {
  it('writes every sample, and the true sizes at the end', async () => {
    const path = join(folder, 'call.wav');
    const file = await openWavFile(path, { sampleRate: 24_000, channels: 2 });
    for (let block = 0; block < 50; block += 1) await file.write(ramp(block * 960, 960));
    expect(file.samplesPerChannel).toBe(50 * 480);
    await file.close();
    const read = plainWav(await readFile(path));
    expect(read).toMatchObject({ channels: 2, sampleRate: 24_000, dataSize: 96_000, riffSize: 96_036 });
    expect(read.samples).toEqual(Array.from(ramp(0, 48_000)));
  });

  it('is a whole, empty recording when nothing was written, also when it is closed at once', async () => {
    for (let run = 0; run < 20; run += 1) {
      const path = join(folder, `empty-${run}.wav`);
      await using file = await openWavFile(path, { sampleRate: 24_000, channels: 1 });
      const first = file.close();
      expect(file.close()).toBe(first);
      await first;
      expect(plainWav(await readFile(path))).toMatchObject({ dataSize: 0, riffSize: 36, samples: [] });
    }
  });

  it('says "until the end" in the first second, and then the size it has, once a second', async () => {
    const path = join(folder, 'growing.wav');
    const clock = new ManualClock();
    const file = await openWavFile(path, { sampleRate: 24_000, channels: 1, clock });
    const onDisk = (bytes: number) => until(async () => (await stat(path)).size === bytes);
    await file.write(ramp(0, 480));
    await onDisk(44 + 960);
    expect(plainWav(await readFile(path))).toMatchObject({ riffSize: 0xffffffff, dataSize: 0xffffffff });
    clock.advance(999);
    await file.write(ramp(480, 480));
    await onDisk(44 + 1920);
    expect(plainWav(await readFile(path)).dataSize).toBe(0xffffffff);
    clock.advance(1);
    await file.write(ramp(960, 480));
    await until(async () => plainWav(await readFile(path)).dataSize === 2880);
    clock.advance(999);
    await file.write(ramp(1440, 480));
    await onDisk(44 + 3840);
    expect(plainWav(await readFile(path)).dataSize).toBe(2880);
    await file.close();
    expect(plainWav(await readFile(path)).dataSize).toBe(3840);
  });

  it('leaves a readable file when the process is killed', async () => {
    const path = join(folder, 'killed.wav');
    // A process of its own writes through the package's Writer and is killed while the file is open.
    const script = `
      const { openWavFile } = await import(process.argv[1]);
      const file = await openWavFile(process.argv[2], { sampleRate: 24000, channels: 1 });
      await file.write(Int16Array.from({ length: 24000 }, (_, index) => index));
      const { stat } = await import('node:fs/promises');
      while ((await stat(process.argv[2])).size < 44 + 48000) await new Promise((resolve) => setImmediate(resolve));
      process.stdout.write('written');
      setInterval(() => {}, 1000);
    `;
    const built = await bundle(folder);
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, pathToFileURL(built).href, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    expect(String((await once(child.stdout, 'data'))[0])).toBe('written');
    child.kill('SIGKILL');
    expect((await exited)[1]).toBe('SIGKILL');
    const read = plainWav(await readFile(path));
    expect(read.samples).toEqual(Array.from({ length: 24_000 }, (_, index) => index));
    expect(read.dataSize).toBe(0xffffffff);
  });

  it.each([
    ['a folder that does not exist', () => join(folder, 'no', 'call.wav'), /folder does not exist/],
    ['a folder', () => folder, /it is a folder/],
  ])('refuses %s before anything is written', async (_name, path, message) => {
    await expect(openWavFile(path(), { sampleRate: 24_000, channels: 2 })).rejects.toMatchObject({ name: 'HostError', code: 'FILE_NOT_WRITABLE', message: expect.stringMatching(message) as string });
  });

  it.runIf(process.platform === 'linux')('reports a full disk to the writer and at the close', async () => {
    const file = await openWavFile('/dev/full', { sampleRate: 24_000, channels: 1 });
    const writing = (async () => {
      for (let block = 0; block < 1000; block += 1) await file.write(ramp(0, 4800));
    })();
    await expect(writing).rejects.toMatchObject({ code: 'FILE_NOT_WRITABLE', message: expect.stringMatching(/disk is full/) as string });
    await expect(file.close()).rejects.toMatchObject({ code: 'FILE_NOT_WRITABLE' });
  });

  it('refuses half frames, other channel counts and writes after the close', async () => {
    const file = await openWavFile(join(folder, 'x.wav'), { sampleRate: 24_000, channels: 2 });
    await expect(file.write(new Int16Array(3))).rejects.toThrow(RangeError);
    await file.close();
    await expect(file.write(new Int16Array(2))).rejects.toThrow(/closed/);
    await expect(openWavFile(join(folder, 'y.wav'), { sampleRate: 0, channels: 1 })).rejects.toThrow(RangeError);
  });
});

/** The recording room as one file of plain JavaScript, for a process that knows no TypeScript. */
async function bundle(into: string): Promise<string> {
  const { build } = await import('vite');
  const wav = createRequire(import.meta.url).resolve('wav');
  await build({
    configFile: false,
    logLevel: 'error',
    resolve: { alias: { wav: pathToFileURL(wav).href } },
    build: {
      ssr: 'src/recording/wav-file.ts',
      outDir: into,
      emptyOutDir: false,
      minify: false,
      rollupOptions: { external: [pathToFileURL(wav).href, /^node:/], output: { entryFileNames: 'recording.mjs' } },
    },
  });
  return join(into, 'recording.mjs');
}
