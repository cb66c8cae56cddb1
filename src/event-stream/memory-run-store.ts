import type { LogPage, LoggedEvent, EventLog, RunStore } from './event-log.js';

export interface MemoryRunStoreOptions {
  /** Events kept of one run. Default 4,096. */
  readonly maxEvents?: number;
  /** Bytes of memory that the events of one run take, two for each character. The newest event is kept however long it is. Default 1 MiB. */
  readonly maxBytes?: number;
}

/** A page is what a reader holds beside its socket: this many events, and no more than this much text. */
const PAGE_EVENTS = 64;
const PAGE_BYTES = 64 * 1024;

/** Runs in the memory of this process. */
export class MemoryRunStore implements RunStore {
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  readonly #logs = new Map<string, MemoryEventLog>();

  constructor(options: MemoryRunStoreOptions = {}) {
    this.#maxEvents = atLeastOne('maxEvents', options.maxEvents ?? 4096);
    this.#maxBytes = atLeastOne('maxBytes', options.maxBytes ?? 1024 * 1024);
  }

  /** Runs that are kept. */
  get size(): number {
    return this.#logs.size;
  }

  create({ runId, owner }: { readonly runId: string; readonly owner: string }): EventLog {
    if (this.#logs.has(runId)) throw new TypeError(`A run ${runId} is there already.`);
    const log = new MemoryEventLog(runId, owner, this.#maxEvents, this.#maxBytes);
    this.#logs.set(runId, log);
    return log;
  }

  find(runId: string): EventLog | undefined {
    return this.#logs.get(runId);
  }

  delete(runId: string): void {
    this.#logs.get(runId)?.end();
    this.#logs.delete(runId);
  }
}

/** A ring of events, and the readers that wait for the next one. */
class MemoryEventLog implements EventLog {
  readonly runId: string;
  readonly owner: string;
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  /** Oldest first, from `#head` on: dropping the oldest must not move the rest each time. */
  readonly #events: (LoggedEvent | undefined)[] = [];
  #head = 0;
  #bytes = 0;
  #last = 0;
  #ended = false;
  #stopRequested = false;
  readonly #waiting = new Set<() => void>();
  readonly #stopListeners = new Set<() => void>();

  constructor(runId: string, owner: string, maxEvents: number, maxBytes: number) {
    this.runId = runId;
    this.owner = owner;
    this.#maxEvents = maxEvents;
    this.#maxBytes = maxBytes;
  }

  get last(): number {
    return this.#last;
  }

  get ended(): boolean {
    return this.#ended;
  }

  append({ type, data }: { readonly type: string; readonly data: string }): void {
    if (this.#ended) return;
    this.#last += 1;
    const event = { n: this.#last, type, data };
    this.#events.push(event);
    this.#bytes += bytesOf(event);
    while (this.#size > this.#maxEvents || (this.#bytes > this.#maxBytes && this.#size > 1)) this.#dropOldest();
    this.#wake();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopListeners.clear();
    this.#wake();
  }

  async read(after: number, { signal }: { readonly signal: AbortSignal }): Promise<LogPage> {
    signal.throwIfAborted();
    while (this.#last <= after && !this.#ended) await this.#nextNews(signal);
    return this.#pageAfter(after);
  }

  requestStop(): void {
    if (this.#ended || this.#stopRequested) return;
    this.#stopRequested = true;
    for (const listener of [...this.#stopListeners]) listener();
  }

  onStop(listener: () => void): () => void {
    if (this.#stopRequested) listener();
    else this.#stopListeners.add(listener);
    return () => this.#stopListeners.delete(listener);
  }

  get #size(): number {
    return this.#events.length - this.#head;
  }

  #pageAfter(after: number): LogPage {
    const first = this.#last - this.#size + 1;
    const from = Math.max(after + 1, first);
    const events: LoggedEvent[] = [];
    let bytes = 0;
    for (let n = from; n <= this.#last && events.length < PAGE_EVENTS && bytes < PAGE_BYTES; n += 1) {
      const event = this.#events[this.#head + n - first] as LoggedEvent;
      events.push(event);
      bytes += bytesOf(event);
    }
    const ended = this.#ended && from + events.length > this.#last;
    return from > after + 1 ? { lost: { from: after + 1, to: from - 1 }, events, ended } : { events, ended };
  }

  #dropOldest(): void {
    this.#bytes -= bytesOf(this.#events[this.#head] as LoggedEvent);
    this.#events[this.#head] = undefined;
    this.#head += 1;
    if (this.#head > 64 && this.#head * 2 > this.#events.length) {
      this.#events.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #nextNews(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onNews = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = (): void => {
        this.#waiting.delete(onNews);
        reject(signal.reason as Error);
      };
      this.#waiting.add(onNews);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resume of waiting) resume();
  }
}

/** What an event takes beside its text: the object, its place in the list, its number. */
const EVENT_BYTES = 64;

function bytesOf(event: LoggedEvent): number {
  return EVENT_BYTES + 2 * (event.type.length + event.data.length);
}

function atLeastOne(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`${name} must be a whole number from 1, not ${value}.`);
  return value;
}
