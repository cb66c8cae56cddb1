import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const examples = readdirSync(join(ROOT, 'examples')).filter((name) => name.endsWith('.ts'));
const home = mkdtempSync(join(tmpdir(), 'voicewire-examples-'));

/** What an example says at its end that it prints. `⋯` within a line of that stands for anything. */
function printsOf(name: string): RegExp {
  const [, comment] = /\n\/\/ Prints:\n((?:\/\/.*\n?)+)$/.exec(readFileSync(join(ROOT, 'examples', name), 'utf8')) ?? [];
  if (comment === undefined) throw new Error(`${name} does not end with a comment that says what it prints.`);
  const lines = comment.trimEnd().split('\n').map((line) => line.replace(/^\/\/ {0,3}/, ''));
  return new RegExp(`^${lines.map((line) => line.split('⋯').map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')).join('\\n')}\\n$`);
}

/** Each example as a program of somebody who has installed the package. */
beforeAll(async () => {
  mkdirSync(join(home, 'node_modules'));
  for (const [name, target] of [['voicewire', ROOT], ...['zod', '@types'].map((name) => [name, join(ROOT, 'node_modules', name)])] as [string, string][]) {
    symlinkSync(target, join(home, 'node_modules', name));
  }
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
  for (const name of examples) writeFileSync(join(home, name), readFileSync(join(ROOT, 'examples', name)));
  const flags = ['--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2023,esnext.disposable,dom', '--types', 'node'];
  const { stdout } = await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), ...flags, ...examples], { cwd: home }).catch((error: unknown) => error as { stdout: string });
  expect(stdout).toBe('');
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('the examples', () => {
  it('are found by this test', () => {
    expect(examples.length).toBeGreaterThan(1);
  });

  it.each(examples)('%s prints what it says', async (name) => {
    const { stdout } = await run(process.execPath, [join(home, name.replace(/\.ts$/, '.js'))], { cwd: home, timeout: 20_000 });
    expect(stdout).toMatch(printsOf(name));
  });
});
