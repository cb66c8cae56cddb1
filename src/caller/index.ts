export { finishedCall, microphoneTrack, monoSamples } from './finished-call.js';
export type { CallEvent, CallSource, CallTrack, FinishedCall, PlayedMark } from './finished-call.js';
