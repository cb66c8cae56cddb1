import { samplesToPcm16 } from '../../audio/index.js';
import type { Clock, Timer } from '../../session/index.js';
import { SAMPLE_RATE, encodeAudioFrame } from '../protocol/voicewire/index.js';
import type { Transport } from '../transport/transport.js';

/** As much as the network may owe us before frames wait here: 0.5 s of audio. */
const HIGH_WATER_BYTES = SAMPLE_RATE;
/** And as much as may wait: 1 s. What is older is no use to a conversation. */
const CAPACITY_SAMPLES = SAMPLE_RATE;
/** One frame's time. */
const RETRY_MS = 20;

interface Waiting {
  readonly message: Uint8Array;
  readonly samples: number;
}

/**
 * The way of the microphone's audio into the socket. Each frame carries the index of its first sample, so a frame that was dropped leaves a gap
 * that the gateway can see. When the network does not keep up the oldest frames are dropped and counted.
 */
export class MicrophoneOutbox {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #onDropped: (droppedFrames: number) => void;
  readonly #waiting: Waiting[] = [];
  #waitingSamples = 0;
  #nextSample = 0;
  #dropped = 0;
  #retry: Timer | undefined;

  constructor(transport: Transport, clock: Clock, onDropped: (droppedFrames: number) => void) {
    this.#transport = transport;
    this.#clock = clock;
    this.#onDropped = onDropped;
  }

  /** Frames dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The samples are copied. */
  push(samples: Int16Array): void {
    const message = encodeAudioFrame({ kind: 'microphone', epoch: 0, item: 0, firstSample: this.#nextSample, pcm: samplesToPcm16(samples) });
    // The index is 32 bits wide; it comes round after 49 hours.
    this.#nextSample = (this.#nextSample + samples.length) >>> 0;
    this.#waiting.push({ message, samples: samples.length });
    this.#waitingSamples += samples.length;
    this.#drain();
    while (this.#waitingSamples > CAPACITY_SAMPLES) {
      this.#take();
      this.#dropped += 1;
      this.#onDropped(this.#dropped);
    }
  }

  /** Sends what waits, whatever the network says: before a message that must come after the audio. */
  flush(): void {
    for (let next = this.#take(); next !== undefined; next = this.#take()) this.#transport.send(next.message);
  }

  close(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#waiting.length = 0;
    this.#waitingSamples = 0;
  }

  #drain(): void {
    while (this.#waiting.length > 0) {
      if (this.#transport.bufferedBytes >= HIGH_WATER_BYTES) break;
      const next = this.#take();
      if (next !== undefined) this.#transport.send(next.message);
    }
    if (this.#waiting.length === 0 || this.#retry !== undefined) return;
    this.#retry = this.#clock.after(RETRY_MS, () => {
      this.#retry = undefined;
      this.#drain();
    });
  }

  #take(): Waiting | undefined {
    const first = this.#waiting.shift();
    if (first !== undefined) this.#waitingSamples -= first.samples;
    return first;
  }
}
