import type { CallSource, FinishedCall } from '../caller/index.js';
import { finishedCall } from '../caller/index.js';
import { callTurns } from './call-turns.js';
import { heardSound, holds } from './heard-sound.js';
import type { SoundSpan } from './heard-sound.js';
import { interruptions } from './interruptions.js';
import { positionOf, sayings, toolUses } from './sayings.js';
import type { ToolUse } from './sayings.js';

/** What `expect.extend` gives a matcher: of Vitest and of Jest, as far as it is needed here. */
export interface MatcherContext {
  readonly isNot?: boolean;
  equals(a: unknown, b: unknown): boolean;
}

export interface MatcherResult {
  readonly pass: boolean;
  message(): string;
  readonly actual?: unknown;
  readonly expected?: unknown;
}

export interface InterruptOptions {
  /**
   * `detected` (default): from the moment at which the session was told that the caller speaks. `onset`: from the beginning of the speech in the
   * microphone's sound, which a recording and a scripted call have, and a list of events has not.
   */
  readonly from?: 'detected' | 'onset';
}

export interface NeverSayOptions {
  /** Also what was generated and not heard. Default false. */
  readonly generated?: boolean;
}

/**
 * Matchers for a finished call: `expect.extend(voicewireMatchers)`. Each takes a {@link CallSource}. A matcher that finds nothing to measure fails, with and
 * without `not`, so that no test passes on a silent call by accident.
 */
