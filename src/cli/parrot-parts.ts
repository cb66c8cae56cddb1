import { recogniserOf, synthesiserOf } from '../../session/index.js';
import type { Recogniser, Synthesiser, Workflow } from '../../session/index.js';

/** A pipeline that understands nothing and says back what it heard, in the caller's own voice. Its parts belong together and serve one conversation. */
export function parrotParts(sampleRate: number): { readonly recogniser: Recogniser; readonly workflow: Workflow; readonly synthesiser: Synthesiser } {
  let heard = new Int16Array(0);
  return {
    recogniser: recogniserOf(
      async (samples) => {
        heard = samples.slice();
        return `(your own voice, ${(samples.length / sampleRate).toFixed(1)} s)`;
      },
      { label: 'parrot' },
    ),
    workflow: {
      async *answer({ text }) {
        yield text;
      },
    },
    synthesiser: synthesiserOf(async () => heard, { sampleRate, label: 'parrot' }),
  };
}
