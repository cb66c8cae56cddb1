import { systemClock } from './system-clock.js';
import type { Clock } from '../../session/index.js';

/** The machine's clock for what somebody waits for: its timers keep the process alive. They must be short, and none may be left behind. */
export const awaitedClock: Clock = {
  ...systemClock,
  after(delayMs, fire) {
    const handle = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};
