/** A running timer; `cancel` may be called at any time, also after it has fired. */
export interface Timer {
  cancel(): void;
}

/** The only source of time for a session. Production passes the real clock, tests and replays a manual one. */
export interface Clock {
  /** Milliseconds since a fixed point of this clock; monotonic, may have fractions. */
  now(): number;
  /** The wall's time, in Unix ms, where this clock knows it: providers tell in it when they end a session. */
  unixMs?(): number;
  /** Calls `fire` once, no sooner than `delayMs` from now. A running timer does not keep a process alive longer than its owner does. */
  after(delayMs: number, fire: () => void): Timer;
}
