import { resampleWhole } from '../../audio/index.js';
import type { Brain, HeardTurn, Question, Transcript } from './brain.js';
import { textOf } from './conversation.js';
import { sayStep } from './plan.js';
import type { PlanStep } from './plan.js';
import { SPEECH_RATE, spreadWords } from './speech.js';
import type { HeardAudio } from './speech.js';

/** What the parrot says before it has heard anything. */
export const PARROT_GREETING = 'Say something, and I will say it back.';
/** An answer follows its turn at once, so that the last few turns are all that can be asked for. */
const KEPT_TURNS = 2;

/** Says back what was said, spoken turns in the caller's own voice. */
export class ParrotBrain implements Brain {
  readonly #heard = new Map<string, { readonly audio: HeardAudio; readonly text: string }>();

  hear({ itemId, durationMs, audio, recognised }: HeardTurn): Transcript {
    const text = recognised ?? `(your own voice, ${(durationMs / 1000).toFixed(1)} s)`;
    this.#heard.set(itemId, { audio, text });
    for (const old of this.#heard.keys()) if (this.#heard.size > KEPT_TURNS) this.#heard.delete(old);
    return { text };
  }

  answer({ entries }: Question): readonly PlanStep[] {
    const last = entries.findLast(({ item }) => item.type === 'message' && item.role === 'user')?.item;
    if (last?.type !== 'message') return [sayStep(PARROT_GREETING)];
    const heard = this.#heard.get(last.id);
    const text = heard?.text ?? textOf(last);
    if (heard === undefined) return [sayStep(text === '' ? PARROT_GREETING : text)];
    const samples = resampleWhole(heard.audio.samples, heard.audio.sampleRate, SPEECH_RATE);
    return [{ kind: 'message', parts: [{ text }], speech: { samples, words: spreadWords(text, 0, (samples.length * 1000) / SPEECH_RATE) } }];
  }
}
