import type { Clock, Timer } from '../../session/index.js';

// Read once: in Node 20 the global is a getter, and each event of a session asks for the time.
const { performance } = globalThis;

/** The machine's monotonic clock. Its timers do not keep a process alive: sockets do that. */
export const systemClock: Clock = {
  now: () => performance.now(),
  unixMs: () => Date.now(),
  after(delayMs: number, fire: () => void): Timer {
    const handle = setTimeout(fire, delayMs);
    if (typeof handle === 'object') handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
