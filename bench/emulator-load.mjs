// How many conversations the emulator holds in real time: `node bench/emulator-load.mjs --conversations 200 --seconds 30`. The emulator has a process
// of its own, in which the delay of its event loop is measured; the callers have another, and send every 20 ms as a microphone does.
import { fork, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: { conversations: { type: 'string', default: '200' }, seconds: { type: 'string', default: '30' }, chunk: { type: 'string', default: '20' }, 'keep-build': { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});
if (!options['keep-build'] || !existsSync(`${here}.built`)) {
  const { status } = spawnSync(process.execPath, ['scripts/build.mjs', 'bench/.built'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

const start = (file, ...args) => fork(`${here}${file}`, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: process.env.BENCH_NODE_OPTIONS?.split(' ') ?? [] });
const answer = (child) => new Promise((resolve) => child.once('message', resolve));

const emulator = start('emulator-server.mjs');
const { url } = await answer(emulator);
const callers = start('emulator-callers.mjs', url, options.conversations, options.chunk);
await answer(callers);
// In the first two turns of each caller the code is compiled and the sounds are made; they are not measured.
await new Promise((resolve) => setTimeout(resolve, 26_000));
emulator.send('begin');
callers.send('begin');
await new Promise((resolve) => setTimeout(resolve, Number(options.seconds) * 1000));
emulator.send('report');
callers.send('report');
const [delay, calls] = await Promise.all([answer(emulator), answer(callers)]);
const report = { conversations: Number(options.conversations), chunkMs: Number(options.chunk), seconds: Number(options.seconds), ...delay, ...calls, load: loadavg().map((value) => Number(value.toFixed(2))), node: process.version, cpu: `${cpus().length} x ${cpus()[0]?.model.trim()}` };
callers.disconnect();
emulator.disconnect();
if (options.json) console.log(JSON.stringify(report));
else for (const [name, value] of Object.entries(report)) console.log(`${name.padEnd(22)} ${Array.isArray(value) ? value.join(' ') : value}`);
