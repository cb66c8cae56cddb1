export * from './answering-client.js';
export * from './audio-wire.js';
export * from './chat-wire.js';
export * from './multipart.js';
export * from './responses-wire.js';
export * from './server.js';
