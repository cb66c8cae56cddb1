// What a run costs on its way to the screen: `printRun` in each mode, beside a bare loop over `process.stdout.write`. `node bench/printer.mjs [--seconds 5]
// [--tokens 100000] [--terminal]`, after `npm run build`. Each subject is a process of its own whose output this one reads, through a pipe or, with --terminal,
// a pseudo terminal (`script` of util-linux). Each token is the time at which it was handed over; whoever reads it looks at the same clock.
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { printRun, streamWriter } from '../dist/src/index.js';

const { values: flags } = parseArgs({
  options: { seconds: { type: 'string', default: '5' }, tokens: { type: 'string', default: '100000' }, terminal: { type: 'boolean', default: false }, subject: { type: 'string' }, task: { type: 'string' } },
});
const seconds = Number(flags.seconds);
const count = Number(flags.tokens);
const PER_SECOND = 100;
const MODES = ['adaptive', 'character', 'line', 'block'];

/** The monotonic clock of the machine, which both processes share, in µs. */
function nowUs() {
  return process.hrtime.bigint() / 1000n;
}

/** Each mode writes at its own boundary, so each token brings it. */
function tokenEnd(mode) {
  return mode === 'block' ? '\n\n' : mode === 'line' ? '\n' : ' ';
}

async function* paced(make) {
  const startedMs = performance.now();
  for (let made = 0; made < PER_SECOND * seconds; made += 1) {
    const waitMs = startedMs + (made * 1000) / PER_SECOND - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    yield make();
  }
}

async function* atOnce(make) {
  for (let made = 0; made < count; made += 1) yield make();
}

/** Runs in a process of its own and tells its numbers on descriptor 3: in a terminal the other two are the screen. */
async function subject(mode, task) {
  const end = tokenEnd(mode);
  const delta = () => ({ type: 'response.text.delta', runId: 'r', itemId: 'm', delta: `${nowUs()}${end}` });
  const tokens = task === 'paced' ? paced(delta) : atOnce(delta);
  // What the process costs before its first token is no cost of a token.
  await new Promise((resolve) => setTimeout(resolve, 200));
  const before = process.cpuUsage();
  const startedMs = performance.now();
  if (mode === 'bare') {
    for await (const { delta: text } of tokens) {
      if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
  } else await printRun(tokens, { write: streamWriter(process.stdout), terminal: true, mode });
  const { user, system } = process.cpuUsage(before);
  writeSync(3, JSON.stringify({ cpuMs: (user + system) / 1000, wallMs: performance.now() - startedMs }));
}

/** How late each token was on the screen, in ms, and what the subject says of itself. */
async function measure(mode, task) {
  const self = [process.execPath, fileURLToPath(import.meta.url), '--subject', mode, '--task', task, '--seconds', flags.seconds, '--tokens', flags.tokens];
  const [file, args] = flags.terminal ? ['script', ['-qefc', self.join(' '), '/dev/null']] : [self[0], self.slice(1)];
  const child = spawn(file, args, { stdio: [flags.terminal ? 'pipe' : 'ignore', 'pipe', 'inherit', 'pipe'] });
  const lateMs = [];
  let seen = 0;
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const now = nowUs();
    const stamps = (rest + text).split(/\s+/);
    rest = stamps.pop() ?? '';
    for (const stamp of stamps) {
      if (stamp === '') continue;
      seen += 1;
      if (task === 'paced') lateMs.push(Number(now - BigInt(stamp)) / 1000);
    }
  });
  let told = '';
  child.stdio[3].setEncoding('utf8').on('data', (text) => (told += text));
  await new Promise((resolve) => child.on('close', resolve));
  const wanted = task === 'paced' ? PER_SECOND * seconds : count;
  if (seen !== wanted) throw new Error(`${mode} has lost tokens: ${seen} of ${wanted} came.`);
  return { lateMs: lateMs.sort((a, b) => a - b), ...JSON.parse(told) };
}

async function measureAll() {
  const rows = [];
  for (const mode of ['bare', ...MODES]) {
    const slow = await measure(mode, 'paced');
    const fast = await measure(mode, 'fast');
    const late = (part) => slow.lateMs[Math.min(slow.lateMs.length - 1, Math.floor(slow.lateMs.length * part))].toFixed(1);
    rows.push({ mode, p50: late(0.5), p99: late(0.99), max: late(1), cpu: (100 * slow.cpuMs) / slow.wallMs, perSecond: (count * 1000) / fast.wallMs });
  }
  const [{ cpu: bare }] = rows;
  console.log(`${flags.terminal ? 'pseudo terminal' : 'pipe'}, ${PER_SECOND} tokens a second for ${seconds} s, then ${count} at once; Node ${process.versions.node}, load ${loadavg()[0].toFixed(1)}\n`);
  console.log('| mode | late, ms: p50 | p99 | max | CPU at 100 tokens/s | ÷ bare | tokens/s at most |\n| --- | --: | --: | --: | --: | --: | --: |');
  for (const { mode, p50, p99, max, cpu, perSecond } of rows) console.log(`| ${mode} | ${p50} | ${p99} | ${max} | ${cpu.toFixed(2)} % | ${(cpu / bare).toFixed(2)}× | ${Math.round(perSecond)} |`);
}

if (flags.subject === undefined) await measureAll();
else await subject(flags.subject, flags.task);
