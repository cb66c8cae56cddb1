import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { caller, checkSteps, dial, prepareSteps, recordedSteps } from '../caller/index.js';
import type { CallerStep } from '../caller/index.js';
import { createVoice } from '../emulator/index.js';
import { cannotWrite } from '../host/file-errors.js';
import { systemClock } from '../host/system-clock.js';
import { countingSocket, kneeSvg, kneeText, loadReport, measureLoopDelay, reportLines, runLoad } from '../load/index.js';
import type { LoadLimits, LoadProgress, LoadReport } from '../load/index.js';
import { readRecording } from '../recording/index.js';
import { commonFlags, counted, stringFlag, usage, wholeNumber } from './command.js';
import type { Command, FlagValues } from './command.js';
import { gatewayAddress } from './gateway-address.js';
import { readInputFile } from './input-file.js';
import { startLoadServer } from './load-server.js';
import type { Terminal } from './terminal.js';

export const loadCommand: Command = {
  name: 'load',
  summary: 'many calls at once, with a verdict',
  about: [
    'Calls a gateway with many scripted callers and reports latency, lateness, what a call costs, and how many calls a core takes. Without --url it',
    'starts a gateway and the emulator by itself, each in a process of its own on this machine. Callers join at the rate of --ramp and call again when',
    'their call is over, until all have been there for --seconds.',
    'Exits with 0 when every limit is kept, with 1 when one is not, or when the load generator itself did not keep up.',
  ].join('\n'),
  example: 'npx voicewire load --calls 50 --ramp 5 --seconds 30 --max-latency-p95-ms 2000',
  flags: {
    calls: { type: 'string', value: '<number>', help: 'callers at once, 1 to 10000 (10)' },
    ramp: { type: 'string', value: '<number>', help: 'new callers a second, 1 to 1000 (5)' },
    seconds: { type: 'string', value: '<number>', help: 'how long all of them stay, 1 to 86400 (20)' },
    recording: { type: 'string', value: '<file>', help: 'what each caller says: a .vw.jsonl, a .wav, or a .json of steps' },
    url: { type: 'string', value: '<url>', help: 'a running gateway; without it one is started here' },
    token: { type: 'string', value: '<token>', help: 'what that gateway wants to know (VOICEWIRE_TOKEN)' },
    'max-latency-p95-ms': { type: 'string', value: '<ms>', help: 'fail above this latency, answer to first sound' },
    'max-lateness-ms': { type: 'string', value: '<ms>', help: 'fail above this p99 of frame lateness; the knee is where it is passed (20, which fails nothing)' },
    'max-errors': { type: 'string', value: '<number>', help: 'fail above this many calls that went wrong (0)' },
    plot: { type: 'string', value: '<file.svg>', help: 'draw calls against lateness' },
    ...commonFlags,
  },
  run: load,
};

const LATENESS_LIMIT_MS = 20;
/** As long as a caller with any patience. */
const WITHIN_MS = 20_000;
const PROGRESS_MS = 10_000;
const LIVELY_PROGRESS_MS = 2_000;

/** Orders while the greeting sounds, hears the answer, asks, and speaks over the long one. */
const BUILT_IN: readonly CallerStep[] = caller()
  .waits(2_000)
  .says('A table for two, tomorrow at seven, please.')
  .untilAgentSpeaks({ withinMs: WITHIN_MS })
  .untilSilent({ forMs: 1_000, withinMs: 60_000 })
  .says('Wonderful. Where can I park my car?')
  .interrupts('Thanks, that is all I need.', { afterMs: 2_000, withinMs: WITHIN_MS })
  .untilAgentSpeaks({ withinMs: WITHIN_MS })
  .waits(1_000)
  .hangsUp().steps;