export const voicewireMatchers = {
  /** The agent was interrupted at least once (by speech, a typed message or the application), and each time the player was silent within `ms`. */
  toInterruptWithin(this: MatcherContext, source: CallSource, ms: number, options: InterruptOptions = {}): MatcherResult {
    const call = finishedCall(source);
    const { when } = callTurns(call.events);
    const found = interruptions(call, options.from);
    const [worst] = [...found].sort((a, b) => b.tookMs - a.tookMs);
    const what = `the agent to be silent within ${ms} ms of an interruption`;
    if (worst === undefined) return failed(this, what, 'nobody spoke over the agent, and nothing else interrupted it');
    const story = `it ${worst.outcome === 'cut' ? 'took' : 'talked on for'} ${Math.round(worst.tookMs)} ms, ${when(worst.fromMs)}${worst.heardText === '' ? '' : `, heard up to ${quoted(worst.heardText)}`}`;
    return told(this, worst.tookMs <= ms, what, `the slowest of ${found.length}: ${story}`, worst.tookMs, ms);
  },

  /** The model called the tool, whatever became of the call. `args`: a part of its arguments, in which asymmetric matchers may stand. */
  toCallTool(this: MatcherContext, source: CallSource, name: string, args?: object): MatcherResult {
    const { events } = finishedCall(source);
    const { when } = callTurns(events);
    const uses = toolUses(events);
    const same = uses.filter((use) => use.name === name);
    const hit = same.find((use) => args === undefined || fits(this, parsed(use), args));
    const what = `the tool ${name} to be called${args === undefined ? '' : ` with ${JSON.stringify(args, written)}`}`;
    const story = (use: ToolUse): string => `${use.name}(${use.arguments}) was called in ${when(use.atMs)}${use.outcome === undefined ? '' : ` (${use.outcome})`}`;
    const nearest = hit === undefined ? (same.length > 0 ? same : uses).map(story).join('; ') : story(hit);
    return told(this, hit !== undefined, what, nearest === '' ? 'no tool was called' : nearest, uses.map((use) => ({ name: use.name, arguments: parsed(use) })), { name, arguments: args });
  },

  /**
   * The agent said something that matches, and the listener heard the beginning of it within `ms` of the beginning of its turn: the end of the caller's
   * speech, or the moment of a typed message; for a greeting, the opening of the connection.
   */
  toSayWithin(this: MatcherContext, source: CallSource, pattern: string | RegExp, ms: number): MatcherResult {
    const call = finishedCall(source);
    const { at, beginMs, startMs, when } = callTurns(call.events);
    const said = sayings(call);
    const hits = said.flatMap((saying) => {
      const position = positionOf(pattern, saying.heard);
      if (position < 0) return [];
      const heardAtMs = saying.heardAtMs(position);
      return [{ saying, heardAtMs, tookMs: heardAtMs - (beginMs[at(heardAtMs)] ?? startMs) }];
    });
    const [first] = [...hits].sort((a, b) => a.tookMs - b.tookMs);
    const what = `the agent to say ${shown(pattern)} within ${ms} ms of the end of the caller's turn`;
    if (first !== undefined) return told(this, first.tookMs <= ms, what, `it was heard after ${Math.round(first.tookMs)} ms, ${when(first.heardAtMs)}: ${quoted(first.saying.heard)}`, first.tookMs, ms);
    const unheard = said.find(({ text }) => positionOf(pattern, text) >= 0);
    if (unheard !== undefined) return told(this, false, what, `it was generated, ${when(unheard.heardAtMs(0))}, and not heard: of ${quoted(unheard.text)} the listener heard ${quoted(unheard.heard)}`, undefined, ms);
    return told(this, false, what, said.length === 0 ? 'the agent said nothing' : `it said ${said.map((saying) => `${quoted(saying.heard)} (${when(saying.heardAtMs(0))})`).join('; ')}`, undefined, ms);
  },

  /** Nothing that was heard of the agent matches. */
  toNeverSay(this: MatcherContext, source: CallSource, pattern: string | RegExp, options: NeverSayOptions = {}): MatcherResult {
    const call = finishedCall(source);
    const { when } = callTurns(call.events);
    const textOf = (saying: { readonly text: string; readonly heard: string }): string => (options.generated === true ? saying.text : saying.heard);
    const said = sayings(call);
    const hit = said.find((saying) => positionOf(pattern, textOf(saying)) >= 0);
    const what = `the agent never to ${options.generated === true ? 'generate' : 'say'} ${shown(pattern)}`;
    if (hit !== undefined) return told(this, false, what, `it did, ${when(hit.heardAtMs(positionOf(pattern, textOf(hit))))}: ${quoted(textOf(hit))}`);
    return told(this, true, what, said.length === 0 ? 'it said nothing' : `it said ${said.map((saying) => quoted(textOf(saying))).join('; ')}`);
  },

  /** Everything in the call has a price, and all of it together costs less than `usd` US dollars. */
  toCostBelow(this: MatcherContext, source: CallSource, usd: number): MatcherResult {
    const { events } = finishedCall(source);
    const { when } = callTurns(events);
    const costs = events.filter((event) => event.type === 'cost');
    const last = costs.at(-1);
    const what = `the call to cost less than $${usd}`;
    if (last === undefined) return events.some(({ type }) => type === 'agent_start') ? failed(this, what, 'the model did not tell its usage, so that the cost is not known') : told(this, usd > 0, what, 'nothing was generated', 0, usd);
    const { usd: spent, unpricedModels, unpricedResponses, unpricedTranscriptions } = last.call;
    const dearest = costs.filter((cost) => typeof cost.usd === 'number').sort((a, b) => Number(b.usd) - Number(a.usd))[0];
    const story = `it cost $${spent.toFixed(4)}${dearest === undefined ? '' : `, the dearest ${dearest.of} $${Number(dearest.usd).toFixed(4)}, ${when(dearest.info.timestamp)}`}`;
    // What is known is enough where it is already too much.
    if (unpricedResponses + unpricedTranscriptions > 0 && spent < usd) {
      const first = costs.find((cost) => cost.usd === 'unpriced');
      return failed(this, what, `${unpricedResponses} responses and ${unpricedTranscriptions} transcriptions are unpriced (${unpricedModels.join(', ')}), the first in ${when(first?.info.timestamp ?? 0)}; give the session "prices" and "modelName". What is priced: $${spent.toFixed(4)}`);
    }
    return told(this, spent < usd, what, story, spent, usd);
  },

  /**
   * Within no answer the listener was without sound for longer than `ms`: between its first sound and its last, a player had nothing to play. Pauses that are
   * in the sound itself are speech, and a hold (`audio_paused`) is meant.
   */
  toHaveNoGapOver(this: MatcherContext, source: CallSource, ms: number): MatcherResult {
    const call = finishedCall(source);
    const { when } = callTurns(call.events);
    const gaps = soundGaps(call);
    const what = `no gap over ${ms} ms in what was heard of an answer`;
    if (gaps === undefined) return failed(this, what, 'nothing of the agent was heard');
    const [worst] = [...gaps].sort((a, b) => b.lengthMs - a.lengthMs);
    const story = worst === undefined ? 'there was none' : `the longest of ${gaps.length} was ${Math.round(worst.lengthMs)} ms, ${when(worst.fromMs)}, in ${worst.answer}`;
    return told(this, worst === undefined || worst.lengthMs <= ms, what, story, worst?.lengthMs ?? 0, ms);
  },
};

