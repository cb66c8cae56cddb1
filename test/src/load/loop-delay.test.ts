import { expect, it } from 'vitest';
import { measureLoopDelay } from '../../../src/load/index.js';

it('the delay of the event loop is that of a process which does not come round', async () => {
  const delay = measureLoopDelay();
  const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 12));
  await turn();
  for (let round = 0; round < 3; round += 1) {
    // Blocks the whole thread.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120);
    await turn();
  }
  expect(delay.p99Ms()).toBeGreaterThan(80);
  delay.stop();
});
