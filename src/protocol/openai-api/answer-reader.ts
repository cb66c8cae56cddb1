import type { ModelErrorInfo } from '../../../session/index.js';

/** Reads the messages of one answer into events, whichever API it is spelt in. Pure: the same messages give the same events. */
export interface AnswerReader<Event> {
  /** The answer is complete: nothing that comes after it counts. */
  readonly done: boolean;
  /** `name` is the event's, where the message itself does not say its type. */
  read(message: unknown, name: string): Event[];
  /** A whole answer instead of a stream. None when it is not one. */
  readWhole(message: unknown): Event[];
  /** The server says (`[DONE]`), or shows by ending the stream well, that no message follows. */
  end(by: 'done' | 'eof'): Event[];
}

/** The server said within its answer that it could not go on. */
export class StreamError extends Error {
  override readonly name = 'StreamError';
  readonly info: ModelErrorInfo;
  constructor(info: ModelErrorInfo) {
    super(info.message);
    this.info = info;
  }
}
