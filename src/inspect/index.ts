export { readTimeline } from './read-timeline.js';
export type { CallSound, SoundLane } from './read-timeline.js';
export { embedSound } from './embedded-sound.js';
export type { EmbeddedLane, EmbeddedSound } from './embedded-sound.js';
export { MEASURED, PERCENTILES, latencyReport } from './latency-report.js';
export type { LatencyGroup, Measured, Quantiles } from './latency-report.js';
export type * from './timeline.js';
