export { demoScript } from './demo-script.js';
export { parseScript } from './script.js';
export type { Script, ScriptTurn } from './script.js';
export { startEmulator } from './server.js';
export type { Emulator, EmulatorOptions } from './server.js';
export type { Speech, SpokenWord, Voice } from './speech.js';
export { createVoice } from './voice.js';
export type { VoiceOptions } from './voice.js';
