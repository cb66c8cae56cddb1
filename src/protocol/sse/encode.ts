/**
 * The text of server-sent events: WHATWG HTML, section 9.2.6 ("Interpreting an event stream"). A line ends with CR, LF or both, so a line end in a
 * field would begin a field of its own: in `data` and comments it becomes a line of the same kind, in `id` and `event` it is refused.
 */

/** One block of an event stream. Fields that are absent are not written; one without `data` is read over by a client, whatever else it has. */
export interface SseMessage {
  /** What a client sends back as `Last-Event-ID`; '' forgets the last one. No CR, LF or NUL. */
  readonly id?: string;
  /** The name that a client listens to; absent means `message`. No CR or LF. */
  readonly event?: string;
  /** Any text; line ends of any kind arrive as LF. */
  readonly data?: string;
  /** How long a client waits before it connects again, in whole ms. */
  readonly retryMs?: number;
  /** Read over by every client; keeps a connection in use. */
  readonly comment?: string;
}

/** The bytes' text of one block with its closing empty line. Throws `RangeError` for a field that would not arrive as it is. */
export function encodeSse(message: SseMessage): string {
  const { id, event, data, retryMs, comment } = message;
  let text = '';
  if (comment !== undefined) text += lines(':', comment);
  if (retryMs !== undefined) text += `retry: ${wholeMs(retryMs)}\n`;
  if (id !== undefined) text += `id: ${oneLine('id', id, ID_BREAKS)}\n`;
  if (event !== undefined) text += `event: ${oneLine('event', event, LINE_BREAKS)}\n`;
  if (data !== undefined) text += lines('data:', data);
  return `${text}\n`;
}

const LINE_BREAKS = /[\r\n]/;
/** A client ignores an id with a NUL, and would resume from the one before. */
const ID_BREAKS = /[\r\n\0]/;

/** One space after the colon is taken off by the reader, so the value keeps its own. */
function lines(field: string, value: string): string {
  if (!LINE_BREAKS.test(value)) return `${field} ${value}\n`;
  return value
    .split(/\r\n|\r|\n/)
    .map((line) => `${field} ${line}\n`)
    .join('');
}

function oneLine(field: string, value: string, breaks: RegExp): string {
  if (breaks.test(value)) throw new RangeError(`The ${field} of an event must be one line of text: ${JSON.stringify(value.slice(0, 80))}.`);
  return value;
}

function wholeMs(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`A retry time must be whole ms from 0, not ${value}.`);
  return value;
}
