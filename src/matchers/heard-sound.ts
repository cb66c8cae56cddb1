import { HeardSound, PCM16_24K, bytesToMs, bytesToSamples, samplesToMs } from '../../audio/index.js';
import type { HeardRun } from '../../audio/index.js';
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

/** What was heard, and when: by the listener's reports where there are any, else by the clock; see `HeardSound`. */
export function heardSound({ events, played }: FinishedCall): ReadonlyMap<string, ItemSound> {
  const spans = (played.length > 0 ? reportedRuns(played) : clockRuns(events)).map(spanOf);
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

/** Samples in which a part's sound is counted, whose own rate the listener's marks do not tell. */
const PLAYED = PCM16_24K;

/** A listener's marks are all that is known: what it played of a part is what was sent of it. */
function reportedRuns(played: readonly PlayedMark[]): readonly HeardRun[] {
  const sound = new HeardSound(true);
  const parts = new Map<string, number>();
  const keyOf = ({ itemId, contentIndex }: PlayedMark): string => `${contentIndex} ${itemId}`;
  const samplesOf = ({ heardMs }: PlayedMark): number => Math.round((heardMs * PLAYED.sampleRate) / 1000);
  for (const mark of played) parts.set(keyOf(mark), Math.max(parts.get(keyOf(mark)) ?? 0, samplesOf(mark)));
  for (const mark of played) {
    const { itemId, contentIndex, atMs } = mark;
    const samples = parts.get(keyOf(mark));
    if (samples !== undefined) {
      sound.send({ responseId: '', itemId, contentIndex, format: PLAYED }, samples, atMs);
      sound.complete(itemId, contentIndex);
      parts.delete(keyOf(mark));
    }
    sound.report({ itemId, contentIndex, samples: samplesOf(mark) }, atMs);
  }
  return sound.runs(Infinity);
}

function clockRuns(events: readonly CallEvent[]): readonly HeardRun[] {
  const sound = new HeardSound(false);
  for (const event of events) {
    const nowMs = event.info.timestamp;
    if (event.type === 'audio') {
      const { responseId, itemId, contentIndex, chunk } = event;
      sound.send({ responseId, itemId, contentIndex, format: chunk.format }, bytesToSamples(chunk.format, chunk.bytes.length), nowMs);
    } else if (event.type === 'audio_paused' && event.how === 'pause') sound.pause(nowMs);
    else if (event.type === 'audio_resumed') sound.resume(nowMs);
    else if (event.type === 'audio_interrupted') sound.cut(nowMs);
  }
  // What would have been played after the last event was not: the call was over.
  return sound.runs(events.at(-1)?.info.timestamp ?? 0);
}

function spanOf({ entry, fromSample, toSample, fromMs, toMs }: HeardRun): SoundSpan {
  return { itemId: entry.itemId, fromMs, untilMs: toMs, partFromMs: samplesToMs(entry.format, fromSample), partUntilMs: samplesToMs(entry.format, toSample) };
}
