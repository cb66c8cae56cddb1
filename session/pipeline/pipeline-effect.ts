import type { PipelineEventBody } from './pipeline-event.js';
import type { PipelineTimer } from './pipeline-input.js';

/** Something that is to be done. The runtime does it in order, and decides nothing. */
export type PipelineEffect =
  | { readonly type: 'emit'; readonly turn: number; readonly event: PipelineEventBody }
  /** The recogniser is given the microphone from that sample on. */
  | { readonly type: 'start_recognition'; readonly utterance: number; readonly fromSample: number }
  /** The stretch of speech is over: its words are to come. `byHand`: not because of what was heard. */
  | { readonly type: 'end_recognition'; readonly byHand: boolean }
  /** Nobody wants its words any more. */
  | { readonly type: 'drop_recognition' }
  /** The workflow is asked; without a text it is to greet. */
  | { readonly type: 'start_answer'; readonly turn: number; readonly text?: string }
  | { readonly type: 'speak'; readonly turn: number; readonly sentence: number; readonly text: string }
  /** The sound of the answer waits, or goes on. */
  | { readonly type: 'hold_voice' }
  | { readonly type: 'release_voice' }
  /** The workflow waits before it says more, or goes on. */
  | { readonly type: 'hold_text' }
  | { readonly type: 'release_text' }
  /** Everything was made: the voice waits for no more. */
  | { readonly type: 'close_answer' }
  /** The workflow and the synthesiser of the answer are stopped. */
  | { readonly type: 'stop_answer' }
  /** What has been made of the answer and was not taken is not given out any more. */
  | { readonly type: 'discard_sound'; readonly turn: number }
  | { readonly type: 'tell_heard'; readonly turn: number; readonly heardText: string; readonly unheardText: string }
  /** The source has stopped sending: it is given the silence that it left out. */
  | { readonly type: 'give_silence'; readonly ms: number }
  | { readonly type: 'arm_timer'; readonly timer: PipelineTimer; readonly delayMs: number }
  | { readonly type: 'cancel_timer'; readonly timer: PipelineTimer }
  /** Everything has been told. */
  | { readonly type: 'finish' };
