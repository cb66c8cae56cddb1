/** voicewire in React (18 and later): runs and voice calls as hooks. The only part of the package that imports React. */
export { useRun } from './use-run.js';
export type { UseRun } from './use-run.js';
export { RunStore } from './run-store.js';
export type { RunStoreOptions } from './run-store.js';
export type { RequestFrame } from './frame-store.js';
export { runCalls, runText } from '../client/run-view.js';
export type { RunCall, RunPart, RunProblem, RunStatus, RunView } from '../client/run-view.js';
export { useVoiceSession } from './use-voice-session.js';
export type { UseVoiceSession } from './use-voice-session.js';
export { VoiceStore } from './voice-store.js';
export type { VoiceDevice, VoiceStoreOptions, VoiceView } from './voice-store.js';
export type { VoiceLine } from './voice-lines.js';
