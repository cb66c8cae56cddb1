// The built package in other runtimes, unmodified: the same call, run and stream of events in each, word for word the same result.
// Needs a build. A runtime that is not installed (they come with `npm ci` here, for Linux on x64) is skipped, or fails the test when CI is set.
import { execFile, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createVoice, startEmulator } from '../../src/emulator/index.ts';
import { usersProject } from './users-project.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const installed = (path) => join(HERE, 'binaries/node_modules', path);
const workerd = installed('@cloudflare/workerd-linux-64/bin/workerd');

const RUNTIMES = [
  ['this Node', process.execPath, []],
  ['Node 22', installed('node-22/bin/node'), []],
  ['Node 24', installed('node-24/bin/node'), []],
  ['Bun', installed('@oven/bun-linux-x64-baseline/bin/bun'), []],
  ['Deno', installed('@deno/linux-x64-glibc/deno'), ['run', '--allow-all', '--no-prompt']],
];

const IN_PROCESS = {
  call: { sent: { bytes: 19_200, sum: 1_712_709_906 }, heard: { bytes: 19_200, sum: 1_712_709_906 }, types: ['completed'], history: ['assistant'] },
  run: {
    types: ['run.start', 'run.agent', 'response.function_call_arguments.delta', 'response.function_call.done', 'run.step.done', 'response.function_call.output', 'response.text.delta', 'run.step.done', 'run.done'],
    output: 'It is seven.',
  },
  events: { type: 'text/event-stream; charset=utf-8', read: ['Gödel', '😀\n', '', 'end'] },
};
const ON_SOCKETS = {
  model: { outcome: 'completed', text: 'Good evening, this is Trattoria Aurora. How can I help you?', seconds: 4, refused: 'MODEL_UNAUTHORIZED' },
  gateway: { heard: true, run: 'It is seven.' },
  slow: { reason: 'too_slow', beforeItsEnd: true },
};

let home = '';
let remove = () => {};

beforeAll(() => ({ home, remove } = usersProject(join(HERE, 'runtimes'))));
afterAll(() => remove());

const missing = (binary) => !existsSync(binary) && process.env.CI === undefined;

for (const [name, binary, flags] of RUNTIMES) {
  const skip = missing(binary);
  test.skipIf(skip)(`${name} holds the call, in its process and over its sockets, in silence${skip ? ': not installed' : ''}`, async () => {
    const { stdout, stderr } = await promisify(execFile)(binary, [...flags, 'main.mjs'], { cwd: home, timeout: 50_000, env: { PATH: process.env.PATH, HOME: home, NO_COLOR: '1' } });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({ ...IN_PROCESS, sockets: ON_SOCKETS });
  });
}

test.skipIf(missing(workerd))(`workerd holds the call, in its process and over a socket, without the modules of Node${missing(workerd) ? ': not installed' : ''}`, async () => {
  // As the bundlers for workers do it. The optional package is left where it is looked for.
  const alias = { voicewire: join(home, 'node_modules/voicewire/dist/src/worker.js') };
  await build({ entryPoints: [join(home, 'worker.mjs')], bundle: true, format: 'esm', platform: 'neutral', conditions: ['workerd', 'worker', 'browser'], alias, external: ['openai'], outfile: join(home, 'bundle.mjs'), logLevel: 'silent' });
  writeFileSync(
    join(home, 'worker.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
     const config :Workerd.Config = (services = [(name = "main", worker = .worker), (name = "internet", network = (allow = ["private", "local"]))], sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]);
     const worker :Workerd.Worker = (modules = [(name = "worker", esModule = embed "bundle.mjs")], compatibilityDate = "2026-01-01");`,
  );
  const emulator = await startEmulator({ apiKey: 'sk-here', pace: 50, voice: createVoice({ synthesizers: [] }) });
  const child = spawn(workerd, ['serve', '--control-fd=3', 'worker.capnp'], { cwd: home, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  try {
    const complaints = [];
    child.stderr.on('data', (text) => complaints.push(String(text)));
    const port = await new Promise((resolve, reject) => {
      child.stdio[3].on('data', (line) => resolve(JSON.parse(String(line).split('\n', 1)[0]).port));
      child.on('error', reject).on('exit', () => reject(new Error(complaints.join(''))));
    });
    const response = await fetch(`http://127.0.0.1:${port}/?model=${encodeURIComponent(emulator.url)}`);
    const text = await response.text();
    expect(response.status, text + complaints.join('')).toBe(200);
    expect(JSON.parse(text)).toEqual({ ...IN_PROCESS, model: { ...ON_SOCKETS.model, unreachable: 'MODEL_UNREACHABLE' } });
  } finally {
    child.kill();
    await emulator.close();
  }
});
