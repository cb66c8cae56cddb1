export { printRun } from './print-run.js';
export type { PrintRunOptions, PrintedRun } from './print-run.js';
export { TerminalView } from './terminal-view.js';
export type { Piece, TerminalViewOptions } from './terminal-view.js';
export { streamWriter } from './stream-writer.js';
export { TextPacer } from './text-pacer.js';
export type { PaceMode, TextPacerOptions } from './text-pacer.js';
