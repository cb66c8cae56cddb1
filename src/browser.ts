/** voicewire in a browser: a voice client for a gateway, with the browser's microphone and loudspeaker. Reaches neither `ws` nor a `node:` module. */
export { BrowserVoice, createBrowserVoice } from './client/browser/browser-voice.js';
export type { BrowserVoiceOptions } from './client/browser/browser-voice.js';
export type { MicrophoneConstraints } from './client/browser/browser-microphone.js';
export { audioObstacle } from './client/browser/audio-failures.js';
export type { Microphone, OpenSocket, OpenSocketOptions, PlayedReport, Speaker, SpeakerFrame, SpeakerHandlers } from './client/ports.js';
export { VoiceClient, connectVoiceClient } from './client/voice-client.js';
export type { GatewayReady, VoiceClientEvent, VoiceClientEventMap, VoiceClientOptions, VoiceClientState } from './client/voice-client.js';
export { HostError } from './host/errors.js';
export type { HostErrorCode } from './host/errors.js';
export { systemClock } from './host/system-clock.js';
export { SAMPLE_RATE } from './protocol/voicewire/index.js';
export type { ClientMessage, GatewayMessage, ModelDescription, WireError, WireSessionEvent, WireSessionEventType } from './protocol/voicewire/index.js';
export { InvalidStateError, ProtocolError, TransportError, VoicewireError } from '../session/index.js';
export type { HistoryChange, HistoryItem, TurnMarks } from '../session/index.js';
export { connectBrowserSocket } from './transport/browser-socket.js';
