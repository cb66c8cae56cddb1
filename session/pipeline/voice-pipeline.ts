import type { PlaybackReport } from '../../audio/index.js';
import { InvalidStateError } from '../errors.js';
import type { PipelineEvent } from './pipeline-event.js';
import { pipelineSetup } from './pipeline-options.js';
import type { PipelineSetup, VoicePipelineOptions } from './pipeline-options.js';
import { PipelineRun } from './pipeline-run.js';

export interface ProcessOptions {
  /** Ends the conversation at once: the loop that reads the events throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * A voice agent out of parts: microphone audio goes in, and what the user said, the answer's sound and all that happens comes out as events. What it
 * decides is decided by the pure `pipelineStep`. A pipeline has one conversation at a time, and may have another one after it.
 */
export class VoicePipeline {
  readonly #setup: PipelineSetup;
  #run: PipelineRun | undefined;

  /** Throws `RangeError` for numbers that cannot be, and `TypeError` for parts that do not fit. */
  constructor(options: VoicePipelineOptions) {
    this.#setup = pipelineSetup(options);
  }

  /**
   * Holds a conversation with whoever is heard in `audio`: chunks of bytes of any size, in the input's format; the bytes are borrowed until the next
   * one is asked for. Nothing begins before the first `next()`; a loop that is left lets go of everything, also while a `next()` is pending. When the
   * audio ends, what was said is still answered and the answer spoken out. That `next()` rejects with `PIPELINE_BUSY` during another conversation.
   */
  process(audio: AsyncIterable<Uint8Array>, options: ProcessOptions = {}): AsyncIterableIterator<PipelineEvent, undefined> {
    let run: PipelineRun | undefined;
    let left = false;
    return {
      next: async () => {
        if (run === undefined && left) return { value: undefined, done: true };
        run ??= this.#begin(audio, options.signal);
        return run.next();
      },
      return: () => {
        left = true;
        run?.stop();
        return Promise.resolve({ value: undefined, done: true });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Push-to-talk: the user begins to speak. What is being answered is interrupted; a turn that is begun so is ended by {@link endTurn} alone. */
  startTurn(): void {
    this.#running('startTurn').dispatch({ type: 'start_turn' });
  }

  /** The user has spoken: the turn is over, whatever is heard. Without a turn it does nothing. */
  endTurn(): void {
    this.#running('endTurn').dispatch({ type: 'end_turn' });
  }

  /** The user wrote something: it is answered like what is spoken, and takes the place of what goes on. */
  sendText(text: string): void {
    if (text.trim() === '') throw new TypeError('sendText() needs words.');
    this.#running('sendText').dispatch({ type: 'text', text });
  }

  /** Stops the answer, as speech over it does. Does nothing when there is none. */
  interrupt(): void {
    this.#running('interrupt').dispatch({ type: 'interrupt' });
  }

  /**
   * Whoever plays tells how many samples of a sentence it has played so far; names as on the audio event. From the first report on, reports are what
   * counts as heard. Unknown items and late reports are ignored.
   */
  reportPlayback(report: PlaybackReport): void {
    this.#run?.dispatch({ type: 'playback', report });
  }

  #begin(audio: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): PipelineRun {
    signal?.throwIfAborted();
    if (this.#run !== undefined) throw new InvalidStateError('PIPELINE_BUSY', 'This pipeline is in a conversation.');
    const onAbort = (): void => run.stop({ reason: signal?.reason });
    const run = new PipelineRun(this.#setup, () => {
      signal?.removeEventListener('abort', onAbort);
      if (this.#run === run) this.#run = undefined;
    });
    this.#run = run;
    signal?.addEventListener('abort', onAbort, { once: true });
    run.start(audio);
    return run;
  }

  #running(call: string): PipelineRun {
    if (this.#run === undefined) throw new InvalidStateError('PIPELINE_NOT_RUNNING', `${call}() was called while the pipeline is in no conversation.`);
    return this.#run;
  }
}
