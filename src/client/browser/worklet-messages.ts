import type { PlayedReport, SpeakerFrame } from '../ports.js';

/** What passes between a page and its audio worklet; buffers are transferred. */
export const PLAYBACK_PROCESSOR = 'voicewire-playback';
export const CAPTURE_PROCESSOR = 'voicewire-capture';

export type PlaybackCommand =
  | { readonly type: 'play'; readonly frame: SpeakerFrame }
  | { readonly type: 'end'; readonly item: number; readonly samples: number }
  | { readonly type: 'clear'; readonly epoch: number }
  | { readonly type: 'pause'; readonly how: 'pause' | 'duck' }
  | { readonly type: 'resume' }
  | { readonly type: 'reset' };

/** Each 20 ms while there is something to say. */
export interface PlaybackNews {
  readonly reports: readonly PlayedReport[];
  readonly level: number;
  readonly underruns: number;
  readonly droppedSamples: number;
}

/** One frame of 20 ms. */
export type CaptureNews = Int16Array<ArrayBuffer>;
