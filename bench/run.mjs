// Measures voicewire beside its peers and the floor: `npm run bench`, or with arguments `npm run bench -- --rounds 15 --only audio --json out.json`.
import { execFileSync, fork, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(here);

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, only: { type: 'string' }, clients: { type: 'string' }, json: { type: 'string' }, 'keep-build': { type: 'boolean', default: false } },
});
const rounds = Number(options.rounds);

const run = (command, args, cwd) => {
  if (spawnSync(command, args, { cwd, stdio: 'inherit' }).status !== 0) process.exit(1);
};
if (!existsSync('node_modules/@openai/agents-realtime')) run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], here);
if (!options['keep-build'] || !existsSync('.built')) run(process.execPath, ['scripts/build.mjs', 'bench/.built'], root);

const { startServer } = await import('./server.mjs');
const { workloads } = await import('./workloads.mjs');
const { formatTable, median } = await import('./table.mjs');

const CLIENTS = options.clients?.split(',') ?? ['floor-scan', 'floor-parse', 'openai-sdk', 'agents-realtime', 'voicewire'];

/** A client in a process of its own. `ask` sends a job; `onMessage` answers what comes before the result. */
async function startClient(name) {
  const child = fork('client.mjs', [name], { execArgv: ['--expose-gc', ...(process.env.BENCH_NODE_OPTIONS?.split(' ') ?? [])], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.on('exit', (code) => {
    if (code !== null && code !== 0) {
      console.error(`The process of ${name} ended with ${code}.`);
      process.exit(1);
    }
  });
  await new Promise((resolve) => child.once('message', resolve));
  return {
    name,
    ask: (job, onMessage) =>
      new Promise((resolve, reject) => {
        const listener = async (message) => {
          if (message.result !== undefined) {
            child.off('message', listener);
            return resolve(message.result);
          }
          try {
            const answer = await onMessage(message);
            if (answer !== undefined) child.send(answer);
          } catch (error) {
            reject(error);
          }
        };
        child.on('message', listener);
        child.send(job);
      }),
    stop: () => child.disconnect(),
  };
}

const server = await startServer();
const url = `ws://127.0.0.1:${server.port}/v1/realtime?model=bench`;
const clients = [];
for (const name of CLIENTS) clients.push(await startClient(name));

const results = {};
for (const workload of workloads) {
  if (options.only !== undefined && !options.only.split(',').some((part) => workload.name.startsWith(part))) continue;
  const samples = Object.fromEntries(CLIENTS.map((name) => [name, []]));
  // The first round warms the compilers up and is thrown away. Rounds are interleaved, and each begins with another client, so that whatever else
  // the machine does meets all of them alike.
  for (let round = -1; round < rounds; round += 1) {
    for (let turn = 0; turn < clients.length; turn += 1) {
      const client = clients[(turn + Math.max(0, round)) % clients.length];
      const value = await workload.run({ client, server, url });
      while (server.sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      if (round >= 0) samples[client.name].push(value);
    }
  }
  results[workload.name] = { title: workload.title, unit: workload.unit, samples };
  process.stderr.write(`${workload.title}: ${CLIENTS.map((name) => `${name} ${median(samples[name]).toFixed(2)}`).join(', ')} ${workload.unit}\n`);
}
for (const client of clients) client.stop();
server.close();

const IMPORTS = { 'floor-scan': "'ws'", 'floor-parse': "'ws'", 'openai-sdk': "'openai/realtime/ws'", 'agents-realtime': "'@openai/agents-realtime'", voicewire: "'./.built/src/index.js'" };
if (options.only === undefined || options.only.split(',').includes('import')) {
  const samples = Object.fromEntries(CLIENTS.map((name) => [name, []]));
  for (let round = -1; round < rounds; round += 1) {
    for (const name of CLIENTS) {
      const code = `const t = performance.now(); await import(${IMPORTS[name]}); console.log(performance.now() - t)`;
      const ms = Number(execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' }));
      if (round >= 0) samples[name].push(ms);
    }
  }
  results.import = { title: 'import of the package', unit: 'ms', samples };
}

console.log(`\nNode ${process.version}, ${cpus()[0]?.model.trim()}, ${cpus().length} cores; median of ${rounds}\n`);
console.log(formatTable(results, CLIENTS));
if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(results));
setTimeout(() => process.exit(0), 300);
