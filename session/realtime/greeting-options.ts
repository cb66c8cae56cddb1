import type { GreetingPolicy } from '../state/greeting-state.js';
import { sayRequest } from '../state/say-request.js';

/** Who says the first word of a call, and what the agent says if it does. */
export interface GreetingOptions {
  /**
   * - `agent`: as soon as the line is quiet; a caller who has said something before is answered instead.
   * - `caller`: the agent waits to be spoken to.
   * - `whoever-first`: the caller has `waitForSpeechMs`; then the agent begins. For calls that the agent makes.
   */
  readonly who: 'agent' | 'caller' | 'whoever-first';
  /** The words. A model follows them closely, though no model promises it; with `audio` they are what the clip says. */
  readonly text?: string;
  /** How the model shall greet, in words of its own. Without `text`, `instructions` and `audio` it greets as its agent's instructions say. */
  readonly instructions?: string;
  /** A clip of `text` that was made before, in the session's output format: it is heard while the connection is made. Borrowed for the life of the session. */
  readonly audio?: Uint8Array;
  /** Default 2 000 ms. */
  readonly waitForSpeechMs?: number;
  /** The first word waits until `listenerStarted()` is called. Default: whoever listens is there when `connect()` is called. */
  readonly waitForListener?: boolean;
}

/** Throws `TypeError` for a greeting that says two things, or a clip without its words, and `RangeError` for a time that cannot be. */
export function greetingPolicy(options: GreetingOptions): GreetingPolicy {
  const { who, text, instructions, audio, waitForSpeechMs = 2_000, waitForListener = false } = options;
  if (text !== undefined && instructions !== undefined) throw new TypeError('A greeting has a text or instructions, not both.');
  if (text?.trim() === '') throw new TypeError('A greeting needs words.');
  if (audio !== undefined && text === undefined) throw new TypeError('A greeting with a clip needs the text of it: the model must know what was said.');
  if (!(waitForSpeechMs >= 0 && waitForSpeechMs <= 60_000)) throw new RangeError(`greeting.waitForSpeechMs must be from 0 to 60 000, not ${waitForSpeechMs}.`);
  return {
    who,
    request: text !== undefined ? sayRequest(text) : instructions !== undefined ? { instructions } : {},
    ...(audio === undefined || text === undefined ? {} : { clip: { bytes: audio, text } }),
    waitForSpeechMs,
    waitForListener,
  };
}
