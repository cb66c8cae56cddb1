import { monitorEventLoopDelay } from 'node:perf_hooks';

/** How late this process itself was: a load generator that is late measures itself. */
export interface LoopDelay {
  /** Of all delays so far, in ms. */
  p99Ms(): number;
  stop(): void;
}

const RESOLUTION_MS = 10;

/** Measures the delay of the event loop from now on. */
export function measureLoopDelay(): LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return {
    // The histogram counts from one look to the next, which are meant to be this far apart.
    p99Ms: () => (histogram.count === 0 ? 0 : Math.max(0, histogram.percentile(99) / 1e6 - RESOLUTION_MS)),
    stop: () => void histogram.disable(),
  };
}
