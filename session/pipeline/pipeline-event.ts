import type { AudioFormat } from '../../audio/index.js';
import type { VoicewireError } from '../errors.js';

/** The parts of a pipeline, in the order in which sound passes them. `playback`: whoever plays what came out of it. */
export type PipelineStage = 'input' | 'preprocess' | 'turn_detection' | 'recognise' | 'workflow' | 'split' | 'synthesise' | 'postprocess' | 'playback';

/** What stands on every event of a pipeline. */
export interface PipelineInfo {
  /** Counts the turns from 1; 0 outside one. A greeting is a turn. */
  readonly turn: number;
  /** Ms of the pipeline's clock. */
  readonly timestamp: number;
}

/**
 * How a turn ended: its answer was heard; there was nothing to answer, or nobody to answer it; the user (or the application) stopped it; one of the
 * stages failed.
 */
export type TurnOutcome = 'answered' | 'unanswered' | 'interrupted' | 'failed';

/** An event before the pipeline has put the moment on it. */
export type PipelineEventBody =
  /** A piece of the answer's sound; `data` belongs to the receiver. `itemId`, `contentIndex` and `firstSample` are its place: what `reportPlayback` speaks of. */
  | {
      readonly type: 'voice_stream_event_audio';
      readonly data: Uint8Array;
      readonly format: AudioFormat;
      readonly sampleRate: number;
      readonly channels: number;
      /** One a turn. */
      readonly itemId: string;
      /** Which sentence of the answer it speaks, from 0. */
      readonly contentIndex: number;
      /** Samples (per channel) of this sentence that came before. */
      readonly firstSample: number;
    }
  | { readonly type: 'voice_stream_event_lifecycle'; readonly event: 'turn_started' | 'session_ended' }
  | { readonly type: 'voice_stream_event_lifecycle'; readonly event: 'turn_ended'; readonly outcome: TurnOutcome }
  /** `user`: the whole text of the turn; `final` is false while the words may still change. `agent`: each sentence as its sound begins. */
  | { readonly type: 'voice_stream_event_transcript'; readonly of: 'user' | 'agent'; readonly text: string; readonly final: boolean }
  /** The user has begun or ceased to speak. `atMs` is the moment within the audio that came in. */
  | { readonly type: 'voice_stream_event_speech'; readonly event: 'started' | 'stopped'; readonly atMs: number }
  /** What plays must fall silent: its sound is of no use any more, and no more of it comes. */
  | { readonly type: 'voice_stream_event_interrupted'; readonly heardMs: number; readonly heardText: string; readonly unheardText: string }
  /** A clean piece of the microphone, where the pipeline is a front end and has no recogniser; `data` belongs to the receiver. `speech`: within a turn. */
  | { readonly type: 'voice_stream_event_microphone'; readonly data: Uint8Array; readonly format: AudioFormat; readonly speech: boolean }
  | {
      readonly type: 'voice_stream_event_error';
      readonly stage: PipelineStage;
      /** What a stage threw, if that was a `VoicewireError`; anything else is the `cause` of a `PipelineError`. */
      readonly error: VoicewireError;
      /** For people: what happened and what to do. */
      readonly details: string;
    };

/** What a voice pipeline tells. `turn_ended` follows each `turn_started`; `session_ended` comes once, last. */
export type PipelineEvent = PipelineEventBody & { readonly info: PipelineInfo };
