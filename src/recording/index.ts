export { CallRecorder } from './call-recorder.js';
export type { CallRecorderOptions, CallSide } from './call-recorder.js';
export { openWavFile } from './wav-file.js';
export type { WavFileOptions, WavFileWriter } from './wav-file.js';
