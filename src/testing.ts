/** voicewire for tests: time that moves when it is told to, a model and a socket whose far end is the test, matchers for calls. Importing it does nothing. */
export { ManualClock } from './host/manual-clock.js';
export { scriptedModel } from './provider/scripted/scripted-model.js';
export type { ScriptedModel, ScriptedModelOptions } from './provider/scripted/scripted-model.js';
export { scriptedTransport } from './transport/scripted.js';
export type { FarEnd, ScriptedTransportOptions } from './transport/scripted.js';
export type {} from './matchers/matcher-types.js';
export { voicewireMatchers } from './matchers/index.js';
export type { InterruptOptions, MatcherContext, MatcherResult, NeverSayOptions } from './matchers/index.js';
export { CallerError, CallerScript, callGateway, callSession, caller, finishedCall } from './caller/index.js';
export type { CallEvent, CallGatewayOptions, CallLine, CallSessionOptions, CallSource, CallTrack, CallerStep, FinishedCall, PlayedMark, Said, Waiting } from './caller/index.js';
export { EmulatedModel } from './emulator/index.js';
export type { EmulatedModelOptions } from './emulator/index.js';
export { scriptedTextModel } from './provider/scripted/scripted-text-model.js';
export type { ScriptedAnswer, ScriptedCall, ScriptedTextModel, ScriptedTextModelOptions, ScriptedTurn } from './provider/scripted/scripted-text-model.js';
export { MockStream, mockStream } from './host/mock-stream.js';
export type { MockStreamOptions } from './host/mock-stream.js';
