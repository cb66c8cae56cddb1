/** What the watchdogs remember. */
export interface WatchState {
  /** When they look around next; absent while nothing is owed. */
  dueMs?: number;
  /** When the model last said anything. */
  modelMs: number;
  /** Voice that was sent and that the model has not reacted to. */
  voice?: { readonly sinceMs: number; lastMs: number; voicedMs: number };
  /** The room, in dB of full scale: the quietest of late. */
  roomDb: number;
  /** The model has been found deaf; nothing more is said of it until it hears again. */
  deaf: boolean;
  /** The listener has been found mute; nothing more is said of it until it reports again. */
  listenerMute: boolean;
}

export function createWatch(): WatchState {
  return { modelMs: 0, roomDb: 0, deaf: false, listenerMute: false };
}
