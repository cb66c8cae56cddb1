/** voicewire: realtime voice agents over plain WebSockets. Importing it does nothing. */
export { RealtimeSession } from './host/realtime-session.js';
export type { RealtimeSessionOptions } from './host/realtime-session.js';
export { ModelHealth, RealtimeAgent, ToolOutput, fallbackClipBytes, handoff, hostedMcpTool, silentLogger, tool, toolResult } from '../session/index.js';
export { CostMeter, PRICES, SESSION_EVENT_TYPES, priceTranscription, priceUsage } from '../session/index.js';
export { InvalidStateError, ProtocolError, ProviderError, ToolError, TransportError, VoicewireError, errorText, explainError } from '../session/index.js';
export type * from '../session/index.js';
export { openaiRealtime } from './provider/openai/openai-realtime.js';
export type { OpenaiRealtimeOptions } from './provider/openai/openai-realtime.js';
export { connectNodeVoiceClient, nodeVoiceClient, ClockSpeaker, PacedMicrophone, VoiceClient } from './client/index.js';
export type { NodeVoiceOptions } from './client/index.js';
export { CallRecorder, openWavFile } from './recording/index.js';
export { bundledClip } from './host/bundled-clip.js';
export type { BundledClip } from './host/bundled-clip.js';
export { HostError } from './host/errors.js';
export type { HostErrorCode } from './host/errors.js';
export { systemClock } from './host/system-clock.js';
