/** What a tool that takes long wants to happen while it works. Plain data; times in ms. */
export interface BackgroundPolicy {
  /** What the model is told in place of a result when the tool has not ended `afterMs` after its start. */
  readonly acknowledge: string;
  readonly afterMs: number;
  /** Whether the model is asked to speak when it is told. */
  readonly respond: boolean;
  /** Clips of sound in the session's output format, played in turn while both sides are quiet. They reach no model. */
  readonly fillers: readonly Uint8Array[];
  readonly everyMs: number;
  /** How many clips are played for one call. */
  readonly max: number;
  /** What becomes of a result that comes when the call was given up: the model is told all the same, or nobody is. */
  readonly late: 'announce' | 'drop';
}
