import type { Clock } from '../../session/index.js';
import type { Controlled } from './control.js';
import type { Fault } from './fault.js';

/** A connection that faults can be set on. */
interface Faulty {
  fault(fault: Fault): void;
  clearFaults(): void;
}

/** The faults that are in force for the whole emulator, and the connections that they are set on. */
export class StandingFaults implements Controlled {
  readonly #clock: Clock;
  readonly #open = new Map<number, { readonly model: string; readonly sinceMs: number; readonly connection: Faulty }>();
  #faults: Fault[];
  #refusals: { readonly fault: Extract<Fault, { kind: 'refuse' }>; left: number }[] = [];

  constructor(faults: readonly Fault[], clock: Clock) {
    this.#faults = [];
    this.#clock = clock;
    for (const fault of faults) this.set(fault, undefined);
  }

  get faults(): readonly Fault[] {
    return this.#faults;
  }

  get sessions(): Controlled['sessions'] {
    const nowMs = this.#clock.now();
    return [...this.#open].map(([session, { model, sinceMs }]) => ({ session, model, openMs: Math.round(nowMs - sinceMs) }));
  }

  /** How far the emulator's date is from the right one. */
  get skewSeconds(): number {
    return this.#faults.reduce((sum, fault) => sum + (fault.kind === 'clock-skew' ? fault.ms / 1000 : 0), 0);
  }

  set(fault: Fault, session: number | undefined): boolean {
    if (session !== undefined) {
      const open = this.#open.get(session);
      open?.connection.fault(fault);
      return open !== undefined;
    }
    this.#faults.push(fault);
    if (fault.kind === 'refuse') this.#refusals.push({ fault, left: fault.times ?? 1 });
    for (const { connection } of this.#open.values()) connection.fault(fault);
    return true;
  }

  clear(): void {
    this.#faults = [];
    this.#refusals = [];
    for (const { connection } of this.#open.values()) connection.clearFaults();
  }

  /** The refusal that meets the next handshake, which uses it up. */
  takeRefusal(): Extract<Fault, { kind: 'refuse' }> | undefined {
    const [first] = this.#refusals;
    if (first === undefined) return undefined;
    first.left -= 1;
    if (first.left <= 0) this.#refusals.shift();
    return first.fault;
  }

  joined(session: number, model: string, connection: Faulty): void {
    this.#open.set(session, { model, sinceMs: this.#clock.now(), connection });
  }

  left(session: number): void {
    this.#open.delete(session);
  }
}
