import { bytesToMs } from '../../audio/index.js';
import type { CallEvent, FinishedCall, PlayedMark } from '../caller/index.js';

/** A run of one part that was heard without a pause: `[fromMs, untilMs)` of the call's clock, `[partFromMs, partUntilMs)` of the part's sound. */
export interface SoundSpan {
  readonly itemId: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly partFromMs: number;
  readonly partUntilMs: number;
}

/** The sound of one item. */
export interface ItemSound {
  readonly itemId: string;
  /** Absent where the events do not tell it. */
  readonly responseId?: string;
  /** What was generated of it, as far as it is known. */
  readonly generatedMs: number;
  /** In order; empty when nothing was heard. */
  readonly spans: readonly SoundSpan[];
}

/** `[fromMs, untilMs)`: the sound was held on purpose. */
export interface Hold {
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * What was heard, and when. A listener's reports are the source where there are any: as a player cannot play faster than time goes, a report that
 * later ones make up for only came late, and what none makes up for was silence. Without reports each run of audio sounds from its event on, or from
 * the end of what stood before it.
 */
export function heardSound({ events, played }: FinishedCall): ReadonlyMap<string, ItemSound> {
  const spans = played.length > 0 ? reportedSpans(played) : clockSpans(events);
  const items = new Map<string, { itemId: string; responseId?: string; generatedMs: number; spans: SoundSpan[] }>();
  const itemOf = (itemId: string): { responseId?: string; generatedMs: number; spans: SoundSpan[] } => {
    const known = items.get(itemId) ?? { itemId, generatedMs: 0, spans: [] };
    items.set(itemId, known);
    return known;
  };
  for (const event of events) {
    if (event.type === 'audio') {
      const item = itemOf(event.itemId);
      item.responseId = event.responseId;
      item.generatedMs += bytesToMs(event.chunk.format, event.chunk.bytes.length);
    } else if (event.type === 'audio_end') {
      const item = itemOf(event.itemId);
      item.responseId ??= event.responseId;
      item.generatedMs = Math.max(item.generatedMs, event.durationMs);
    } else if (event.type === 'audio_interrupted' && event.itemId !== undefined && event.responseId !== undefined) {
      itemOf(event.itemId).responseId ??= event.responseId;
    }
  }
  for (const span of spans) {
    const item = itemOf(span.itemId);
    item.spans.push(span);
    item.generatedMs = Math.max(item.generatedMs, span.partUntilMs);
  }
  return items;
}

/** When the session held the sound to find out whether it was interrupted. */
export function holds(events: readonly CallEvent[]): readonly Hold[] {
  const found: Hold[] = [];
  let fromMs: number | undefined;
  for (const event of events) {
    if (event.type === 'audio_paused' && event.how === 'pause') fromMs ??= event.info.timestamp;
    if (fromMs === undefined || (event.type !== 'audio_resumed' && event.type !== 'audio_interrupted')) continue;
    found.push({ fromMs, untilMs: event.info.timestamp });
    fromMs = undefined;
  }
  return found;
}

/**
 * The last report of a part tells its sound up to so much later than it was: the player's slot was not full, or its report waited for its turn. Whether
 * silence stood before that sound or after it nobody knows, and silence after the end is no gap.
 */
const LAST_REPORT_MS = 100;

function reportedSpans(played: readonly PlayedMark[]): SoundSpan[] {
  const parts = new Map<string, PlayedMark[]>();
  for (const mark of played) {
    const key = `${mark.contentIndex} ${mark.itemId}`;
    const marks = parts.get(key) ?? [];
    if (mark.heardMs > (marks.at(-1)?.heardMs ?? 0)) marks.push(mark);
    parts.set(key, marks);
  }
  return [...parts.values()].flatMap((marks) => {
    // How far sound lies behind a player without a pause; it can only grow.
    const lags = marks.map(({ atMs, heardMs }) => atMs - heardMs);
    const [last, lastButOne] = [lags.at(-1), lags.at(-2)];
    if (last !== undefined && lastButOne !== undefined && last > lastButOne && last - lastButOne <= LAST_REPORT_MS) lags[lags.length - 1] = lastButOne;
    for (let index = lags.length - 2; index >= 0; index -= 1) lags[index] = Math.min(lags[index] as number, lags[index + 1] as number);
    const spans: SoundSpan[] = [];
    marks.forEach(({ itemId, heardMs }, index) => {
      const lag = lags[index] as number;
      const partFromMs = marks[index - 1]?.heardMs ?? 0;
      add(spans, { itemId, fromMs: partFromMs + lag, untilMs: heardMs + lag, partFromMs, partUntilMs: heardMs });
    });
    return spans;
  });
}

function clockSpans(events: readonly CallEvent[]): SoundSpan[] {
  const done: SoundSpan[] = [];
  let spans: SoundSpan[] = [];
  const generated = new Map<string, number>();
  let playedOutMs = -Infinity;
  let heldMs: number | undefined;
  for (const event of events) {
    const nowMs = event.info.timestamp;
    if (event.type === 'audio') {
      const key = `${event.contentIndex} ${event.itemId}`;
      const partFromMs = generated.get(key) ?? 0;
      const lengthMs = bytesToMs(event.chunk.format, event.chunk.bytes.length);
      generated.set(key, partFromMs + lengthMs);
      const fromMs = Math.max(playedOutMs, heldMs ?? nowMs);
      playedOutMs = fromMs + lengthMs;
      add(spans, { itemId: event.itemId, fromMs, untilMs: playedOutMs, partFromMs, partUntilMs: partFromMs + lengthMs });
    } else if (event.type === 'audio_paused' && event.how === 'pause') {
      heldMs ??= nowMs;
    } else if (event.type === 'audio_resumed' && heldMs !== undefined) {
      const since = heldMs;
      const movedMs = nowMs - since;
      spans = spans.flatMap((span) => [...before(span, since), ...after(span, since).map((rest) => ({ ...rest, fromMs: rest.fromMs + movedMs, untilMs: rest.untilMs + movedMs }))]);
      playedOutMs = playedOutMs > since ? playedOutMs + movedMs : playedOutMs;
      heldMs = undefined;
    } else if (event.type === 'audio_interrupted') {
      const cutMs = heldMs ?? nowMs;
      done.push(...spans.flatMap((span) => before(span, cutMs)));
      spans = [];
      playedOutMs = nowMs;
      heldMs = undefined;
    }
  }
  // What would have been played after the last event was not: the call was over.
  const endMs = heldMs ?? events.at(-1)?.info.timestamp ?? 0;
  return [...done, ...spans.flatMap((span) => before(span, endMs))];
}

/** Adds a span to a list; one that goes on where the last one ends makes it longer. */
function add(spans: SoundSpan[], span: SoundSpan): void {
  const last = spans.at(-1);
  const goesOn = last !== undefined && last.itemId === span.itemId && Math.abs(last.untilMs - span.fromMs) < 0.01 && Math.abs(last.partUntilMs - span.partFromMs) < 0.01;
  if (goesOn) spans[spans.length - 1] = { ...last, untilMs: span.untilMs, partUntilMs: span.partUntilMs };
  else spans.push(span);
}

function before(span: SoundSpan, atMs: number): SoundSpan[] {
  if (span.untilMs <= atMs) return [span];
  return span.fromMs >= atMs ? [] : [{ ...span, untilMs: atMs, partUntilMs: span.partFromMs + (atMs - span.fromMs) }];
}

function after(span: SoundSpan, atMs: number): SoundSpan[] {
  if (span.fromMs >= atMs) return [span];
  return span.untilMs <= atMs ? [] : [{ ...span, fromMs: atMs, partFromMs: span.partFromMs + (atMs - span.fromMs) }];
}