async function load(values: FlagValues, terminal: Terminal): Promise<number> {
  const json = values['json'] === true;
  const number = (name: string, otherwise: number, min: number, max: number): number => wholeNumber(stringFlag(values, name) ?? String(otherwise), `--${name}`, min, max, Math.max(min, otherwise));
  const calls = number('calls', 10, 1, 10_000);
  const rampPerSecond = number('ramp', 5, 1, 1_000);
  const holdMs = number('seconds', 20, 1, 86_400) * 1000;
  const latenessLimitMs = number('max-lateness-ms', LATENESS_LIMIT_MS, 1, 60_000);
  const limits: LoadLimits = {
    errors: number('max-errors', 0, 0, 1_000_000),
    ...(values['max-lateness-ms'] === undefined ? {} : { latenessMs: latenessLimitMs }),
    ...(values['max-latency-p95-ms'] === undefined ? {} : { latencyP95Ms: number('max-latency-p95-ms', 2_000, 1, 600_000) }),
  };
  const url = stringFlag(values, 'url');
  if (url === undefined && values['token'] !== undefined) throw usage('--token is for a gateway that runs already; the one that load starts itself asks for none.', 'Give its address with --url, or leave --token out.');
  const plot = stringFlag(values, 'plot');
  if (plot !== undefined) writePlot(plot, '');
  const file = stringFlag(values, 'recording');
  const steps = await prepareSteps(file === undefined ? BUILT_IN : await stepsOf(file), createVoice({ synthesizers: [] }));

  const bytes = { sent: 0, received: 0 };
  const loopDelay = measureLoopDelay();
  let report: LoadReport;
  try {
    await using server = url === undefined ? await startLoadServer() : undefined;
    const address = url === undefined || server !== undefined ? { url: server?.url ?? '' } : gatewayAddress(url, values, terminal);
    const connection = { url: address.url, ...('token' in address && address.token !== undefined && address.token !== '' ? { token: address.token } : {}), openSocket: countingSocket(bytes) };
    const result = await runLoad({
      ...{ calls, rampPerSecond, holdMs, loopDelay, clock: systemClock, signal: terminal.interrupted, progressEveryMs: terminal.colour ? LIVELY_PROGRESS_MS : PROGRESS_MS },
      dial: (hooks) => dial(steps, { ...connection, ...hooks, keepAudio: false, connectTimeoutMs: 15_000 }),
      onProgress: (progress) => (json ? terminal.out(JSON.stringify({ type: 'progress', ...progress })) : terminal.err(progressLine(progress))),
      ...(server === undefined ? {} : { server: () => server.use() }),
    });
    report = loadReport(result, bytes, limits, latenessLimitMs);
  } finally {
    loopDelay.stop();
  }
  const machine = { cores: cpus().length, loadAverage: Math.round((loadavg()[0] ?? 0) * 10) / 10 };
  if (plot !== undefined) writePlot(plot, kneeSvg(report.levels, latenessLimitMs));
  if (json) terminal.out(JSON.stringify({ type: 'summary', ...report, machine, ...(plot === undefined ? {} : { plot }) }));
  else {
    const knee = kneeText(report.levels, latenessLimitMs);
    for (const line of [...reportLines(report), `  this machine                         ${counted(machine.cores, 'core')}, load average ${machine.loadAverage}`, ...(knee.length === 0 ? [] : ['', ...knee]), '']) terminal.out(line);
    for (const reason of report.reasons) terminal.out(reason);
    terminal.out(`verdict: ${report.verdict}`);
  }
  terminal.interrupted.throwIfAborted();
  return report.verdict === 'passed' ? 0 : 1;
}

async function stepsOf(file: string): Promise<readonly CallerStep[]> {
  if (file.endsWith('.wav')) return caller().says(file).untilSilent({ forMs: 2_000, withinMs: 120_000 }).steps;
  if (file.endsWith('.json')) return stepsFrom(file);
  return recordedSteps(readRecording(file));
}

async function stepsFrom(file: string): Promise<readonly CallerStep[]> {
  const bytes = await readInputFile(file, 'Give the path of a recording, a WAV file or a list of steps that you may read.');
  try {
    return checkSteps(JSON.parse(new TextDecoder().decode(bytes)) as readonly CallerStep[]);
  } catch (cause) {
    throw usage(`${file} is not a caller's script: ${cause instanceof Error ? cause.message : 'it cannot be read'}`, 'It is a list of steps, as docs/testing.md shows: [{ "does": "says", "what": "Hello." }].', cause);
  }
}

function progressLine({ elapsedMs, totalMs, openCalls, doneCalls, errors, worstLatenessMs, worstLatencyMs }: LoadProgress): string {
  const seconds = (ms: number): string => (ms / 1000).toFixed(0);
  const rate = elapsedMs === 0 ? 0 : (doneCalls * 1000) / elapsedMs;
  return `${seconds(elapsedMs)}/${seconds(totalMs)} s  ${counted(openCalls, 'call')} open, ${doneCalls} done (${rate.toFixed(1)}/s), ${counted(errors, 'error')}; worst so far: latency ${worstLatencyMs} ms, lateness ${worstLatenessMs} ms; ${seconds(Math.max(0, totalMs - elapsedMs))} s to go`;
}

/** Written once before the run, so that a path that cannot be written is told before anybody calls. */
function writePlot(path: string, svg: string): void {
  try {
    writeFileSync(path, svg);
  } catch (cause) {
    throw cannotWrite(path, 'Choose a path in a folder that exists and that you may write to.', cause);
  }
}
