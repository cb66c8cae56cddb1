import type { AudioFormat } from '../../audio/index.js';

/** The parts of a pipeline, in the order in which sound passes them. */
export type PipelineStage = 'input' | 'preprocess' | 'turn_detection' | 'recognise' | 'workflow' | 'split' | 'synthesise' | 'postprocess';

/** What stands on every event of a pipeline. */
export interface PipelineInfo {
  /** Counts the turns from 1; 0 outside one. */
  readonly turn: number;
  /** Ms of the pipeline's clock. */
  readonly timestamp: number;
}

/** What a voice pipeline tells. `turn_ended` follows each `turn_started`; `session_ended` comes once, last. */
export type PipelineEvent =
  /** `data` belongs to the receiver. */
  | { readonly type: 'voice_stream_event_audio'; readonly data: Uint8Array; readonly format: AudioFormat; readonly sampleRate: number; readonly channels: number; readonly info: PipelineInfo }
  | { readonly type: 'voice_stream_event_lifecycle'; readonly event: 'turn_started' | 'turn_ended' | 'session_ended'; readonly info: PipelineInfo }
  /** `user`: `final` is false while the words may still change. `agent`: each sentence as it goes to be spoken. */
  | { readonly type: 'voice_stream_event_transcript'; readonly of: 'user' | 'agent'; readonly text: string; readonly final: boolean; readonly info: PipelineInfo }
  /** The user has begun or ceased to speak. `atMs` is the moment within the audio that came in. */
  | { readonly type: 'voice_stream_event_speech'; readonly event: 'started' | 'stopped'; readonly atMs: number; readonly info: PipelineInfo }
  /** What plays must fall silent: its sound is of no use any more. */
  | { readonly type: 'voice_stream_event_interrupted'; readonly heardMs: number; readonly heardText: string; readonly unheardText: string; readonly info: PipelineInfo }
  /** A clean frame of the microphone, where the pipeline is a front end and has no recogniser. */
  | { readonly type: 'voice_stream_event_microphone'; readonly data: Uint8Array; readonly format: AudioFormat; readonly speech: boolean; readonly info: PipelineInfo }
  | {
      readonly type: 'voice_stream_event_error';
      readonly stage: PipelineStage;
      readonly error: unknown;
      /** For people: what happened and what to do. */
      readonly details: string;
      readonly info: PipelineInfo;
    };
