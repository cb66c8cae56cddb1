import type { TurnPartName } from './timeline.js';

/** In the order of the marks: each part of a turn ends with one of them. */
export const TURN_PARTS = ['endpoint', 'commit', 'request', 'model', 'send', 'playout'] as const satisfies readonly TurnPartName[];

/** What percentiles are taken of. */
export type Measured = 'latency' | TurnPartName;

export const MEASURED: readonly Measured[] = ['latency', ...TURN_PARTS];
