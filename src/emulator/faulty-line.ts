import { matchesEvents } from './fault.js';
import type { Fault } from './fault.js';
import { SeededRandom } from './ids.js';
import type { SentEvent } from './wire.js';

/** What is to be done with the socket. */
export type LineAction =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'binary'; readonly bytes: Uint8Array }
  | { readonly type: 'cut' }
  | { readonly type: 'cut-at-byte'; readonly bytes: number }
  | { readonly type: 'half-open' }
  | { readonly type: 'close'; readonly code: number; readonly reason: string }
  | { readonly type: 'read-slowly'; readonly bytesPerSecond: number }
  | { readonly type: 'expire' };

type Of<Kind extends Fault['kind']> = Extract<Fault, { kind: Kind }>;
type Waiting = { readonly fault: Fault; readonly atMs: number; readonly onEvent: string | undefined; left: number };
type Queued = { readonly dueMs: number; readonly action: LineAction };

/** A floating event that is held back comes after at most so many others, or after this time. */
const HOLD_EVENTS = 4;
const HOLD_MS = 250;
/** A line that is so slow that more than this many characters wait on it is cut: nobody hears them any more. */
const MAX_WAITING = 32 * 1024 * 1024;

/**
 * What a bad connection makes of the events of a session: events, faults and time go in, what happens on the socket comes out. It has no timers and
 * no sockets; the same seed, times and inputs give the same actions.
 */
