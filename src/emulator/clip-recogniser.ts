import type { Recogniser } from './brain.js';
import { Clips, clipsFolder } from './clips.js';
import { likeness, soundPrint } from './sound-print.js';
import type { SoundPrint } from './sound-print.js';
import { SPEECH_RATE } from './speech.js';

/** Prints of the same words through a telephone and some noise are this much alike, those of other words are not. */
const ALIKE = 0.9;

/**
 * Knows recordings again: whoever plays one of the clips of a folder is understood, everybody else is not. The folder has an `index.json` with
 * `{ "clips": [{ "text", "file", "durationMs" }] }` and the WAV files that it names; default: the clips of the package. Throws where the index
 * cannot be read.
 */
export function clipRecogniser(folder: URL | undefined = clipsFolder()): Recogniser {
  const clips = folder === undefined ? undefined : new Clips(folder);
  let known: readonly { readonly text: string; readonly print: SoundPrint }[] | undefined;
  return {
    recognise({ samples, sampleRate }) {
      // Read and measured when somebody first speaks.
      known ??= (clips?.texts ?? []).flatMap((text) => {
        const sound = clips?.find(text);
        return sound === undefined ? [] : [{ text, print: soundPrint(sound, SPEECH_RATE) }];
      });
      const heard = soundPrint(samples, sampleRate);
      let best: { readonly text: string; readonly alike: number } | undefined;
      for (const { text, print } of known) {
        const alike = likeness(heard, print);
        if (alike >= ALIKE && alike > (best?.alike ?? 0)) best = { text, alike };
      }
      return Promise.resolve(best?.text);
    },
  };
}
