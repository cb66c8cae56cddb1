import { describe, expect, it } from 'vitest';
import type { CallEvent } from '../../../src/caller/index.js';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { HostError } from '../../../src/host/errors.js';
import { runLoad } from '../../../src/load/index.js';
import type { CallHooks, LoadOptions, LoadProgress, LoadResult } from '../../../src/load/index.js';

const onTime = { p99Ms: () => 0, stop: () => {} };

/** Runs it on the manual clock. */
async function run(options: Partial<Omit<LoadOptions, 'dial'>> & { dial: (hooks: CallHooks, clock: ManualClock) => Promise<unknown> }, clock = new ManualClock()): Promise<LoadResult> {
  const { dial, ...rest } = options;
  let over = false;
  const running = runLoad({ calls: 3, rampPerSecond: 1, holdMs: 10_000, clock, loopDelay: onTime, ...rest, dial: (hooks) => dial(hooks, clock) }).finally(() => (over = true));
  while (!over) await clock.run(100);
  return running;
}

/** A call of so many ms, which the end of the run may end. */
function lasts(ms: number, { onReady, signal }: CallHooks, clock: ManualClock): Promise<void> {
  onReady();
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, resolve);
    signal.addEventListener('abort', () => {
      timer.cancel();
      reject(new Error('cut'));
    });
  });
}

const answered = (latencyMs: number): CallEvent => ({ type: 'turn_metrics', turnId: 't', responseId: 'r', marks: { speechEndMs: 1_000, firstFrameHeardMs: 1_000 + latencyMs }, info: { sessionId: 's', agentName: 'a', timestamp: 0 } });

describe('callers under load', () => {
  it('join at the rate of the ramp, call again, and are ended when the time is over', async () => {
    const begun: number[] = [];
    const result = await run({
      dial: (hooks, clock) => {
        begun.push(clock.now());
        return lasts(4_000, hooks, clock);
      },
    });
    expect(begun).toEqual([0, 1_000, 2_000, 4_000, 5_000, 6_000, 8_000, 9_000, 10_000]);
    expect(result).toMatchObject({ elapsedMs: 12_000, peakCalls: 3, dials: 9, errors: {}, stopped: false });
    // The last calls are cut, or end with the run: neither is an error.
    expect(result.doneCalls).toBeGreaterThanOrEqual(6);
    expect(result.callMs).toBe(4_000 * 9 - 2_000 - 1_000);
  });

  it('dial at most once a second, however short their calls are', async () => {
    const result = await run({ calls: 2, holdMs: 9_500, dial: async ({ onReady }) => onReady() });
    expect(result.dials).toBe(11 + 10);
  });

  it('give up on a server that refuses, and the run is over early', async () => {
    const result = await run({ holdMs: 600_000, dial: () => Promise.reject(new HostError('GATEWAY_REFUSED', 'No.')) });
    expect(result.errors).toEqual({ GATEWAY_REFUSED: 15 });
    expect(result.dials).toBe(15);
    expect(result.elapsedMs).toBeLessThan(10_000);
    expect(result.peakCalls).toBe(0);
  });

  it('go on after a failure that is not one of many', async () => {
    let dials = 0;
    const result = await run({ calls: 1, dial: (hooks, clock) => ((dials += 1) % 3 === 0 ? Promise.reject(new TypeError('once')) : lasts(900, hooks, clock)) });
    expect(result.errors).toEqual({ TypeError: 3 });
    expect(result.dials).toBe(10);
  });

  it('stop when they are told to, with what there is until then', async () => {
    const stopping = new AbortController();
    const clock = new ManualClock();
    clock.after(2_500, () => stopping.abort());
    const result = await run({ signal: stopping.signal, dial: (hooks, time) => lasts(1_000, hooks, time) }, clock);
    expect(result).toMatchObject({ elapsedMs: 2_500, stopped: true, errors: {} });
    expect(clock.pendingTimers).toBe(0);
  });

  it('tell how far they are', async () => {
    const told: LoadProgress[] = [];
    await run({ progressEveryMs: 5_000, onProgress: (progress) => told.push(progress), dial: (hooks, clock) => lasts(4_000, hooks, clock) });
    expect(told.map(({ elapsedMs, totalMs, openCalls }) => [elapsedMs, totalMs, openCalls])).toEqual([
      [5_000, 12_000, 3],
      [10_000, 12_000, 3],
    ]);
  });
});

describe('what is measured', () => {
  it('lateness by the calls that are open, and latency of answers', async () => {
    const result = await run({
      dial: async (hooks, clock) => {
        const call = lasts(60_000, hooks, clock);
        // Each caller beyond the first makes every frame 30 ms later.
        const lateMs = clock.now() === 0 ? 0 : clock.now() === 1_000 ? 30 : 60;
        hooks.onEvent(answered(500 + lateMs));
        hooks.onFrame({ epoch: 0, item: 1, firstSample: 0, samples: new Int16Array(480) });
        clock.after(20 + lateMs, () => hooks.onFrame({ epoch: 0, item: 1, firstSample: 480, samples: new Int16Array(480) }));
        await call;
      },
    });
    expect(result.levels).toEqual([
      { calls: 1, frames: 1, latenessP99Ms: 0 },
      { calls: 2, frames: 1, latenessP99Ms: 30 },
      { calls: 3, frames: 1, latenessP99Ms: 60 },
    ]);
    expect(result.latency.percentile(0.5)).toBe(530);
    expect(result.latency.max).toBe(560);
  });

  it('the server, for each second of a call', async () => {
    const clock = new ManualClock();
    const server = async () => ({ cpuMs: 100 + clock.now() / 10, memoryBytes: 1_000 + Math.min(3, Math.ceil(clock.now() / 1_000)) * 500 });
    const result = await run({ server, dial: (hooks, time) => lasts(60_000, hooks, time) }, clock);
    expect(result.server?.memoryBytesPerCall).toBe(500);
    // 3 calls, a tenth of a core together.
    expect((result.server?.cpuMs ?? 0) / (result.server?.callMs ?? 1)).toBeCloseTo(1_100 / (1_000 + 2_000 + 3_000 * 9), 2);
  });
});