interface SoundGap {
  readonly answer: string;
  readonly fromMs: number;
  readonly lengthMs: number;
}

/** Silences within answers; nothing where no answer was heard. */
function soundGaps(call: FinishedCall): readonly SoundGap[] | undefined {
  const answers = new Map<string, SoundSpan[]>();
  for (const { itemId, responseId, spans } of heardSound(call).values()) {
    const name = responseId ?? itemId;
    if (spans.length > 0) answers.set(name, [...(answers.get(name) ?? []), ...spans]);
  }
  if (answers.size === 0) return undefined;
  const held = holds(call.events);
  return [...answers].flatMap(([answer, unsorted]) => {
    const spans = unsorted.sort((a, b) => a.fromMs - b.fromMs);
    return spans.flatMap(({ fromMs }, index) => {
      const sinceMs = Math.max(...spans.slice(0, index).map(({ untilMs }) => untilMs));
      const heldMs = held.reduce((sum, hold) => sum + Math.max(0, Math.min(fromMs, hold.untilMs) - Math.max(sinceMs, hold.fromMs)), 0);
      const lengthMs = fromMs - sinceMs - heldMs;
      return index > 0 && lengthMs > 0.01 ? [{ answer, fromMs: sinceMs, lengthMs }] : [];
    });
  });
}

function told({ isNot }: MatcherContext, pass: boolean, what: string, story: string, actual?: unknown, expected?: unknown): MatcherResult {
  return { pass, message: () => `Expected ${isNot === true ? 'not: ' : ''}${what}; ${story}.`, actual, expected };
}

/** Fails with `not` as well. */
function failed({ isNot }: MatcherContext, what: string, why: string): MatcherResult {
  return { pass: isNot === true, message: () => `Expected ${isNot === true ? 'not: ' : ''}${what}, but ${why}.` };
}

function fits(context: MatcherContext, actual: unknown, expected: unknown): boolean {
  if (!isPlain(expected) || !isPlain(actual)) return context.equals(actual, expected);
  return Object.entries(expected).every(([key, value]) => Object.hasOwn(actual, key) && fits(context, actual[key], value));
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function parsed(use: ToolUse): unknown {
  try {
    return JSON.parse(use.arguments);
  } catch {
    return use.arguments;
  }
}

/** Expressions and asymmetric matchers, for a message. */
function written(_key: string, value: unknown): unknown {
  if (typeof value === 'object' && value !== null && 'asymmetricMatch' in value) return `<${'toAsymmetricMatcher' in value ? String((value as { toAsymmetricMatcher: () => string }).toAsymmetricMatcher()) : 'matcher'}>`;
  return value;
}

function shown(pattern: string | RegExp): string {
  return pattern instanceof RegExp ? String(pattern) : quoted(pattern);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 240 ? `${text.slice(0, 237)}...` : text);
}
