import type { AudioStage } from './stand-ins.js';

/** Several stages, one after the other, as one. */
export function stageChain(stages: readonly AudioStage[]): AudioStage {
  return {
    push: (samples) => stages.reduce((passed, stage) => (passed.length === 0 ? passed : stage.push(passed)), samples),
    flush() {
      // What one stage held back still passes those behind it.
      let tail = new Int16Array(0);
      for (const stage of stages) tail = joined(tail.length === 0 ? tail : stage.push(tail), stage.flush());
      return tail;
    },
  };
}

function joined(first: Int16Array, second: Int16Array): Int16Array<ArrayBuffer> {
  const both = new Int16Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
