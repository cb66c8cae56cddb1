/** Where the text of an event stream goes: one HTTP response, of Node or of the Fetch standard. {@link pumpEvents} is its one caller. */
export interface EventSink {
  /** Aborts when the other side has gone, or was cut off. */
  readonly gone: AbortSignal;
  /** Hands text over, which is taken in any case; false when {@link EventSink.room} is to be waited for. After the end it does nothing. */
  write(text: string): boolean;
  /** Resolves when there is room, or when the other side has gone. */
  room(): Promise<void>;
  /** No more text; resolves when the other side has all of it, or has gone. */
  end(): Promise<void>;
  /** Cuts the other side off. */
  destroy(): void;
}
