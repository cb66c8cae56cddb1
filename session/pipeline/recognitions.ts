import { samplesToPcm16 } from '../../audio/index.js';
import { InvalidStateError } from '../errors.js';
import { createRing, pushToRing } from '../state/microphone-ring.js';
import { nullRecogniser } from './null-stages.js';
import type { PipelineInbox } from './pipeline-input.js';
import type { PipelineSetup } from './pipeline-options.js';
import { Recognition } from './recognition.js';

/** Kept of the microphone beside pre-roll and what is being judged: speech over a turn whose words are still to come. */
const KEPT_MS = 5_000;
/** A recogniser's stream that fails at once each time is not opened more often than that. */
const STREAM_AGAIN_MS = 1_000;

/**
 * The newest audio of the microphone, and whoever recognises it: one stretch of speech after the other, from where each began, or, for a recogniser
 * that finds the turns itself, one stream of everything.
 */
export class Recognitions {
  readonly #setup: PipelineSetup;
  readonly #inbox: PipelineInbox;
  readonly #isStream: boolean;
  readonly #ring = createRing();
  readonly #ringBytes: number;
  /** Those whose words are still to come; the newest is given the audio. */
  #live: Recognition[] = [];
  #nextStreamAtMs = -Infinity;

  constructor(setup: PipelineSetup, inbox: PipelineInbox) {
    this.#setup = setup;
    this.#inbox = inbox;
    const { turns, confirmMs = 0, microphoneRate } = setup.policy;
    this.#isStream = turns.by === 'recogniser';
    this.#ringBytes = 2 * Math.ceil(((turns.preRollMs + turns.minSpeechMs + confirmMs + KEPT_MS) * microphoneRate) / 1000);
  }

  /** Audio has come; it is given on by {@link feed}, once it is known whose it is. */
  keep(samples: Int16Array): void {
    pushToRing(this.#ring, samplesToPcm16(samples), this.#ringBytes);
    if (this.#isStream) this.#openStream();
  }

  feed(): void {
    this.#live.at(-1)?.feed(this.#ring);
  }

  /** A stretch of speech began with that sample. A stream has had it already. */
  start(utterance: number, fromSample: number): void {
    if (this.#isStream) return;
    const recogniser = this.#setup.recogniser ?? nullRecogniser((samples) => this.#onSpeech(samples));
    const recognition = new Recognition(this.#setup, recogniser, this.#inbox, utterance, fromSample);
    this.#live = [...this.#live.filter(({ over }) => !over), recognition];
    recognition.start();
    recognition.feed(this.#ring);
  }

  /** The stretch is over. `byHand`: a stream does not know, and ends its turn by ending. */
  end(byHand: boolean): void {
    if (this.#isStream && !byHand) return;
    const recognition = this.#live.at(-1);
    recognition?.feed(this.#ring);
    recognition?.end();
  }

  /** There will be no more audio. Settled when a stream has said all that it will. */
  async inputOver(): Promise<void> {
    if (!this.#isStream) return;
    const stream = this.#live.at(-1);
    stream?.end();
    await stream?.finished;
  }

  /** Nobody wants the words of the turn any more. A stream goes on with the next. */
  drop(): void {
    if (!this.#isStream) this.stop(new InvalidStateError('PIPELINE_NOT_RUNNING', 'The turn is over.'));
  }

  stop(reason: unknown): void {
    for (const recognition of this.#live) recognition.stop(reason);
    this.#live = [];
  }

  /** After a failure, or a turn that was ended by hand, a stream begins anew where the last one left off. */
  #openStream(): void {
    const { recogniser, clock } = this.#setup;
    const last = this.#live.at(-1);
    const nowMs = clock.now();
    if (recogniser === undefined || last?.over === false || nowMs < this.#nextStreamAtMs) return;
    this.#nextStreamAtMs = nowMs + STREAM_AGAIN_MS;
    const stream = new Recognition(this.#setup, recogniser, this.#inbox, 0, last?.nextSample ?? 0);
    this.#live = [stream];
    stream.start();
  }

  /** A front end that gives the turns alone gives what a recogniser would have had. */
  #onSpeech(samples: Int16Array): void {
    if (this.#setup.microphone === 'speech') void this.#inbox.give({ type: 'microphone', data: samplesToPcm16(samples).slice(), ofTurn: true });
  }
}
