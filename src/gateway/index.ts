export { startGateway } from './gateway.js';
export type { Gateway, GatewayOptions } from './gateway.js';
export type { ChatOptions } from './run-door.js';
export { DEFAULT_LIMITS } from './limits.js';
export type { GatewayLimits } from './limits.js';
export type { GatewayTotals } from './voice-connection.js';
