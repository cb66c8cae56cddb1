import type { AudioFormat } from '../../audio/index.js';
import type { FailureKind, FailureThen } from '../events/session-event.js';
import type { FailurePolicy, FailureReaction } from '../state/failure-state.js';
import { fallbackClipBytes } from './fallback-clip.js';
import type { FallbackClip } from './fallback-clip.js';

/** What one kind of failure does. */
export interface FailureAnswer {
  /** What the caller hears, also with the provider down. Default: nothing. */
  readonly play?: FallbackClip;
  /** What the model is asked to say in its place, where it is not the model that failed (`tool`, `guardrail`). It is the answer: nothing is retried then. */
  readonly say?: string;
  /** Default `retry`. */
  readonly then?: FailureThen;
  /** In the place of `retry` when the retries are used up, or asking again would not help. Default `continue`. */
  readonly otherwise?: Exclude<FailureThen, 'retry'>;
}

/** What a caller hears, and what follows, when something fails so that there would be silence. */
export interface FailureOptions extends FailureAnswer {
  /** How often the model is asked again for one turn of the user; default 1. */
  readonly retries?: number;
  /** How long there may be no connection, while the user waits, before that is told. Default 2 000 ms. */
  readonly disconnectedAfterMs?: number;
  /** Another answer for one kind; what it leaves out is as above. */
  readonly by?: Readonly<Partial<Record<FailureKind, FailureAnswer>>>;
}

const KINDS: Readonly<Record<FailureKind, true>> = { response: true, quota: true, disconnected: true, gave_up: true, tool: true, guardrail: true };

/** Throws `RangeError` for a number that cannot be, `TypeError` for words that are none. */
export function failurePolicy(options: FailureOptions | undefined, format: AudioFormat): FailurePolicy | undefined {
  if (options === undefined) return undefined;
  const { retries = 1, disconnectedAfterMs = 2_000, by = {}, ...all } = options;
  if (!(Number.isInteger(retries) && retries >= 0)) throw new RangeError(`onFailure.retries must be a whole number from 0 up, not ${retries}.`);
  if (!(disconnectedAfterMs >= 0)) throw new RangeError(`onFailure.disconnectedAfterMs must not be below 0, and is ${disconnectedAfterMs}.`);
  const answers = Object.keys(KINDS).map((kind) => [kind, { ...all, ...by[kind as FailureKind] }] as const);
  const played = [...new Set(answers.flatMap(([, { play }]) => (play === undefined ? [] : [play])))];
  const reactions = Object.fromEntries(answers.map(([kind, answer]) => [kind, reaction(answer, played)]));
  return { clips: played.map((clip) => fallbackClipBytes(clip, format)), reactions: reactions as Record<FailureKind, FailureReaction>, retries, disconnectedAfterMs };
}

function reaction({ play, say, then = 'retry', otherwise = 'continue' }: FailureAnswer, played: readonly FallbackClip[]): FailureReaction {
  if (say?.trim() === '') throw new TypeError('onFailure.say needs words.');
  return { then, otherwise, ...(say === undefined ? {} : { say }), ...(play === undefined ? {} : { clip: played.indexOf(play) }) };
}
