/** Two runs against the same server say the same, though no two moments of them are alike. */
import { expect, it } from 'vitest';
import { ManualClock } from '../../../src/host/manual-clock.js';
import { loadReport, runLoad } from '../../../src/load/index.js';
import type { CallHooks, LoadReport } from '../../../src/load/index.js';
import { random } from '../../helpers/random.js';
import type { Random } from '../../helpers/random.js';

const FRAME_MS = 20;
const FRAME = new Int16Array(480);
/** Up to here the server's frames are late by its noise alone. */
const HOLDS = 40;
const LIMIT_MS = 10;

/** A server that is late by up to 4 ms, and with each call beyond what it holds by more. */
async function run(rng: Random): Promise<LoadReport> {
  const clock = new ManualClock();
  let open = 0;
  let bytes = 0;
  const dial = ({ onReady, onFrame, onEvent, signal }: CallHooks): Promise<void> =>
    new Promise((resolve, reject) => {
      onReady();
      open += 1;
      const lasts = rng.int(20_000, 40_000);
      const startMs = clock.now();
      let [item, frame] = [1, 0];
      const lateMs = (): number => rng.next() * 4 + Math.max(0, open - HOLDS) * 12;
      const hangUp = (end: () => void): void => {
        timer.cancel();
        open -= 1;
        end();
      };
      const next = (dueMs: number): void => {
        onFrame({ epoch: 0, item, firstSample: frame * FRAME.length, samples: FRAME });
        bytes += FRAME.length * 2;
        frame += 1;
        if (clock.now() - startMs > lasts) return hangUp(resolve);
        if (frame === 150) {
          [item, frame] = [item + 1, 0];
          onEvent({ type: 'turn_metrics', turnId: `t${item}`, responseId: 'r', marks: { speechEndMs: 0, firstFrameHeardMs: 600 + lateMs() * 5 }, info: { sessionId: 's', agentName: 'a', timestamp: 0 } });
          dueMs += rng.int(500, 3_000);
        }
        timer = clock.after(dueMs + FRAME_MS + lateMs() - clock.now(), () => next(dueMs + FRAME_MS));
      };
      let timer = clock.after(0, () => next(clock.now()));
      signal.addEventListener('abort', () => hangUp(() => reject(new Error('the run is over'))));
    });
  let over = false;
  const running = runLoad({ calls: 60, rampPerSecond: 2, holdMs: 20_000, clock, loopDelay: { p99Ms: () => 0, stop: () => {} }, dial }).finally(() => (over = true));
  while (!over) await clock.run(1_000, () => Promise.resolve());
  return loadReport(await running, { sent: 0, received: bytes }, { errors: 0 }, LIMIT_MS);
}

it('within 5 %: the knee, the latency, the bytes of a call', async () => {
  const rng = random();
  const [first, second] = [await run(rng), await run(rng)];
  const near = (what: string, of: (report: LoadReport) => number): void => {
    const [a, b] = [of(first), of(second)];
    expect(a, what).toBeGreaterThan(0);
    expect(Math.abs(a - b) / a, `TEST_SEED=${rng.seed}: ${what} is ${a} and ${b}`).toBeLessThanOrEqual(0.05);
  };
  expect(first.perCore.isKnee).toBe(true);
  // Of 60 calls it is looked at in steps of 6: the last step that the server holds.
  expect(first.perCore.calls).toBe(36);
  near('calls per core', ({ perCore }) => perCore.calls);
  near('the p50 of the latency', ({ latencyMs }) => latencyMs.p50);
  near('the p95 of the lateness', ({ latenessMs }) => latenessMs.p95);
  near('bytes received a second', ({ perCall }) => perCall.receivedBytesPerSecond);
});