export class FaultyLine {
  readonly #random: SeededRandom;
  #latencies: Of<'latency'>[] = [];
  #duplicates: Of<'duplicate'>[] = [];
  #reorders: Of<'reorder'>[] = [];
  #waiting: Waiting[] = [];
  #queue: Queued[] = [];
  /** Events that float, held back until so many others have gone by. */
  #floating: { readonly event: SentEvent; readonly untilMs: number; left: number }[] = [];
  /** An audio delta that lets the next transcript delta go first. */
  #audio: { readonly event: SentEvent; readonly untilMs: number } | undefined;
  #mutedUntilMs = -Infinity;
  #gone = false;
  #unknown = 0;
  #waitingLetters = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  get nextWakeMs(): number | undefined {
    if (this.#gone) return undefined;
    let nextMs = Math.min(this.#queue[0]?.dueMs ?? Infinity, this.#audio?.untilMs ?? Infinity);
    for (const { atMs } of this.#waiting) nextMs = Math.min(nextMs, atMs);
    for (const { untilMs } of this.#floating) nextMs = Math.min(nextMs, untilMs);
    return nextMs === Infinity ? undefined : nextMs;
  }

  /** Sets a fault, to begin at its moment. */
  add(fault: Fault, nowMs: number): LineAction[] {
    if (this.#gone) return [];
    const { afterMs, onEvent, nth } = { afterMs: undefined, onEvent: undefined, nth: undefined, ...fault } as { afterMs?: number; onEvent?: string; nth?: number };
    if (afterMs === undefined && onEvent === undefined) return this.#begin(fault, nowMs);
    this.#waiting.push({ fault, atMs: onEvent === undefined ? nowMs + (afterMs ?? 0) : Infinity, onEvent, left: nth ?? 1 });
    return this.wake(nowMs);
  }

  /** Takes back everything that has not happened yet. What is on its way still arrives. */
  clear(nowMs: number): LineAction[] {
    [this.#latencies, this.#duplicates, this.#reorders, this.#waiting] = [[], [], [], []];
    this.#mutedUntilMs = -Infinity;
    return this.#release(nowMs, true);
  }

  /** An event of the session is to go out. */
  send(event: SentEvent, nowMs: number): LineAction[] {
    if (this.#gone) return [];
    const actions: LineAction[] = [];
    for (const waiting of [...this.#waiting]) {
      if (waiting.onEvent === undefined || !matchesEvents(waiting.onEvent, event.type)) continue;
      waiting.left -= 1;
      if (waiting.left > 0) continue;
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      actions.push(...this.#begin(waiting.fault, nowMs, event));
    }
    // A fault that sets in with an event sets in before it.
    if (this.#gone || nowMs < this.#mutedUntilMs) return actions;
    return [...actions, ...this.#pass(event, nowMs), ...this.#release(nowMs, false)];
  }

  /** The session closes; what is still on its way goes first. */
  close(code: number, reason: string, nowMs: number): LineAction[] {
    if (this.#gone) return [];
    const before = this.#release(nowMs, true);
    return [...before, ...this.#enqueue({ type: 'close', code, reason }, nowMs, nowMs)];
  }

  /** Time has passed. */
  wake(nowMs: number): LineAction[] {
    const actions: LineAction[] = [];
    for (const waiting of this.#waiting.filter(({ atMs }) => atMs <= nowMs)) {
      if (this.#gone) break;
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      actions.push(...this.#begin(waiting.fault, nowMs));
    }
    return this.#gone ? actions : [...actions, ...this.#release(nowMs, false)];
  }

  #begin(fault: Fault, nowMs: number, event?: SentEvent): LineAction[] {
    switch (fault.kind) {
      case 'latency':
        this.#latencies.push(fault);
        return [];
      case 'duplicate':
        this.#duplicates.push(fault);
        return [];
      case 'reorder':
        this.#reorders.push(fault);
        return [];
      case 'mute':
        this.#mutedUntilMs = nowMs + (fault.forMs ?? Infinity);
        return [];
      case 'drop':
        if (fault.afterBytes !== undefined) return [{ type: 'cut-at-byte', bytes: fault.afterBytes }];
        this.#gone = true;
        return [fault.code === undefined ? { type: 'cut' } : { type: 'close', code: fault.code, reason: fault.reason ?? '' }];
      case 'half-open':
        this.#gone = true;
        return [{ type: 'half-open' }];
      case 'malformed':
        return this.#enqueue(malformed(fault.form ?? 'not-json', event), nowMs, nowMs);
      case 'unknown-event':
        this.#unknown += 1;
        return this.#enqueue(text({ type: 'emulator.surprise', event_id: `event_unknown${this.#unknown}`, surprise: { nested: [1, null, 'x'] } }), nowMs, nowMs);
      case 'slow-reader':
        return [{ type: 'read-slowly', bytesPerSecond: fault.bytesPerSecond }];
      case 'expire':
        return [{ type: 'expire' }];
      // These concern the next connection and not this one.
      case 'refuse':
      case 'clock-skew':
        return [];
    }
  }

  /** Duplicates and reorders. */
  #pass(event: SentEvent, nowMs: number): LineAction[] {
    const floats = matchesEvents('floating', event.type);
    if (floats && (this.#floating.length > 0 || this.#happens(this.#reorders))) {
      // Floating events keep their order among themselves.
      this.#floating.push({ event, untilMs: nowMs + HOLD_MS, left: 1 + Math.floor(this.#random.next() * HOLD_EVENTS) });
      return [];
    }
    if (!floats) for (const held of this.#floating) held.left -= 1;
    const audio = this.#audio;
    if (audio === undefined && matchesEvents('audio', event.type) && this.#happens(this.#reorders)) {
      this.#audio = { event, untilMs: nowMs + HOLD_MS };
      return [];
    }
    if (audio === undefined) return this.#out(event, nowMs);
    this.#audio = undefined;
    const swaps = matchesEvents('transcript', event.type) && event['item_id'] === audio.event['item_id'];
    return swaps ? [...this.#out(event, nowMs), ...this.#out(audio.event, nowMs)] : [...this.#out(audio.event, nowMs), ...this.#out(event, nowMs)];
  }

  #out(event: SentEvent, nowMs: number): LineAction[] {
    const matching = this.#duplicates.filter(({ events }) => matchesEvents(events, event.type));
    const times = matching.length > 0 && this.#happens(matching) ? 2 : 1;
    let dueMs = nowMs;
    for (const { events, ms, jitterMs } of this.#latencies) if (matchesEvents(events, event.type)) dueMs += ms + (jitterMs ?? 0) * this.#random.next();
    return Array.from({ length: times }, () => this.#enqueue(text(event), dueMs, nowMs)).flat();
  }

  /** One socket keeps its order: nothing overtakes what was sent before it. */
  #enqueue(action: LineAction, dueMs: number, nowMs: number): LineAction[] {
    if (this.#queue.length === 0 && dueMs <= nowMs) return [action];
    this.#queue.push({ dueMs, action });
    this.#waitingLetters += lettersOf(action);
    if (this.#waitingLetters <= MAX_WAITING) return [];
    this.#gone = true;
    this.#queue = [];
    return [{ type: 'cut' }];
  }

  #release(nowMs: number, all: boolean): LineAction[] {
    const actions: LineAction[] = [];
    const audio = this.#audio;
    if (audio !== undefined && (all || audio.untilMs <= nowMs)) {
      this.#audio = undefined;
      actions.push(...this.#out(audio.event, nowMs));
    }
    while (this.#floating[0] !== undefined && (all || this.#floating[0].left <= 0 || this.#floating[0].untilMs <= nowMs)) {
      actions.push(...this.#out((this.#floating.shift() as { event: SentEvent }).event, nowMs));
    }
    const due: LineAction[] = [];
    while (this.#queue[0] !== undefined && this.#queue[0].dueMs <= nowMs) {
      const { action } = this.#queue.shift() as Queued;
      this.#waitingLetters -= lettersOf(action);
      due.push(action);
    }
    return [...due, ...actions];
  }

  #happens(faults: readonly { readonly chance?: number | undefined }[]): boolean {
    // One draw for each fault, so that what one decides does not shift the others.
    return faults.filter(({ chance }) => this.#random.next() < (chance ?? 1)).length > 0;
  }
}

function lettersOf(action: LineAction): number {
  return action.type === 'text' ? action.text.length : 0;
}

function text(event: SentEvent): LineAction {
  return { type: 'text', text: JSON.stringify(event) };
}

function malformed(form: 'not-json' | 'not-an-object' | 'cut' | 'binary', event: SentEvent | undefined): LineAction {
  switch (form) {
    case 'not-json':
      return { type: 'text', text: '{"type":"response.created", this is no JSON' };
    case 'not-an-object':
      return { type: 'text', text: '[1,2,3]' };
    case 'cut': {
      const whole = JSON.stringify(event ?? { type: 'response.done', event_id: 'event_cut', response: {} });
      return { type: 'text', text: whole.slice(0, Math.ceil(whole.length / 2)) };
    }
    case 'binary':
      return { type: 'binary', bytes: Uint8Array.of(0xde, 0xad, 0xbe, 0xef) };
  }
}
