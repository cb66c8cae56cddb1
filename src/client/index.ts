export { ClockSpeaker } from './clock-speaker.js';
export type { ClockSpeakerOptions } from './clock-speaker.js';
export { connectNodeVoiceClient, nodeVoiceClient } from './node-client.js';
export type { NodeVoiceOptions } from './node-client.js';
export { PacedMicrophone } from './paced-microphone.js';
export type { PacedMicrophoneOptions } from './paced-microphone.js';
export type { Microphone, OpenSocket, OpenSocketOptions, PlayedReport, Speaker, SpeakerFrame, SpeakerHandlers } from './ports.js';
export { VoiceClient, connectVoiceClient } from './voice-client.js';
export type { GatewayReady, VoiceClientEvent, VoiceClientEventMap, VoiceClientOptions, VoiceClientState } from './voice-client.js';
