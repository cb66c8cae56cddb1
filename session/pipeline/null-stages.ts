import type { Recogniser, RecogniserEvent, Synthesiser } from '../ports/speech.js';
import type { Workflow } from '../ports/workflow.js';
import { Channel } from '../stream/channel.js';
import type { Splitter } from './splitter.js';

/** Understands nothing: each turn ends without words. `onSamples` gets what a recogniser would: the speech of each turn, its pre-roll included. */
export function nullRecogniser(onSamples: (samples: Int16Array) => void = () => {}): Recogniser {
  return {
    label: 'none',
    start() {
      const events = new Channel<RecogniserEvent>({ capacity: 1, whenFull: 'drop-newest' });
      return {
        push: onSamples,
        end() {
          events.push({ type: 'final', text: '' });
          events.close();
        },
        events,
      };
    },
  };
}

/** Has nothing to say. */
export const nullWorkflow: Workflow = {
  answer: () => nothing(),
};

/** Makes no sound: an answer is its words alone. */
export function nullSynthesiser(sampleRate: number): Synthesiser {
  return { label: 'none', sampleRate, speak: () => nothing() };
}

/** Splits nothing: an answer is one sentence, spoken when all of it is there. */
export function nullSplitter(): Splitter {
  let text = '';
  return {
    push(more) {
      text += more;
      return [];
    },
    end: () => (text === '' ? [] : [text]),
  };
}

function nothing(): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ value: undefined, done: true }) }) };
}
