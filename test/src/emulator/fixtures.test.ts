import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { decodeWav } from '../../../audio/index.js';
import { demoScript } from '../../../src/emulator/index.js';
import { Clips, clipsFolder } from '../../../src/emulator/clips.js';
import { PARROT_GREETING } from '../../../src/emulator/parrot-brain.js';
import { fillQuotes, sentencesOf } from '../../../src/emulator/script-quotes.js';

const FIXTURES = new URL('../../../fixtures/', import.meta.url);
const bytesOf = (path: string): Buffer => readFileSync(new URL(path, FIXTURES));

/** What a README of fixtures says of its files: a line `<sum>  <path>`, or a table row with the file first and the sum last. */
function checksumsIn(readme: string, folder: string): Map<string, string> {
  const lines = [...readme.matchAll(/^([0-9a-f]{64}) {2}(\S+)$/gm)].map(([, sum, path]) => [`${folder}${path}`, sum as string] as const);
  const rows = [...readme.matchAll(/^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$/gm)].map(([, path, sum]) => [`${folder}${path}`, sum as string] as const);
  return new Map([...lines, ...rows]);
}

function filesOf(folder: string): string[] {
  return readdirSync(new URL(folder, FIXTURES)).map((name) => `${folder}${name}`);
}

const sums = new Map([...checksumsIn(bytesOf('README.md').toString('utf8'), ''), ...checksumsIn(bytesOf('vad/README.md').toString('utf8'), 'vad/')]);

describe('the fixtures are what their README says', () => {
  test('every file has its checksum there, and every checksum its file', () => {
    const shipped = ['voice/', 'audio/', 'vad/'].flatMap(filesOf).filter((path) => !/README\.md$|\.sh$/.test(path));
    expect(shipped.length).toBeGreaterThan(25);
    expect([...sums.keys()].toSorted()).toEqual(shipped.toSorted());
  });

  test.each([...sums])('%s', (path, sum) => {
    expect(createHash('sha256').update(bytesOf(path)).digest('hex')).toBe(sum);
  });

  // Other versions, and other processors, may round otherwise: the README names those that made the files.
  const versionOf = (command: string): string => spawnSync(command, ['--version'], { encoding: 'utf8' }).stdout ?? '';
  const sameTools = versionOf('flite').includes('flite-2.2') && versionOf('sox').includes('14.4.2') && process.arch === 'x64';
  test.runIf(sameTools)('made anew by the tools that the README names they are the same, byte for byte', () => {
    const made = spawnSync(fileURLToPath(new URL('make-fixtures.sh', FIXTURES)), ['--check'], { encoding: 'utf8' });
    expect([made.stdout, made.status]).toEqual([expect.stringContaining('as they would be made'), 0]);
  });

  test('the voice is small enough to be shipped, and the whole folder small enough to be fetched', () => {
    const bytes = filesOf('voice/').reduce((sum, path) => sum + bytesOf(path).length, 0);
    expect(bytes).toBeLessThan(800_000);
  });
});

describe('the voice has a clip', () => {
  const clips = new Clips(clipsFolder() as URL);
  const output = { last: JSON.stringify({ table: 12, reference: 'V-4711' }), byName: new Map() };
  const replies = [demoScript.greeting, demoScript.fallback, PARROT_GREETING, ...demoScript.turns.flatMap((turn) => [fillQuotes(turn.reply, output).text, ...(turn.withoutCall === undefined ? [] : [turn.withoutCall])])];
  test.each(replies.flatMap(sentencesOf).map((sentence) => [sentence]))('for "%s"', (sentence) => {
    expect(clips.find(sentence)?.length).toBeGreaterThan(24_000 / 2);
  });

  test('as long as its index says', () => {
    const index = JSON.parse(bytesOf('voice/index.json').toString('utf8')) as { clips: { text: string; file: string; durationMs: number }[] };
    expect(index.clips.map((clip) => clip.text)).toEqual(bytesOf('voice/lines.txt').toString('utf8').trim().split('\n'));
    for (const clip of index.clips) {
      const wav = decodeWav(bytesOf(`voice/${clip.file}`));
      expect([clip.file, Math.round((wav.samples.length * 1000) / wav.sampleRate)]).toEqual([clip.file, clip.durationMs]);
    }
  });
});

describe('the caller', () => {
  const wav = decodeWav(bytesOf('audio/caller.wav'));
  const { turns, durationMs } = JSON.parse(bytesOf('audio/caller-turns.json').toString('utf8')) as { durationMs: number; turns: { says: string; startMs: number; endMs: number }[] };

  test('is 16-bit mono PCM, as a browser that takes a file for its microphone needs it', () => {
    const header = bytesOf('audio/caller.wav');
    expect([header.readUInt16LE(20), header.readUInt16LE(22), header.readUInt32LE(24), header.readUInt16LE(34)]).toEqual([1, 1, 16_000, 16]);
    expect(Math.round(wav.samples.length / 16)).toBe(durationMs);
  });

  test('says what the script hears, where it is said to, and is silent elsewhere', () => {
    expect(turns.map((turn) => turn.says)).toEqual(demoScript.turns.flatMap((turn) => turn.hears ?? []));
    const levelAt = (fromMs: number, toMs: number): number => {
      const part = wav.samples.subarray(fromMs * 16, toMs * 16);
      return Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0) / part.length);
    };
    let silentFromMs = 0;
    for (const { startMs, endMs } of turns) {
      expect(levelAt(startMs, endMs)).toBeGreaterThan(1_000);
      // Beside the utterance flite leaves a little breath, far below speech.
      expect(levelAt(silentFromMs, startMs)).toBeLessThan(50);
      silentFromMs = endMs;
    }
    expect(levelAt(silentFromMs, durationMs)).toBeLessThan(50);
  });
});
