import type { Clock, Timer } from '../../session/index.js';

// Read once: in Node 20 the global is a getter, and each event of a session asks for the time.
const { performance } = globalThis;

/** The longest that `setTimeout` can wait, 24.8 days; anything longer it would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** The machine's monotonic clock. Its timers do not keep a process alive: sockets do that. */
export const systemClock: Clock = {
  now: () => performance.now(),
  unixMs: () => Date.now(),
  after(delayMs: number, fire: () => void): Timer {
    let handle: ReturnType<typeof setTimeout>;
    // A deadline that is over already is due at once; newer versions of Node print a warning for a negative time.
    const wait = (restMs: number): void => {
      handle = restMs > LONGEST_MS ? setTimeout(() => wait(restMs - LONGEST_MS), LONGEST_MS) : setTimeout(fire, Math.max(0, restMs));
      if (typeof handle === 'object') handle.unref();
    };
    wait(delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};
