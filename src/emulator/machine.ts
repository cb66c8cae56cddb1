import type { Dialect } from './dialect.js';
import type { EmulatorEffect } from './effect.js';
import type { IdSource } from './ids.js';
import { Refusal, errorEvent } from './wire.js';
import type { ServerEvent } from './wire.js';

/** Something that happens at a moment to come, unless it is cancelled before. */
export interface Task {
  readonly atMs: number;
  readonly run: () => void;
}

/** What the parts of one session share: its time, its ids, what is still to come, and the way out for events. */
export class Machine {
  readonly ids: IdSource;
  readonly #tasks = new Set<Task>();
  #effects: EmulatorEffect[] = [];
  #nowMs: number;
  #closed = false;
  /** Where the client speaks another one than the current. */
  dialect: Dialect | undefined;

  constructor(ids: IdSource, nowMs: number) {
    this.ids = ids;
    this.#nowMs = nowMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Runs `act` at `nowMs` and gives what it wants done, in order. After the close it does nothing. Time never runs backwards. */
  collect(nowMs: number, act: () => void): EmulatorEffect[] {
    if (this.#closed) return [];
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    this.#effects = [];
    act();
    return this.#effects;
  }

  send(event: ServerEvent): void {
    const { type, ...rest } = event;
    const whole = { type, event_id: this.ids.next('event'), ...rest };
    if (this.dialect === undefined) this.#effects.push({ type: 'send', event: whole });
    else for (const spelt of this.dialect.fromCurrent(whole)) this.#effects.push({ type: 'send', event: spelt });
  }

  effect(effect: EmulatorEffect): void {
    this.#effects.push(effect);
  }

  /** For what answers no event of the client: a refusal becomes an `error` event without its id. */
  guard(act: () => void, eventId: string | null = null): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.send(errorEvent(error.code, error.message, error.param, eventId));
    }
  }

  later(delayMs: number, run: () => void): Task {
    const task: Task = { atMs: this.#nowMs + delayMs, run };
    this.#tasks.add(task);
    return task;
  }

  cancel(task: Task | undefined): void {
    if (task !== undefined) this.#tasks.delete(task);
  }

  /** The task that is due first; undefined where none is to come. */
  get nextTask(): Task | undefined {
    let next: Task | undefined;
    for (const task of this.#tasks) if (next === undefined || task.atMs < next.atMs) next = task;
    return next;
  }

  close(code: number, reason: string): void {
    this.#closed = true;
    this.#tasks.clear();
    this.#effects.push({ type: 'close', code, reason });
  }
}
