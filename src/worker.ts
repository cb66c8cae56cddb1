/**
 * voicewire where there are no Node modules and no sound devices, at the edge: conversations, pipelines and text runs, and their events as responses of the
 * Fetch standard. Reaches neither `ws` nor a `node:` module. Importing it does nothing.
 */
export { RealtimeSession } from './host/realtime-session.js';
export type { RealtimeSessionOptions } from './host/realtime-session.js';
export { VoicePipeline } from './host/voice-pipeline.js';
export type { VoicePipelineOptions } from './host/voice-pipeline.js';
export { agentWorkflow, run, runStreamed } from './host/run.js';
export type { AgentWorkflowOptions, RunOptions } from './host/run.js';
export { HostError } from './host/errors.js';
export type { HostErrorCode } from './host/errors.js';
export { systemClock } from './host/system-clock.js';
export { Agent, InProcessMemory, ModelHealth, RealtimeAgent, RunError, StreamedRun, ToolOutput, fallbackClipBytes, handoff, hostedMcpTool, silentLogger, tool, toolResult } from '../session/index.js';
export { CostMeter, PRICES, SESSION_EVENT_TYPES, priceTranscription, priceUsage } from '../session/index.js';
export { InvalidStateError, PipelineError, ProtocolError, ProviderError, ToolError, TransportError, VoicewireError, errorText, explainError } from '../session/index.js';
export { EMPTY_AGGREGATE, PartialJson, RunAggregator, aggregateRun, onlyItems, onlyText, onlyTools } from '../session/index.js';
export { Channel, EventProcessor, ResilientProcessor, accumulate, backoffMs, batch, coalesce, filter, gate, map, merge, ofType, operator, scan, takeUntil, tee, throttle, timeout, withState } from '../session/index.js';
export { SentenceSplitter, SpokenText, nullRecogniser, nullSplitter, nullSynthesiser, nullWorkflow, recogniserOf, spokenText, synthesiserOf } from '../session/index.js';
export type * from '../session/index.js';
export { openaiRealtime } from './provider/openai/openai-realtime-worker.js';
export type { OpenaiRealtimeOptions } from './provider/openai/openai-model.js';
export { openaiText } from './provider/openai/openai-text.js';
export type { OpenaiTextOptions } from './provider/openai/openai-text.js';
export { openaiRecogniser } from './provider/openai/openai-recogniser.js';
export type { OpenaiRecogniserOptions } from './provider/openai/openai-recogniser.js';
export { openaiSynthesiser } from './provider/openai/openai-synthesiser.js';
export type { OpenaiSynthesiserOptions } from './provider/openai/openai-synthesiser.js';
export { MemoryRunStore, RunDesk, SSE_HEADERS, STEP_DIALECT_START, SocketFan, encodeSse, eventResponse, runEventRule, runHandler, stepTranslator, streamToSocket, translateToSteps } from './event-stream/index.js';
export type * from './event-stream/index.js';
export { RunStream, resumeRun, streamRun } from './client/run-stream.js';
export type { ResumeRunOptions, RunConnectionOptions, RunStreamEvent, RunStreamStatus, StreamRunOptions } from './client/run-stream.js';
export type { RunDialect, RunDialects, RunEndEvent } from './client/run-stream-event.js';
export type { RunStreamNews } from './client/run-stream-state.js';
export { EventStreamParser } from './protocol/sse/parse.js';
export type { EventStreamParserOptions, ServerSentEvent } from './protocol/sse/parse.js';
export { standardTransport } from './transport/browser-socket.js';
export type { StandardWebSocket } from './transport/browser-socket.js';
export type { Transport, TransportClose, TransportHandlers } from './transport/transport.js';
