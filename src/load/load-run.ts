import { setMaxListeners } from 'node:events';
import { VoicewireError } from '../../session/index.js';
import type { Clock } from '../../session/index.js';
import type { CallEvent } from '../caller/index.js';
import type { SpeakerFrame } from '../client/index.js';
import { FrameLateness } from './frame-lateness.js';
import { Histogram } from './histogram.js';
import type { LoopDelay } from './loop-delay.js';

/** What one call tells while it lasts. */
export interface CallHooks {
  readonly onReady: () => void;
  readonly onEvent: (event: CallEvent) => void;
  readonly onFrame: (frame: SpeakerFrame) => void;
  readonly signal: AbortSignal;
}

export interface LoadOptions {
  /** Callers at once. */
  readonly calls: number;
  /** New callers a second. */
  readonly rampPerSecond: number;
  /** How long all of them stay, in ms. */
  readonly holdMs: number;
  readonly clock: Clock;
  /** Makes one call from beginning to end. */
  readonly dial: (hooks: CallHooks) => Promise<unknown>;
  /** CPU of the server so far and its memory; `undefined` where it is not ours. */
  readonly server?: () => Promise<ServerUse | undefined>;
  readonly loopDelay: LoopDelay;
  /** Ends the run; what there is until then is the result. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly progressEveryMs?: number;
}

export interface ServerUse {
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

export interface LoadProgress {
  readonly elapsedMs: number;
  readonly totalMs: number;
  readonly openCalls: number;
  readonly doneCalls: number;
  readonly errors: number;
  readonly worstLatenessMs: number;
  readonly worstLatencyMs: number;
}

/** What was seen while about so many calls were open. */
export interface LoadLevel {
  /** The most calls of this level. */
  readonly calls: number;
  readonly frames: number;
  readonly latenessP99Ms: number;
}

export interface LoadResult {
  readonly calls: number;
  readonly elapsedMs: number;
  /** Whether it was ended before its time. */
  readonly stopped: boolean;
  readonly peakCalls: number;
  readonly dials: number;
  readonly doneCalls: number;
  /** By code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Sum over all calls, from ready to their end. */
  readonly callMs: number;
  readonly lateness: Histogram;
  /** From the end of the caller's speech to the first sound that it heard of the answer. */
  readonly latency: Histogram;
  readonly levels: readonly LoadLevel[];
  readonly loopDelayP99Ms: number;
  readonly server?: { readonly cpuMs: number; readonly callMs: number; readonly memoryBytesPerCall: number };
}

const LEVELS = 10;
/** A caller begins a call at most so often, whatever becomes of it: no run is longer than its time or has more dials than callers times seconds. */
const REDIAL_MS = 1_000;
/** A caller that was refused so often gives up. */
const MAX_FAILURES = 5;
const SAMPLE_EVERY_MS = 1_000;

/**
 * Runs callers against a server: one more every `1 / rampPerSecond` s, each calling again when its call is over, until all have been there for `holdMs`.
 * Resolves with what was measured, also when `signal` ends it; never rejects for a call that fails.
 */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const run = new LoadRun(options);
  await run.run();
  return run.result();
}

class LoadRun {
  readonly #options: LoadOptions;
  readonly #startMs: number;
  readonly #totalMs: number;
  /** Ends every call. */
  readonly #over = new AbortController();
  readonly #lateness = new Histogram();
  readonly #latency = new Histogram();
  readonly #levels: Histogram[];
  readonly #errors: Record<string, number> = {};
  readonly #samples: { readonly atMs: number; readonly callMs: number; readonly openCalls: number; readonly use: ServerUse }[] = [];
  #openCalls = 0;
  #peakCalls = 0;
  #dials = 0;
  #doneCalls = 0;
  #callMs = 0;
  #lastChangeMs: number;
  #stopped = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#startMs = options.clock.now();
    // Every caller waits on it.
    setMaxListeners(0, this.#over.signal);
    this.#lastChangeMs = this.#startMs;
    this.#totalMs = ((options.calls - 1) * 1000) / options.rampPerSecond + options.holdMs;
    this.#levels = Array.from({ length: Math.min(LEVELS, options.calls) }, () => new Histogram());
  }

