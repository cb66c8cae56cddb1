import type { SseMessage } from '../protocol/sse/encode.js';
import type { EventLog, LogPage } from './event-log.js';
import { formatEventId } from './event-id.js';

/** What a run knows of those who read it. */
export interface ReaderHooks {
  /** Before the first event is asked for. */
  onEnter(reader: RunReader): void;
  /** It has taken event `n`. */
  onRead(reader: RunReader, n: number): void;
  /** It has had everything, or has gone. Once. */
  onLeave(reader: RunReader): void;
}

const EMPTY: LogPage = { events: [], ended: false };

/**
 * One reader of a run: a place in its log. It holds one page; how far it is behind is the log's matter, and where the log has let go of what it has
 * not had, the next message is `gap { from, to }`. Leaving the loop lets go also while it waits for the next event.
 */
export class RunReader implements AsyncIterable<SseMessage>, AsyncIterator<SseMessage, undefined> {
  readonly #log: EventLog;
  readonly #hooks: ReaderHooks;
  readonly #life = new AbortController();
  #state: 'new' | 'reading' | 'gone' = 'new';
  #after: number;
  #page = EMPTY;
  #next = 0;

  constructor(log: EventLog, after: number, hooks: ReaderHooks) {
    this.#log = log;
    this.#after = after;
    this.#hooks = hooks;
  }

  async next(): Promise<IteratorResult<SseMessage, undefined>> {
    if (this.#state === 'new') {
      this.#state = 'reading';
      this.#hooks.onEnter(this);
    }
    while (this.#state === 'reading') {
      const event = this.#page.events[this.#next];
      if (event !== undefined) {
        this.#next += 1;
        this.#after = event.n;
        this.#hooks.onRead(this, event.n);
        return { value: { id: formatEventId(this.#log.runId, event.n), event: event.type, data: event.data }, done: false };
      }
      if (this.#page.ended) break;
      const lost = await this.#turnPage();
      if (lost !== undefined) return { value: { event: 'gap', data: JSON.stringify(lost) }, done: false };
    }
    this.#leave();
    return { value: undefined, done: true };
  }

  return(): Promise<IteratorResult<SseMessage, undefined>> {
    this.#leave();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #turnPage(): Promise<LogPage['lost']> {
    try {
      this.#page = await this.#log.read(this.#after, { signal: this.#life.signal });
      this.#next = 0;
      return this.#page.lost;
    } catch (error) {
      // Who has left is not told why its read ended.
      if (!this.#life.signal.aborted) {
        this.#leave();
        throw error;
      }
      return undefined;
    }
  }

  #leave(): void {
    if (this.#state === 'gone') return;
    const entered = this.#state === 'reading';
    this.#state = 'gone';
    this.#page = EMPTY;
    this.#life.abort();
    if (entered) this.#hooks.onLeave(this);
  }
}
