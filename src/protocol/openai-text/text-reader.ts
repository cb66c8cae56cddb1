import type { ModelErrorInfo, TextModelEvent } from '../../../session/index.js';

/** Reads the messages of one answer, whichever API it is spelt in. Pure: the same messages give the same events. */
export interface TextReader {
  /** The answer is complete: nothing that comes after it counts. */
  readonly done: boolean;
  read(message: unknown, name?: string): TextModelEvent[];
  /** A whole answer instead of a stream. None when it is not one. */
  readWhole(message: unknown): TextModelEvent[];
  /** The server says (`[DONE]`), or shows by ending the stream well, that no message follows. */
  end(by: 'done' | 'eof'): TextModelEvent[];
}

/** The server said within its stream that it could not go on. */
export class StreamError extends Error {
  override readonly name = 'StreamError';
  readonly info: ModelErrorInfo;
  constructor(info: ModelErrorInfo) {
    super(info.message);
    this.info = info;
  }
}
