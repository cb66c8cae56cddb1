import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

const home = mkdtempSync(join(tmpdir(), 'voicewire-readme-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('the README', () => {
  it('has a library example that compiles as printed and runs without a key', async () => {
    const code = /<!-- test: runs -->\n```ts\n([\s\S]*?)```/.exec(README)?.[1];
    expect(code).toBeDefined();
    mkdirSync(join(home, 'node_modules'));
    for (const [name, target] of [['voicewire', ROOT], ['zod', join(ROOT, 'node_modules/zod')], ['@types', join(ROOT, 'node_modules/@types')]] as const) {
      symlinkSync(target, join(home, 'node_modules', name));
    }
    writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(home, 'example.ts'), code as string);
    const flags = ['--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2023,esnext.disposable,dom', '--types', 'node'];
    await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), ...flags, 'example.ts'], { cwd: home });
    const { stdout } = await run(process.execPath, ['example.js'], { cwd: home, timeout: 30_000, env: { PATH: process.env['PATH'] } });
    expect(stdout).toMatch(/\d+ bytes of sound/);
    expect(stdout).toContain('You have table 12, and your reference is V-4711.');
  });

  it('links only to files that are there', () => {
    const targets = [...README.matchAll(/\]\(([^)#]+)\)/g)].map(([, target]) => target as string).filter((target) => !/^https?:/.test(target));
    expect(targets.length).toBeGreaterThan(5);
    for (const target of targets) expect(() => readFileSync(join(ROOT, target)), target).not.toThrow();
  });
});
