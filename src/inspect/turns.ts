import type { SessionEvent, TurnMarks } from '../../session/index.js';
import type { RecordingLine } from '../recording/index.js';
import { TURN_PARTS } from './measures.js';
import { eventsOf } from './recorded-events.js';
import type { Interruption, ResponseSpan, ToolSpan, Turn, TurnPart } from './timeline.js';

/** In the order in which they happen. */
const MARKS = ['speechEndMs', 'endpointDecidedMs', 'committedMs', 'responseCreatedMs', 'firstDeltaMs', 'firstFrameSentMs', 'firstFrameHeardMs'] as const satisfies readonly (keyof TurnMarks)[];

interface Around {
  readonly responses: readonly ResponseSpan[];
  readonly tools: readonly ToolSpan[];
  readonly interruptions: readonly Interruption[];
  readonly endMs: number;
}

/**
 * The turns that told their latency. What happens between the beginning of one and that of the next belongs to it: a turn's answer may be several
 * responses, with tools between them.
 */
export function readTurns(lines: readonly RecordingLine[], { responses, tools, interruptions, endMs }: Around): readonly Turn[] {
  const told = new Map<string, Extract<SessionEvent, { type: 'turn_metrics' }>>();
  for (const { event } of eventsOf(lines)) if (event.type === 'turn_metrics') told.set(event.turnId, event);
  const ordered = [...told.values()].flatMap((event) => spanOf(event)).sort((a, b) => a.fromMs - b.fromMs);
  const words = callerWords(lines);
  const money = transcriptionCost(lines);
  return ordered.map(({ event, fromMs, toMs }, index) => {
    const untilMs = ordered[index + 1]?.fromMs ?? endMs + 1;
    const within = ({ atMs }: { readonly atMs: number }): boolean => atMs >= fromMs && atMs < untilMs;
    const own = responses.filter((response) => within({ atMs: response.fromMs }));
    const { speechEndMs, firstFrameHeardMs } = event.marks;
    const usd = [...own.flatMap((response) => (response.usd === undefined ? [] : [response.usd])), ...money.filter(within).map((cost) => cost.usd)];
    const priced = usd.filter((each) => each !== 'unpriced');
    return {
      turnId: event.turnId,
      responseId: event.responseId,
      number: index + 1,
      marks: event.marks,
      fromMs,
      toMs,
      parts: turnParts(event.marks),
      ...(speechEndMs === undefined || firstFrameHeardMs === undefined ? {} : { latencyMs: firstFrameHeardMs - speechEndMs }),
      toolMs: coveredMs(tools, fromMs, toMs),
      saidByCaller: words.filter(within).map(({ text }) => text).join(' '),
      saidByAgent: own.map(({ text }) => text).filter((text) => text !== '').join(' '),
      inputTokens: own.reduce((sum, { inputTokens }) => sum + inputTokens, 0),
      outputTokens: own.reduce((sum, { outputTokens }) => sum + outputTokens, 0),
      usd: priced.length === 0 ? 'unpriced' : priced.reduce((sum, each) => sum + each, 0),
      interrupted: interruptions.some((each) => within(each) && each.unheardMs > 0),
    };
  });
}

/** What the time between the first mark and the last went to. A mark that did not happen gives its time to the next one that did. */
export function turnParts(marks: TurnMarks): readonly TurnPart[] {
  const happened = MARKS.filter((name) => marks[name] !== undefined);
  let reachedMs = marks[happened[0] ?? 'speechEndMs'] ?? 0;
  return happened.slice(1).map((name) => {
    // Marks are taken where things were noticed; one that seems to lie before its forerunner took no time.
    const ms = Math.max(0, (marks[name] ?? 0) - reachedMs);
    reachedMs += ms;
    return { name: TURN_PARTS[MARKS.indexOf(name) - 1] ?? 'endpoint', ms };
  });
}

function spanOf(event: Extract<SessionEvent, { type: 'turn_metrics' }>): { event: typeof event; fromMs: number; toMs: number }[] {
  const times = MARKS.flatMap((name) => event.marks[name] ?? []);
  return times.length === 0 ? [] : [{ event, fromMs: Math.min(...times), toMs: Math.max(...times) }];
}

/** How much of a stretch the spans cover, counted once where they overlap. */
function coveredMs(spans: readonly ToolSpan[], fromMs: number, toMs: number): number {
  let [covered, reachedMs] = [0, fromMs];
  for (const span of [...spans].sort((a, b) => a.fromMs - b.fromMs)) {
    const [first, last] = [Math.max(span.fromMs, reachedMs), Math.min(span.toMs, toMs)];
    if (last <= first) continue;
    covered += last - first;
    reachedMs = last;
  }
  return covered;
}

/** What the caller said, at the moment at which it was taken as a turn, and what the caller typed. */
function callerWords(lines: readonly RecordingLine[]): { readonly atMs: number; readonly text: string }[] {
  const words = new Map<string, { readonly atMs: number; readonly text: string }>();
  const committed = new Map<string, number>();
  for (const { atMs, event } of eventsOf(lines)) {
    if (event.type === 'input_committed') committed.set(event.itemId, atMs);
    if (event.type !== 'history_updated') continue;
    for (const change of event.changes) {
      if (change.op === 'delete' || change.item.type !== 'message' || change.item.role !== 'user') continue;
      // A transcript comes when the turn is long under way; its place is that of its item.
      words.set(change.item.itemId, { atMs: words.get(change.item.itemId)?.atMs ?? atMs, text: change.item.text });
    }
  }
  return [...words].flatMap(([itemId, { atMs, text }]) => (text === '' ? [] : [{ atMs: committed.get(itemId) ?? atMs, text }]));
}

function transcriptionCost(lines: readonly RecordingLine[]): { readonly atMs: number; readonly usd: number | 'unpriced' }[] {
  return eventsOf(lines).flatMap(({ atMs, event }) => (event.type === 'cost' && event.of === 'transcription' ? [{ atMs, usd: event.usd }] : []));
}
