import type { EmulatorEffect } from './effect.js';
import type { PlanStep } from './plan.js';
import type { Speech } from './speech.js';

/**
 * A session as its connection drives it: what comes in, and time, go in as calls; each returns what is to be done, in order. `nextWakeMs` says when
 * `wake` is wanted next.
 */
export interface DrivenSession {
  readonly nextWakeMs: number | undefined;
  open(): EmulatorEffect[];
  /** Ends the session as if its time were up. */
  expire(nowMs: number): EmulatorEffect[];
  receive(message: string, nowMs: number): EmulatorEffect[];
  receiveBinary(nowMs: number): EmulatorEffect[];
  spoken(responseId: string, part: number, speech: Speech | undefined, nowMs: number): EmulatorEffect[];
  recognised(itemId: string, text: string | undefined, nowMs: number): EmulatorEffect[];
  thought(responseId: string, step: PlanStep, nowMs: number): EmulatorEffect[];
  thoughtAll(responseId: string, failed: boolean, nowMs: number): EmulatorEffect[];
  wake(nowMs: number): EmulatorEffect[];
}
