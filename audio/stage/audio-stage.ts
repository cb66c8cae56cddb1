/**
 * One step of what is done to a stream of PCM16. How the stream is cut into pushes never changes the samples that come out, nor do two streams share
 * anything. Stages are mono where they do not say otherwise.
 */
export interface AudioStage {
  /**
   * Takes the next samples, any number of them, and gives what is ready, maybe nothing. `samples` is borrowed until the call returns. The result may be
   * `samples` itself where there is nothing to do: read it first, or take a `.slice()`.
   */
  push(samples: Int16Array): Int16Array;
  /** Ends the stream: gives what was held back, and starts afresh. */
  flush(): Int16Array;
}

/** Does nothing, at no cost. What makes a stage gives this one when there is nothing to do, and {@link chain} leaves it out. */
export const passThrough: AudioStage = Object.freeze({ push: (samples: Int16Array) => samples, flush: () => new Int16Array(0) });
