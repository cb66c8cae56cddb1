// The one test command: type check, lint, unit and contract tests, then end-to-end, interop and browser tests on a fresh build.
// Browser tests run where a Chromium is found; without one they are skipped with a message, or fail when CI is set.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const reports = mkdtempSync(join(tmpdir(), 'voicewire-test-'));
const totals = { passed: 0, failed: 0, skipped: 0 };

function run(title, command, args) {
  console.log(`\n== ${title}`);
  const started = performance.now();
  const { status, signal } = spawnSync(command, args, { stdio: 'inherit' });
  console.log(`== ${title}: ${status === 0 ? 'ok' : `failed (${signal ?? status})`}, ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return status === 0;
}

function vitest(title, project) {
  const report = join(reports, `${project}.json`);
  const ok = run(title, process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]);
  if (existsSync(report)) {
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'));
    totals.passed += numPassedTests;
    totals.failed += numFailedTests;
    totals.skipped += numPendingTests;
  }
  if (!ok && totals.failed === 0) totals.failed += 1;
  return ok;
}

function chromium() {
  const named = process.env.CHROMIUM;
  if (named) return existsSync(named);
  return ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].some((path) => existsSync(path));
}

/** The published clients of test/interop: installed when they are missing. Offline that cannot be. */
function interopReady() {
  const missing = () => ['openai', '@openai/agents-realtime', 'esbuild', 'webpack', 'ws', 'zod'].some((name) => !existsSync(join('test/interop/node_modules', name, 'package.json')));
  const install = (cwd) => spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error', ...(process.env.CI ? [] : ['--fetch-retries=0'])], { cwd, stdio: 'inherit', shell: process.platform === 'win32' });
  if (missing()) install('test/interop');
  // Other runtimes, in a folder of their own: an install script beside them would be run by the wrong one.
  if (!existsSync('test/interop/binaries/node_modules')) install('test/interop/binaries');
  return !missing();
}

const steps = [
  () => run('type check', process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--noEmit']),
  () => run('lint', process.execPath, ['node_modules/eslint/bin/eslint.js', '.']),
  () => vitest('unit and contract tests', 'unit'),
  () => run('build', process.execPath, ['scripts/build.mjs']),
  () => vitest('end-to-end tests', 'e2e'),
  () => {
    if (interopReady()) return vitest('tests with published clients', 'interop');
    console.log('\n== tests with published clients: SKIPPED, their packages could not be installed (npm ci in test/interop needs the network).');
    return !process.env.CI;
  },
  () => {
    if (chromium()) return vitest('browser tests', 'browser');
    console.log('\n== browser tests: SKIPPED, no Chromium found. Install one (Debian: apt-get install chromium) or name it in CHROMIUM.');
    return !process.env.CI;
  },
];

let ok = true;
for (const step of steps) {
  ok = step();
  if (!ok) break;
}
rmSync(reports, { recursive: true, force: true });
if (!ok && totals.failed === 0) totals.failed = 1;
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(ok ? 0 : 1);
