/** The stretch of the call that is shown. All in ms of the recorded clock. */
export interface ViewWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Bounds {
  readonly startMs: number;
  readonly endMs: number;
}

/** Closer than this there is nothing more to see: a bucket of the waveform is 2 ms. */
const MIN_WIDTH_MS = 40;

export function whole({ startMs, endMs }: Bounds): ViewWindow {
  return { fromMs: startMs, toMs: Math.max(endMs, startMs + MIN_WIDTH_MS) };
}

/** Within the call, and no narrower than can be drawn. */
export function within(window: ViewWindow, bounds: Bounds): ViewWindow {
  const all = whole(bounds);
  const width = Math.min(all.toMs - all.fromMs, Math.max(MIN_WIDTH_MS, window.toMs - window.fromMs));
  const fromMs = Math.min(Math.max(window.fromMs, all.fromMs), all.toMs - width);
  return { fromMs, toMs: fromMs + width };
}

/** `factor` below 1 shows less. What is at `aroundMs` stays where it is. */
export function zoomed(window: ViewWindow, factor: number, aroundMs: number, bounds: Bounds): ViewWindow {
  const width = Math.max(MIN_WIDTH_MS, (window.toMs - window.fromMs) * factor);
  const share = (aroundMs - window.fromMs) / (window.toMs - window.fromMs);
  const fromMs = aroundMs - width * share;
  return within({ fromMs, toMs: fromMs + width }, bounds);
}

export function panned(window: ViewWindow, byMs: number, bounds: Bounds): ViewWindow {
  return within({ fromMs: window.fromMs + byMs, toMs: window.toMs + byMs }, bounds);
}

/** As it is when `atMs` is seen; else moved so that it is, near the left edge, with what follows it. */
export function showing(window: ViewWindow, atMs: number, bounds: Bounds): ViewWindow {
  const width = window.toMs - window.fromMs;
  if (atMs >= window.fromMs && atMs <= window.toMs) return window;
  const fromMs = atMs - width * 0.1;
  return within({ fromMs, toMs: fromMs + width }, bounds);
}

const STEPS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000];

/** Round distances between the marks of an axis that has room for so many. */
export function tickStepMs(widthMs: number, room: number): number {
  return STEPS_MS.find((step) => widthMs / step <= room) ?? 3_600_000;
}
