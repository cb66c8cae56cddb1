export { countingSocket } from './byte-meter.js';
export type { ByteCount } from './byte-meter.js';
export { kneeSvg, kneeText } from './knee-plot.js';
export { loadReport, reportLines } from './load-report.js';
export type { LoadLimits, LoadReport } from './load-report.js';
export { runLoad } from './load-run.js';
export type { CallHooks, LoadLevel, LoadOptions, LoadProgress, LoadResult, ServerUse } from './load-run.js';
export { measureLoopDelay } from './loop-delay.js';
export type { LoopDelay } from './loop-delay.js';
