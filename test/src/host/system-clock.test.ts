import { expect, test } from 'vitest';
import { systemClock } from '../../../src/host/system-clock.js';

test.each([2 ** 31, 1e13, Infinity])('a timer of %d ms, longer than the machine can wait at once, does not fire at once', async (delayMs) => {
  let fired = false;
  const timer = systemClock.after(delayMs, () => (fired = true));
  // A timer that overflows is due after 1 ms.
  await new Promise<void>((resolve) => {
    const pending = setInterval(() => {}, 1_000);
    systemClock.after(5, () => {
      clearInterval(pending);
      resolve();
    });
  });
  expect(fired).toBe(false);
  timer.cancel();
});

test('knows the time of the wall, by which a provider says when a session ends', () => {
  expect(Math.abs((systemClock.unixMs?.() ?? 0) - Date.now())).toBeLessThan(1_000);
});
