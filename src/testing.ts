/** voicewire for tests: time that moves when it is told to, a model and a socket whose far end is the test. */
export { ManualClock } from './host/manual-clock.js';
export { scriptedModel } from './provider/scripted/scripted-model.js';
export type { ScriptedModel, ScriptedModelOptions } from './provider/scripted/scripted-model.js';
export { scriptedTransport } from './transport/scripted.js';
export type { FarEnd, ScriptedTransportOptions } from './transport/scripted.js';
