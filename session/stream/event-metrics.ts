/** Seconds over which a rate is taken. */
const WINDOW_S = 10;
/** Names of types that are counted apart. Types of a closed union never come near it; a peer's may. */
const MOST_TYPES = 256;

/** What an `EventProcessor` has counted since it was made. Times in ms of its clock. */
export interface EventMetrics {
  readonly total: number;
  /** After 256 different types, events of further ones are in `otherTypes`. */
  readonly byType: Readonly<Record<string, number>>;
  readonly otherTypes: number;
  /** Handlers that threw or rejected. */
  readonly errors: number;
  /** Events per second over the last ten seconds, or over the time since the first event where that is shorter, but at least one second. */
  readonly perSecond: number;
  /** What the handlers of one event took together, for events that had any. */
  readonly handlingMs: { readonly count: number; readonly min: number; readonly mean: number; readonly max: number };
}

/** Counts events as they pass; bounded, however long the stream and however many its types. */
export class EventMeter {
  #total = 0;
  #errors = 0;
  #otherTypes = 0;
  readonly #byType = new Map<string, number>();
  /** Events of each of the last seconds, and which second a place stands for. */
  readonly #counts = new Array<number>(WINDOW_S).fill(0);
  readonly #seconds = new Array<number>(WINDOW_S).fill(-1);
  #firstMs = 0;
  #handled = 0;
  #sumMs = 0;
  #minMs = Infinity;
  #maxMs = 0;

  onEvent(type: string, nowMs: number): void {
    if (this.#total === 0) this.#firstMs = nowMs;
    this.#total += 1;
    const before = this.#byType.get(type);
    if (before === undefined && this.#byType.size >= MOST_TYPES) this.#otherTypes += 1;
    else this.#byType.set(type, (before ?? 0) + 1);
    const second = Math.floor(nowMs / 1000);
    const place = second % WINDOW_S;
    if (this.#seconds[place] !== second) {
      this.#seconds[place] = second;
      this.#counts[place] = 0;
    }
    this.#counts[place] = (this.#counts[place] as number) + 1;
  }

  onHandled(tookMs: number): void {
    this.#handled += 1;
    this.#sumMs += tookMs;
    this.#minMs = Math.min(this.#minMs, tookMs);
    this.#maxMs = Math.max(this.#maxMs, tookMs);
  }

  onError(): void {
    this.#errors += 1;
  }

  read(nowMs: number): EventMetrics {
    const now = Math.floor(nowMs / 1000);
    const recent = this.#counts.reduce((sum, count, place) => sum + ((this.#seconds[place] as number) > now - WINDOW_S && this.#total > 0 ? count : 0), 0);
    // The present second is not over: it counts for as much of it as has passed.
    const spanS = Math.min(WINDOW_S - 1 + (nowMs / 1000 - now), (nowMs - this.#firstMs) / 1000);
    return {
      total: this.#total,
      byType: Object.fromEntries(this.#byType),
      otherTypes: this.#otherTypes,
      errors: this.#errors,
      perSecond: recent / Math.max(1, spanS),
      handlingMs: this.#handled === 0 ? { count: 0, min: 0, mean: 0, max: 0 } : { count: this.#handled, min: this.#minMs, mean: this.#sumMs / this.#handled, max: this.#maxMs },
    };
  }
}
