import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from './test-terminal.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../../../fixtures/recordings/${name}.vw.jsonl`, import.meta.url));
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'voicewire-inspect-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function ended(...args: string[]): Promise<{ exitCode: number; out: readonly string[]; err: string }> {
  const { exitCode, out, err } = run(['inspect', ...args]);
  return { exitCode: await exitCode, out, err: err.join('\n') };
}

describe('voicewire inspect --ascii', () => {
  it('draws the call in plain characters, no wider than it may be', async () => {
    const { exitCode, out } = await ended(fixture('greeting'), '--ascii', '--columns', '72');
    expect(exitCode).toBe(0);
    expect(out.every((line) => /^[\x20-\x7e]*$/.test(line) && line.length <= 92)).toBe(true);
    const lane = (name: string): string => out.find((line) => line.startsWith(name)) ?? '';
    for (const name of ['caller', '  speech', 'received', 'heard', '  cut', 'turns', 'tools', 'buffer']) expect(lane(name), name).not.toBe('');
    expect(lane('heard').length).toBeLessThanOrEqual(72);
    // The sound stops where it was cut.
    expect(lane('heard').charAt(lane('  cut').indexOf('X') + 2)).toBe(' ');
    expect(out.join('\n')).toMatch(/turn {3}2 {6}6\.28 s {3}1325 ms {2}endpoint 531, model 795/);
  });

  it('of several calls tells the percentiles of all', async () => {
    const { out } = await ended(fixture('tool-call'), fixture('barge-in'), '--ascii');
    expect(out.join('\n')).toMatch(/all files, ms +p50[^]*latency +691 +825 +825 +825 +3/);
  });
});

describe('voicewire inspect --json', () => {
  it('gives each call and then the percentiles, a line each', async () => {
    const { exitCode, out } = await ended(fixture('tool-call'), fixture('barge-in'), '--json');
    expect(exitCode).toBe(0);
    const lines = out.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ type, name }) => [type, name])).toEqual([['timeline', 'tool-call'], ['timeline', 'barge-in'], ['latency', undefined]]);
    expect(lines[0]).toMatchObject({ tools: [{ toolName: 'book_table', durationMs: 400 }] });
    expect(lines[0]).not.toHaveProperty('peaks');
    expect(lines[2]).toMatchObject({ groups: [{ name: 'tool-call' }, { name: 'barge-in' }, { name: 'all files', measured: { latency: { count: 3 } } }] });
  });
});

describe('a file that is no recording', () => {
  it('is named, with what to give instead', async () => {
    const { exitCode, err } = await ended(fixture('nothing'));
    expect(exitCode).toBe(1);
    expect(err).toMatch(/^error FILE_NOT_FOUND: .*nothing\.vw\.jsonl/);
  });

  it.each([
    ['other JSON', '{"name":"voicewire"}\n', /^error RECORDING_INVALID: .*its first line is not a header/],
    ['no text', '\0\x01\x02\n', /^error RECORDING_INVALID: /],
    ['nothing', '', /^error RECORDING_INVALID: /],
  ])('%s is refused', async (_name, text, message) => {
    const path = join(folder, 'call.vw.jsonl');
    writeFileSync(path, text);
    const { exitCode, out, err } = await ended(path, '--ascii');
    expect([exitCode, out]).toEqual([1, []]);
    expect(err).toMatch(message);
    expect(err).toMatch(/\n {2}.+/);
  });

  it('a line that is broken is told by its number', async () => {
    const path = join(folder, 'call.vw.jsonl');
    const lines = readFileSync(fixture('tool-call'), 'utf8').split('\n');
    lines[41] = '{"at":1,';
    writeFileSync(path, lines.join('\n'));
    expect((await ended(path, '--ascii')).err).toMatch(/^error RECORDING_INVALID: Line 42 of /);
    expect(JSON.parse((await ended(path, '--json')).err)).toMatchObject({ type: 'error', code: 'RECORDING_INVALID' });
  });

  it('sound that is missing is told', async () => {
    const path = join(folder, 'call.vw.jsonl');
    copyFileSync(fixture('tool-call'), path);
    expect((await ended(path, '--ascii')).err).toMatch(/^error RECORDING_AUDIO_MISSING: /);
  });

  it('a torn last line is no error: the call up to there', async () => {
    const path = join(folder, 'call.vw.jsonl');
    for (const track of ['caller', 'agent']) copyFileSync(fixture('tool-call').replace('.vw.jsonl', `.${track}.wav`), join(folder, `call.${track}.wav`));
    writeFileSync(path, readFileSync(fixture('tool-call'), 'utf8').slice(0, 60_000));
    const { exitCode, out } = await ended(path, '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(out[0] ?? '')).toMatchObject({ complete: false });
  });
});

it.each([
  ['no recording', []],
  ['a page and the terminal at once', ['x.vw.jsonl', '--ascii', '--out', 'x.html']],
  ['too narrow', ['x.vw.jsonl', '--ascii', '--columns', '3']],
])('%s is a wrong call', async (_name, args) => {
  const { exitCode, err } = await ended(...args);
  expect(exitCode).toBe(2);
  expect(err).toMatch(/^error USAGE: .+\n {2}.+/);
});
