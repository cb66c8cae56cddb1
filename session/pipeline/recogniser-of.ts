import { ProviderError, VoicewireError } from '../errors.js';
import type { RecogniseOptions, Recogniser, RecogniserEvent, RecogniserTurn } from '../ports/speech.js';
import { forward } from '../stream/forward.js';
import { produced } from '../stream/produced.js';
import type { Send } from '../stream/produced.js';

/**
 * Recognises the speech of a whole turn. The samples are PCM16 mono and belong to the function. It gives the text, or events as it finds them out:
 * then the last `final` counts, or the last `partial` where there is none.
 */
export type RecogniseFunction = (samples: Int16Array, options: RecogniseOptions) => string | PromiseLike<string> | AsyncIterable<RecogniserEvent>;

export interface RecogniserOfOptions {
  /** For people. Default: the function's name. */
  readonly label?: string;
  /** The longest turn that is kept. A longer one fails with `TRANSCRIPTION_FAILED`, since a text without its end may say the opposite. Default 120 000. */
  readonly maxTurnMs?: number;
}

/**
 * A recogniser from a function that takes a turn in one piece. It is called when the turn has ended, and not at all for one without sound. What it
 * throws becomes a `TRANSCRIPTION_FAILED`, unless it is a `VoicewireError`.
 */
export function recogniserOf(recognise: RecogniseFunction, options: RecogniserOfOptions = {}): Recogniser {
  const { label = recognise.name || 'function', maxTurnMs = 120_000 } = options;
  if (!(maxTurnMs > 0)) throw new RangeError(`maxTurnMs is a number of ms above 0, not ${maxTurnMs}.`);
  return { label, start: (turn) => new CollectedTurn(recognise, turn, maxTurnMs) };
}

class CollectedTurn implements RecogniserTurn {
  readonly events: AsyncIterable<RecogniserEvent>;
  readonly #signal: AbortSignal;
  readonly #sampleRate: number;
  readonly #maxSamples: number;
  #chunks: Int16Array[] = [];
  #sampleCount = 0;
  #state: 'open' | 'ended' | 'too_long' = 'open';
  #onEnd: () => void = () => {};

  constructor(recognise: RecogniseFunction, options: RecogniseOptions, maxTurnMs: number) {
    this.#signal = options.signal;
    this.#sampleRate = options.sampleRate;
    this.#maxSamples = Math.floor((maxTurnMs / 1000) * options.sampleRate);
    this.events = produced((send, signal) => this.#recognise(recognise, send, signal), options.signal);
  }

  push(samples: Int16Array): void {
    if (this.#state !== 'open' || this.#signal.aborted) return;
    this.#sampleCount += samples.length;
    if (this.#sampleCount > this.#maxSamples) return this.#finish('too_long');
    this.#chunks.push(samples.slice());
  }

  end(): void {
    if (this.#state === 'open') this.#finish('ended');
  }

  /** Those who wait hear of a turn that is too long at once, not when it ends. */
  #finish(state: 'ended' | 'too_long'): void {
    this.#state = state;
    if (state === 'too_long') this.#chunks = [];
    this.#onEnd();
  }

  async #recognise(recognise: RecogniseFunction, send: Send<RecogniserEvent>, signal: AbortSignal): Promise<void> {
    if (this.#state === 'open') await new Promise<void>((resolve) => (this.#onEnd = resolve));
    if (this.#state === 'too_long') {
      throw new ProviderError('TRANSCRIPTION_FAILED', `A turn is longer than ${Math.round((this.#maxSamples / this.#sampleRate) * 1000)} ms, which is all that is kept of one.`, {
        stage: 'transcription',
        hint: 'Raise maxTurnMs; if nobody spoke for so long, the turn detection does not find the end of speech.',
      });
    }
    const samples = this.#takeSamples();
    if (samples.length === 0) {
      await send({ type: 'final', text: '' });
      return;
    }
    let last: RecogniserEvent | undefined;
    const onEvent: Send<RecogniserEvent> = (event) => {
      last = event;
      return event.type === 'partial' ? send(event) : Promise.resolve(true);
    };
    try {
      const result = recognise(samples, { sampleRate: this.#sampleRate, signal });
      if (typeof result === 'object' && Symbol.asyncIterator in result) await forward(result, onEvent, signal);
      else last = { type: 'final', text: await result };
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      throw cause instanceof VoicewireError ? cause : new ProviderError('TRANSCRIPTION_FAILED', 'The recogniser failed.', { stage: 'transcription', hint: 'See the cause: it is what the function threw.', cause });
    }
    await send({ ...last, type: 'final', text: last?.text ?? '' });
  }

  #takeSamples(): Int16Array {
    const samples = new Int16Array(this.#chunks.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const chunk of this.#chunks) {
      samples.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [];
    return samples;
  }
}
