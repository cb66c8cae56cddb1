import type { Clock } from '../../session/index.js';
import { Gain } from './gain.js';
import { PlaybackQueue } from './playback-queue.js';
import type { Speaker, SpeakerFrame, SpeakerHandlers } from './ports.js';
import { SLOT_SAMPLES, SlotTimer } from './slot-timer.js';

export interface ClockSpeakerOptions {
  readonly clock: Clock;
  /** The moment of sample 0 of the call, in ms of the clock. Give a microphone the same one, and both are on one timeline. Default: now. */
  readonly originMs?: number;
  /** Gets each 20 ms of the agent as heard, silence where nothing was played; `firstSample` counts from the origin. The samples are its own. */
  readonly sink?: (samples: Int16Array, firstSample: number) => void;
  /** What it holds, in samples at 24 kHz. Default 8 s, more than a gateway sends ahead. */
  readonly capacitySamples?: number;
}

/**
 * A speaker without a device: it plays by the clock, counting samples as a device would. A slot of 20 ms is played when its time has passed, so
 * what is reported as heard never runs ahead of time.
 */
export class ClockSpeaker implements Speaker {
  readonly originMs: number;
  readonly #queue: PlaybackQueue;
  readonly #sink: ((samples: Int16Array, firstSample: number) => void) | undefined;
  readonly #timer: SlotTimer;
  readonly #gain = new Gain();
  #handlers: SpeakerHandlers | undefined;
  #paused = false;
  #underruns = 0;
  #troubles = 0;

  constructor(options: ClockSpeakerOptions) {
    this.originMs = options.originMs ?? options.clock.now();
    this.#queue = new PlaybackQueue(options.capacitySamples);
    this.#sink = options.sink;
    this.#timer = new SlotTimer(options.clock, this.originMs, (slot) => this.#onSlot(slot));
  }

  /** Samples that wait to be played. */
  get bufferedSamples(): number {
    return this.#queue.bufferedSamples;
  }

  listen(handlers: SpeakerHandlers): void {
    this.#handlers = handlers;
  }

  play(frame: SpeakerFrame): void {
    this.#queue.push(frame);
  }

  end(item: number, samples: number): void {
    this.#queue.end(item, samples);
    this.#report();
  }

  clear(epoch: number): void {
    this.#queue.clear(epoch);
    this.resume();
    this.#report();
  }

  pause(how: 'pause' | 'duck'): void {
    this.#paused = how === 'pause';
    this.#gain.duck(how === 'duck');
    this.#report();
  }

  resume(): void {
    this.#paused = false;
    this.#gain.duck(false);
  }

  reset(): void {
    this.#queue.reset();
    this.resume();
  }

  /** Stops the clock. What is buffered is not played. */
  close(): void {
    this.#timer.stop();
    this.#queue.reset();
  }

  #onSlot(slot: number): void {
    const samples = new Int16Array(SLOT_SAMPLES);
    const played = this.#paused ? 0 : this.#queue.read(samples);
    this.#gain.apply(samples);
    if (played > 0 && played < SLOT_SAMPLES && this.#queue.isWithinItem) this.#underruns += 1;
    this.#sink?.(samples, slot * SLOT_SAMPLES);
    if (played > 0) this.#handlers?.onLevel(rootMeanSquare(samples));
    this.#report();
    if (this.#troubles === this.#underruns + this.#queue.droppedSamples) return;
    this.#troubles = this.#underruns + this.#queue.droppedSamples;
    this.#handlers?.onTrouble({ underruns: this.#underruns, droppedSamples: this.#queue.droppedSamples });
  }

  #report(): void {
    for (const report of this.#queue.takeReports()) this.#handlers?.onPlayed(report);
  }
}

function rootMeanSquare(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / samples.length) / 32768;
}
