import type { PlaybackReport, VadTransition } from '../../audio/index.js';
import type { VoicewireError } from '../errors.js';
import type { PipelineStage } from './pipeline-event.js';

/** `source`: looks whether the microphone still sends. `playback`: looks how far the answer was heard. */
export type PipelineTimer = 'source' | 'playback';

/** A sentence, and what of it is spoken: a transcript keeps more than a voice does. */
export interface SaidSentence {
  readonly text: string;
  readonly spoken: string;
}

/** Something that has happened to a pipeline. What belongs to a turn or a stretch of speech that is over is ignored: it was on its way. */
export type PipelineInput =
  /** So many clean samples of the microphone, and what the voice detector says of them. */
  | { readonly type: 'audio'; readonly samples: number; readonly transitions: readonly VadTransition[] }
  /** Audio of the microphone that is to be given out. `ofTurn`: what a recogniser would have been given. */
  | { readonly type: 'microphone'; readonly data: Uint8Array; readonly ofTurn: boolean }
  | { readonly type: 'input_over' }
  /** A recogniser that finds the turns by itself. */
  | { readonly type: 'stream_speech_started' }
  | { readonly type: 'stream_words'; readonly text: string; readonly final: boolean }
  | { readonly type: 'stream_turn_ended' }
  /** The words of one stretch of speech: all of them, each time. */
  | { readonly type: 'words'; readonly utterance: number; readonly text: string; readonly final: boolean }
  /** The workflow said something; the sentences are those that are whole now. */
  | { readonly type: 'answer_text'; readonly turn: number; readonly delta: string; readonly sentences: readonly SaidSentence[]; readonly over: boolean }
  /** The next sound of the answer, in order. `samples` are per channel. */
  | { readonly type: 'sound'; readonly turn: number; readonly sentence: number; readonly data: Uint8Array; readonly samples: number }
  | { readonly type: 'sentence_spoken'; readonly turn: number; readonly sentence: number }
  /** The reader of the events has taken sound. */
  | { readonly type: 'taken'; readonly turn: number; readonly sentence: number; readonly samples: number }
  | { readonly type: 'playback'; readonly report: PlaybackReport }
  /** `of`: the turn for the workflow's and the voice's stages, the stretch of speech for the recogniser; 0 for its stream, and for what hears. */
  | { readonly type: 'stage_failed'; readonly stage: PipelineStage; readonly of: number; readonly error: VoicewireError }
  /** Something that is to be told and stops nothing. */
  | { readonly type: 'trouble'; readonly stage: PipelineStage; readonly error: VoicewireError }
  /** Calls of the application. */
  | { readonly type: 'greet' }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'start_turn' }
  | { readonly type: 'end_turn' }
  | { readonly type: 'interrupt' }
  | { readonly type: 'timer'; readonly timer: PipelineTimer };

/** Takes what has happened. */
export interface PipelineInbox {
  /** Settled when the events that were made of it have room. */
  give(input: PipelineInput): Promise<void>;
}
