import { joinSamples } from '../format/join-samples.js';
import { passThrough } from './audio-stage.js';
import type { AudioStage } from './audio-stage.js';

/** Stages one after the other, as one. `undefined` and stages with nothing to do are left out; with none left, it is {@link passThrough}. */
export function chain(...stages: readonly (AudioStage | undefined)[]): AudioStage {
  const working = stages.filter((stage) => stage !== undefined && stage !== passThrough) as readonly AudioStage[];
  const [first] = working;
  if (first === undefined) return passThrough;
  if (working.length === 1) return first;
  return {
    push: (samples) => working.reduce<Int16Array>((sound, stage) => stage.push(sound), samples),
    // The tail of each goes through all that come after it.
    flush: () => working.reduce<Int16Array>((tail, stage) => joinSamples(stage.push(tail), stage.flush()), new Int16Array(0)),
  };
}
