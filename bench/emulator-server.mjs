// The emulator alone in a process, and the delay of its event loop while it serves.
import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createVoice, startEmulator } from './.built/src/emulator/index.js';

const voice = createVoice({ clips: new URL('../fixtures/voice/', import.meta.url), synthesizers: [] });
const emulator = await startEmulator({ voice, seed: 1 });
const delay = monitorEventLoopDelay({ resolution: 1 });
let cpu = process.cpuUsage();
let loop = performance.eventLoopUtilization();
let waitedMs = 0;
let sinceMs = performance.now();
/** How long this thread was ready to run and had no processor, where the system tells (Linux): delay that is the machine's and not the emulator's. */
function waitedForCpuMs() {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return NaN;
  }
}

process.on('message', (message) => {
  if (message === 'begin') {
    delay.enable();
    cpu = process.cpuUsage();
    loop = performance.eventLoopUtilization();
    waitedMs = waitedForCpuMs();
    sinceMs = performance.now();
    return;
  }
  delay.disable();
  const { user, system } = process.cpuUsage(cpu);
  const ms = (nanoseconds) => Number((nanoseconds / 1e6).toFixed(2));
  // The histogram counts from one tick to the next, so that its resolution of 1 ms is part of every value.
  process.send({ open: emulator.sessions, delayP50Ms: ms(delay.percentile(50)), delayP99Ms: ms(delay.percentile(99)), delayMaxMs: ms(delay.max), cpuPercent: Math.round((user + system) / 10 / (performance.now() - sinceMs)), loopBusyPercent: Math.round(100 * performance.eventLoopUtilization(loop).utilization), waitedForCpuMs: Math.round(waitedForCpuMs() - waitedMs), rssMb: Math.round(process.memoryUsage().rss / 1e6) });
});
process.on('disconnect', () => process.exit());
process.send({ url: emulator.url });
