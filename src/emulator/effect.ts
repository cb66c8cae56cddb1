import type { PlanStep } from './plan.js';
import type { Fault } from './fault.js';
import type { HeardAudio } from './speech.js';
import type { SentEvent } from './wire.js';

/** What a session wants done. Those that name what they are answered by are answered once, later, by that call on the session. */
export type EmulatorEffect =
  | { readonly type: 'send'; readonly event: SentEvent }
  /** Answered by `EmulatedSession.spoken` with the same `responseId` and `part`. */
  | { readonly type: 'speak'; readonly responseId: string; readonly part: number; readonly text: string }
  /** Answered by `EmulatedSession.recognised`. */
  | { readonly type: 'recognise'; readonly itemId: string; readonly audio: HeardAudio }
  /** Answered by `EmulatedSession.thought` for each step, and `EmulatedSession.thoughtAll` at the end. */
  | { readonly type: 'think'; readonly responseId: string; readonly steps: AsyncIterable<PlanStep> }
  /** Nobody wants the rest of that thinking. */
  | { readonly type: 'forget'; readonly responseId: string }
  | { readonly type: 'notice'; readonly message: string; readonly detail: string }
  | { readonly type: 'fault'; readonly fault: Fault }
  | { readonly type: 'close'; readonly code: number; readonly reason: string };
