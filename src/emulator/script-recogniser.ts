import { recogniserOf } from '../../session/index.js';
import type { Recogniser } from '../../session/index.js';
import { clipRecogniser } from './clip-recogniser.js';
import { demoScript } from './demo-script.js';
import { nextSpokenTurn } from './script-turns.js';
import type { Script } from './script.js';
import { unknownSpeech } from './speech.js';

/**
 * A recogniser without a key, for one conversation with a script: it knows the clips of the package again, and takes any other turn for the next one that
 * the script expects to hear. What comes after the last of them is not understood, and said so.
 */
export function scriptRecogniser(script: Script = demoScript): Recogniser {
  const clips = clipRecogniser();
  let nextTurn = 0;
  return recogniserOf(
    async (samples, { sampleRate }) => {
      const known = await clips.recognise({ samples, sampleRate });
      if (known !== undefined) return known;
      const turn = nextSpokenTurn(script, nextTurn);
      if (turn === undefined) return unknownSpeech((samples.length * 1_000) / sampleRate);
      nextTurn = turn + 1;
      return script.turns[turn]?.hears ?? '';
    },
    { label: 'script' },
  );
}
