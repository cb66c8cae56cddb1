/** A change between speech and no speech. Positions count samples from the first one pushed, so they do not depend on how fast it came. */
export interface VadTransition {
  readonly type: 'start' | 'end';
  /** `start`: the first sample of the first frame that was taken for speech. `end`: the sample after the last one. */
  readonly sample: number;
  /** How many samples had been heard when this was decided; later than `sample` by the frames or the silence that it took to be sure. */
  readonly decidedAt: number;
}

/** Finds where speech starts and ends in a stream of PCM16 mono. Others than the built-in one (a neural network, say) fit behind it. */
export interface Vad {
  readonly sampleRate: number;
  /** Between a `start` and its `end`. */
  readonly speaking: boolean;
  /** Takes the next samples, any number of them (borrowed until the call returns), and says what changed, in order. */
  push(samples: Int16Array): readonly VadTransition[];
  /** Ends the stream: ends speech that still lasts, and starts afresh at position 0. */
  flush(): readonly VadTransition[];
}
