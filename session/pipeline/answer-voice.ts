import { encodeSamples } from '../../audio/index.js';
import { Channel } from '../stream/channel.js';
import { Gate } from './gate.js';
import type { PipelineSetup } from './pipeline-options.js';
import { within, stageLate } from './stage-error.js';
import { StageReader } from './stage-reader.js';

/** Pieces of a sentence that wait while the sentence before it is spoken. */
const PIECES_AHEAD = 4;

export interface VoiceOutlet {
  /** The next sound, in order; the voice goes on when the promise is settled. */
  sound(sentence: number, data: Uint8Array, samples: number): Promise<void>;
  /** All sound of that sentence was given. */
  spoken(sentence: number): Promise<void>;
}

interface Speaking {
  readonly sentence: number;
  readonly pieces: Channel<Int16Array>;
}

/**
 * The voice of one answer: sentences are synthesised at the same time and come out one after the other, through the same stages. Whoever calls `speak`
 * decides how many at a time; a sentence that is not yet its turn is read a few pieces ahead and then waits.
 */
export class AnswerVoice {
  readonly #setup: PipelineSetup;
  readonly #signal: AbortSignal;
  readonly #outlet: VoiceOutlet;
  readonly #gate = new Gate();
  readonly #order = new Channel<Speaking>({ capacity: 16, whenFull: 'fail' });
  readonly #live = new Set<Channel<Int16Array>>();

  constructor(setup: PipelineSetup, signal: AbortSignal, outlet: VoiceOutlet) {
    this.#setup = setup;
    this.#signal = signal;
    this.#outlet = outlet;
  }

  /** Speaks a sentence after those before it. The request is made at once; without words there is none. */
  speak(sentence: number, text: string): void {
    if (this.#signal.aborted) return;
    const pieces = new Channel<Int16Array>({ capacity: PIECES_AHEAD, whenFull: 'wait' });
    this.#live.add(pieces);
    this.#order.push({ sentence, pieces });
    if (text === '') pieces.close();
    else void this.#synthesise(text, pieces);
  }

  /** There are no more sentences. */
  close(): void {
    this.#order.close();
  }

  hold(): void {
    this.#gate.shut();
  }

  release(): void {
    this.#gate.open();
  }

  /** Gives the sound of all sentences in order, until the signal aborts. Rejects with a `StageFault` where one fails, after the sound before it. */
  async run(): Promise<void> {
    const stages = await within('postprocess', this.#setup.voiceStages);
    const onAbort = (): void => this.#end();
    this.#signal.addEventListener('abort', onAbort, { once: true });
    try {
      this.#signal.throwIfAborted();
      for await (const { sentence, pieces } of this.#order) {
        for await (const samples of pieces) await this.#give(sentence, await within('postprocess', () => stages.push(samples)));
        if (this.#signal.aborted) return;
        // The tail of the stages belongs to this sentence: what was heard of it is counted to the last sample.
        await this.#give(sentence, await within('postprocess', () => stages.flush()));
        this.#live.delete(pieces);
        if (!this.#signal.aborted) await this.#outlet.spoken(sentence);
      }
    } finally {
      this.#signal.removeEventListener('abort', onAbort);
      this.#end();
    }
  }

  async #synthesise(text: string, pieces: Channel<Int16Array>): Promise<void> {
    const { synthesiser, voice, clock, timeouts } = this.#setup;
    let any = false;
    try {
      const source = await within('synthesise', () => synthesiser.speak(text, { signal: this.#signal, ...(voice === undefined ? {} : { voice }) }));
      const reader = new StageReader(source, { clock, signal: this.#signal, late: (ms) => stageLate('synthesise', any ? 'no more sound' : 'no sound', ms) });
      try {
        reader.limit(timeouts.synthesiseFirstMs);
        for (;;) {
          const next = await within('synthesise', () => reader.next());
          if (next.done === true) break;
          if (next.value.length === 0) continue;
          any = true;
          reader.limit(timeouts.synthesiseIdleMs);
          if (!(await pieces.send(next.value))) break;
        }
      } finally {
        reader.close();
      }
      pieces.close();
    } catch (fault) {
      pieces.fail(fault);
    }
  }

  async #give(sentence: number, mono: Int16Array): Promise<void> {
    if (mono.length === 0 || this.#signal.aborted) return;
    const { encoding, channels } = this.#setup.policy.outputFormat;
    // Memory of its own: a stage may have passed on what the synthesiser still holds.
    const data = encodeSamples(encoding, spread(mono, channels)).slice();
    await this.#outlet.sound(sentence, data, mono.length);
    await this.#gate.passed();
  }

  /** Whoever waits here goes on, and finds the signal aborted. */
  #end(): void {
    this.#gate.open();
    void this.#order.return();
    for (const pieces of this.#live) void pieces.return();
    this.#live.clear();
  }
}

/** One channel as several that sound alike, interleaved. */
function spread(mono: Int16Array, channels: number): Int16Array {
  if (channels === 1) return mono;
  const samples = new Int16Array(mono.length * channels);
  for (let at = 0; at < samples.length; at += 1) samples[at] = mono[Math.floor(at / channels)] ?? 0;
  return samples;
}
