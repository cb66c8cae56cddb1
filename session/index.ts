export * from './errors.js';
export type * from './events/history-item.js';
export type * from './events/session-event.js';
export type * from './ports/clock.js';
export { silentLogger } from './ports/logger.js';
export type { LogFields, Logger } from './ports/logger.js';
export type * from './ports/model.js';
