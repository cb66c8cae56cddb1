import { pcm16ToSamples } from '../../audio/index.js';
import type { Recogniser, RecogniserStreamEvent, RecogniserTurn } from '../ports/speech.js';
import { readRing } from '../state/microphone-ring.js';
import type { MicrophoneRing } from '../state/microphone-ring.js';
import type { PipelineInbox, PipelineInput } from './pipeline-input.js';
import type { PipelineSetup } from './pipeline-options.js';
import { faultOf, stageLate, within } from './stage-error.js';
import { StageReader } from './stage-reader.js';

/**
 * A recogniser at work: it is given the microphone from a sample on, out of the ring, and tells the words. For one stretch of speech, or, as a
 * stream, for all audio until it is ended or fails.
 */
export class Recognition {
  readonly #setup: PipelineSetup;
  readonly #recogniser: Recogniser;
  readonly #inbox: PipelineInbox;
  /** 0 for a stream. */
  readonly #utterance: number;
  readonly #life = new AbortController();
  #nextByte: number;
  #fed: Pick<RecogniserTurn, 'push' | 'end'> | undefined;
  #reader: StageReader<RecogniserStreamEvent> | undefined;
  #ended = false;
  #over = false;
  #resolveFinished: () => void = () => {};
  /** Settled when it is over. */
  readonly finished = new Promise<void>((resolve) => (this.#resolveFinished = resolve));

  constructor(setup: PipelineSetup, recogniser: Recogniser, inbox: PipelineInbox, utterance: number, fromSample: number) {
    this.#setup = setup;
    this.#recogniser = recogniser;
    this.#inbox = inbox;
    this.#utterance = utterance;
    this.#nextByte = fromSample * 2;
  }

  /** Whether all its words have come, or none will. */
  get over(): boolean {
    return this.#over;
  }

  /** The first sample that it was not given. */
  get nextSample(): number {
    return this.#nextByte / 2;
  }

  start(): void {
    void this.#guard(async () => {
      const { clock, policy } = this.#setup;
      const options = { sampleRate: policy.microphoneRate, signal: this.#life.signal };
      const stream = this.#utterance === 0 ? this.#recogniser.listen?.(options) : this.#recogniser.start(options);
      if (stream === undefined) throw new TypeError('The recogniser finds no turns.');
      this.#fed = stream;
      const events: AsyncIterable<RecogniserStreamEvent> = stream.events;
      this.#reader = new StageReader(events, { clock, signal: this.#life.signal, late: (ms) => stageLate('recognise', 'no words', ms) });
      await this.#listen(this.#reader);
    });
  }

  /** Gives it what it has not had of the ring. */
  feed(ring: MicrophoneRing): void {
    if (this.#ended || this.#over || this.#fed === undefined) return;
    try {
      for (const piece of readRing(ring, this.#nextByte, ring.endByte, Infinity)) this.#fed.push(pcm16ToSamples(piece));
      this.#nextByte = ring.endByte;
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** The speech is over: the words have to come now. */
  end(): void {
    if (this.#ended || this.#over) return;
    this.#ended = true;
    this.#reader?.limit(this.#setup.timeouts.recogniseMs);
    try {
      this.#fed?.end();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Nobody wants the words any more. May be called twice. */
  stop(reason: unknown): void {
    if (this.#over) return;
    this.#finish();
    this.#life.abort(reason);
  }

  async #listen(reader: StageReader<RecogniserStreamEvent>): Promise<void> {
    let text = '';
    let final = false;
    try {
      while (!final) {
        const next = await within('recognise', () => reader.next());
        if (next.done === true) break;
        const event = next.value;
        if ('text' in event) text = event.text;
        final = this.#utterance !== 0 && event.type === 'final';
        if (this.#life.signal.aborted) return;
        await this.#inbox.give(this.#inputOf(event));
      }
    } finally {
      reader.close();
    }
    if (this.#over) return;
    this.#finish();
    // A stream that is over ends the turn in it; a recogniser that forgot its last word has said what it has said.
    if (this.#utterance === 0) await this.#inbox.give({ type: 'stream_turn_ended' });
    else if (!final) await this.#inbox.give({ type: 'words', utterance: this.#utterance, text, final: true });
  }

  #finish(): void {
    this.#over = true;
    this.#resolveFinished();
  }

  #inputOf(event: RecogniserStreamEvent): PipelineInput {
    switch (event.type) {
      case 'speech_started':
        return { type: 'stream_speech_started' };
      case 'turn_ended':
        return { type: 'stream_turn_ended' };
      case 'partial':
      case 'final': {
        const { text } = event;
        const final = event.type === 'final';
        return this.#utterance === 0 ? { type: 'stream_words', text, final } : { type: 'words', utterance: this.#utterance, text, final };
      }
    }
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #fail(thrown: unknown): void {
    if (this.#over) return;
    this.stop(thrown);
    void this.#inbox.give({ type: 'stage_failed', of: this.#utterance, ...faultOf(thrown, 'recognise') });
  }
}