  async run(): Promise<void> {
    const { calls, clock, rampPerSecond, signal, progressEveryMs = 10_000 } = this.#options;
    const onStop = (): void => {
      this.#stopped = true;
      this.#over.abort();
    };
    if (signal?.aborted === true) onStop();
    signal?.addEventListener('abort', onStop, { once: true });
    const timer = clock.after(this.#totalMs, () => this.#over.abort());
    await this.#sample();
    const beside = [this.#every(SAMPLE_EVERY_MS, () => this.#sample()), this.#every(progressEveryMs, async () => this.#options.onProgress?.(this.progress()))];
    const callers = Array.from({ length: calls }, (_none, index) => this.#caller((index * 1000) / rampPerSecond));
    await Promise.all(callers);
    timer.cancel();
    this.#over.abort();
    await Promise.all(beside);
    signal?.removeEventListener('abort', onStop);
  }

  progress(): LoadProgress {
    const errors = Object.values(this.#errors).reduce((sum, count) => sum + count, 0);
    return { elapsedMs: this.#options.clock.now() - this.#startMs, totalMs: this.#totalMs, openCalls: this.#openCalls, doneCalls: this.#doneCalls, errors, worstLatenessMs: this.#lateness.max, worstLatencyMs: this.#latency.max };
  }

  result(): LoadResult {
    const server = this.#serverUse();
    return {
      calls: this.#options.calls,
      elapsedMs: this.#options.clock.now() - this.#startMs,
      stopped: this.#stopped,
      peakCalls: this.#peakCalls,
      dials: this.#dials,
      doneCalls: this.#doneCalls,
      errors: this.#errors,
      callMs: this.#callMs,
      lateness: this.#lateness,
      latency: this.#latency,
      levels: this.#levels.flatMap((level, index) => (level.count === 0 ? [] : [{ calls: Math.ceil(((index + 1) * this.#options.calls) / this.#levels.length), frames: level.count, latenessP99Ms: level.percentile(0.99) }])),
      loopDelayP99Ms: this.#options.loopDelay.p99Ms(),
      ...(server === undefined ? {} : { server }),
    };
  }

  /** One caller: waits for its turn, and calls until the run is over. */
  async #caller(afterMs: number): Promise<void> {
    await this.#pause(afterMs);
    let failures = 0;
    while (!this.#over.signal.aborted && failures < MAX_FAILURES) {
      const sinceMs = this.#options.clock.now();
      failures = (await this.#call()) ? 0 : failures + 1;
      await this.#pause(sinceMs + REDIAL_MS - this.#options.clock.now());
    }
  }

  /** Whether the call took place. */
  async #call(): Promise<boolean> {
    const { clock, dial } = this.#options;
    const lateness = new FrameLateness();
    let open = false;
    this.#dials += 1;
    try {
      await dial({
        signal: this.#over.signal,
        onReady: () => {
          open = true;
          this.#count(1);
        },
        onEvent: (event) => {
          if (event.type !== 'turn_metrics') return;
          const { speechEndMs, firstFrameHeardMs } = event.marks;
          if (speechEndMs !== undefined && firstFrameHeardMs !== undefined) this.#latency.add(firstFrameHeardMs - speechEndMs);
        },
        onFrame: (frame) => {
          const ms = lateness.onFrame(frame, clock.now());
          if (ms === undefined) return;
          this.#lateness.add(ms);
          this.#level().add(ms);
        },
      });
      this.#doneCalls += 1;
      return true;
    } catch (error) {
      // The end of the run is no error of a call.
      if (this.#over.signal.aborted) return true;
      const code = error instanceof VoicewireError ? error.code : error instanceof Error ? error.name : 'unknown';
      this.#errors[code] = (this.#errors[code] ?? 0) + 1;
      return false;
    } finally {
      if (open) this.#count(-1);
    }
  }

  #level(): Histogram {
    const index = Math.ceil((this.#openCalls * this.#levels.length) / this.#options.calls) - 1;
    return this.#levels[Math.min(this.#levels.length - 1, Math.max(0, index))] as Histogram;
  }

  #count(change: number): void {
    const nowMs = this.#options.clock.now();
    this.#callMs += this.#openCalls * (nowMs - this.#lastChangeMs);
    this.#lastChangeMs = nowMs;
    this.#openCalls += change;
    this.#peakCalls = Math.max(this.#peakCalls, this.#openCalls);
  }

  async #sample(): Promise<void> {
    const use = await this.#options.server?.();
    if (use === undefined) return;
    this.#count(0);
    this.#samples.push({ atMs: this.#options.clock.now(), callMs: this.#callMs, openCalls: this.#openCalls, use });
  }

  /** From the first sample to the last; memory at the fullest moment against that before the first call. */
  #serverUse(): LoadResult['server'] {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (first === undefined || last === undefined || last.callMs === 0) return undefined;
    const fullest = this.#samples.reduce((best, sample) => (sample.openCalls >= best.openCalls ? sample : best));
    const memoryBytesPerCall = Math.max(0, Math.round((fullest.use.memoryBytes - first.use.memoryBytes) / Math.max(1, fullest.openCalls)));
    return { cpuMs: last.use.cpuMs - first.use.cpuMs, callMs: last.callMs, memoryBytesPerCall };
  }

  async #every(ms: number, act: () => Promise<void>): Promise<void> {
    for (;;) {
      await this.#pause(ms);
      if (this.#over.signal.aborted) return;
      await act();
    }
  }

  /** Until the time has passed or the run is over. */
  #pause(ms: number): Promise<void> {
    const { signal } = this.#over;
    if (ms <= 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = this.#options.clock.after(ms, done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
