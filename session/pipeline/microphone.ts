import { Framer, decodeSamples } from '../../audio/index.js';
import { PipelineError } from '../errors.js';
import { Channel } from '../stream/channel.js';
import type { PipelineSetup } from './pipeline-options.js';
import { StageFault, within } from './stage-error.js';
import { StageReader } from './stage-reader.js';

/** Drops are told no more often than that. */
const REPORT_MS = 1_000;

/**
 * The way of the microphone's bytes: chunks of any size from the source, cut into pieces of one size, a bounded queue, then samples, mixed, resampled
 * and cleaned. Nothing is lost but what a full queue drops and reports; the last piece is as short as it is, and only half a sample at its end, which
 * nobody can complete, is left out.
 *
 *     source ──▶ Framer ──▶ queue ──▶ decode ──▶ mix ──▶ resample ──▶ stages ──▶ take
 */
export class Microphone {
  readonly #setup: PipelineSetup;
  readonly #signal: AbortSignal;
  readonly #onDrop: (error: PipelineError) => void;
  readonly #queue: Channel<Uint8Array>;
  #taking = false;
  #dropsSinceReport = 0;
  #reportedAtMs = -Infinity;

  constructor(setup: PipelineSetup, signal: AbortSignal, onDrop: (error: PipelineError) => void) {
    this.#setup = setup;
    this.#signal = signal;
    this.#onDrop = onDrop;
    this.#queue = new Channel({ capacity: setup.queuedChunks, whenFull: setup.whenFull });
  }

  /** Whether audio lies here: then it is not the source that is silent. */
  get waits(): boolean {
    return this.#taking || this.#queue.size > 0;
  }

  /** Reads the source to its end; rejects with a `StageFault`, after everything that came before it, or with the signal's reason. */
  async run(source: AsyncIterable<Uint8Array>, take: (samples: Int16Array) => Promise<void>): Promise<void> {
    const stages = await within('preprocess', this.#setup.microphoneStages);
    const { encoding, channels } = this.#setup.inputFormat;
    const reader = new StageReader(source, { clock: this.#setup.clock, signal: this.#signal });
    const read = this.#read(reader);
    read.catch(() => {});
    const onAbort = (): void => void this.#queue.return();
    this.#signal.addEventListener('abort', onAbort, { once: true });
    try {
      for await (const piece of this.#queue) {
        this.#taking = true;
        const samples = decodeSamples(encoding, piece);
        const whole = samples.subarray(0, samples.length - (samples.length % channels));
        await take(await within('preprocess', () => stages.push(whole)));
        this.#taking = false;
      }
      this.#signal.throwIfAborted();
      await take(await within('preprocess', () => stages.flush()));
      await read;
    } finally {
      this.#signal.removeEventListener('abort', onAbort);
      reader.close();
      await this.#queue.return();
    }
  }

  async #read(reader: StageReader<Uint8Array>): Promise<void> {
    const { inputFormat, chunkSamples } = this.#setup;
    const framer = new Framer(inputFormat, { frameSamples: chunkSamples });
    try {
      for (;;) {
        const next = await within('input', () => reader.next());
        if (next.done === true || this.#queue.closed) break;
        if (!(next.value instanceof Uint8Array)) throw new StageFault('input', new TypeError('The audio must come as Uint8Array.'));
        for (const piece of framer.push(next.value)) await this.#put(piece);
      }
      const rest = framer.flush({ pad: false });
      if (rest !== undefined) await this.#put(rest);
    } finally {
      reader.close();
      this.#report(true);
      this.#queue.close();
    }
  }

  async #put(piece: Uint8Array): Promise<void> {
    if (this.#setup.whenFull === 'wait') return void (await this.#queue.send(piece));
    const before = this.#queue.dropped;
    this.#queue.push(piece);
    this.#dropsSinceReport += this.#queue.dropped - before;
    this.#report(false);
  }

  #report(last: boolean): void {
    const nowMs = this.#setup.clock.now();
    if (this.#dropsSinceReport === 0 || (!last && nowMs - this.#reportedAtMs < REPORT_MS)) return;
    const ms = Math.round((this.#dropsSinceReport * this.#setup.chunkSamples * 1000) / this.#setup.inputFormat.sampleRate);
    this.#dropsSinceReport = 0;
    this.#reportedAtMs = nowMs;
    this.#onDrop(new PipelineError('MICROPHONE_OVERFLOW', `The pipeline did not keep up with the microphone: ${ms} ms of its oldest audio were dropped.`));
  }
}
