import type { LoadResult } from './load-run.js';

/** What a run is judged by; a limit that is absent judges nothing. */
export interface LoadLimits {
  /** Answer to first sound, p95. */
  readonly latencyP95Ms?: number;
  /** p99 of frame lateness over the whole run. */
  readonly latenessMs?: number;
  readonly errors: number;
}

export interface LoadReport {
  /** `invalid`: the load generator itself was late, so that the numbers are not the server's. `stopped`: ended before its time, not judged. */
  readonly verdict: 'passed' | 'failed' | 'invalid' | 'stopped';
  /** Why it is not `passed`, in sentences. */
  readonly reasons: readonly string[];
  readonly calls: number;
  readonly peakCalls: number;
  readonly dials: number;
  readonly doneCalls: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
  readonly latenessMs: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number; readonly frames: number };
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number; readonly answers: number };
  readonly levels: LoadResult['levels'];
  readonly generator: { readonly loopDelayP99Ms: number; readonly keptUp: boolean };
  readonly perCall: {
    readonly sentBytesPerSecond: number;
    readonly receivedBytesPerSecond: number;
    /** Of the server, where it is ours: CPU in ms for each second of a call, and memory. */
    readonly cpuMsPerSecond?: number;
    readonly memoryBytes?: number;
  };
  /**
   * A gateway is one process on one core. `calls`: the most at which the p99 of lateness was within `latenessLimitMs`; `isKnee`: above it, it was not (else
   * more may be possible). `byCpu`: at how many the core would be full, from the CPU used.
   */
  readonly perCore: { readonly calls: number; readonly isKnee: boolean; readonly latenessLimitMs: number; readonly byCpu?: number };
}

/** Judges a run. `latenessLimitMs` is that of the knee, and what the generator's own delay may be at most. */
export function loadReport(result: LoadResult, bytes: { readonly sent: number; readonly received: number }, limits: LoadLimits, latenessLimitMs: number): LoadReport {
  const { lateness, latency, levels, server, loopDelayP99Ms } = result;
  const of = (histogram: typeof lateness): { p50: number; p95: number; p99: number; max: number } => ({ p50: histogram.percentile(0.5), p95: histogram.percentile(0.95), p99: histogram.percentile(0.99), max: histogram.max });
  const errors = Object.values(result.errors).reduce((sum, count) => sum + count, 0);
  const keptUp = loopDelayP99Ms <= latenessLimitMs;
  const broken: string[] = [];
  if (errors > limits.errors) broken.push(`${errors} errors, and ${limits.errors} are allowed: ${Object.entries(result.errors).map(([code, count]) => `${count} ${code}`).join(', ')}.`);
  if (limits.latencyP95Ms !== undefined && latency.count === 0) broken.push('No answer was heard, so that its latency is not known.');
  if (limits.latencyP95Ms !== undefined && latency.percentile(0.95) > limits.latencyP95Ms) broken.push(`The p95 of the latency is ${latency.percentile(0.95)} ms, and ${limits.latencyP95Ms} ms are allowed.`);
  if (limits.latenessMs !== undefined && lateness.count === 0) broken.push('No sound came, so that its lateness is not known.');
  if (limits.latenessMs !== undefined && lateness.percentile(0.99) > limits.latenessMs) broken.push(`The p99 of the lateness is ${lateness.percentile(0.99)} ms, and ${limits.latenessMs} ms are allowed.`);
  const late = `The load generator did not keep up: its event loop was ${loopDelayP99Ms.toFixed(1)} ms late at p99, and ${latenessLimitMs} ms are allowed. The numbers are its own as well as the server's.`;
  // A server that refuses does so however late we are.
  const failed = errors > limits.errors || (keptUp && broken.length > 0);
  const reasons = [...broken, ...(keptUp ? [] : [late]), ...(result.stopped ? ['It was stopped before its time.'] : [])];
  const verdict = result.stopped ? 'stopped' : failed ? 'failed' : keptUp ? 'passed' : 'invalid';
  const broke = levels.findIndex(({ latenessP99Ms }) => latenessP99Ms > latenessLimitMs);
  const held = broke < 0 ? levels : levels.slice(0, broke);
  const callSeconds = result.callMs / 1000;
  const rate = (count: number): number => (callSeconds === 0 ? 0 : Math.round(count / callSeconds));
  const cpuMsPerSecond = server === undefined ? undefined : (server.cpuMs * 1000) / server.callMs;
  return {
    verdict,
    reasons,
    calls: result.calls,
    peakCalls: result.peakCalls,
    dials: result.dials,
    doneCalls: result.doneCalls,
    errors: result.errors,
    elapsedMs: Math.round(result.elapsedMs),
    latenessMs: { ...of(lateness), frames: lateness.count },
    latencyMs: { ...of(latency), answers: latency.count },
    levels,
    generator: { loopDelayP99Ms: Math.round(loopDelayP99Ms * 10) / 10, keptUp },
    perCall: {
      sentBytesPerSecond: rate(bytes.sent),
      receivedBytesPerSecond: rate(bytes.received),
      ...(cpuMsPerSecond === undefined ? {} : { cpuMsPerSecond: Math.round(cpuMsPerSecond * 100) / 100 }),
      ...(server === undefined ? {} : { memoryBytes: server.memoryBytesPerCall }),
    },
    perCore: {
      calls: Math.min(held.at(-1)?.calls ?? 0, result.peakCalls),
      isKnee: broke >= 0,
      latenessLimitMs,
      ...(cpuMsPerSecond === undefined || cpuMsPerSecond <= 0 ? {} : { byCpu: Math.floor(1000 / cpuMsPerSecond) }),
    },
  };
}

/** The report for a person. */
export function reportLines(report: LoadReport): string[] {
  const { latencyMs, latenessMs, perCall, perCore, generator } = report;
  const errors = Object.values(report.errors).reduce((sum, count) => sum + count, 0);
  const row = ({ p50, p95, p99, max }: { p50: number; p95: number; p99: number; max: number }, count: number): string => (count === 0 ? 'none' : `p50 ${p50}  p95 ${p95}  p99 ${p99}  max ${max}`);
  const core = latenessMs.frames === 0 ? 'no sound came' : `${perCore.isKnee ? '' : 'at least '}${perCore.calls} within ${perCore.latenessLimitMs} ms of lateness (p99)${perCore.byCpu === undefined ? '' : `; by the CPU it took, ${perCore.byCpu}`}`;
  const own = perCall.cpuMsPerSecond === undefined ? 'the server is not ours: its CPU and memory are not known' : `${perCall.cpuMsPerSecond} ms of CPU a second, ${Math.round((perCall.memoryBytes ?? 0) / 1024)} KiB of memory`;
  return [
    `${report.peakCalls} calls at once of ${report.calls}, ${(report.elapsedMs / 1000).toFixed(1)} s: ${report.dials} dialled, ${report.doneCalls} to their end, ${errors} errors`,
    `  latency, answer to first sound, ms   ${row(latencyMs, latencyMs.answers)}  (${latencyMs.answers} answers)`,
    `  lateness of frames, ms               ${row(latenessMs, latenessMs.frames)}  (${latenessMs.frames} frames)`,
    `  calls per core                       ${core}`,
    `  a call costs                         ${own}`,
    `  a call sends and receives            ${Math.round(perCall.sentBytesPerSecond / 1024)} and ${Math.round(perCall.receivedBytesPerSecond / 1024)} KiB a second`,
    `  the load generator                   ${generator.keptUp ? 'kept up' : 'DID NOT KEEP UP'}: its event loop was ${generator.loopDelayP99Ms} ms late at p99`,
  ];
}
