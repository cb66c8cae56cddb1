import type { SpeakerFrame } from '../client/index.js';
import { SAMPLE_RATE } from '../protocol/voicewire/index.js';

/**
 * How late the frames of one call come: each against a player that began to play with the first frame of the answer and holds nothing in reserve. A
 * frame that is early is not late: 0.
 */
export class FrameLateness {
  #item: number | undefined;
  #startMs = 0;

  /** Gives the lateness of a frame that arrives now, in ms; nothing for the first of an answer, which nobody waits for by the sample. */
  onFrame({ item, firstSample }: Pick<SpeakerFrame, 'item' | 'firstSample'>, nowMs: number): number | undefined {
    const atMs = (firstSample * 1000) / SAMPLE_RATE;
    if (item !== this.#item) {
      this.#item = item;
      this.#startMs = nowMs - atMs;
      return undefined;
    }
    return Math.max(0, nowMs - this.#startMs - atMs);
  }
}
