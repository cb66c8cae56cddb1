import { errorText } from '../../session/index.js';
import { HostError } from '../host/errors.js';
import type { WavFileWriter } from './wav-file.js';

/** Left is the caller as the microphone gave it, right is the agent as it was heard. */
export type CallSide = 'caller' | 'agent';

export interface CallRecorderOptions {
  /** How far one side may run ahead of the other before the other is taken as silent. Default 2 s at 24 kHz. */
  readonly windowSamples?: number;
}

/** Blocks that wait for the disk: 60 s at 24 kHz. A disk slower than that loses the recording, not the process. */
const MAX_WAITING_SAMPLES = 60 * 24_000;

/**
 * Puts the two sides of a call beside each other, sample by sample on one clock, into a stereo file. Each side says at which sample of the
 * call its audio begins; what no side gives is silence. Memory is the window and no more: when one side is a window ahead, the other is
 * silent up to there, and audio that comes for a moment already written is dropped and counted.
 */
export class CallRecorder {
  readonly #file: WavFileWriter;
  readonly #windowSamples: number;
  /** Interleaved ring of one window: sample `n` of the call is at frame `n % window`. */
  readonly #ring: Int16Array;
  readonly #endOf = { caller: 0, agent: 0 };
  #writtenSamples = 0;
  #waitingSamples = 0;
  #lateSamples = 0;
  #writes: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  /** Takes over `file`, a stereo file, and closes it. */
  constructor(file: WavFileWriter, options: CallRecorderOptions = {}) {
    this.#file = file;
    this.#windowSamples = options.windowSamples ?? 48_000;
    if (!Number.isInteger(this.#windowSamples) || this.#windowSamples < 1) throw new RangeError('The window is at least one sample.');
    this.#ring = new Int16Array(this.#windowSamples * 2);
  }

  /** Samples per channel of the call so far: the longer side. */
  get samples(): number {
    return Math.max(this.#endOf.caller, this.#endOf.agent);
  }

  /** Samples that came for a moment already written. */
  get lateSamples(): number {
    return this.#lateSamples;
  }

  /** Appends to a side where it ended. The samples are copied. */
  append(side: CallSide, samples: Int16Array): void {
    this.place(side, this.#endOf[side], samples);
  }

  /** Puts `samples` on a side, beginning at sample `firstSample` of the call; on the same side the later one replaces the earlier. They are copied. */
  place(side: CallSide, firstSample: number, samples: Int16Array): void {
    if (!Number.isInteger(firstSample) || firstSample < 0) throw new RangeError(`A position in a call is a whole number from 0, not ${firstSample}.`);
    if (this.#closing !== undefined) return;
    const channel = side === 'caller' ? 0 : 1;
    for (let index = 0; index < samples.length; index += 1) {
      const at = firstSample + index;
      if (at < this.#writtenSamples) {
        this.#lateSamples += 1;
        continue;
      }
      if (at >= this.#writtenSamples + this.#windowSamples) this.#writeUntil(at - this.#windowSamples + 1);
      this.#ring[(at % this.#windowSamples) * 2 + channel] = samples[index] ?? 0;
    }
    this.#endOf[side] = Math.max(this.#endOf[side], firstSample + samples.length);
    this.#writeUntil(Math.min(this.#endOf.caller, this.#endOf.agent));
  }

  /** Writes what is left and closes the file; the shorter side ends in silence. Rejects with `HostError` `FILE_NOT_WRITABLE` when the file lacks a part of the call. */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#writeUntil(this.samples);
      this.#closing = this.#finish();
    }
    return this.#closing;
  }

  async #finish(): Promise<void> {
    await this.#writes;
    await this.#file.close();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #writeUntil(untilSample: number): void {
    while (this.#writtenSamples < untilSample) {
      const count = Math.min(untilSample - this.#writtenSamples, this.#windowSamples);
      if (this.#waitingSamples > MAX_WAITING_SAMPLES) this.#failure ??= tooSlow(this.#file.path);
      if (this.#failure !== undefined) {
        this.#writtenSamples = untilSample;
        return;
      }
      const block = new Int16Array(count * 2);
      for (let index = 0; index < count; index += 1) {
        const slot = ((this.#writtenSamples + index) % this.#windowSamples) * 2;
        block[index * 2] = this.#ring[slot] ?? 0;
        block[index * 2 + 1] = this.#ring[slot + 1] ?? 0;
        this.#ring[slot] = 0;
        this.#ring[slot + 1] = 0;
      }
      this.#writtenSamples += count;
      this.#waitingSamples += count;
      this.#writes = this.#writes.then(() => this.#write(block));
    }
  }

  async #write(block: Int16Array): Promise<void> {
    try {
      if (this.#failure === undefined) await this.#file.write(block);
    } catch (error) {
      this.#failure ??= error instanceof Error ? error : new Error(errorText(error));
    }
    this.#waitingSamples -= block.length / 2;
  }
}

function tooSlow(path: string): HostError {
  return new HostError('FILE_NOT_WRITABLE', `Cannot write ${path} any more: the disk takes the recording slower than the call makes it.`, {
    hint: 'Record to a local disk; the file holds the call up to here.',
  });
}
