import { CLIENT_BUFFER_SAMPLES } from '../protocol/voicewire/index.js';
import type { PlayedReport, SpeakerFrame } from './ports.js';

interface ItemState {
  readonly epoch: number;
  heardSamples: number;
  /** Known once all of the item has been handed over. */
  totalSamples: number | undefined;
}

/**
 * The samples that wait to be played, and the count of those that were. It knows neither a device nor a clock: whoever plays takes samples
 * out, and what has been taken out counts as played. Runs in an AudioWorklet as well as in Node.
 */
export class PlaybackQueue {
  readonly #capacity: number;
  #frames: SpeakerFrame[] = [];
  /** Samples of the first frame that have been played. */
  #offset = 0;
  #buffered = 0;
  #epoch = 0;
  #dropped = 0;
  readonly #items = new Map<number, ItemState>();
  #playing: number | undefined;
  #reportedSamples = -1;
  #finals: PlayedReport[] = [];

  constructor(capacitySamples = CLIENT_BUFFER_SAMPLES + 48_000) {
    this.#capacity = capacitySamples;
  }

  get bufferedSamples(): number {
    return this.#buffered;
  }

  /** Samples for which there was no room. */
  get droppedSamples(): number {
    return this.#dropped;
  }

  /** Whether the last of what is buffered is the end of its item, so that more need not be waited for. */
  get endIsBuffered(): boolean {
    const last = this.#frames.at(-1);
    return last !== undefined && this.#items.get(last.item)?.totalSamples === last.firstSample + last.samples.length;
  }

  /** Whether an item has begun and neither ended nor been cut. */
  get isWithinItem(): boolean {
    return this.#playing !== undefined && this.#items.has(this.#playing);
  }

  /** Puts a frame at the end. One of an old epoch is forgotten; one for which there is no room is dropped and counted. */
  push(frame: SpeakerFrame): void {
    if (frame.epoch < this.#epoch || frame.samples.length === 0) return;
    if (this.#buffered + frame.samples.length > this.#capacity) {
      this.#dropped += frame.samples.length;
      return;
    }
    this.#stateOf(frame.item, frame.epoch);
    this.#frames.push(frame);
    this.#buffered += frame.samples.length;
  }

  /** All of the item has been pushed. */
  end(item: number, samples: number): void {
    const state = this.#items.get(item);
    if (state === undefined) return;
    state.totalSamples = samples;
    this.#finishIfHeard(item, state);
  }

  /** Forgets everything with a smaller epoch; an item that was being played gets its last report. */
  clear(epoch: number): void {
    if (epoch <= this.#epoch) return;
    this.#epoch = epoch;
    const kept = this.#frames.filter((frame) => frame.epoch >= epoch);
    if (kept[0] !== this.#frames[0]) this.#offset = 0;
    this.#frames = kept;
    this.#buffered = kept.reduce((sum, frame) => sum + frame.samples.length, 0) - this.#offset;
    for (const [item, state] of this.#items) {
      if (state.epoch >= epoch) continue;
      if (state.heardSamples > 0) this.#finals.push({ epoch: state.epoch, item, samples: state.heardSamples, final: true });
      this.#items.delete(item);
    }
  }

  /** Forgets everything, epochs and reports included. */
  reset(): void {
    this.#frames = [];
    this.#offset = 0;
    this.#buffered = 0;
    this.#epoch = 0;
    this.#items.clear();
    this.#playing = undefined;
    this.#finals = [];
  }

  /** Takes samples out into `target` and says how many there were; the rest of `target` is left as it is. */
  read(target: Int16Array): number {
    let filled = 0;
    while (filled < target.length) {
      const frame = this.#frames[0];
      if (frame === undefined) break;
      const take = Math.min(frame.samples.length - this.#offset, target.length - filled);
      target.set(frame.samples.subarray(this.#offset, this.#offset + take), filled);
      filled += take;
      this.#offset += take;
      this.#buffered -= take;
      this.#count(frame, frame.firstSample + this.#offset);
      if (this.#offset === frame.samples.length) {
        this.#frames.shift();
        this.#offset = 0;
      }
    }
    return filled;
  }

  /** What is to be reported since the last call, in order; empty when nothing has changed. */
  takeReports(): PlayedReport[] {
    const reports = this.#finals;
    this.#finals = [];
    const state = this.#playing === undefined ? undefined : this.#items.get(this.#playing);
    if (this.#playing !== undefined && state !== undefined && state.heardSamples !== this.#reportedSamples) {
      this.#reportedSamples = state.heardSamples;
      reports.push({ epoch: state.epoch, item: this.#playing, samples: state.heardSamples, final: false });
    }
    return reports;
  }

  get hasFinalReports(): boolean {
    return this.#finals.length > 0;
  }

  #count(frame: SpeakerFrame, heardSamples: number): void {
    if (this.#playing !== frame.item) {
      this.#playing = frame.item;
      this.#reportedSamples = -1;
    }
    const state = this.#stateOf(frame.item, frame.epoch);
    state.heardSamples = heardSamples;
    this.#finishIfHeard(frame.item, state);
  }

  #finishIfHeard(item: number, state: ItemState): void {
    if (state.totalSamples === undefined || state.heardSamples < state.totalSamples) return;
    this.#finals.push({ epoch: state.epoch, item, samples: state.heardSamples, final: true });
    this.#items.delete(item);
  }

  #stateOf(item: number, epoch: number): ItemState {
    let state = this.#items.get(item);
    if (state === undefined) this.#items.set(item, (state = { epoch, heardSamples: 0, totalSamples: undefined }));
    return state;
  }
}
