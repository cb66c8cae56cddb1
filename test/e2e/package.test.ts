import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: Record<string, unknown>; dependencies: Record<string, string> };
const ENTRIES = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');

let home = '';
let installed = '';
let packed: string[] = [];

/** A user's project with the packed tarball in it; the dependencies are this checkout's. */
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'voicewire-package-'));
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', home], { cwd: ROOT });
  const [tarball] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  packed = tarball.files.map(({ path }) => path);
  installed = join(home, 'node_modules', 'voicewire');
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', join(home, tarball.filename), '-C', installed, '--strip-components=1']);
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.') && name !== 'voicewire') symlinkSync(join(ROOT, 'node_modules', name), join(home, 'node_modules', name));
  }
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Every module that a file reaches by its import lines. */
function reached(file: string, seen = new Map<string, string[]>()): Map<string, string[]> {
  if (seen.has(file)) return seen;
  const bare: string[] = [];
  seen.set(file, bare);
  for (const match of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*["']([^"']+)["']/g)) {
    const target = match[1] as string;
    if (target.startsWith('.')) reached(resolve(dirname(file), target), seen);
    else bare.push(target);
  }
  return seen;
}

describe('the packed package', () => {
  it('holds what users need and nothing of the workshop', () => {
    expect(packed).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/src/index.js', 'dist/src/index.d.ts', 'dist/src/cli/main.js', 'dist/page/index.html', 'dist/inspect/index.html', 'dist/inspect/page.js']));
    expect(packed.filter((path) => /^(test|src|session|audio|bench|scripts|\.ci)\//.test(path) && !path.endsWith('/README.md'))).toEqual([]);
    expect(packed.some((path) => path.startsWith('fixtures/voice/'))).toBe(true);
  });

  it.each(ENTRIES)('imports %s, quietly and without keeping the process alive', async (entry) => {
    const specifier = `voicewire${entry.slice(1)}`;
    const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', `const door = await import('${specifier}'); console.log(Object.keys(door).length)`], { cwd: home });
    expect(Number(stdout)).toBeGreaterThan(0);
    expect(stderr).toBe('');
  });

  it('has types for every entry that compile in a strict project', async () => {
    const lines = ENTRIES.map((entry, index) => `import * as door${index} from 'voicewire${entry.slice(1)}';`);
    writeFileSync(join(home, 'use.ts'), `${lines.join('\n')}\nexport const doors = [${ENTRIES.map((_entry, index) => `door${index}`).join(', ')}];\n`);
    const flags = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2023,esnext.disposable,dom', '--types', 'node'];
    await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), ...flags, 'use.ts'], { cwd: home });
  });

  it('has a browser entry that reaches neither ws nor a node module', () => {
    const files = reached(join(installed, 'dist/src/browser.js'));
    expect(files.size).toBeGreaterThan(3);
    const bare = [...files].flatMap(([file, targets]) => targets.map((target) => `${relative(installed, file)} -> ${target}`));
    expect(bare.filter((arrow) => /-> (node:|ws$|wav$|sirv$)/.test(arrow) || builtinModules.includes(arrow.split('-> ')[1] as string))).toEqual([]);
  });

  it('has matchers for a test runner that need none to be there', () => {
    const targets = [...reached(join(installed, 'dist/src/testing.js')).values()].flat();
    expect(targets.length).toBeGreaterThan(0);
    expect(targets.filter((target) => /vitest|jest/.test(target))).toEqual([]);
  });

  it('starts its command line from the tarball', async () => {
    const { stdout } = await run(process.execPath, [join(installed, 'dist/src/cli/main.js'), '--help'], { cwd: home });
    expect(stdout).toMatch(/^ {2}talk {2}/m);
  });
});
