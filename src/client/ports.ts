import type { Transport } from '../transport/transport.js';

/** What a voice client asks of its surroundings. All audio is PCM16 mono at 24 kHz, as samples. */

/** A run of agent audio to be played after everything that came before it. */
export interface SpeakerFrame {
  /** Raised by each interruption; `clear` drops what is older. */
  readonly epoch: number;
  /** The number of the item that the samples belong to; rises. */
  readonly item: number;
  /** Position of the first sample within the item. */
  readonly firstSample: number;
  /** They belong to the speaker after the call. */
  readonly samples: Int16Array;
}

/**
 * So many samples of an item have been played, in total: handed to a device that can no longer be stopped from sounding them. A device's own
 * delay lies behind that; what is in it when an item is cut will still be heard, so it counts.
 */
export interface PlayedReport {
  readonly epoch: number;
  readonly item: number;
  readonly samples: number;
  /** The item was played to its end, or cut by `clear`: no other report of it follows. */
  readonly final: boolean;
}

export interface SpeakerHandlers {
  /** At least every 40 ms while sound plays, and once with `final` for each item of which anything was played. */
  onPlayed(report: PlayedReport): void;
  /** Loudness of what has been played since the last call, as a root mean square of 0..1. */
  onLevel(rms: number): void;
  /** Playback ran dry in the middle of an item, or had no room; counts since the speaker was opened. */
  onTrouble(counts: { readonly underruns: number; readonly droppedSamples: number }): void;
}

/** Whatever plays: a sound device, or a clock that counts as if there were one. It holds at least 6 s. */
export interface Speaker {
  /** Takes the one set of handlers; a later call replaces it. */
  listen(handlers: SpeakerHandlers): void;
  play(frame: SpeakerFrame): void;
  /** All of the item has been handed over: `samples` in total. */
  end(item: number, samples: number): void;
  /** Falls silent within 10 ms and forgets all audio with a smaller epoch, also such that comes later. It ends a pause. */
  clear(epoch: number): void;
  /**
   * `pause`: falls silent within 10 ms, without a click, and keeps everything: what is handed over meanwhile waits behind it, and nothing counts
   * as played. `duck`: plays on, 12 dB softer. A later call replaces an earlier one.
   */
  pause(how: 'pause' | 'duck'): void;
  /** Plays on from the very sample at which it stopped, at full level. Does nothing when it was not paused. */
  resume(): void;
  /** Falls silent and forgets everything, so that another connection may begin at epoch 0. */
  reset(): void;
}

/** Whatever records: a device, or a file played at real-time pace. */
export interface Microphone {
  /** Begins to call `onSamples`, with 20 ms each time. The samples are borrowed until the call returns. */
  start(onSamples: (samples: Int16Array) => void): void;
  stop(): void;
}

export interface OpenSocketOptions {
  readonly protocols: readonly string[];
  /** Only where the surroundings can send them: a browser cannot. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly connectTimeoutMs: number;
}

/** Opens a message socket; rejects with a `VoicewireError`, or with `signal.reason`. */
export type OpenSocket = (url: string, options: OpenSocketOptions) => Promise<Transport>;
