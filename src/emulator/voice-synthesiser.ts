import type { Synthesiser } from '../../session/index.js';
import { SPEECH_RATE } from './speech.js';
import type { Voice } from './speech.js';

/** About what a sentence's first sound is waited for elsewhere: a whole sentence is cut into pieces of this length. */
const PIECE_SAMPLES = SPEECH_RATE / 10;

/** The emulator's voice as a synthesiser: a clip, an installed program, or a murmur. 24 kHz. */
export function voiceSynthesiser(voice: Voice): Synthesiser {
  return {
    label: 'emulated voice',
    sampleRate: SPEECH_RATE,
    async *speak(text, { signal }) {
      signal.throwIfAborted();
      const { samples } = await voice.speak(text.trim());
      for (let from = 0; from < samples.length; from += PIECE_SAMPLES) {
        signal.throwIfAborted();
        yield samples.slice(from, from + PIECE_SAMPLES);
      }
    },
  };
}
