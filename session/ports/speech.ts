/** What a voice pipeline asks of those that turn speech into text and text into speech. All audio here is PCM16, mono. */
import type { TranscriptionUsage } from '../events/usage.js';

/** What a recogniser makes of a turn. `partial` is the whole text so far and may change; `final` comes once, last. */
export type RecogniserEvent =
  | { readonly type: 'partial'; readonly text: string }
  | { readonly type: 'final'; readonly text: string; /** What it has used, where the recogniser says. */ readonly usage?: TranscriptionUsage };

export interface RecogniserTurn {
  /** The samples are borrowed until the call returns. After `end` it does nothing. */
  push(samples: Int16Array): void;
  /** The speaker has stopped: what is left is recognised, and `final` follows. */
  end(): void;
  /** One reader. Ends after `final`; rejects with a `VoicewireError`, or with the signal's reason after an abort. */
  readonly events: AsyncIterable<RecogniserEvent>;
}

export interface RecogniseOptions {
  /** Of the samples that will be pushed, in Hz. */
  readonly sampleRate: number;
  /** Aborted when nobody wants the text any more. */
  readonly signal: AbortSignal;
}

/** Turns the speech of one turn into text. */
export interface Recogniser {
  readonly label: string;
  /** Begins a turn; audio comes while the speaker still speaks. */
  start(options: RecogniseOptions): RecogniserTurn;
  /**
   * Present where the recogniser finds the turns itself: it then gets all audio of the microphone in one stream, without a local voice detector.
   * `speech_started` and `turn_ended` enclose each turn.
   */
  listen?(options: RecogniseOptions): RecogniserStream;
}

export type RecogniserStreamEvent = RecogniserEvent | { readonly type: 'speech_started' } | { readonly type: 'turn_ended' };

export interface RecogniserStream extends Omit<RecogniserTurn, 'events'> {
  readonly events: AsyncIterable<RecogniserStreamEvent>;
}

export interface SynthesiseOptions {
  readonly voice?: string;
  /** Aborted when nobody wants the sound any more: the request ends. */
  readonly signal: AbortSignal;
}

/** Turns a sentence into speech. */
export interface Synthesiser {
  readonly label: string;
  /** Of the samples that it gives, in Hz. */
  readonly sampleRate: number;
  /** Nothing is asked for before the first `next()`. The samples belong to the receiver. Rejects like a {@link RecogniserTurn}. */
  speak(text: string, options: SynthesiseOptions): AsyncIterable<Int16Array>;
}
