export * from './limits.js';
export { AUDIO_HEADER_BYTES, decodeAudioFrame, encodeAudioFrame } from './audio-frame.js';
export type { AudioFrame, AudioFrameKind } from './audio-frame.js';
export { serializeMessage } from './messages.js';
export type { ClientMessage, GatewayMessage, ModelDescription } from './messages.js';
export { closeCodeFor, parseClientMessage, parseGatewayMessage } from './parse.js';
export { isWireEventType, toWireError, toWireEvent } from './wire-event.js';
export type { WireError, WireSessionEvent, WireSessionEventType } from './wire-event.js';
