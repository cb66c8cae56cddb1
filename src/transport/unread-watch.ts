export interface UnreadLimits {
  /** Bytes that a reader may leave unread for longer than `slowReaderMs`; four times as many it may not leave at any moment. */
  readonly maxUnreadBytes: number;
  readonly slowReaderMs: number;
}

/** What must not be dropped is sent to a slow reader as well, but not without end. */
const CUT_AT_TIMES = 4;

/** Tells a reader that is slow for a while from one that must be let go. Decides only: whoever asks closes, with 1013. */
export class UnreadWatch {
  readonly #limits: UnreadLimits;
  #overSinceMs: number | undefined;

  constructor(limits: UnreadLimits) {
    this.#limits = limits;
  }

  /** To be asked after each send, and now and then while nothing is sent. */
  isTooSlow(unreadBytes: number, nowMs: number): boolean {
    const { maxUnreadBytes, slowReaderMs } = this.#limits;
    if (unreadBytes <= maxUnreadBytes) {
      this.#overSinceMs = undefined;
      return false;
    }
    this.#overSinceMs ??= nowMs;
    return unreadBytes > maxUnreadBytes * CUT_AT_TIMES || nowMs - this.#overSinceMs >= slowReaderMs;
  }
}
