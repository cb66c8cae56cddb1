/** What the watchdogs remember. */
export interface WatchState {
  /** When they look around next; absent while nothing is owed. */
  dueMs?: number;
  /** When the model last said anything. */
  modelMs: number;
  /** Voice that was sent and that the model has not reacted to. */
  voice?: { readonly sinceMs: number; lastMs: number; voicedMs: number };
  /** Speech of the user that the model has heard begin; its end is owed when the microphone falls silent. */
  speech?: SpeechWatch;
  /** A connection was given up because that end never came; not once more before another model has told of one. */
  speechLost: boolean;
  /** The room, in dB of full scale: the quietest of late. */
  roomDb: number;
  /** The model has been found deaf; nothing more is said of it until it hears again. */
  deaf: boolean;
  /** The listener has been found mute; nothing more is said of it until it reports again. */
  listenerMute: boolean;
  /** When the listener last reported, and since when the sound that is owed reports has been there. */
  reportedMs: number;
  soundMs: number;
  /** Whether it tells how far it is while it plays, and not only at the end. */
  reportsOften: boolean;
  /** Whether the model confirms that an item was cut; not known before it has. Since when such a word is owed. */
  confirmsCuts: boolean;
  cutMs?: number;
}

/** One speech of the user, from the model's sign of its begin to its end. */
export interface SpeechWatch {
  readonly sinceMs: number;
  /** When the microphone last moved. */
  soundMs: number;
  /** It was ended by hand, by this command. */
  asked?: { readonly eventId: string; readonly atMs: number };
}

export function createWatch(): WatchState {
  return { modelMs: 0, roomDb: 0, deaf: false, listenerMute: false, speechLost: false, reportedMs: -Infinity, soundMs: 0, reportsOften: false, confirmsCuts: false };
}
